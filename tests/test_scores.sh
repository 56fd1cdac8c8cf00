#!/usr/bin/env bash
# Scores of single images, and two models on the same images: test_scores.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# sums_up FILE: the parts of two scales are the nats of each image.
sums_up() { awk -F, 'NR > 1 { d = $3 - $5 - $6; if (d > 1e-9 || d < -1e-9) exit 1 }' "$1"; }

make_idx train.idx 24 8
tiny=(--layers 1 --hidden 4 --head 8 --batch 8 --threads 1 --levels 2 --quiet)
run 0 "a model" train --data train.idx --kind cnn "${tiny[@]}" --steps 4 --out a
run 0 "another" train --data train.idx --kind row "${tiny[@]}" --steps 40 --lr 1e-2 --optimizer adam --out b
run 0 "a small one" train --data train.idx --kind cnn "${tiny[@]}" --fit subsample --height 4 --width 4 --steps 4 --out small
run 0 "a conditional one" train --data train.idx --kind cnn "${tiny[@]}" --condition-size 4 --condition-features 4 \
    --steps 4 --out large
run 0 "one of other levels" train --data train.idx --kind cnn "${tiny[@]:0:10}" --levels 4 --quiet --steps 1 --out four
run 0 "one of other images" train --data train.idx --kind cnn "${tiny[@]}" --fit crop --height 6 --width 6 --steps 1 --out six

# ------------------------------------------------------------------------------------------- scores

run 0 "pictures" sample a --count 8 --out set/ --quiet
mkdir set/deep
mv set/00006.png set/deep/a.png
mv set/00007.png 'set/deep/b,"c".png'
echo damaged >set/00002.png
echo damaged >set/zz.png
run 0 "eval --scores" eval a --data set --scores s.csv --json
cp out.txt eval.json
check "a line for the names of columns" test "$(head -1 s.csv)" = image,name,nats,bits_per_dim,skipped
check "a row for each file" test "$(wc -l <s.csv)" -eq 10
has "JSON counts the images" '"images": 7,' eval.json
has "and what was skipped" '"skipped": 2,' eval.json
check "files in their order" test "$(cut -d, -f2 s.csv | tail -n +2 | tr '\n' ' ')" = \
    'set/00000.png set/00001.png set/00002.png set/00003.png set/00004.png set/00005.png set/deep/a.png "set/deep/b set/zz.png '
has "what is damaged has no score but a reason" '^,set/00002.png,,,"\{0,1\}set/00002.png: is n' s.csv
has "also after the last image" '^,set/zz.png,,,"\{0,1\}set/zz.png: ' s.csv
has "quotes are doubled" '^7,"set/deep/b,""c"".png",[0-9.]*,[0-9.]*,$' s.csv
check "numbers count damaged files" test "$(cut -d, -f1 s.csv | tail -n +2 | tr '\n' ' ')" = '0 1  3 4 5 6 7  '
check "the mean is that of eval" near "$(sed 's/"[^"]*""[^"]*""[^"]*"//' s.csv | column /dev/stdin nats | mean)" \
    "$(number eval.json nats)"
for row in "3 set/00003.png" "6 set/deep/a.png"; do
    run 0 "--first ${row% *} is ${row#* }" eval a --data set --first "${row% *}" --limit 1 --json --quiet
    check "and has its score" grep -q "^${row/ /,},$(number out.txt nats),$(number out.txt bits_per_dim),$" s.csv
done
run 0 "a single picture" eval a --data set/00003.png --scores one.csv --quiet
check "has its name" test "$(tail -1 one.csv | cut -d, -f2)" = set/00003.png
run 0 "JSON lines" eval a --data set --scores s.jsonl --quiet
check "an object a file" test "$(grep -c '^{.*}$' s.jsonl)" -eq 9
has "with its score" "^{\"image\": 3, \"name\": \"set/00003.png\", \"nats\": $(sed -n 's/^3,[^,]*,\([^,]*\),.*/\1/p' s.csv), " s.jsonl
has "or the reason" '^{"name": "set/00002.png", "skipped": "set/00002.png: is n' s.jsonl
run 0 "an array" eval a --data train.idx --first 20 --scores array.csv --per-image n.npy --json
cp out.txt eval.json
check "numbers go on from --first" test "$(cut -d, -f1 array.csv | tr '\n' ' ')" = "image 20 21 22 23 "
check "an array has no names" test "$(column array.csv name | tr -d '\n')" = ""
check "and the same mean" near "$(column array.csv nats | mean)" "$(number eval.json nats)"
check "in bits too" near "$(column array.csv bits_per_dim | mean)" "$(number eval.json bits_per_dim)"
run 0 "a chain" eval small large --data train.idx --scores chain.csv --json
check "has the part of each scale" test "$(head -1 chain.csv)" = image,name,nats,bits_per_dim,nats_4x4,nats_8x8,skipped
check "which are all of it" sums_up chain.csv
run 0 "the small model alone" eval small --data train.idx --fit subsample --json
check "has the first part" near "$(column chain.csv nats_4x4 | mean)" "$(number out.txt nats)"
run 0 "a conditional model" eval large --data train.idx --scores new.csv --json
check "has what is new" near "$(column new.csv new_nats | mean)" "$(number out.txt new_nats)"
check "that of the chain" near "$(column new.csv new_nats | mean)" "$(column chain.csv nats_8x8 | mean)"
refused 2 "must end with .csv or .jsonl" eval a --data set --scores s.txt
cp train.idx train.csv
refused 2 "scores train.csv is also --data train.csv" eval a --data train.csv --scores train.csv
refused 2 "is also --scores x.csv, and one would overwrite" eval a --data train.idx --scores x.csv --per-image x.csv

run 0 "eval --worst" eval a --data train.idx --worst 3
tail -n +4 out.txt >list.txt
run 0 "all scores" eval a --data train.idx --scores all.csv --quiet
check "lists the least likely" test "$(sed 's/^image \([0-9]*\): .*/\1/' list.txt | tr '\n' ' ')" = \
    "$(tail -n +2 all.csv | LC_ALL=C sort -t, -k3,3gr -k1,1n | head -3 | cut -d, -f1 | tr '\n' ' ')"
has "with its score" "^image [0-9]*: [0-9.]* nats, [0-9.]* bits/dim$" list.txt
run 0 "eval --best" eval a --data train.idx --best 2 --json
check "lists the most likely" test "$(sed -n 's/^    {"image": \([0-9]*\), .*/\1/p' out.txt | tr '\n' ' ')" = \
    "$(tail -n +2 all.csv | LC_ALL=C sort -t, -k3,3g -k1,1n | head -2 | cut -d, -f1 | tr '\n' ' ')"
run 0 "eval --sort" eval a --data set --sort best --quiet
check "lists all where there are few" test "$(grep -c '^image .*  set/' out.txt)" -eq 7
run 0 "eval --sort of many" eval a --data train.idx --sort worst --quiet
check "lists ten" test "$(grep -c '^image ' out.txt)" -eq 10
refused 2 "one list" eval a --data set --worst 2 --best 2
refused 2 "one list" eval a --data set --worst 2 --sort best

# ------------------------------------------------------------------------------------------ compare

# expected FILE_A FILE_B: mean, error and wins of the differences of two files of scores, by awk.
expected() {
    paste -d' ' <(column "$1" nats) <(column "$2" nats) | awk '
        { d[NR] = $1 - $2; sum += d[NR]; a += d[NR] < 0; b += d[NR] > 0 }
        END {
            mean = sum / NR
            for (i = 1; i <= NR; i++) squares += (d[i] - mean) ^ 2
            printf "%.15g %.15g %d %d\n", mean, sqrt(squares / (NR - 1) / NR), a, b
        }'
}

# agrees NAME FILE_A FILE_B: out.txt, of compare --json, says what the files of scores say.
agrees() {
    local name=$1 mean error wins_a wins_b from to
    read -r mean error wins_a wins_b < <(expected "$2" "$3")
    from=$(awk -v m="$mean" -v e="$error" 'BEGIN { printf "%.15g", m - 1.959963984540054 * e }')
    to=$(awk -v m="$mean" -v e="$error" 'BEGIN { printf "%.15g", m + 1.959963984540054 * e }')
    sed -n '/"difference"/,$p' out.txt >difference.txt
    check "$name: mean" near "$(number difference.txt nats)" "$mean"
    check "$name: error" near "$(number difference.txt nats_stderr)" "$error"
    check "$name: interval from" near "$(number difference.txt nats_low)" "$from"
    check "$name: interval to" near "$(number difference.txt nats_high)" "$to"
    check "$name: bits" near "$(number difference.txt bits_per_dim)" \
        "$(awk -v m="$mean" 'BEGIN { printf "%.15g", m / 64 / log(2) }')"
    check "$name: wins" test "$(grep '"wins"' out.txt | tr -dc '0-9\n' | tr '\n' ' ')" = "$wins_a $wins_b "
    check "$name: better" grep -q "\"better\": \"$(awk -v m="$mean" 'BEGIN { print m < 0 ? "a" : "b" }')\"" out.txt
}

run 0 "scores of a" eval a --data train.idx --scores a.csv --quiet
run 0 "scores of b" eval b --data train.idx --scores b.csv --quiet
run 0 "compare" compare a b --data train.idx --json --scores both.csv
agrees "compare" a.csv b.csv
has "the interval excludes 0" '"interval_excludes_0": true' out.txt
check "its scores are those of a" cmp <(column both.csv nats_a) <(column a.csv nats)
check "and of b" cmp <(column both.csv bits_per_dim_b) <(column b.csv bits_per_dim)
check "and their differences" near "$(column both.csv nats_difference | mean)" "$(expected a.csv b.csv | cut -d' ' -f1)"
run 0 "the other way round" compare b a --data train.idx
has "A is better" "^A is better: the interval (normal approximation) excludes 0$" out.txt
has "says how often" "^B  a: .*more likely on [0-9]* image" out.txt
has "with its interval" "^A - B: -[0-9.]* ± [0-9.]* nats per image, 95 % interval -[0-9.]* to -[0-9.]*$" out.txt
run 0 "a model and itself" compare a a --data train.idx
has "are the same" "^neither is better$" out.txt
run 0 "as JSON" compare a a --data train.idx --json
has "nobody is better" '"better": null' out.txt
has "all are ties" '"ties": 24,' out.txt
has "which shows nothing" '"interval_excludes_0": false' out.txt
run 0 "one image" compare a b --data train.idx --limit 1 --json
has "has no error" '"nats_stderr": null' out.txt
has "no interval" '"nats_low": null' out.txt
has "and excludes nothing" '"interval_excludes_0": null' out.txt
run 0 "one image, for people" compare a b --data train.idx --limit 1
check "has no error either" test "$(grep -c '±' out.txt)" -eq 0
has "and says so" "^one image has no interval" out.txt
run 0 "a folder" compare a b --data set --json --scores folder.csv
has "counts what was skipped" '"skipped": 2,' out.txt
has "and lists it" '^,set/00002.png,,,,,,,"\{0,1\}set/00002.png: is n' folder.csv
run 0 "a chain and a model" compare small large vs b --data train.idx --json
agrees "a chain" chain.csv b.csv
run 0 "a model and a chain" compare b vs small large --data train.idx
has "names the chain" "^B  large and those before it: " out.txt
run 0 "two conditional models" compare large large --data train.idx --json
check "are compared in what is new" near "$(number out.txt nats)" "$(column new.csv new_nats | mean)"
refused 2 "a has 2 levels, and four 4: " compare a four --data train.idx
refused 2 "a is of images of 8 x 8 x 1, and six of 6 x 6 x 1: " compare a six --data train.idx
refused 2 "large is given small images of side 4, and a of side 0" compare large a --data train.idx
refused 2 "two models are compared" compare a --data train.idx
refused 2 "two models are compared" compare a b small --data train.idx
refused 2 "two models are compared" compare a vs --data train.idx
refused 2 "there twice" compare a vs b vs small --data train.idx
refused 1 "holds images of 8 x 8 x 1, and six needs 6 x 6 x 1" compare six six --data train.idx
refused 1 "nothing" compare a nothing --data train.idx
cp b/model.safetensors b.csv
refused 2 "scores b.csv is also MODEL b.csv" compare a b.csv --data train.idx --scores b.csv

finish
