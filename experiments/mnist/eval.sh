#!/bin/sh
# The paper's table for static binarised MNIST with the models of models/: certificate and test NLL of each, on all
# 10,000 test images. About a minute on 2 cores.
#
#   experiments/mnist/eval.sh [PROGRAM]            (default build/pixelrnn)
set -eu
cd "$(dirname "$0")/../.."
program=${1:-build/pixelrnn}
data=data/mnist-binarized/test-images-idx3-ubyte.gz

row() { # model, network, the paper's figure
    leaks="passed"
    "$program" check "models/$1.safetensors" --quiet >/dev/null || leaks="FAILED"
    # "79.6200 ± 0.2012 nats per image"
    nll=$("$program" eval "models/$1.safetensors" --data "$data" --quiet | awk 'NR == 1 { printf "%.2f ± %.2f", $1, $3 }')
    printf '| %-28s | %-15s | %-6s | %-11s |\n' "$2" "$nll" "$3" "$leaks"
}

printf '| %-28s | %-15s | %-6s | %-11s |\n' network "test, nats" paper certificate
echo '|------------------------------|-----------------|--------|-------------|'
row mnist-diagonal   "diagonal, 7 layers of 16" 79.20
row mnist-diagonal-1 "diagonal, 1 layer of 32"  80.75
row mnist-row        "row, 7 layers of 16"      80.54
row mnist-cnn        "cnn, 12 layers of 32"     81.30
