#!/bin/bash
# What more images, more features and more layers are worth: the Diagonal BiLSTM on static binarised MNIST. Validation
# images compare; the test images are not read.
#
#   experiments/mnist/scaling.sh [OUT] [PART...]     OUT: folder for the runs (default runs/mnist-scaling); PARTs: some of
#                                                    images width depth (default all)
#
#   images   a sixteenth, a quarter and all of the training images, each until validation no longer falls
#   width    8 to 64 features, trained for equally long
#   depth    1 to 8 layers, trained for equally long
#
# Writes OUT/PART.md and OUT/PART.svg. MINUTES (default 6) is how long networks of one width or depth train: as many steps
# as the speed of their first 40 gives, which OUT/NAME.steps keeps, so nothing else should be running. PRECISION is fp32
# (default) or bf16, THREADS those of a run (default 0: all). What was stopped goes on, what is done is not repeated. PIXELRNN
# names the program (default build/pixelrnn).
set -eu
cd "$(dirname "$0")/../.."
out=${1:-runs/mnist-scaling}
[ $# -eq 0 ] || shift
. experiments/lib.sh
data=data/mnist-binarized
batch=16
training="--data $data/train-images-idx3-ubyte.gz --valid $data/valid-images-idx3-ubyte.gz --valid-limit 4000
    --levels 2 --batch $batch --kind diagonal --head 32 --optimizer adam --lr 3e-3 --clip 10 --warmup 200 --ema 0.999 --seed 1
    --precision ${PRECISION:-fp32} --threads ${THREADS:-0}"

# steps_of NAME OPTIONS...: as many as MINUTES give, measured once
steps_of() {
    local name=$1
    shift
    if ! [ -f "$out/$name.steps" ]; then
        "$program" train $training "$@" --steps 40 --log-every 40 --quiet --out "$out/$name.speed" >/dev/null
        awk -F, -v minutes="${MINUTES:-6}" -v batch=$batch 'END { printf "%d\n", minutes * 60 * $7 / batch }' \
            "$out/$name.speed/metrics.csv" > "$out/$name.steps"
        rm -r "$out/$name.speed"
    fi
    cat "$out/$name.steps"
}

# equally_long NAME OPTIONS...: trains $out/NAME for MINUTES
equally_long() {
    local name=$1 steps
    shift
    steps=$(steps_of "$name" "$@")
    run "$name" $training "$@" --schedule cosine --final-fraction 0.01 --steps "$steps" --valid-every $((steps / 8 + 1))
}

# table PART HEADING ROW...: each "NAME|words"; to $out/PART.md, and the curves of the runs to $out/PART.svg
table() {
    local part=$1 heading=$2 rows=("${@:3}") name words runs=()
    {
        echo "| $heading | parameters | images seen | validation, nats |"
        echo "|---|---|---|---|"
        for row in "${rows[@]}"; do
            IFS='|' read -r name words <<<"$row"
            runs+=("$out/$name")
            printf '| %s | %s | %s | %.2f |\n' "$words" "$(parameters "$name")" "$(seen "$name")" "$(best "$name")"
        done
    } > "$out/$part.md"
    cat "$out/$part.md"
    "$program" curves "${runs[@]}" --x epoch --out "$out/$part.svg" >/dev/null
}

# Images that a run had seen at its lowest validation.
seen() {
    awk -F, -v batch=$batch 'NR > 1 && $6 != "" && (least == "" || $6 < least) { least = $6; at = $1 } END { print at * batch }' \
        "$out/$1/metrics.csv"
}

images() {
    local limit rows=()
    for limit in 3125 12500 50000; do
        run "images-$limit" $training --layers 4 --hidden 16 --limit "$limit" --steps 60000 --patience 3
        rows+=("images-$limit|$limit")
    done
    table images "training images" "${rows[@]}"
}

width() {
    local hidden rows=()
    for hidden in 8 16 32 64; do
        equally_long "4x$hidden" --layers 4 --hidden "$hidden"
        rows+=("4x$hidden|4 layers of $hidden")
    done
    table width network "${rows[@]}"
}

depth() {
    local layers rows=()
    for layers in 1 2 4 8; do
        equally_long "${layers}x16" --layers "$layers" --hidden 16
        rows+=("${layers}x16|$layers layers of 16")
    done
    table depth network "${rows[@]}"
}

[ $# -gt 0 ] || set -- images width depth
for part in "$@"; do
    case $part in
    images | width | depth) "$part" ;;
    *) echo "no part is called $part: images, width or depth" >&2 && exit 2 ;;
    esac
done
