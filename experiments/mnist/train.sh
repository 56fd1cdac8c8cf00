#!/bin/sh
# Trains the models of models/ on static binarised MNIST. Validation picks the epoch that is kept; the test images are
# not read. One run after the other; what was stopped goes on, what is done is not repeated.
#
#   experiments/mnist/train.sh [OUT] [NAME...]      OUT: folder for the runs (default runs/mnist); NAMEs: some of
#                                                   diagonal diagonal-1 row cnn (default all)
#
# PIXELRNN names the program (default build/pixelrnn). Paths are relative to the root of the project.
set -eu
cd "$(dirname "$0")/../.."
program=${PIXELRNN:-build/pixelrnn}
out=${1:-runs/mnist}
[ $# -eq 0 ] || shift
data=data/mnist-binarized
mkdir -p "$out"

train() { # run, options...
    run=$1
    shift
    [ -f "$out/$run/done" ] && return
    "$program" train --data "$data/train-images-idx3-ubyte.gz" --valid "$data/valid-images-idx3-ubyte.gz" --levels 2 \
        --batch 16 --warmup 500 --seed 1 "$@" --resume --out "$out/$run"
    touch "$out/$run/done"
}

adam="--optimizer adam"
cosine="--schedule cosine --final-fraction"
long="--precision bf16 --clip 10 --ema 0.9995"
taught="--optimizer muon --clip 10 --ema 0.9995 --teacher models/mnist-diagonal.safetensors --teacher-weight"
# Where a run has several parts, each begins with the weights of the one before and raises the learning rate again.
[ $# -gt 0 ] || set -- diagonal diagonal-1 row cnn
for name in "$@"; do
    case $name in
    diagonal)
        train diagonal-begin --kind diagonal --layers 7 --hidden 16 --head 32 $adam --lr 3e-3 $cosine 0.01 --ema 0.999 \
            --epochs 12 --valid-limit 4000
        train diagonal-middle --init "$out/diagonal-begin/model.safetensors" $adam --lr 2.5e-3 $cosine 0.01 --ema 0.9995 --epochs 18
        train diagonal --init "$out/diagonal-middle/model.safetensors" --dropout 0.05 $adam $long --lr 3e-3 $cosine 0.005 \
            --epochs 26
        ;;
    diagonal-1)
        train diagonal-1-begin --kind diagonal --layers 1 --hidden 32 --head 32 $adam --lr 3e-3 $cosine 0.01 --ema 0.999 \
            --epochs 10
        train diagonal-1-middle --init "$out/diagonal-1-begin/model.safetensors" $adam --lr 3e-3 $cosine 0.01 \
            --ema 0.9995 --epochs 9
        train diagonal-1 --init "$out/diagonal-1-middle/model.safetensors" $adam $long --lr 4e-3 $cosine 0.005 --epochs 40
        ;;
    row)
        train row-begin --kind row --layers 12 --hidden 16 --head 32 --skip --dropout 0.05 $adam $long --lr 3e-3 \
            $cosine 0.005 --epochs 20
        train row-middle --init "$out/row-begin/model.safetensors" $taught 0.7 --lr 4e-3 $cosine 0.005 --epochs 9
        train row --init "$out/row-middle/model.safetensors" $taught 0.7 --lr 2.5e-3 $cosine 0.005 --epochs 4
        ;;
    cnn)
        train cnn-begin --kind cnn --layers 25 --hidden 32 --head 64 --dropout 0.05 $adam $long --lr 1.5e-3 --epochs 7
        train cnn-middle --init "$out/cnn-begin/model.safetensors" --dropout 0.05 $adam $long --lr 1.5e-3 $cosine 0.005 \
            --epochs 3
        train cnn --init "$out/cnn-middle/model.safetensors" $taught 1 --lr 2.5e-3 $cosine 0.005 --epochs 8
        ;;
    *) echo "no run is called $name" >&2 && exit 2 ;;
    esac
done
