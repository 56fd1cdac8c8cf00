#!/bin/bash
# The number of layers of a Row LSTM on CIFAR-10. The paper (table 3, validation): 3.30, 3.20, 3.17, 3.09 for 1, 2, 3, 6.
#
#   experiments/cifar10/depth.sh CIFAR10-FOLDER [OUT]      SIZE=small: about 30 minutes on 2 cores
set -eu
cd "$(dirname "$0")/../.."
out=${2:-runs/cifar10-depth}
. experiments/cifar10/common.sh

[ "$size" = paper ] || training="$training --steps 2000"
for layers in 1 2 3 6; do
    run "layers-$layers" $training --kind row --layers "$layers" --hidden "$(scale 48 128)"
done
table "layers-1|1 layer|3.30" "layers-2|2 layers|3.20" "layers-3|3 layers|3.17" "layers-6|6 layers|3.09"
curves layers-1 layers-2 layers-3 layers-6
