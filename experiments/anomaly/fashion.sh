#!/bin/bash
# What does not belong: a model of trousers alone (Fashion-MNIST), and how well each score tells 300 test images of trousers
# from 100 of each other kind of clothes and from 200 digits (MNIST). No image of a test set is trained on; two models serve as
# backgrounds: one of clothes of every kind, one of the same trousers with a tenth of their values replaced by noise.
#
#   experiments/anomaly/fashion.sh FASHION-MNIST-FOLDER MNIST-FOLDER [OUT]
#
# The folders hold train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz and the same with t10k-. OUT (default runs/anomaly)
# gets the models, table.md, groups.md, alarms.md and two sheets. Needs python3 (split.py). Two minutes of one thread.
set -eu
cd "$(dirname "$0")/../.."
[ $# -eq 2 ] || [ $# -eq 3 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
fashion=$1 mnist=$2 out=${3:-runs/anomaly}
# shellcheck source=experiments/lib.sh
. experiments/lib.sh

# ------------------------------------------------------------------------------------------------- images

split() { # FOLDER PART CLASSES FIRST COUNT NAME [NOISE]
    python3 experiments/anomaly/split.py "$1/$2-images-idx3-ubyte.gz" "$1/$2-labels-idx1-ubyte.gz" "$3" "$4" "$5" \
        "$out/$6.idx" "${7:-0}"
}

kinds=(t-shirt trousers pullover dress coat sandal shirt sneaker bag boot)
split "$fashion" train 1 0 5000 train
split "$fashion" train 1 5000 1000 valid
split "$fashion" train 0123456789 0 1000 clothes
split "$fashion" train 1 0 5000 noisy 0.1
split "$fashion" t10k 1 0 300 trousers
split "$fashion" t10k 023456789 0 100 others
split "$mnist" t10k 0123456789 0 20 digits
for class in 0 2 3 4 5 6 7 8 9; do
    split "$fashion" t10k $class 0 100 "${kinds[$class]}"
done

# ------------------------------------------------------------------------------------------------- models

network() { # NAME DATA
    run "$1" --data "$out/$2.idx" --kind cnn --layers 4 --hidden 16 --head 32 --levels 256 --output logistics --components 5 \
        --optimizer adam --lr 3e-3 --schedule cosine --ema 0.99 --batch 16 --steps 2000 --seed 1 --quiet
}
network model train
network model-clothes clothes
network model-noisy noisy

# ------------------------------------------------------------------------------------------------- tables

score() { # ANOMALOUS OPTIONS...
    local anomalous=$1
    shift
    "$program" score "$out/model" --data "$out/trousers.idx" --anomalous "$out/$anomalous.idx" --quiet "$@"
}

value() { # JSON SCORE KEY: "0.97" of a score
    awk -v score="\"$2\"," -v key="\"$3\":" '$1 == "\"score\":" { on = $2 == score }
        on && $1 == key { printf "%.3f", $2; exit }' "$1"
}

typical=(--typical "$out/train.idx" --typical-limit 500)
{
    echo '| do not belong | nats | ratio to clothes | ratio to noisy trousers | typicality | complexity (PNG) | complexity (WebP) | surprise | surprise_z |'
    echo '|---|---|---|---|---|---|---|---|---|'
} >"$out/table.new"
for name in digits others t-shirt pullover dress coat sandal shirt sneaker bag boot; do
    score $name --background "$out/model-clothes" "${typical[@]}" --complexity png --surprise --json >"$out/one.json"
    score $name --background "$out/model-noisy" --complexity webp --json >"$out/two.json" ||
        score $name --background "$out/model-noisy" --json >"$out/two.json" # a build without libwebp
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "${name/others/all other clothes}" \
        "$(value "$out/one.json" nats auroc)" "$(value "$out/one.json" ratio auroc)" "$(value "$out/two.json" ratio auroc)" \
        "$(value "$out/one.json" typicality auroc)" "$(value "$out/one.json" complexity auroc)" \
        "$(value "$out/two.json" complexity auroc)" "$(value "$out/one.json" surprise auroc)" \
        "$(value "$out/one.json" surprise_z auroc)" >>"$out/table.new"
done
mv "$out/table.new" "$out/table.md"

{
    echo '| images in a group | do not belong | nats | typicality | surprise_z |'
    echo '|---|---|---|---|---|'
    for name in digits others; do
        for n in 1 2 10; do
            score $name "${typical[@]}" --surprise --group $n --json >"$out/one.json"
            printf '| %s | %s | %s | %s | %s |\n' $n "${name/others/other clothes}" "$(value "$out/one.json" nats auroc)" \
                "$(value "$out/one.json" typicality auroc)" "$(value "$out/one.json" surprise_z auroc)"
        done
    done
} >"$out/groups.md"

{
    echo '| score | false alarms | digits found | other clothes found |'
    echo '|---|---|---|---|'
    for name in digits others; do
        score $name --background "$out/model-clothes" "${typical[@]}" --complexity png --surprise --calibrate "$out/valid.idx" \
            --false-alarms 0.05 --json >"$out/$name.json"
    done
    for name in nats ratio typicality complexity surprise surprise_z; do
        printf '| %s | %s | %s | %s |\n' $name "$(value "$out/digits.json" $name false_alarms)" \
            "$(value "$out/digits.json" $name detected)" "$(value "$out/others.json" $name detected)"
    done
} >"$out/alarms.md"

for by in nats ratio; do
    score digits --background "$out/model-clothes" --by $by --worst 24 --columns 6 --zoom 2 --sheet "$out/anomaly-$by.png" >/dev/null
done
cat "$out/table.md" "$out/groups.md" "$out/alarms.md"
