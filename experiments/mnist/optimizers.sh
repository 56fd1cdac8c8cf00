#!/bin/bash
# What an optimizer brings in as many steps: three kinds of networks, 16,000 images each, with RMSProp, Adam and Muon at some learning rates;
# the lowest NLL of the first 4,000 validation images. The test images are not read.
#
#   experiments/mnist/optimizers.sh [OUT]         OUT: folder for the runs (default runs/mnist-optimizers)
#
# Writes OUT/table.md. 27 runs of about a minute on 2 cores; one that is done is not repeated, one that was stopped goes on.
# PIXELRNN names the program (default build/pixelrnn), PRECISION is fp32 (default) or bf16, STEPS replaces the 1,000 steps.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-runs/mnist-optimizers}
. experiments/lib.sh
data=data/mnist-binarized
training="--data $data/train-images-idx3-ubyte.gz --valid $data/valid-images-idx3-ubyte.gz --valid-limit 4000 --levels 2 --batch 16
    --steps 1000 --warmup 100 --schedule cosine --final-fraction 0.01 --clip 10 --ema 0.99 --seed 1 --precision ${PRECISION:-fp32} --quiet"
kinds=(row diagonal cnn)
declare -A network=([row]="--layers 7 --hidden 16 --head 32 --skip" [diagonal]="--layers 4 --hidden 16 --head 32"
    [cnn]="--layers 12 --hidden 32 --head 64")
rates() {
    case $1 in
    rmsprop) echo 2e-3 4e-3 8e-3 ;;
    adam | muon) echo 4e-3 8e-3 1.6e-2 ;;
    esac
}

{
    echo "| optimizer | rate | row | diagonal | cnn |"
    echo "|---|---|---|---|---|"
    for optimizer in rmsprop adam muon; do
        for rate in $(rates $optimizer); do
            line="| $optimizer | $rate |"
            for kind in "${kinds[@]}"; do
                name=$kind-$optimizer-$rate
                # shellcheck disable=SC2086 # options are words
                run "$name" $training --kind "$kind" ${network[$kind]} --optimizer "$optimizer" --lr "$rate" >&2
                line+=" $(best "$name" | awk '{ printf "%.2f", $1 }') |"
            done
            echo "$line"
        done
    done
} >"$out/table.new"
mv "$out/table.new" "$out/table.md"
cat "$out/table.md"
