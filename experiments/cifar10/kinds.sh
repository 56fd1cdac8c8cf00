#!/bin/bash
# Row LSTM, Diagonal BiLSTM and PixelCNN with about as many parameters, on CIFAR-10. The paper (table 4, networks that are
# not of one size): 3.00 diagonal, 3.07 row, 3.14 cnn, test.
#
#   experiments/cifar10/kinds.sh CIFAR10-FOLDER [OUT]      SIZE=small: about 30 minutes on 2 cores
set -eu
cd "$(dirname "$0")/../.."
out=${2:-runs/cifar10-kinds}
. experiments/cifar10/common.sh

layers=$(scale 3 12) hidden=$(scale 48 128) wide=$(scale 96 256)
run diagonal $training --kind diagonal --layers "$layers" --hidden "$hidden"
run row      $training --kind row      --layers "$layers" --hidden "$hidden"
run cnn      $training --kind cnn      --layers "$layers" --hidden "$wide"
table "diagonal|diagonal, $layers layers of $hidden|3.00" "row|row, $layers layers of $hidden|3.07" \
    "cnn|cnn, $layers layers of $wide|3.14"
curves diagonal row cnn
