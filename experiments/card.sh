# shellcheck shell=bash
# From runs to the models that ship, with a card each. Sourced from the root of the project after `program` and `out`, the
# folder of the runs, are set:
#
#   nll KEY DIGITS MODEL... -- OPTIONS...   "mean ± standard error" that eval has as KEY: nats or bits_per_dim
#   card NAME TITLE MADE RUN...             models/NAME.safetensors, the model of the last RUN; its card models/NAME.md, with
#                                           the rows of the table that stdin has; the logs of the RUNs, docs/curves/SET-RUN.csv
#
# `seeds` are those of the runs, if not "seed 1". COMMIT names the one that trained (default the present one), WHERE says on
# what (default "on 2 cores, beside other work"); of a RUN on something else its file OUT/RUN/where does.
json() { awk -F'[:,]' -v key="\"$2\"" '{ gsub(/ /, "", $1) } $1 == key { print $2 + 0 }' <<<"$1"; }

nll() {
    local key=$1 digits=$2 text models=()
    shift 2
    while [ "$1" != -- ]; do models+=("$1") && shift; done
    shift
    text=$("$program" eval "${models[@]}" "$@" --json --quiet)
    printf "%.${digits}f ± %.${digits}f" "$(json "$text" "$key")" "$(json "$text" "${key}_stderr")"
}

card() {
    local name=$1 title=$2 made=$3 model=models/$1.safetensors run where
    shift 3
    for run in "$@"; do
        cp "$out/$run/model.safetensors" "$model"
        cp "$out/$run/metrics.csv" "docs/curves/${name%%-*}-$run.csv"
    done
    {
        echo "# $name.safetensors"
        echo
        echo "$title, one of the networks of *Pixel Recurrent Neural Networks*."
        echo
        echo "| | |"
        echo "|---|---|"
        "$program" info "$model" | sed -n -E 's/^(kind|image|network|output|condition|parameters) +(.*)$/| \1 | \2 |/p'
        for run in "$@"; do
            where=${WHERE:-on 2 cores, beside other work}
            [ ! -f "$out/$run/where" ] || where=$(cat "$out/$run/where")
            awk -F, -v run="$run" -v where="$where" 'NR > 1 && $6 != "" && (least == "" || $6 < least) { least = $6; at = $2 }
                NR > 1 { epoch = $2; seconds = $3 }
                END { printf "| run `%s` | %g epochs, lowest validation after %g; %.0f minutes %s |\n",
                      run, epoch, at, seconds / 60, where }' "$out/$run/metrics.csv"
        done
        cat
        echo "| date, commit | $(date +%Y-%m-%d), ${COMMIT:-$(git rev-parse --short HEAD)} |"
        echo
        echo "Made by \`$made\`, which has every setting; ${seeds:-seed 1}."
        echo
        echo "Certificate (\`pixelrnn check $model\`):"
        echo
        echo '```'
        "$program" check "$model" --quiet
        echo '```'
    } > "models/$name.md"
    grep ' NLL' "models/$name.md"
}
