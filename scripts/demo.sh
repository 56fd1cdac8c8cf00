#!/usr/bin/env bash
# A small model of handwritten digits from nothing: trained, measured, sampled, and used to complete
# digits of which it sees the upper half. Everything lands in demo/.
#   scripts/demo.sh [PROGRAM]     DEMO_STEPS=N changes how long it trains
set -eu
cd "$(dirname "$0")/.."
program=${1:-build/pixelrnn}
steps=${DEMO_STEPS:-5000}
data=data/mnist-binarized
valid=$data/valid-images-idx3-ubyte.gz
test=$data/test-images-idx3-ubyte.gz

step() {
    printf '\n%s\n' "$1"
    shift
    printf '  $ %s\n' "$*"
    "$@"
}

rm -rf demo
step "Training a Diagonal BiLSTM on 50,000 binary digits, $steps steps of 16 images:" \
    "$program" train --data $data/train-images-idx3-ubyte.gz --valid $valid \
    --kind diagonal --layers 2 --hidden 16 --head 32 --levels 2 --batch 16 --steps "$steps" --lr 0.008 \
    --optimizer muon --schedule cosine --final-fraction 0.01 --seed 1 --valid-limit 2000 --out demo
step "How likely are test digits that it has not seen?" \
    "$program" eval demo/model.safetensors --data $test
step "64 new digits:" \
    "$program" sample demo/model.safetensors --count 64 --seed 1 --out demo/samples.png
# The test file is sorted by digit, so its first images are all zeros: these are from the validation file.
step "The lower half of 8 digits that it was not trained on, 6 times each:" \
    "$program" complete demo/model.safetensors --data $valid --known-rows 14 --count 8 --samples 6 \
    --out demo/completions.png

cat <<TEXT

Look at
  demo/samples.png          digits that the model made up
  demo/completions.png      each row: one digit's upper half, completed in 6 ways
  demo/metrics.csv          how the training went
  demo/model.safetensors    the model
TEXT
