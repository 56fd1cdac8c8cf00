#!/bin/bash
# Residual and skip connections, with and without, in a Row LSTM on CIFAR-10. The paper (table 2, 12 layers, validation):
# 3.22 neither, 3.09 skip, 3.07 residual, 3.06 both.
#
#   experiments/cifar10/residual-skip.sh CIFAR10-FOLDER [OUT]
set -eu
cd "$(dirname "$0")/../.."
experiment=residual-skip
. experiments/cifar10/common.sh

layers=$(scale 6 12)
row="--kind row --layers $layers --hidden $(scale 48 128)"
network "row-$layers-neither" $row --no-residual
network "row-$layers-skip"    $row --no-residual --skip
network "row-$layers"         $row
network "row-$layers-both"    $row --skip
table "row-$layers-neither|neither residual nor skip|3.22" "row-$layers-skip|skip|3.09" \
    "row-$layers|residual|3.07" "row-$layers-both|both|3.06"
curves "row-$layers-neither" "row-$layers-skip" "row-$layers" "row-$layers-both"
