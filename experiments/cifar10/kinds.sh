#!/bin/bash
# Row LSTM, Diagonal BiLSTM and PixelCNN with about as many parameters, on CIFAR-10. The paper (table 4, networks that are
# not of one size): 3.00 diagonal, 3.07 row, 3.14 cnn, test.
#
#   experiments/cifar10/kinds.sh CIFAR10-FOLDER [OUT]
set -eu
cd "$(dirname "$0")/../.."
experiment=kinds
. experiments/cifar10/common.sh

layers=$(scale 3 12) hidden=$(scale 48 128) wide=$(scale 96 256)
network "diagonal-$layers" --kind diagonal --layers "$layers" --hidden "$hidden"
network "row-$layers"      --kind row      --layers "$layers" --hidden "$hidden"
network "cnn-$layers"      --kind cnn      --layers "$layers" --hidden "$wide"
table "diagonal-$layers|diagonal, $layers layers of $hidden|3.00" "row-$layers|row, $layers layers of $hidden|3.07" \
    "cnn-$layers|cnn, $layers layers of $wide|3.14"
curves "diagonal-$layers" "row-$layers" "cnn-$layers"
