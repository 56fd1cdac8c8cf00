#!/bin/bash
# From the runs of train.sh to what ships: models/cifar10-*.safetensors with a card each, and the logs in docs/curves. Reads
# the test images, once a model.
#
#   experiments/cifar10/ship.sh CIFAR10-FOLDER [OUT] [NAME...]      OUT: the folder of the runs (default runs/cifar10);
#                                                                   NAMEs: some of row row-96 8x8 32x32-given-8x8 (default all)
#
# PIXELRNN names the program (default build/pixelrnn). Paths are relative to the root of the project.
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 CIFAR10-FOLDER [OUT]" >&2 && exit 2; }
program=${PIXELRNN:-build/pixelrnn}
cifar=$1
out=${2:-runs/cifar10}
shift $(($# < 2 ? $# : 2))
. experiments/card.sh

# The images that validate are the last 5,000: of nearly 50,000, wherever some are missing.
fit="--fit subsample"
count() { "$program" show --data "$1" --shuffle --count 1 --out "$out/one.png" | awk 'NR == 1 { print $3 }'; }
trained=$(($(count "$cifar") - 5000)) tested=$(count "$cifar/test_batch.bin")

# bits SPLIT MODEL...
bits() {
    if [ "$1" = test ]; then nll bits_per_dim 3 "${@:2}" -- --data "$cifar/test_batch.bin" $fit
    else nll bits_per_dim 3 "${@:2}" -- --data "$cifar" --first "$trained" $fit; fi
}

ship() { # NAME TITLE WHAT MODEL...: what is measured, by the models that end with this one; `runs` made it
    name=$1 title=$2 what=$3
    shift 3
    card "cifar10-$name" "$title for CIFAR-10" "${precision}experiments/cifar10/train.sh CIFAR10-FOLDER runs/cifar10 $name" $runs <<ROWS
${begun}| data | CIFAR-10, binary version: $trained images to train on; of the last 5,000 training images the first 1,000 picked the epoch that was kept; $tested test images, read once for this version |
| validation NLL, all 5,000 | $(bits valid "$@") $what |
| **test NLL, all $tested** | **$(bits test "$@") $what** |
ROWS
}

model() { echo "$out/$1/model.safetensors"; }
[ $# -gt 0 ] || set -- row row-96 8x8 32x32-given-8x8
for name in "$@"; do
    precision="PRECISION=bf16 " begun="" seeds="" runs=$name
    case $name in
    row) ship row "Row LSTM, 6 layers of 48" "bits/dim (paper, 12 layers of 128: 3.07)" "$(model row)" ;;
    row-96)
        precision="" seeds="seeds 1, 1 and 2" runs="row-96-begin row-96-middle row-96"
        begun="| first weights | of [cifar10-row](cifar10-row.md), made wider by experiments/widen.py |"$'\n'
        begun+="| first run | stopped after 1,419 of its 4,000 steps, at a rate of 1.4e-3; train.sh has as many steps to that rate |"$'\n'
        ship row-96 "Row LSTM, 6 layers of 96" "bits/dim (paper, 12 layers of 128: 3.07)" "$(model row-96)"
        ;;
    8x8)
        ship 8x8 "Diagonal BiLSTM, 4 layers of 48 and every fourth pixel of every fourth row of images," "bits/dim" "$(model 8x8)"
        ;;
    32x32-given-8x8)
        ship 32x32-given-8x8 "Row LSTM, 4 layers of 48, conditional on images of 8x8," "bits/dim, with cifar10-8x8 before it" \
            "$(model 8x8)" "$(model 32x32-given-8x8)"
        ;;
    *) echo "no run is called $name" >&2 && exit 2 ;;
    esac
done
