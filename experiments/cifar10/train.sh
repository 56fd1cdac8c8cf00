#!/bin/bash
# Trains the models of models/ on CIFAR-10. The first 1,000 of the last 5,000 training images pick the epoch that is kept;
# the test images are not read. One run after the other; what was stopped goes on, what is done is not repeated.
#
#   experiments/cifar10/train.sh CIFAR10-FOLDER [OUT] [NAME...]     OUT: folder for the runs (default runs/cifar10); NAMEs:
#                                                                   some of row row-96 8x8 32x32-given-8x8 (default all)
#
# row-96 begins as the row network that ships, made wider by ../widen.py, which needs the Python package. Its runs were in fp32;
# the first one had the first 1,419 of 4,000 steps down to 0.01 of the rate, then was stopped: as many steps down to where it was.
# PIXELRNN names the program (default build/pixelrnn), PRECISION is fp32 (default) or bf16. Paths are relative to the root of the project.
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 CIFAR10-FOLDER [OUT] [NAME...]" >&2 && exit 2; }
cifar=$1
out=${2:-runs/cifar10}
shift $(($# < 2 ? $# : 2))
. experiments/lib.sh

training="--data $cifar --valid-last 5000 --valid-limit 1000 --levels 256 --output logistics --components 10
    --precision ${PRECISION:-fp32} --seed 1"
adam="--optimizer adam --lr 2e-3 --schedule cosine --final-fraction 0.01 --warmup 200
    --ema 0.9995"
[ $# -gt 0 ] || set -- row row-96 8x8 32x32-given-8x8
for name in "$@"; do
    case $name in
    row) run "$name" $training $adam --kind row --layers 6 --hidden 48 --head 96 --batch 8 --epochs 12 ;;
    row-96)
        [ -f "$out/wide.safetensors" ] ||
            PYTHONPATH=python PIXELRNN_LIBRARY=${PIXELRNN_LIBRARY:-build/libpixelrnn.so} experiments/widen.py models/cifar10-row.safetensors 96 192 "$out/wide.safetensors"
        muon="--optimizer muon --schedule cosine --clip 10 --batch 8"
        run "$name-begin" $training $muon --init "$out/wide.safetensors" --lr 2e-3 --warmup 200 --final-fraction 0.72 \
            --ema 0.999 --steps 1419 --valid-every 800
        run "$name-middle" $training $muon --init "$out/$name-begin/checkpoint.safetensors" --lr 1.4e-3 --warmup 50 \
            --final-fraction 0.01 --ema 0.995 --steps 1250 --valid-every 625
        run "$name" ${training/--seed 1/--seed 2} $muon --init "$out/$name-middle" --lr 2e-3 --warmup 200 \
            --final-fraction 0.01 --ema 0.999 --steps 7500 --valid-every 1500
        ;;
    8x8)
        run "$name" $training $adam --kind diagonal --layers 4 --hidden 48 --head 96 --batch 16 --epochs 5 \
            --fit subsample --height 8 --width 8
        ;;
    32x32-given-8x8)
        run "$name" $training $adam --kind row --layers 4 --hidden 48 --head 96 --batch 8 --epochs 2 \
            --condition-size 8 --condition-features 48
        ;;
    *) echo "no run is called $name" >&2 && exit 2 ;;
    esac
done
