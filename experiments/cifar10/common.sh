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
training="--data $cifar --valid-last 5000 --levels 256 --schedule cosine --ema 0.999"
# shellcheck disable=SC2206 # words
seeds=(${SEEDS:-1})
first=${seeds[0]}
if [ "$size" = small ]; then
    training="$training --valid-limit 1000 --batch 8 --optimizer muon --lr 1.2e-2 --warmup 200 --clip 10 --steps 4000 --head 128"
else
    training="$training --batch 16 --optimizer rmsprop --lr 3e-4 --warmup 500 --epochs 60 --clip 5000 --head 1024"
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
    for seed in "${seeds[@]}"; do
        run "$(of_seed "$name" "$seed")" $training --seed "$seed" "$@"
    done
}

# spread: of the numbers of stdin, one a seed, the mean and its standard error; one is printed as it is
spread() {
    awk -v seeds=${#seeds[@]} 'NF { x[++n] = $1; sum += $1 }
        END {
            if (n != seeds) exit 1
            for (i = 1; i <= n; i++) squares += (x[i] - sum / n) ^ 2
            if (n == 1) printf "%.3f", sum
            else printf "%.3f ± %.3f", sum / n, sqrt(squares / (n - 1) / n)
        }'
}

# lowest NAME: its lowest validation NLL, of all seeds
lowest() {
    local seed
    for seed in "${seeds[@]}"; do best "$(of_seed "$1" "$seed")"; done | spread
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
