#!/bin/sh
# Trains the models that models/ ships, on static binarised MNIST: validation picks the epoch that is kept, the test
# images are not read. One after the other; what was stopped goes on, what is done is not repeated.
#
#   experiments/mnist/train.sh [OUT] [NAME...]      OUT: folder for the runs (default runs/mnist); NAMEs: some of
#                                                   diagonal diagonal-1 row cnn (default all)
#
# PIXELRNN names the program (default build/pixelrnn).
set -eu
cd "$(dirname "$0")/../.."
program=${PIXELRNN:-build/pixelrnn}
out=${1:-runs/mnist}
[ $# -eq 0 ] || shift
data=data/mnist-binarized
mkdir -p "$out"

train() { # name, options...
    name=$1
    shift
    [ -f "$out/$name/done" ] && return
    "$program" train --data "$data/train-images-idx3-ubyte.gz" --valid "$data/valid-images-idx3-ubyte.gz" --levels 2 \
        --batch 16 --optimizer adam --schedule cosine --final-fraction 0.01 --warmup 500 --ema 0.999 --seed 1 "$@" \
        --resume --out "$out/$name"
    touch "$out/$name/done"
}

for name in ${*:-diagonal diagonal-1 row cnn}; do
    case $name in
    diagonal) train "$name" --kind diagonal --layers 7 --hidden 16 --head 32 --lr 8e-3 --epochs 24 --valid-every 6250 ;;
    diagonal-1) train "$name" --kind diagonal --layers 1 --hidden 32 --head 32 --lr 8e-3 --epochs 14 --valid-every 6250 ;;
    row) train "$name" --kind row --layers 5 --hidden 32 --head 32 --lr 8e-3 --epochs 8 --valid-every 6250 ;;
    cnn) train "$name" --kind cnn --layers 12 --hidden 32 --head 32 --lr 4e-3 --epochs 10 --valid-every 6250 ;;
    *) echo "no run is called $name" >&2 && exit 2 ;;
    esac
done
