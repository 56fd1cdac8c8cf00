#!/usr/bin/env bash
# Chains of models and certificates, as a user runs them: test_multiscale.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"
data=$source_dir/data/mnist-binarized

# near NAME A B: equal but for rounding
near() {
    if awk -v a="$2" -v b="$3" 'BEGIN { d = a - b; exit !(a != "" && b != "" && (d < 0 ? -d : d) < 1e-3) }'; then
        ok "$1"
    else
        bad "$1: $2 is not $3"
    fi
}

begin=(train --levels 2 --layers 1 --hidden 4 --head 8 --optimizer adam --lr 1e-2 --quiet)
train=("${begin[@]}" --steps 40)
images=$data/valid-images-idx3-ubyte.gz
run 0 "train a model of small images" "${train[@]}" --kind cnn --data "$images" --fit subsample --height 7 --width 7 --out small
run 0 "train one given those" "${train[@]}" --kind row --data "$images" --limit 500 --condition-size 7 \
    --condition-features 3 --fit subsample --height 14 --width 14 --out middle
run 0 "train one given theirs, with validation" "${train[@]}" --kind diagonal --data "$images" --valid-last 40 \
    --limit 500 --condition-size 14 --out large
has "the log is written" "^40,.*[0-9],[0-9]" large/metrics.csv
small=small/model.safetensors middle=middle/model.safetensors large=large/model.safetensors
# A run that stopped after 20 steps goes on to the same model.
again=("${begin[@]}" --kind diagonal --data "$images" --valid-last 40 --limit 500 --condition-size 14 --out again)
run 0 "half of the steps" "${again[@]}" --steps 20
run 0 "resuming a conditional model" "${again[@]}" --steps 40 --resume
check "it ends with the same model" cmp again/model.safetensors large/model.safetensors
run 0 "info" info $large
has "info names the condition" "an image of 14 x 14, 32 features" out.txt

# The parts of a joint likelihood are what its models say.
some=(--data "$images" --limit 20 --json)
run 0 "eval of the first" eval $small "${some[@]}" --fit subsample
a=$(number out.txt nats)
run 0 "eval of the second" eval $middle "${some[@]}" --fit subsample
b=$(number out.txt new_nats)
run 0 "eval of the third" eval $large "${some[@]}"
c=$(number out.txt new_nats)
has "all values of a conditional model are counted too" '"nats":' out.txt
run 0 "eval of all" eval $small $middle $large "${some[@]}" --per-value values.npy
near "the joint likelihood is their sum" "$(number out.txt nats)" "$(awk -v a="$a" -v b="$b" -v c="$c" 'BEGIN { printf "%.8f", a + b + c }')"
run 0 "eval of two of three, in words" eval $small $middle --data "$images" --limit 20 --fit subsample
has "nats are printed" "nats per image" out.txt

# Pictures of where it is surprised have the same values: their mean is that of an image of 784 pixels.
mean_is() { near "$1" "$(awk -F'[:,]' '/"mean"/ { for (i = 1; i < NF; i++) if ($i ~ /"mean"/) sum += 784 * $(i + 1) } END { printf "%.8f", sum / 3 }' out.txt)" "$2"; }
few=(--data "$images" --json --quiet)
run 0 "eval of three images" eval $small $middle $large "${few[@]}" --limit 3
a=$(number out.txt nats)
run 0 "heat of a chain" heat $small $middle $large "${few[@]}" --count 3 --out heat.png
mean_is "every pixel has the colour of its scale" "$a"
run 0 "eval of the last model" eval $large "${few[@]}" --limit 3
a=$(number out.txt new_nats)
run 0 "heat of it" heat $large "${few[@]}" --count 3 --out heat.png
mean_is "what the small image gives is certain" "$a"
near "and in the sums" "$(awk -F'[:,]' '/"nats"/ { for (i = 1; i < NF; i++) if ($i ~ /"nats"/) sum += $(i + 1) } END { printf "%.8f", sum / 3 }' out.txt)" "$a"

run 0 "sample a chain" sample $small $middle $large --count 5 --seed 3 --out samples.npy --quiet
run 0 "again" sample $small $middle $large --count 5 --seed 3 --out again.npy --threads 1 --quiet
run 0 "the small ones of them" sample $small --count 5 --seed 3 --out first.npy --quiet
check "the same, whatever the threads" cmp samples.npy again.npy
# Pixels of the small samples are every fourth of the large ones: 28x28 bytes behind headers of 128.
tail -c +129 first.npy | od -An -v -tu1 -w7 >first.txt
tail -c +129 samples.npy | od -An -v -tu1 -w28 | awk '(NR - 1) % 28 % 4 == 0 {
    for (i = 1; i <= 28; i += 4) printf "%4d", $i; print "" }' >kept.txt
check "small samples are in the large ones" cmp first.txt kept.txt
run 0 "upscale" upscale $large --data "$images" --fit subsample --count 3 --samples 2 --out up.png --quiet
run 0 "upscale twice" upscale $middle $large --data "$images" --fit subsample --count 3 --samples 2 --out up.npy --quiet
has "its array" "(3, 2, 28, 28, 1)" up.npy

# Completions: what is known stays, at every scale, and the rest is drawn.
known=(--data "$images" --known-rows 12 --count 3 --samples 4 --quiet)
run 0 "complete with a chain" complete $small $middle $large "${known[@]}" --seed 5 --out completed.npy
run 0 "again, with one thread" complete $small $middle $large "${known[@]}" --seed 5 --threads 1 --out again.npy
check "the same, whatever the threads" cmp completed.npy again.npy
run 0 "another seed" complete $small $middle $large "${known[@]}" --seed 6 --out again.npy
run 0 "its small images alone" complete $small --data "$images" --fit subsample --known-rows 3 --count 3 --samples 4 \
    --seed 5 --out first.npy --quiet
rows() { tail -c +129 "$1" | od -An -v -tu1 -w28 | awk -v known="$2" '((NR - 1) % 28 < 12) == known'; }
rows completed.npy 1 >known.txt
rows again.npy 1 >kept.txt
check "known rows are kept" cmp known.txt kept.txt
gzip -dc "$images" | tail -c +17 | head -c 2352 | od -An -v -tu1 -w28 | awk '
    (NR - 1) % 28 < 12 { line = ""; for (i = 1; i <= 28; i++) line = line sprintf("%4d", $i >= 128); image[int((NR - 1) / 28)] = image[int((NR - 1) / 28)] line "\n" }
    END { for (i = 0; i < 3; i++) for (n = 0; n < 4; n++) printf "%s", image[i] }' >kept.txt
check "they are those of the images" cmp known.txt kept.txt
rows completed.npy 0 >drawn.txt
rows again.npy 0 >kept.txt
check "the others depend on the seed" test "$(cksum <drawn.txt)" != "$(cksum <kept.txt)"
tail -c +129 first.npy | od -An -v -tu1 -w7 >first.txt
tail -c +129 completed.npy | od -An -v -tu1 -w28 | awk '(NR - 1) % 28 % 4 == 0 {
    for (i = 1; i <= 28; i += 4) printf "%4d", $i; print "" }' >kept.txt
check "completed small images are in the large ones" cmp first.txt kept.txt
run 0 "complete with a chain, as a picture" complete $small $middle $large "${known[@]}" --out completed.png
run 2 "completion by a chain that lacks its first" complete $middle $large "${known[@]}" --out x.png
run 2 "a chain in the wrong order" complete $middle $small "${known[@]}" --out x.png

run 2 "a conditional model does not sample alone" sample $large --out x.png
has "and says what it needs" "small ones of 14 x 14" err.txt
run 2 "models in the wrong order" eval $middle $small --data "$images"
has "and why" "small/model.safetensors is not conditional: it draws nothing from the images of middle" err.txt
run 2 "a conditional one first" eval $middle $large --data "$images"
has "and what it needs" "small ones of 7 x 7" err.txt
run 2 "models that do not fit" eval $small $large --data "$images"
has "and why" "is given images of 14 x 14 x 1" err.txt
run 2 "an unconditional model does not upscale" upscale $small --data "$images" --out x.png
run 1 "a missing model of a chain" sample $small nothing.safetensors --out x.png
run 2 "a condition that does not divide" "${train[@]}" --data "$images" --condition-size 5 --out bad
has "says so" "condition_size is 5" err.txt
run 2 "--init of a conditional model at another size" train --data "$images" --fit crop --height 21 --width 21 --init large --out other
has "what to leave out" "--height is 21, and in large, which --init names, it is 28: leave --height out" err.txt
run 1 "--init of a conditional model, for images of another size" train --data "$images" --init middle --out other
has "the sizes are named" "holds images of 28 x 28 x 1, and middle of --init is for 14 x 14 x 1; --fit crop" err.txt
run 0 "a preset's condition can be left out" train --preset imagenet64-row --condition-size 0 --layers 1 --hidden 3 \
    --head 3 --data "$images" --levels 2 --steps 1 --limit 4 --batch 4 --out unconditional --quiet
run 2 "features without a size" "${train[@]}" --data "$images" --condition-features 5 --out bad
run 1 "subsampling by no whole number" "${train[@]}" --data "$images" --fit subsample --height 5 --width 5 --out bad
run 1 "completion needs the small image" complete $large --data "$images" --known-rows 14 --out x.png

# What a data set looks like.
run 0 "show" show --data "$images" --count 10 --fit subsample --height 7 --width 7 --out shown.png
has "how many" "^10 images of 7 x 7 x 1" out.txt
run 0 "show some of all" show --data "$images" --count 10 --shuffle --seed 2 --out shown.png
has "of all" "^10 of 10000 images" out.txt
cp shown.png kept.png
run 0 "show others" show --data "$images" --count 10 --shuffle --seed 3 --out shown.png
check "which are others" test "$(cksum <shown.png)" != "$(cksum <kept.png)"
run 2 "a fit without a size" show --data "$images" --fit crop --out shown.png
run 2 "two channels" show --data "$images" --channels 2 --out shown.png
run 1 "no data" show --data nothing --out shown.png

# Certificates.
for model in $small $middle $large; do
    run 0 "certificate of $model" check "$model" --positions 64 --quiet
    has "says that it passed" "^certificate passed" out.txt
done
run 0 "as JSON" check $small --json --quiet
has "passed" '"passed": true' out.txt
# A leak: the weight of the first input feature at the lower right corner of its 7x7 window is set to 1.
header=$(od -An -N4 -tu4 $small | tr -d ' ')
cp $small leak.safetensors
printf '\0\0\200\77' | dd of=leak.safetensors bs=1 seek=$((8 + header + 4 * 48)) conv=notrunc 2>/dev/null
run 1 "a planted leak" check leak.safetensors --quiet
has "is counted" "masks .*FAILED: 1 of" out.txt
has "is named" "input.weight\[0, 0, 6, 6\]" out.txt
has "moves conditionals" "plain .*FAILED" out.txt
has "fails the certificate" "^certificate FAILED" out.txt
run 1 "the same as JSON" check leak.safetensors --json --quiet
has "has not passed" '"passed": false' out.txt
run 1 "nor can it be used" sample leak.safetensors --out x.png
has "and says why" "is 1; it is masked" err.txt
head -c 2000 $small >short.safetensors
run 1 "a truncated file" check short.safetensors
run 2 "no file" check

finish
