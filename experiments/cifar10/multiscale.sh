#!/bin/bash
# A chain of two models, 8x8 and 32x32 given 8x8, against one model of 32x32 images with the network of the large one: each
# of the three trains for as many steps (those of 8x8 images cost a sixteenth); joint likelihood of the first validation images, samples of both. The paper does so for 64x64 (figures 8, 10).
#
#   experiments/cifar10/multiscale.sh CIFAR10-FOLDER [OUT]
set -eu
cd "$(dirname "$0")/../.."
experiment=multiscale
. experiments/cifar10/common.sh

layers=$(scale 3 12) hidden=$(scale 48 128)
row="--kind row --layers $layers --hidden $hidden"
network "row-$layers" $row
network small         --kind diagonal --layers "$(scale 3 7)" --hidden "$hidden" --fit subsample --height 8 --width 8
network large         $row --condition-size 8 --condition-features "$hidden"

# The images that validate are the last 5,000: of nearly 50,000, wherever some are missing.
count=$("$program" show --data "$cifar" --shuffle --count 1 --out "$out/one.png" | awk 'NR == 1 { print $3 }')
# measure SEED NAME...: one model, or a chain: the mean, and its standard error over the images
measure() {
    local name models=()
    for name in "${@:2}"; do models+=("$out/$(of_seed "$name" "$1")/model.safetensors"); done
    "$program" eval "${models[@]}" --data "$cifar" --first $((count - 5000)) --limit "$(scale 1000 5000)" --quiet |
        awk 'NR == 1 { printf "%.3f ± %.3f\n", $1, $3 }'
}

# bits NAME...: that of one seed; of several their mean, and its standard error over them
bits() {
    local seed
    if [ ${#seeds[@]} -eq 1 ]; then
        measure "$first" "$@"
    else
        for seed in "${seeds[@]}"; do measure "$seed" "$@"; done | spread
    fi
}
one=$(of_seed "row-$layers" "$first") eight=$(of_seed small "$first") rest=$(of_seed large "$first")
{
    echo "| model | parameters | validation, bits/dim |"
    echo "|---|---|---|"
    echo "| 32x32 | $(parameters "$one") | $(bits "row-$layers") |"
    echo "| 8x8, then 32x32 given it | $(($(parameters "$eight") + $(parameters "$rest"))) | $(bits small large) |"
} > "$out/$experiment.md"
cat "$out/$experiment.md"
"$program" sample "$out/$one/model.safetensors" --count 24 --columns 6 --zoom 2 --seed 1 --out "$out/single.png"
"$program" sample "$out/$eight/model.safetensors" "$out/$rest/model.safetensors" --count 24 --columns 6 --zoom 2 \
    --seed 1 --out "$out/chain.png"
echo "$out/$experiment.md, $out/single.png, $out/chain.png"
