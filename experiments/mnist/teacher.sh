#!/bin/bash
# What a teacher is worth in as many steps: two networks, 16,000 images each, towards targets of which none, half, 0.7 or all is what
# models/mnist-diagonal.safetensors expects; the lowest NLL of the first 4,000 validation images. The test images are not read.
#
#   experiments/mnist/teacher.sh [OUT]         OUT: folder for the runs (default runs/mnist-teacher)
#
# Writes OUT/table.md. 8 runs of some minutes on one core; one that is done is not repeated, one that was stopped goes on.
# PIXELRNN names the program (default build/pixelrnn), STEPS replaces the 1,000 steps.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-runs/mnist-teacher}
. experiments/lib.sh
data=data/mnist-binarized
training="--data $data/train-images-idx3-ubyte.gz --valid $data/valid-images-idx3-ubyte.gz --valid-limit 4000 --levels 2 --batch 16
    --optimizer muon --steps 1000 --warmup 100 --schedule cosine --final-fraction 0.01 --clip 10 --ema 0.99 --seed 1 --quiet"
kinds=(row cnn)
declare -A network=([row]="--layers 7 --hidden 16 --head 32 --skip --lr 8e-3" [cnn]="--layers 12 --hidden 32 --head 64 --lr 4e-3")

{
    echo "| part of a target that is the teacher's | row | cnn |"
    echo "|---|---|---|"
    for weight in 0 0.5 0.7 1; do
        line="| $weight |"
        teacher=
        [ $weight = 0 ] || teacher="--teacher models/mnist-diagonal.safetensors --teacher-weight $weight"
        for kind in "${kinds[@]}"; do
            # shellcheck disable=SC2086 # options are words
            run "$kind-$weight" $training --kind "$kind" ${network[$kind]} $teacher >&2
            line+=" $(best "$kind-$weight" | awk '{ printf "%.2f", $1 }') |"
        done
        echo "$line"
    done
} >"$out/table.new"
mv "$out/table.new" "$out/table.md"
cat "$out/table.md"
