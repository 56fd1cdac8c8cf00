#!/bin/bash
# A chain of two models, 8x8 and 32x32 given 8x8, against one model of 32x32 images, with the same network and as many
# steps; joint likelihood of the first validation images, samples of both. The paper does so for 64x64 (figures 8, 10).
#
#   experiments/cifar10/multiscale.sh CIFAR10-FOLDER [OUT]      SIZE=small: about 20 minutes on 2 cores
set -eu
cd "$(dirname "$0")/../.."
out=${2:-runs/cifar10-multiscale}
. experiments/cifar10/common.sh

network="--kind row --layers $(scale 3 12) --hidden $(scale 48 128)"
run single $training $network
run small  $training --kind diagonal --layers "$(scale 3 7)" --hidden "$(scale 48 128)" --fit subsample --height 8 --width 8
run large  $training $network --condition-size 8 --condition-features "$(scale 48 128)"

# The images that validate are the last 5,000: of nearly 50,000, wherever some are missing.
count=$("$program" eval "$out/small/model.safetensors" --data "$cifar" --fit subsample --limit 0 --json --quiet |
    awk -F'[:,]' '/"images"/ { print $2 + 0 }')
bits() {
    "$program" eval "$@" --data "$cifar" --first $((count - 5000)) --limit "$(scale 1000 5000)" --quiet |
        awk 'NR == 1 { print $1, $2, $3 }'
}
{
    echo "| model | parameters | validation, bits/dim |"
    echo "|---|---|---|"
    echo "| 32x32 | $(parameters single) | $(bits "$out/single/model.safetensors") |"
    echo "| 8x8, then 32x32 given it | $(($(parameters small) + $(parameters large))) |" \
        "$(bits "$out/small/model.safetensors" "$out/large/model.safetensors") |"
} > "$out/table.md"
cat "$out/table.md"
"$program" sample "$out/single/model.safetensors" --count 64 --seed 1 --out "$out/single.png"
"$program" sample "$out/small/model.safetensors" "$out/large/model.safetensors" --count 64 --seed 1 --out "$out/chain.png"
curves single large
