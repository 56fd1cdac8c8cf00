# shellcheck shell=bash
# What the experiments share. A bash script sets `out` and sources this from the root of the project:
#
#   run NAME OPTIONS...     trains $out/NAME; what was stopped goes on, what is done is not repeated
#   best NAME               its lowest validation NLL, as metrics.csv has it
#   scale SMALL PAPER       one of the two, by the size of the experiment
#
# PIXELRNN names the program (default build/pixelrnn). SIZE=small (default) is for a machine of 2 cores and tens of minutes,
# SIZE=paper for the networks of the paper and a large machine. STEPS replaces the
# steps or epochs of every run.
program=${PIXELRNN:-build/pixelrnn}
size=${SIZE:-small}
case $size in small | paper) ;; *) echo "SIZE is small or paper, not $size" >&2 && exit 2 ;; esac
[ -x "$program" ] || { echo "$program is not there: make builds it, or PIXELRNN names another" >&2 && exit 1; }
mkdir -p "$out"

run() {
    local name=$1 options=() command
    shift
    while [ $# -gt 0 ]; do
        case ${STEPS:+$1} in
        --epochs | --steps) shift 2 ;;
        *) options+=("$1") && shift ;;
        esac
    done
    [ -z "${STEPS:-}" ] || options+=(--steps "$STEPS")
    command="train ${options[*]}"
    if [ -f "$out/$name/done" ]; then
        [ "$(cat "$out/$name/done")" != "$command" ] || return 0
        echo "$out/$name is from another run ('$(cat "$out/$name/done")', not '$command'): remove it, or name another OUT" >&2
        exit 1
    fi
    echo "$name: $program $command --resume --out $out/$name"
    "$program" train "${options[@]}" --resume --out "$out/$name"
    echo "$command" > "$out/$name/done"
}

best() {
    awk -F, 'NR > 1 && $6 != "" && (least == "" || $6 < least) { least = $6 } END { print least }' "$out/$1/metrics.csv"
}

scale() {
    if [ "$size" = small ]; then echo "$1"; else echo "$2"; fi
}

parameters() {
    "$program" info "$out/$1/model.safetensors" | awk '$1 == "parameters" { print $5 }'
}
