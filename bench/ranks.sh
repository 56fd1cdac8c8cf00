#!/usr/bin/env bash
# What an exchange between ranks costs: two processes of one thread against one of two threads, on this machine.
#   bench/ranks.sh PROGRAM DATA [LAUNCHER...]     default: mpirun --oversubscribe --bind-to none
# Prints images per second of both, a pair a line, and the median of their ratios, which should be 0.95 or more where nothing
# else runs. BATCH, STEPS, REPEATS and TRAIN (options of the network) change what is trained.
set -eu
[ $# -ge 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
program=$1 data=$2
shift 2
[ $# -gt 0 ] || set -- mpirun --oversubscribe --bind-to none
work=$(mktemp -d)
trap 'rm -rf "$work" "$work.log"' EXIT
# shellcheck disable=SC2206 # options are words
train=(train --data "$data" --quiet --steps "${STEPS:-60}" --batch "${BATCH:-16}" --log-every "${STEPS:-60}"
    ${TRAIN:---levels 2 --kind row --layers 7 --hidden 32 --head 32})

# The last line of the log: "images_per_second exchange_share".
speed() {
    tail -n 1 "$1/metrics.csv" | cut -d, -f7,8 --output-delimiter=' '
}

for ((i = 0; i < ${REPEATS:-5}; i++)); do
    rm -rf "${work:?}"/*
    "$program" "${train[@]}" --threads 2 --out "$work/threads" >/dev/null
    "$@" -n 2 "$program" "${train[@]}" --threads 1 --out "$work/ranks" >/dev/null 2>&1
    cmp "$work/threads/model.safetensors" "$work/ranks/model.safetensors"
    read -r one _ <<<"$(speed "$work/threads")"
    read -r two share <<<"$(speed "$work/ranks")"
    awk -v a="$one" -v b="$two" -v s="$share" \
        'BEGIN { printf "2 threads %.1f images/s, 2 ranks %.1f images/s: ratio %.3f, exchange %.1f %%\n", a, b, b / a, 100 * s }'
done | tee "$work.log"
sort -t: -k2 "$work.log" | sed -n 's/.*ratio \([0-9.]*\).*/\1/p' | sort -n | awk '{ r[NR] = $1 } END { printf "median ratio %.3f\n", (r[int((NR + 1) / 2)] + r[int(NR / 2) + 1]) / 2 }'
