#!/bin/bash
# Trains the models of photographs of models/, in colour and in grey, on crops of 32 x 32 of three sets of pictures; 2,000
# crops of others validate. One run after the other; what was stopped goes on, what is done is not repeated.
#
#   experiments/photos/train.sh PHOTOS SMALL SMALL-VALID CIFAR10-FOLDER [OUT] [NAME...]
#
# PHOTOS: a folder of photographs as cameras make them. SMALL and SMALL-VALID: folders of small ones (Tiny ImageNet's train and
# val, 64 x 64). OUT: folder for the crops and the runs (default runs/photos); NAMEs: some of colour grey (default all).
# PIXELRNN names the program (default build/pixelrnn), PYTHON a Python with numpy and Pillow (default python3), PRECISION is
# fp32 (default) or bf16. Paths are relative to the root of the project.
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 4 ] || { echo "usage: $0 PHOTOS SMALL SMALL-VALID CIFAR10-FOLDER [OUT] [NAME...]" >&2 && exit 2; }
photos=$1 small=$2 small_valid=$3 cifar=$4
out=${5:-runs/photos}
shift $(($# < 5 ? $# : 5))
. experiments/lib.sh
crop="${PYTHON:-python3} experiments/photos/crops.py"

# As in experiments/cifar10: the last 5,000 training images, of which there may be some fewer than 50,000, are for validation.
if [ ! -f "$out/cifar-valid.npy" ]; then
    count=$("$program" show --data "$cifar" --shuffle --count 1 --out "$out/one.png" | awk 'NR == 1 { print $3 }')
    "$program" convert --data "$cifar" --limit $((count - 5000)) --out "$out/cifar.npy" --quiet
    "$program" convert --data "$cifar" --first $((count - 5000)) --limit 1000 --out "$out/cifar-valid.npy" --quiet
fi

training="--valid-limit 2000 --precision ${PRECISION:-fp32} --optimizer adam --batch 8
    --schedule cosine --final-fraction 0.01 --warmup 200 --ema 0.9995 --seed 1"
[ $# -gt 0 ] || set -- colour grey
for name in "$@"; do
    case $name in
    # Begins with what knows CIFAR-10 already.
    colour) kind="" network="--init models/cifar10-row.safetensors --lr 1e-3 --epochs 2.5" ;;
    grey)
        kind=--grey
        network="--kind row --layers 5 --hidden 32 --head 64 --levels 256 --output logistics --components 10 --lr 3e-3 --epochs 3"
        ;;
    *) echo "no run is called $name" >&2 && exit 2 ;;
    esac
    if [ ! -f "$out/$name-valid.npy" ]; then
        $crop "$out/$name.npy" $kind "$photos:1000:1:4" "$small:1" "$out/cifar.npy:1"
        $crop "$out/$name-valid.npy" $kind --seed 2 "$out/cifar-valid.npy:1" "$small_valid:1"
    fi
    # shellcheck disable=SC2086 # options are words
    run "$name" --data "$out/$name.npy" --valid "$out/$name-valid.npy" $network $training
done
