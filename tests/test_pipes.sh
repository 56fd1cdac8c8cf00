#!/usr/bin/env bash
# Models, masks and palettes from pipes are what they are as files: test_pipes.sh PROGRAM SOURCE_DIR
# shellcheck disable=SC2002 # pipes are meant
. "$(dirname "$0")/shell.sh"
shopt -s lastpipe # so that a check behind a pipe counts

make_idx train.idx 40 6
tiny="--kind row --layers 1 --hidden 4 --head 8 --levels 2 --batch 8 --quiet"
# shellcheck disable=SC2086
"$program" train --data train.idx $tiny --steps 5 --out run >/dev/null 2>&1
model=run/model.safetensors
# shellcheck disable=SC2086
"$program" train --data train.idx --condition-size 3 $tiny --steps 5 --out large >/dev/null 2>&1
"$program" convert --data train.idx --fit subsample --height 3 --width 3 --out small.npy --quiet >/dev/null
# shellcheck disable=SC2086
"$program" train --data small.npy $tiny --steps 5 --out small >/dev/null 2>&1
says() { check "$1" grep -q -e "$2" err.txt; }
numbers() { grep -v seconds out.txt; }

# ------------------------------------------------------------------------------------------ models

run 0 "eval" eval $model --data train.idx --per-image a.npy
numbers >a.txt
cat $model | run 0 "eval of stdin" eval - --data train.idx --per-image b.npy
numbers >b.txt
check "says the same" cmp a.txt b.txt
check "of each image" cmp a.npy b.npy
run 0 "eval of a file as stdin" eval - --data train.idx --per-image b.npy <$model
check "is the same" cmp a.npy b.npy
mkfifo fifo
cat $model >fifo &
run 0 "sample from a FIFO" sample fifo --count 3 --out b.npy
wait
run 0 "sample" sample $model --count 3 --out a.npy
check "is the same" cmp a.npy b.npy
run 0 "a chain of pipes" sample <(cat small/model.safetensors) <(cat large/model.safetensors) --count 3 --out b.npy
run 0 "a chain" sample small large --count 3 --out a.npy
check "is the same" cmp a.npy b.npy
run 0 "info" info $model --json
grep -v '"model"\|"changed"' out.txt >a.txt
cat $model | run 0 "info of a pipe" info - --json
check "has no time of change" test "$(grep -c '"changed"' out.txt)" -eq 0
grep -v '"model"' out.txt >b.txt
check "and all else" cmp a.txt b.txt
cat $model | run 0 "check of a pipe" check - --positions 8
cat run/checkpoint.safetensors | run 0 "a checkpoint from a pipe" eval - --data train.idx
# shellcheck disable=SC2086
run 0 "--init" train --data train.idx --init $model --steps 3 --out a --quiet
# shellcheck disable=SC2086
run 0 "--init of a pipe" train --data train.idx --init <(cat $model) --steps 3 --out b --quiet
check "trains the same model" cmp a/model.safetensors b/model.safetensors
run 0 "models and data from pipes" compare <(cat $model) vs <(cat small/../a/model.safetensors) --data <(cat train.idx)

head -c 1000 $model | run 1 "half a model" eval - --data train.idx
says "is refused" "^pixelrnn: /dev/stdin: "
: | run 1 "an empty pipe" info -
says "is refused" "^pixelrnn: /dev/stdin: is not a safetensors file: it has 0 bytes"
run 1 "a device" info /dev/null
says "is refused" "/dev/null: is not a file"

# ------------------------------------------------------------------------------------------ masks

"$program" show --data train.idx --levels 2 --count 1 --out mask.png --quiet >/dev/null 2>&1
{
    printf '\223NUMPY\001\000\166\000'
    printf '%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 6), }"
    printf '%018d%018d' 0 0 | tr 0 '\001' | head -c 20
    head -c 16 /dev/zero
} >mask.npy
for mask in mask.png mask.npy; do
    run 0 "complete with $mask" complete $model --data train.idx --mask $mask --count 2 --out a.npy
    cat $mask | run 0 "from stdin" complete $model --data train.idx --mask - --count 2 --out b.npy
    check "is the same" cmp a.npy b.npy
    run 0 "from a pipe" complete $model --data train.idx --mask <(cat $mask) --count 2 --out b.npy
    check "is the same" cmp a.npy b.npy
    cat $mask >fifo &
    run 0 "from a FIFO" complete $model --data train.idx --mask fifo --count 2 --out b.npy
    wait
    check "is the same" cmp a.npy b.npy
done
run 0 "all from pipes" complete <(cat $model) --data <(cat train.idx) --mask <(cat mask.npy) --count 2 --out b.npy
check "is the same" cmp a.npy b.npy
head -c 100 mask.npy | run 1 "half a mask" complete $model --data train.idx --mask - --out no.npy
says "is refused" "/dev/stdin: "
echo none | run 1 "no mask" complete $model --data train.idx --mask - --out no.npy
says "is refused" "/dev/stdin: is no mask"

# ------------------------------------------------------------------------------------------ palettes

printf '000000\nffffff\n' >two.hex
# shellcheck disable=SC2086
run 0 "a palette from a pipe" show --data train.idx --palette-file <(cat two.hex) --count 1 --out a.png
run 0 "a palette" show --data train.idx --palette-file two.hex --count 1 --out b.png
check "is the same" cmp a.png b.png

# ------------------------------------------------------------------------------------------ once

cat $model | run 2 "two inputs from one pipe" complete - --data train.idx --mask - --out no.npy
says "are refused" "is also --mask /dev/stdin, and a pipe can be read only once: write it into a file first"
cat $model | run 2 "a chain of one pipe" sample - - --out no.npy
says "is refused" "MODEL /dev/stdin is also MODEL /dev/stdin, and a pipe can be read only once"
check "and nothing is written" test ! -e no.npy

finish
