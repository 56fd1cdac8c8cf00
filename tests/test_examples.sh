#!/usr/bin/env bash
# Runs the programs of examples/, which a project inside another one does not build: test_examples.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"
[ -n "${EXAMPLES:-}" ] || { echo "no examples were built" && exit 77; }
model=$source_dir/models/mnist-diagonal-1.safetensors

# example CODE NAME ARGUMENTS...: it ends with that exit code; its output is in out.txt and err.txt.
example() {
    local code=$1 name=$2
    shift 2
    "$EXAMPLES/$name" "$@" >out.txt 2>err.txt
    [ $? -eq "$code" ] && ok "$name $*" || bad "$name $*"
}

mkdir images more trained
example 0 sample "$model" 4 7 images
has "sample tells how far it is" "^4 of 4 images" err.txt
check "sample writes 4 pictures" [ "$(find images -name '*.png' | wc -l)" -eq 4 ]
example 0 sample "$model" 2 7 more
check "an image does not depend on how many there are" cmp -s images/1.png more/1.png

example 0 evaluate "$model" images
check "evaluate names each image" [ "$(grep -c '^image [0-3]: [0-9.]* nats, [0-9.]* bits/dim$' out.txt)" -eq 4 ]
mean=$(sed -n 's/^mean: \([0-9.]*\) nats$/\1/p' out.txt)
"$program" eval "$model" --data images --json --quiet >eval.txt
check "evaluate and pixelrnn eval agree" [ "$mean" = "$(printf %.2f "$(number eval.txt nats)")" ]

run 0 "a picture of another size" sample "$model" --size 20x40 --count 1 --out wide/ --quiet
mkdir mixed
cp images/0.png wide/00000.png mixed/
example 0 sizes "$model" mixed
has "sizes takes each as large as it is" "00000.png: 20 x 40, " out.txt
check "and as evaluate does" [ "$(sed -n 's/^mixed.0.png: 28 x 28, //p' out.txt)" = "$("$EXAMPLES/evaluate" "$model" images/0.png |
    sed -n 's/^image 0: //p')" ]

# The first image is the mask too: what is white in it is known.
example 0 complete "$model" images images/0.png completed.png
run 0 "show reads what complete wrote" show --data completed.png --out shown.png

example 0 train images 3 trained
has "train ends with its last step" "^step 3 of 3" out.txt
example 0 train images 5 trained
has "train goes on to its last step" "^step 5 of 5" out.txt
check "train does not begin anew" sh -c "! grep -q '^step [12] of' out.txt"
run 0 "what was trained is a model" info trained

example 0 compress "$model" images/0.png
has "compress gets back what it compressed" "and back" out.txt
# 28 * 28 bits are 98 bytes. What the model says, and a few bytes for the end.
# shellcheck disable=SC2016
check "compress comes near the likelihood" awk '{ says = $9 + 0; exit !($4 < 98 && $4 >= says && $4 < says + 5) }' out.txt

example 0 surprise "$model" images
"$program" score "$model" --data images --surprise --scores scores.csv --quiet >score.txt
check "surprise and pixelrnn score agree" [ "$(sed 's/.*nats, \([-0-9.]*\) more.*/\1/' out.txt | tr '\n' ' ')" = \
    "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { printf "%.2f ", $at["surprise"] }' scores.csv)" ]
example 0 archive "$model" images images.prnn
has "archive gets back what it wrote" "^image [0-9]* is as it was$" out.txt
run 0 "pixelrnn reads it" verify "$model" images.prnn

example 0 loop images found
has "loop validates every 10 steps" "^step 10: validation [0-9.]* nats an image$" out.txt
run 0 "what the loop found is a model" info found

example 0 chain 1 chain.png "$source_dir/models/cifar10-8x8.safetensors" "$source_dir/models/cifar10-32x32-given-8x8.safetensors"
# shellcheck disable=SC2016
check "the parts of the scales are the whole" awk 'function off(x) { return x < -0.02 || x > 0.02 }
    $3 < 1 || off($3 - $5 - $6) { exit 1 } END { exit NR != 4 }' out.txt
run 0 "chain wrote a picture" show --data chain.png --out seen.png

example 0 ensemble images "$model" "$source_dir/models/mnist-row.safetensors"
"$program" eval "$model,$source_dir/models/mnist-row.safetensors" --data images --json --quiet >eval.txt
check "ensemble and pixelrnn eval agree" [ "$(sed -n 's/^together: \(.*\) nats$/\1/p' out.txt)" = "$(printf %.2f "$(number eval.txt nats)")" ]

example 0 sprites images 3 sprites sprites.png
has "sprites counts the colours" "^2 colours$" out.txt
has "what it noted is kept" "^title: Sprites$" out.txt
has "and what training did" "^training.1.steps: 3$" out.txt
check "what was drawn has a palette" test "$(od -An -t u1 -j 25 -N 1 sprites.png | tr -d ' ')" = 3
run 0 "what was trained is a model" info sprites
has "with the palette" "palette  *#000000 #ffffff$" out.txt
example 0 ranks "$model" 5 1 one.npy
example 0 ranks "$model" 5 3 three.npy
check "any number of ranks draws the same" cmp -s one.npy three.npy
example 1 ranks nowhere.safetensors 5 3 none.npy

for name in "$EXAMPLES"/*; do
    [ -f "$name" ] || continue
    name=$(basename "$name")
    example 2 "$name"
    has "$name says how it is used" "^usage: $name " err.txt
done
example 1 evaluate /nowhere images
has "a failure is a sentence" "^evaluate: /nowhere: " err.txt

finish
