#!/bin/bash
# From the runs of train.sh to what ships: models/mnist-*.safetensors with a card each, and the logs in docs/curves. Reads
# the test images, once a model.
#
#   experiments/mnist/ship.sh [OUT] [NAME...]     OUT: the folder of the runs (default runs/mnist); NAMEs: some of
#                                                 diagonal diagonal-1 row cnn (default all)
#
# PIXELRNN names the program (default build/pixelrnn). Paths are relative to the root of the project.
set -eu
cd "$(dirname "$0")/../.."
program=${PIXELRNN:-build/pixelrnn}
out=${1:-runs/mnist}
[ $# -eq 0 ] || shift
data=data/mnist-binarized
. experiments/card.sh

ship() { # NAME TITLE PAPER RUN...: the runs of train.sh NAME; `taught` says which of them had a teacher, and how much of it
    local name=$1 title=$2 paper=$3 file=$out/${!#}/model.safetensors
    shift 3
    local teacher=${taught:+"| teacher | of $taught of each target is what [mnist-diagonal](mnist-diagonal.md) expects |"$'\n'}
    card "mnist-$name" "$title for static binarised MNIST" "experiments/mnist/train.sh runs/mnist $name" "$@" <<ROWS
$teacher| data | [data/mnist-binarized](../data/README.md): 50,000 images to train on; 10,000 validation images picked learning rate, length and the epoch that was kept; 10,000 test images, read once for this version |
| validation NLL, all 10,000 | $(nll nats 2 "$file" -- --data $data/valid-images-idx3-ubyte.gz) nats |
| **test NLL, all 10,000** | **$(nll nats 2 "$file" -- --data $data/test-images-idx3-ubyte.gz) nats** (paper: $paper) |
ROWS
}

[ $# -gt 0 ] || set -- diagonal diagonal-1 row cnn
for name in "$@"; do
    case $name in
    diagonal) ship "$name" "Diagonal BiLSTM, 7 layers of 16" 79.20 diagonal-begin diagonal-middle diagonal ;;
    diagonal-1) ship "$name" "Diagonal BiLSTM, 1 layer of 32" 80.75 diagonal-1-begin diagonal-1-middle diagonal-1 ;;
    row) taught="the last two runs 0.7" ship "$name" "Row LSTM, 12 layers of 16" 80.54 row-begin row-middle row ;;
    cnn) taught="the last run all" ship "$name" "PixelCNN, 25 layers of 32" 81.30 cnn-begin cnn-middle cnn ;;
    *) echo "no run is called $name" >&2 && exit 2 ;;
    esac
done
