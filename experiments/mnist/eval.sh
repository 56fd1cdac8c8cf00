#!/bin/bash
# The paper's table for static binarised MNIST with the models of models/: certificate and test NLL of each, on all
# 10,000 test images. About a minute on 2 cores.
#
#   experiments/mnist/eval.sh [PROGRAM]      default build/pixelrnn, relative to the root of the project
set -eu
cd "$(dirname "$0")/../.."
program=${1:-build/pixelrnn}
test=data/mnist-binarized/test-images-idx3-ubyte.gz
failed=0

row() { # name, network, the paper's figure
    model=models/mnist-$1.safetensors
    [ -f "$model" ] || { echo "$model is missing; experiments/mnist/train.sh trains it, ship.sh puts it there" >&2 && exit 1; }
    certificate=passed
    "$program" check "$model" --quiet >/dev/null || { certificate=FAILED && failed=1; }
    text=$("$program" eval "$model" --data "$test" --quiet)
    nll=$(awk 'NR == 1 { printf "%.2f ± %.2f", $1, $3 }' <<<"$text")
    printf '| %-25s | %-13s | %-11s | %-11s |\n' "$2" "$nll" "$3" "$certificate"
}

echo '| static binarised MNIST    | test, nats    | paper, nats | certificate |'
echo '|---------------------------|---------------|-------------|-------------|'
row diagonal   "diagonal, 7 layers of 16" 79.20
row diagonal-1 "diagonal, 1 layer of 32"  80.75
row row        "row, 12 layers of 16"     80.54
row cnn        "cnn, 25 layers of 32"     81.30
exit $failed
