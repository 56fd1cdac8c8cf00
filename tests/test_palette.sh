#!/usr/bin/env bash
# Palettes, as the program finds, keeps and shows them: test_palette.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

says() { check "$1" grep -q -e "$2" err.txt; }
# The kind of a PNG's colours: 2 is RGB, 3 a palette.
kind() { od -An -t u1 -j 25 -N 1 "$1" | tr -d ' '; }
# values FILE: the bytes of a .npy behind its header.
values() { od -An -v -t u1 -j 128 "$1"; }

make_sprites rgb.npy 24 5
mkdir set
for i in $(seq 10 33); do
    "$program" show --data rgb.npy --first $((i - 10)) --count 1 --out "set/$i.png" --quiet >/dev/null || bad "picture $i"
done
check "the pictures are RGB" test "$(kind set/10.png)" = 2
tiny="--kind row --layers 1 --hidden 4 --head 8 --batch 8"

# ------------------------------------------------------------------------------------------ training

run 0 "show --palette" show --data set --palette --count 1 --first 3 --out shown.png
check "counts the colours" grep -q "^[0-9] colours$" out.txt
check "writes a PNG with a palette" test "$(kind shown.png)" = 3
# shellcheck disable=SC2086
run 0 "train --palette" train --data set --palette --valid-last 4 $tiny --steps 30 --out run
says "it is said" "^the levels are numbers of the 5 colours of a palette$"
says "as are the levels" " of 6 x 6 x 1, 5 levels"
run 0 "info" info run --json
check "has the palette, the darkest first" grep -q '"palette": "#141414 #0000ff #ff0000 #00ff00 #ffffff",$' out.txt
# shellcheck disable=SC2086
run 0 "from an array" train --data rgb.npy --palette --valid-last 4 $tiny --steps 30 --out array --quiet
check "the same weights" same_weights run/model.safetensors array/model.safetensors
# shellcheck disable=SC2086
run 0 "from a cache" train --data set --cache cache.npy --palette --valid-last 4 $tiny --steps 30 --out cached --quiet
check "the same weights" same_weights run/model.safetensors cached/model.safetensors
# shellcheck disable=SC2086
run 0 "resumed" train --data set --palette --valid-last 4 $tiny --steps 40 --out run --resume --quiet
# shellcheck disable=SC2086
run 0 "trained further" train --data set --init run --steps 2 --out further --quiet
run 0 "info" info further
check "keeps the palette" grep -q "^  palette  *#141414 #0000ff #ff0000 #00ff00 #ffffff$" out.txt
# shellcheck disable=SC2086
run 0 "a mixture of logistics" train --data set --palette $tiny --output logistics --steps 1 --out mixture
says "is warned of" "takes neighbours for alike, which colours are only by their luma"

# ------------------------------------------------------------------------------------------ converting

run 0 "convert --palette" convert --data set --palette --out levels.npy --palette-out found.hex --quiet
check "writes the palette" test "$(tr '\n' ' ' <found.hex)" = "141414 0000ff ff0000 00ff00 ffffff "
# shellcheck disable=SC2086
run 0 "train on both" train --data levels.npy --palette-file found.hex --values levels --valid-last 4 $tiny --steps 30 \
    --out levels --quiet
check "the same weights" same_weights array/model.safetensors levels/model.safetensors
tac found.hex >backwards.hex
run 0 "convert --palette-file" convert --data set --palette-file backwards.hex --out backwards.npy --quiet
check "has the file's order" cmp <(values backwards.npy | tr 01234 43210) <(values levels.npy)
run 2 "convert --palette alone" convert --data set --palette --out no.npy
says "is refused" "give --palette-out F.hex"
run 2 "--palette-out alone" convert --data set --palette-out no.hex --out no.npy
run 2 "a palette that is the array" convert --data set --palette --palette-out no.npy --out no.npy
head -3 found.hex >few.hex
run 1 "a palette of too few colours" convert --data set --palette-file few.hex --out no.npy
says "names file, colour and pixel" "set/[0-9]*.png: the pixel in row [0-5], column [0-5] of image [0-9]* is #[0-9a-f]*, which is none of the palette's 3 colours"
check "and leaves nothing" test ! -e no.npy

# -------------------------------------------------------------------------------- what models draw

run 0 "sample" sample run --count 9 --out sheet.png
check "a sheet has the palette" test "$(kind sheet.png)" = 3
run 0 "sample into a folder" sample run --count 9 --seed 1 --out drawn/
check "as single pictures have" test "$(kind drawn/00000.png)" = 3
run 0 "sample as an array" sample run --count 9 --seed 1 --out drawn.npy
run 0 "eval of the pictures" eval run --data drawn --per-image a.npy --quiet
run 0 "eval of the levels" eval run --data drawn.npy --values levels --per-image b.npy --quiet
check "is the same" cmp a.npy b.npy
run 0 "eval --size own" eval run --data drawn --size own --per-image a.npy
check "is the same" cmp a.npy b.npy
check "nothing is converted" test ! -s err.txt
run 0 "eval --tile" eval run --data drawn --tile 16 --per-image a.npy --quiet
check "is the same" cmp a.npy b.npy
run 0 "eval --size own of an array" eval run --data drawn.npy --values levels --size own --per-image a.npy --quiet
check "is the same" cmp a.npy b.npy
for command in "score run" "compare run array" "heat run --out own.png" "complete run --known-rows 3 --out own.png"; do
    # shellcheck disable=SC2086 # words
    run 0 "$command --size own" $command --data set --size own
done
run 0 "complete" complete run --data set --known-rows 3 --count 3 --out completed.png
check "in colour" test "$(kind completed.png)" = 2
run 0 "heat" heat run --data set --count 3 --out heat.png
run 0 "histogram" histogram run --data set --out histogram.svg
check "in colour" grep -q 'fill="#ff0000"' histogram.svg
run 0 "compare" compare run array --data set --json
run 0 "captions" sample run --count 4 --captions --out captions.png
"$program" show --data captions.png --palette --out captions.txt.png >out.txt 2>err.txt
check "show no other colours" test "$(sed -n 's/ colours$//p' out.txt)" -le 9

# Every drawn pixel has a colour of the palette: the grey of the gaps is the only other one.
run 0 "the colours of a sheet" convert --data sheet.png --palette --palette-out sheet.hex --out no.npy --quiet
check "are the palette's and grey" test -z "$(grep -vxF -f found.hex sheet.hex | grep -vx 808080)"

# ------------------------------------------------------------------------------------------ refusals

make_sprites other.npy 3 2
"$program" show --data other.npy --first 0 --count 1 --out plain.png --quiet >/dev/null
printf 'ff0000\n00ff00\n' >two.hex
# shellcheck disable=SC2086
run 0 "a model of two colours" train --data other.npy --palette $tiny --steps 1 --out two --quiet
run 1 "eval of other colours" eval two --data set
says "is refused" "is #[0-9a-f]*, which is none of the palette's 2 colours"
run 2 "eval --fit resize" eval run --data set --fit resize
says "is refused" "mixes colours"
run 2 "compare with another palette" compare run two --data set
usage() {
    # shellcheck disable=SC2086
    run 2 "$1" train --data set $tiny --steps 1 --out no "${@:3}"
    says "is refused" "$2"
}
usage "--levels" "^pixelrnn: --levels: a model has as many as --palette has colours: leave it out$" --palette --levels 4
usage "--channels 3" "--channels 3: with --palette" --palette --channels 3
usage "--binarize" "--binarize" --palette --binarize sample
usage "--fit resize" "mixes colours" --palette --fit resize --height 3 --width 3
usage "--values levels" "give their palette" --palette --values levels
usage "both" "leave one out" --palette --palette-file two.hex
usage "--init" "the model of --init says its palette" --palette --init run
check "nothing was begun" test ! -e no
# shellcheck disable=SC2086
run 1 "colours of the validation set alone" train --data other.npy --palette --valid set $tiny --steps 1 --out no --quiet
says "are refused" "set/[0-9]*.png: the pixel .* none of the palette's 2 colours"
printf '\357\273\277ff0000\n00ff00\n' >mark.hex
# shellcheck disable=SC2086
run 0 "a palette with a byte order mark" train --data other.npy --palette-file mark.hex $tiny --steps 1 --out mark --quiet
printf 'red\n' >bad.hex
# shellcheck disable=SC2086
run 1 "a file that is no palette" train --data set --palette-file bad.hex $tiny --steps 1 --out no --quiet
says "is refused" "bad.hex: word 1 is no colour like ff8000"

finish
