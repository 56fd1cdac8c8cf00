#!/bin/bash
# The softmax over 256 levels against a continuous output: a mixture of 10 logistic distributions, integrated over the bin
# of each level, so that both are bits per dimension of the same distribution. The paper (section 5.3, validation): 3.06
# softmax, 3.22 a mixture of Gaussians.
#
#   experiments/cifar10/output.sh CIFAR10-FOLDER [OUT]      SIZE=small: about 20 minutes on 2 cores
set -eu
cd "$(dirname "$0")/../.."
out=${2:-runs/cifar10-output}
. experiments/cifar10/common.sh

network="--kind row --layers $(scale 3 12) --hidden $(scale 48 128)"
run softmax   $training $network
run logistics $training $network --output logistics --components 10
table "softmax|softmax|3.06" "logistics|10 logistics|3.22"
curves softmax logistics
