#!/usr/bin/env bash
# Ensembles of models under eval and compare: test_ensemble.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# error: the standard error of the mean.
error() { awk '{ x[NR] = $1; s += $1 } END { for (i in x) q += (x[i] - s / NR) ^ 2; printf "%.17g\n", sqrt(q / (NR - 1) / NR) }'; }
# values FILE: the numbers of a .npy of floats.
values() { od -An -v -t f4 -w4 -j 128 "$1"; }
# gain FILE COLUMN: how much more a model costs than the ensemble, image by image.
gain() { paste -d' ' <(column "$1" "$2") <(column "$1" nats) | awk '{ printf "%.17g\n", $1 - $2 }'; }
# member FILE NUMBER KEY: of a model in the JSON of eval.
member() { grep '"model":' "$1" | sed -n "$2p" >member.txt && number member.txt "$3"; }
# mixed A B IMAGES: nats per image, each value having the mean of two probabilities; of whole images from scores.
mixed() {
    paste -d' ' "$1" "$2" | awk -v n="$3" '{ s -= log((exp(-$1) + exp(-$2)) / 2) } END { printf "%.17g\n", s / n }'
}

make_idx train.idx 24 8
tiny=(--layers 1 --hidden 4 --head 8 --batch 8 --threads 1 --quiet)
run 0 "a model" train --data train.idx --kind cnn --levels 2 "${tiny[@]}" --steps 30 --lr 1e-2 --optimizer adam --out a
run 0 "another" train --data train.idx --kind row --levels 2 "${tiny[@]}" --steps 40 --lr 1e-2 --optimizer adam --out b
run 0 "a small one" train --data train.idx --kind cnn --levels 2 "${tiny[@]}" --fit subsample --height 4 --width 4 --steps 4 \
    --out small
for kind in cnn row; do
    run 0 "a conditional one" train --data train.idx --kind $kind --levels 2 "${tiny[@]}" --condition-size 4 \
        --condition-features 4 --steps 4 --out large-$kind
done
run 0 "one of other levels" train --data train.idx --kind cnn --levels 4 "${tiny[@]}" --steps 1 --out four
run 0 "one of other images" train --data train.idx --kind cnn --levels 2 "${tiny[@]}" --fit crop --height 6 --width 6 \
    --steps 1 --out six

# -------------------------------------------------------------------------------------------- numbers

for model in a b; do
    run 0 "eval $model" eval $model --data train.idx --json --scores $model.csv --per-value $model.npy --quiet
    cp out.txt $model.json
done
run 0 "eval a,b" eval a,b --data train.idx --json --scores ab.csv --per-value ab.npy --per-image i.npy --quiet
cp out.txt ab.json
check "each value has the mean of the probabilities" near "$(number ab.json nats)" \
    "$(mixed <(values a.npy) <(values b.npy) 24)" 1e-6
check "as --per-value says" near "$(number ab.json nats)" "$(values ab.npy | awk '{ s += $1 } END { printf "%.9g", s / 24 }')" 1e-6
check "and --per-image" near "$(number ab.json nats)" "$(od -An -v -t f8 -w8 -j 128 i.npy | mean)"
check "and --scores" near "$(number ab.json nats)" "$(column ab.csv nats | mean)"
check "names of columns" test "$(head -1 ab.csv)" = image,name,nats,bits_per_dim,nats_1,nats_2,skipped
check "the first is under a" cmp -s <(column ab.csv nats_1) <(column a.csv nats)
check "the second under b" cmp -s <(column ab.csv nats_2) <(column b.csv nats)
for k in 1 2; do
    model=$([ $k = 1 ] && echo a || echo b)
    has "JSON names member $k" "^    {\"model\": \"$model\", " ab.json
    for key in nats nats_stderr bits_per_dim; do
        check "member $k has its $key" test "$(member ab.json "$k" "$key")" = "$(number "$model.json" "$key")"
    done
done
best=$(awk -v a="$(number a.json nats)" -v b="$(number b.json nats)" 'BEGIN { print a <= b ? "a" : "b" }')
of_best=$([ "$best" = a ] && echo nats_1 || echo nats_2)
has "the best member" "\"best_member\": \"$best\"" ab.json
check "the gain over it" near "$(number ab.json gain_nats)" "$(gain ab.csv "$of_best" | mean)" 1e-7
check "with its error, of pairs" near "$(number ab.json gain_nats_stderr)" "$(gain ab.csv "$of_best" | error)" 1e-7
check "in bits" near "$(number ab.json gain_bits_per_dim)" \
    "$(awk -v x="$(number ab.json gain_nats)" 'BEGIN { printf "%.17g", x / 64 / log(2) }')"
check "the mean of whole images" near "$(number ab.json whole_images_nats)" \
    "$(mixed <(column a.csv nats) <(column b.csv nats) 24)"
has "the files" '^  "ensemble": \[$' ab.json
run 0 "the other way round" eval b,a --data train.idx --json --quiet
check "is the same" near "$(number out.txt nats)" "$(number ab.json nats)"
check "with other members" test "$(member out.txt 1 nats)" = "$(number b.json nats)"
for threads in 1 3; do
    run 0 "$threads threads" eval a,b --data train.idx --threads $threads --per-value t.npy --quiet
    check "the same bits" cmp -s t.npy ab.npy
done

run 0 "a model three times" eval a,a,a --data train.idx --json --scores same.csv --per-value same.npy --quiet
check "has its values" cmp -s same.npy a.npy
check "and its nats" test "$(number out.txt nats)" = "$(number a.json nats)"
check "and no gain" test "$(number out.txt gain_nats)" = 0
check "image by image" cmp -s <(column same.csv nats) <(column a.csv nats)

run 0 "for people" eval a,b --data train.idx --worst 2 --quiet
has "says what it is" "^ensemble of 2 models: the mean of their probabilities of each value, given those before it$" out.txt
has "each model" "^  a: [0-9.]* ± [0-9.]* nats per image, [0-9.]* bits/dim$" out.txt
has "and the gain" "^gain over the best of them, $best, on the same images: -\{0,1\}[0-9.]* ± [0-9.]* nats per image, " out.txt
has "and the other mean" "^the mean of their probabilities of whole images: [0-9.]* nats per image$" out.txt
check "the list is by the ensemble" test "$(grep -c '^image ' out.txt)$(sed -n 's/^image \([0-9]*\):.*/ \1/p' out.txt | tr -d '\n')" = \
    "2 $(tail -n +2 ab.csv | LC_ALL=C sort -t, -k3,3gr -k1,1n | head -2 | cut -d, -f1 | tr '\n' ' ' | sed 's/ $//')"
run 0 "one image" eval a,b --data train.idx --limit 1 --json --quiet
has "has no error" '"gain_nats_stderr": null' out.txt

# ---------------------------------------------------------------------------------- conditional models

run 0 "a conditional model" eval large-cnn --data train.idx --json --scores large.csv --quiet
cp out.txt large.json
run 0 "twice" eval large-cnn,large-cnn --data train.idx --json --scores twice.csv --quiet
check "is the same" test "$(number out.txt nats) $(number out.txt new_nats)" = "$(number large.json nats) $(number large.json new_nats)"
has "with all columns" "^image,name,nats,bits_per_dim,new_nats,new_bits_per_dim,nats_1,nats_2,skipped$" twice.csv
run 0 "two of them" eval large-cnn,large-row --data train.idx --json --per-value two.npy --quiet
check "sum what is new" near "$(number out.txt new_nats)" \
    "$(values two.npy | awk '{ v = NR - 1; r = int(v / 8) % 8; c = v % 8; if (r % 2 || c % 2) s += $1 } END { printf "%.9g", s / 24 }')" 1e-6
new=$(number out.txt new_nats)

# --------------------------------------------------------------------------------------------- sizes

for how in "--size 6x5 --fit crop" "--size own" "--tile 3"; do
    for models in a b a,b a,a; do
        # shellcheck disable=SC2086
        run 0 "$models $how" eval $models --data train.idx $how --json --scores "$models.sized.csv" --quiet
        cp out.txt "$models.sized"
    done
    check "$how: the members" cmp -s <(column a,b.sized.csv nats_1) <(column a.sized.csv nats)
    check "$how: in their order" cmp -s <(column a,b.sized.csv nats_2) <(column b.sized.csv nats)
    check "$how: and their bits" near "$(member a,b.sized 2 bits_per_dim)" "$(number b.sized bits_per_dim)"
    check "$how: one model twice" near "$(number a,a.sized nats)" "$(number a.sized nats)" 1e-14
    check "$how: two are another" awk -v a="$(number a,b.sized nats)" -v b="$(number a.sized nats)" 'BEGIN { exit a == b }'
    rm ./*.sized ./*.sized.csv
done
refused 2 "is given small images of 4 x 4" eval large-cnn,large-row --data train.idx --size 16x16

# ------------------------------------------------------------------------------------------- compare

run 0 "compare" compare a a,b --data train.idx --json --scores pair.csv --quiet
has "names the models" '^    "ensemble": \[$' out.txt
check "has the ensemble's nats" cmp -s <(column pair.csv nats_b) <(column ab.csv nats)
check "and the model's" cmp -s <(column pair.csv nats_a) <(column a.csv nats)
run 0 "for people" compare a,b b --data train.idx --quiet
has "as it was given" "^A  a,b: [0-9.]* nats" out.txt
run 0 "a chain and an ensemble" compare small large-cnn vs a,b --data train.idx --quiet
has "has both" "^B  a,b: " out.txt
run 0 "conditional ones" compare large-cnn,large-row large-row --data train.idx --json --quiet
check "in what is new" near "$(number out.txt nats)" "$new" 1e-6
run 0 "at another size" compare a,b a --data train.idx --size 6x5 --fit crop --json --quiet
check "is an ensemble too" test "$(grep -c '"ensemble"' out.txt)" = 1

# ------------------------------------------------------------------------------------ names, refusals

cp -r a "a,b"
run 0 "a folder with a comma" eval a,b --data train.idx --json --quiet
has "is that model" '"model": "a,b"' out.txt
check "with its nats" test "$(number out.txt nats)" = "$(number a.json nats)"
rm -r "a,b"
run 0 "one from a pipe" eval b,- --data train.idx --json --quiet <a/model.safetensors
check "is the same" near "$(number out.txt nats)" "$(number ab.json nats)"
refused 2 "a pipe can be read only once" eval b,-,- --data train.idx < <(cat a/model.safetensors)
refused 2 "^pixelrnn: a is for images of 8 x 8 x 1 of 2 levels, and six for 6 x 6 x 1 of 2: " eval a,b,six --data train.idx
refused 2 "^pixelrnn: a is for images of 8 x 8 x 1 of 2 levels, and four for 8 x 8 x 1 of 4: " eval a,four --data train.idx
refused 2 "^pixelrnn: a is given small images of side 0, and large-cnn of side 4" eval a,large-cnn --data train.idx
refused 2 "a,b: an ensemble stands alone" eval small a,b --data train.idx
refused 2 "a,b: an ensemble stands alone" compare small a,b vs a --data train.idx
for word in 'a,' ',a' 'a,,b' ','; do
    refused 2 "'$word': a name is missing beside a comma" eval "$word" --data train.idx
done
refused 1 "^pixelrnn: nothing: " eval a,nothing --data train.idx
refused 2 "^pixelrnn: a,b: .*'pixelrnn sample' takes no ensemble" sample a,b --count 1 --out no.png
refused 1 "^pixelrnn: nothing,b: cannot be opened" sample nothing,b --count 1 --out no.png
refused 2 "two models are compared" compare a,b --data train.idx
cp b/model.safetensors b.csv
refused 2 "scores b.csv is also MODEL b.csv" eval a,b.csv --data train.idx --scores b.csv

finish
