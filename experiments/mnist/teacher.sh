#!/bin/bash
# What a teacher is worth in as many steps: a Row LSTM, 16,000 images, towards targets of which none, half, 0.7 or all is what
# models/mnist-diagonal.safetensors expects; the lowest NLL of the first 4,000 validation images. The test images are not read.
#
#   experiments/mnist/teacher.sh [OUT]         OUT: folder for the runs (default runs/mnist-teacher)
#
# Writes OUT/table.md. Four runs of some minutes; one that is done is not repeated, one that was stopped goes on.
# PIXELRNN names the program (default build/pixelrnn), STEPS replaces the 1,000 steps.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-runs/mnist-teacher}
. experiments/lib.sh
data=data/mnist-binarized
training="--data $data/train-images-idx3-ubyte.gz --valid $data/valid-images-idx3-ubyte.gz --valid-limit 4000 --levels 2
    --kind row --layers 7 --hidden 16 --head 32 --skip --batch 16 --optimizer muon --lr 8e-3 --steps 1000 --warmup 100
    --schedule cosine --final-fraction 0.01 --clip 10 --ema 0.99 --seed 1 --quiet"

{
    echo "| part of a target that is the teacher's | validation, nats |"
    echo "|---|---|"
    for weight in 0 0.5 0.7 1; do
        teacher="--teacher models/mnist-diagonal.safetensors --teacher-weight $weight"
        [ $weight != 0 ] || teacher=
        # shellcheck disable=SC2086 # options are words
        run "$weight" $training $teacher >&2
        best "$weight" | awk -v weight=$weight '{ printf "| %s | %.2f |\n", weight, $1 }'
    done
} >"$out/table.new"
mv "$out/table.new" "$out/table.md"
cat "$out/table.md"
