#!/bin/bash
# From the runs of train.sh to what ships: models/photos-*.safetensors with a card each, and the logs in docs/curves. Reads the
# test images of CIFAR-10 once a model.
#
#   experiments/photos/ship.sh SMALL-VALID CIFAR10-FOLDER [OUT]       as train.sh has them
#
# PIXELRNN names the program (default build/pixelrnn). Paths are relative to the root of the project.
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 2 ] || { echo "usage: $0 SMALL-VALID CIFAR10-FOLDER [OUT]" >&2 && exit 2; }
program=${PIXELRNN:-build/pixelrnn}
small=$1 cifar=$2
out=${3:-runs/photos}
. experiments/card.sh

for run in colour grey; do
    model=$out/$run/model.safetensors
    case $run in
    colour) title="Row LSTM, 6 layers of 48" ;;
    grey) title="Row LSTM, 5 layers of 32" ;; # of pictures in colour it gets the luma, as its crops are
    esac
    card "photos-$run" "$title for photographs, in $run" \
        "PRECISION=bf16 experiments/photos/train.sh PHOTOS SMALL SMALL-VALID CIFAR10-FOLDER runs/photos $run" "$run" <<ROWS
| data | crops of 32 x 32: 27,000 of 27 photographs of Debian's packages mate-backgrounds (nature) and lomiri-wallpapers-16.04, made 1, 2 or 4 times smaller; 30,000 of Tiny ImageNet's training images; 44,927 training images of CIFAR-10 |
| validation | 1,000 of CIFAR-10's last 5,000 training images, 1,000 crops of Tiny ImageNet's validation images |
| **test NLL, CIFAR-10, all 9,980** | **$(nll bits_per_dim 3 "$model" -- --data "$cifar/test_batch.bin" --fit crop) bits/dim** |
| NLL of 8,000 other validation images of Tiny ImageNet, 64 x 64 | $(nll bits_per_dim 3 "$model" -- --data "$small" --first 2000 --size 64x64 --fit crop) bits/dim |
ROWS
done
