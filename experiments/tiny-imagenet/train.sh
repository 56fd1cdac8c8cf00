#!/bin/bash
# Trains networks on Tiny ImageNet: its 64 x 64 images at one scale, every second pixel of every second row of them (32 x 32), and
# what those leave open (64 x 64 given 32 x 32), which with the second are a chain. Of 2,000 training images, at random, which are not
# trained on, 1,000 pick the epoch that is kept; val is not read. One run after the other; what was stopped goes on, what is done is not repeated.
#
#   experiments/tiny-imagenet/train.sh TRAIN [OUT] [NAME...]    TRAIN: the folder of the training images, JPEG; OUT: folder for
#                                                               the runs (default runs/tiny-imagenet); NAMEs: some of 32x32 64x64
#                                                               64x64-given-32x32 (default all)
#
# PIXELRNN names the program (default build/pixelrnn), PRECISION is fp32 (default) or bf16, EPOCHS (default 2) how long each trains.
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 TRAIN [OUT] [NAME...]" >&2 && exit 2; }
train=$1
out=${2:-runs/tiny-imagenet}
shift $(($# < 2 ? $# : 2))
. experiments/lib.sh

# The files of a folder are in the order of their names, which is that of the classes.
training="--channels 3 --shuffle-split 1 --valid-last 2000 --valid-limit 1000 --precision ${PRECISION:-fp32} --optimizer adam --batch 8
    --schedule cosine --final-fraction 0.01 --warmup 200 --ema 0.9995 --seed 1 --epochs ${EPOCHS:-2}"
[ $# -gt 0 ] || set -- 32x32 64x64 64x64-given-32x32
for name in "$@"; do
    case $name in
    # Weights do not depend on the size of the images: these begin with what knows CIFAR-10 already.
    32x32) network="--init models/cifar10-row.safetensors --lr 1e-3 --fit subsample --height 32 --width 32" ;;
    64x64) network="--init models/cifar10-row.safetensors --lr 1e-3" ;;
    64x64-given-32x32)
        network="--kind row --layers 4 --hidden 48 --head 96 --levels 256 --output logistics --components 10 --lr 2e-3
            --condition-size 32 --condition-features 48"
        ;;
    *) echo "no run is called $name" >&2 && exit 2 ;;
    esac
    # shellcheck disable=SC2086 # options are words
    run "$name" --data "$train" $training $network
done
