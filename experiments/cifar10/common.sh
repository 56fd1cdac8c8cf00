# shellcheck shell=bash
# What the experiments on CIFAR-10 share: the data, the training, the columns of the tables. A script sets `experiment`, its
# name, and sources this with its own arguments: the folder of the binary version (data_batch_1.bin ...), and the folder of
# the runs, one for all experiments, so that a network of two of them is trained once. The last 5,000 training images
# validate, and pick everything; the test images are not read.
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 CIFAR10-FOLDER [OUT]" >&2 && exit 2; }
cifar=$1
out=${2:-runs/cifar10}
. experiments/lib.sh

# Equal for all runs. PRECISION is fp32 (default) or bf16. SEEDS (default 1), such as "1 2 3": each network is trained with each,
# and tables have means and their standard errors; curves are of the first.
training="--data $cifar --valid-last 5000 --levels 256 --batch 16 --schedule cosine --warmup 500 --ema 0.999"
seeds=${SEEDS:-1}
first=${seeds%% *}
if [ "$size" = small ]; then
    training="$training --valid-limit 1000 --optimizer adam --lr 2e-3 --steps 2000 --head 128"
else
    training="$training --optimizer rmsprop --lr 3e-4 --epochs 60 --clip 5000 --head 1024"
fi
training="$training --precision ${PRECISION:-fp32}"

# of_seed NAME SEED: the name of a network's run
of_seed() {
    if [ "$2" = 1 ]; then echo "$1"; else echo "$1-seed-$2"; fi
}

# network NAME OPTIONS...: trains $out/NAME, and the same with other seeds
network() {
    local name=$1 seed
    shift
    for seed in $seeds; do
        run "$(of_seed "$name" "$seed")" $training --seed "$seed" "$@"
    done
}

# spread: of the numbers of stdin, a line each, the mean and its standard error; one is printed as it is
spread() {
    awk '{ sum += $1; squares += $1 * $1 }
        END {
            mean = sum / NR
            if (NR == 1) printf "%.3f", mean
            else printf "%.3f ± %.3f", mean, sqrt((squares / NR - mean * mean) / (NR - 1))
        }'
}

# lowest NAME: its lowest validation NLL, of all seeds
lowest() {
    local seed
    for seed in $seeds; do best "$(of_seed "$1" "$seed")"; done | spread
}

# table ROW...: each "NAME|words|the paper's figure"; to $out/$experiment.md
table() {
    {
        echo "| network | parameters | validation, bits/dim | paper |"
        echo "|---|---|---|---|"
        for row in "$@"; do
            IFS='|' read -r name words paper <<ROW
$row
ROW
            printf '| %s | %s | %s | %s |\n' "$words" "$(parameters "$(of_seed "$name" "$first")")" "$(lowest "$name")" "$paper"
        done
    } > "$out/$experiment.md"
    cat "$out/$experiment.md"
}

# curves NAME...: the runs in one picture
curves() {
    runs=""
    for name in "$@"; do runs="$runs $out/$(of_seed "$name" "$first")"; done
    "$program" curves $runs --out "$out/$experiment.svg" >/dev/null
    echo "$out/$experiment.md, $out/$experiment.svg"
}
