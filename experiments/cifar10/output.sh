#!/bin/bash
# The softmax over 256 levels against a continuous output: a mixture of 10 logistic distributions, integrated over the bin
# of each level, so that both are bits per dimension of the same distribution. The paper (section 5.3, validation): 3.06
# softmax, 3.22 a mixture of Gaussians.
#
#   experiments/cifar10/output.sh CIFAR10-FOLDER [OUT]
set -eu
cd "$(dirname "$0")/../.."
experiment=output
. experiments/cifar10/common.sh

layers=$(scale 3 12)
row="--kind row --layers $layers --hidden $(scale 48 128)"
network "row-$layers"           $row
network "row-$layers-logistics" $row --output logistics --components 10
table "row-$layers|softmax|3.06" "row-$layers-logistics|10 logistics|3.22"
curves "row-$layers" "row-$layers-logistics"
