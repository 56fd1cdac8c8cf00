# shellcheck shell=bash
# What the experiments on CIFAR-10 share: the data, the training, the columns of the tables. A script sets `experiment`, its
# name, and sources this with its own arguments: the folder of the binary version (data_batch_1.bin ...), and the folder of
# the runs, one for all experiments, so that a network of two of them is trained once. The last 5,000 training images
# validate, and pick everything; the test images are not read.
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 CIFAR10-FOLDER [OUT]" >&2 && exit 2; }
cifar=$1
out=${2:-runs/cifar10}
. experiments/lib.sh

# Equal for all runs. PRECISION is fp32 (default) or bf16. A nat of an image is 1 / (3072 ln 2) bits per dimension.
training="--data $cifar --valid-last 5000 --levels 256 --batch 16 --schedule cosine --warmup 500 --ema 0.999 --seed 1"
if [ "$size" = small ]; then
    training="$training --valid-limit 1000 --optimizer adam --lr 2e-3 --steps 2000 --head 128"
else
    training="$training --optimizer rmsprop --lr 3e-4 --epochs 60 --clip 5000 --head 1024"
fi
training="$training --precision ${PRECISION:-fp32}"

# network NAME OPTIONS...: trains $out/NAME
network() {
    name=$1
    shift
    run "$name" $training "$@"
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
            printf '| %s | %s | %.3f | %s |\n' "$words" "$(parameters "$name")" "$(best "$name")" "$paper"
        done
    } > "$out/$experiment.md"
    cat "$out/$experiment.md"
}

# curves NAME...: the runs in one picture
curves() {
    runs=""
    for name in "$@"; do runs="$runs $out/$name"; done
    "$program" curves $runs --out "$out/$experiment.svg" >/dev/null
    echo "$out/$experiment.md, $out/$experiment.svg"
}
