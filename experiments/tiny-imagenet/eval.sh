#!/bin/bash
# What the networks of train.sh reach on the validation images of Tiny ImageNet, which nothing was picked by: bits per dimension, samples
# and completions.
#
#   experiments/tiny-imagenet/eval.sh VAL [OUT]     VAL: the folder of those images; OUT: that of the runs
#                                                   (default runs/tiny-imagenet)
#
# Writes OUT/table.md, and pictures into OUT. PIXELRNN names the program (default build/pixelrnn), LIMIT how many images are evaluated
# (default 0: all).
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 VAL [OUT]" >&2 && exit 2; }
val=$1
out=${2:-runs/tiny-imagenet}
. experiments/lib.sh
one=$out/64x64/model.safetensors
chain=("$out/32x32/model.safetensors" "$out/64x64-given-32x32/model.safetensors")

# bits FIT MODEL...: mean and standard error. Some images are grey: with a --fit they are made like the others.
bits() {
    "$program" eval "${@:2}" --data "$val" --fit "$1" --limit "${LIMIT:-0}" --quiet | awk 'NR == 1 { printf "%.3f ± %.3f", $1, $3 }'
}

# samples NAME MODEL...
samples() {
    "$program" sample "${@:2}" --count 24 --columns 8 --seed 1 --zoom 2 --out "$out/$1.png"
}

{
    echo "| images | network | parameters | bits/dim |"
    echo "|---|---|---|---|"
    echo "| 64 x 64 | one scale | $(parameters 64x64) | $(bits crop "$one") |"
    echo "| 64 x 64 | 32 x 32, then 64 x 64 given it | $(($(parameters 32x32) + $(parameters 64x64-given-32x32))) | $(bits crop "${chain[@]}") |"
    echo "| 32 x 32, every second pixel | one scale | $(parameters 32x32) | $(bits subsample "${chain[0]}") |"
} >"$out/table.md"
cat "$out/table.md"
samples samples "$one"
samples samples-chain "${chain[@]}"
samples samples-32x32 "${chain[0]}"
"$program" complete "$one" --data "$val" --fit crop --known-rows 32 --count 6 --samples 6 --zoom 2 --out "$out/completions.png" --quiet
"$program" upscale "${chain[1]}" --data "$val" --fit subsample --count 6 --samples 6 --zoom 2 --out "$out/upscaled.png" \
    --quiet
"$program" curves "$out"/{64x64,32x32,64x64-given-32x32} --out "$out/curves.svg" >/dev/null
