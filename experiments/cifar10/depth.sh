#!/bin/bash
# The number of layers of a Row LSTM on CIFAR-10. The paper (table 3, validation): 3.30, 3.20, 3.17, 3.09 for 1, 2, 3, 6.
#
#   experiments/cifar10/depth.sh CIFAR10-FOLDER [OUT]
set -eu
cd "$(dirname "$0")/../.."
experiment=depth
. experiments/cifar10/common.sh

for layers in 1 2 3 6; do
    network "row-$layers" --kind row --layers "$layers" --hidden "$(scale 48 128)"
done
table "row-1|1 layer|3.30" "row-2|2 layers|3.20" "row-3|3 layers|3.17" "row-6|6 layers|3.09"
curves row-1 row-2 row-3 row-6
