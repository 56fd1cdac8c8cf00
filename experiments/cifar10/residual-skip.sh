#!/bin/bash
# Residual and skip connections, with and without, in a Row LSTM on CIFAR-10. The paper (table 2, 12 layers, validation):
# 3.22 neither, 3.09 skip, 3.07 residual, 3.06 both.
#
#   experiments/cifar10/residual-skip.sh CIFAR10-FOLDER [OUT]      SIZE=small: about 40 minutes on 2 cores
set -eu
cd "$(dirname "$0")/../.."
out=${2:-runs/cifar10-residual-skip}
. experiments/cifar10/common.sh

network="--kind row --layers $(scale 6 12) --hidden $(scale 48 128)"
[ "$size" = paper ] || training="$training --steps 2000"
run neither  $training $network --no-residual
run skip     $training $network --no-residual --skip
run residual $training $network
run both     $training $network --skip
table "neither|neither residual nor skip|3.22" "skip|skip|3.09" "residual|residual|3.07" "both|both|3.06"
curves neither skip residual both
