#!/usr/bin/env bash
# What commands write, and what they must not write over: test_outputs.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

says() { grep -q -e "$1" err.txt; }
state() { find . -type f ! -name out.txt ! -name err.txt -print0 | sort -z | xargs -0 cksum; }

# harmless PATTERN ARGUMENTS...: a wrong command line is refused with PATTERN, and no file is another than before.
harmless() {
    local before
    before=$(state)
    refused 2 "$@"
    check "and no file is another" test "$(state)" = "$before"
}

make_idx train.idx 20 8
tiny=(--kind cnn --layers 1 --hidden 4 --head 8 --batch 8 --threads 1)
run 0 "a model" train --data train.idx "${tiny[@]}" --levels 2 --steps 2 --out run --quiet
run 0 "its small images" train --data train.idx "${tiny[@]}" --levels 2 --fit subsample --height 4 --width 4 --steps 2 \
    --out small --quiet
run 0 "a conditional one" train --data train.idx "${tiny[@]}" --levels 2 --condition-size 4 --condition-features 4 \
    --steps 2 --out large --quiet
model=run/model.safetensors
run 0 "an array" convert --data train.idx --out d.npy
run 0 "pictures" sample $model --count 4 --out set/ --quiet
run 0 "small pictures" sample small --count 3 --out thumbs/ --quiet
mkdir set/deep deep
cp set/00001.png set/deep/a.png
cp set/00002.png mask.png

# A name may have 255 bytes, and what is written for a while beside it no more.
long=$(printf 'n%.0s' {1..251})
run 0 "an array of a long name" convert --data train.idx --out "$long.npy"
run 0 "a text of a long name" eval run --data "$long.npy" --scores "deep/$long.csv"
check "both are there" test -s "$long.npy" -a -s "deep/$long.csv"
check "and nothing else" test -z "$(find . -name '*.tmp')"
rm "$long.npy" "deep/$long.csv"

# What is there by the name of the temporary file was put there by somebody else, such as a link to what he wants destroyed.
echo precious >victim
for name in linked.png linked.csv; do
    case $name in
    *.png) command=(sample run --count 2 --out "$name" --quiet) ;;
    *.csv) command=(eval run --data train.idx --scores "$name" --quiet) ;;
    esac
    # shellcheck disable=SC2016 # of that shell
    check "$name is written" bash -c 'ln -s victim "$0.$$-0.tmp" && exec "$@"' $name "$program" "${command[@]}"
    check "$name is a file" test -s $name -a ! -L $name
    check "and the link leads where it did" test "$(cat victim)" = precious -a "$(find . -name '*.tmp' -type l | wc -l)" -eq 1
    chmod 600 $name
    run 0 "$name is written again" "${command[@]}"
    check "and as private as it was" test "$(stat -c %a $name)" = 600
    rm -f $name ./*.tmp
done
rm victim

# ------------------------------------------------------------------------- an output that is an input

cp $model model.npy
ln $model hard.npy
ln -s $model soft.npy
ln -s ../set deep/way
for name in model.npy ./model.npy "$PWD/model.npy" deep/../model.npy; do
    harmless "per-image $name is also MODEL model.npy, which would be lost" eval model.npy --data d.npy --per-image "$name"
done
harmless "per-image hard.npy is also MODEL run/model.safetensors" eval run --data d.npy --per-image hard.npy
harmless "per-value soft.npy is also MODEL $model" eval $model --data d.npy --per-value soft.npy
harmless "per-image ./d.npy is also --data d.npy" eval $model --data d.npy --per-image ./d.npy
harmless "per-image n.npy is also --per-value ./n.npy, and one would overwrite the other" \
    eval $model --data d.npy --per-image n.npy --per-value ./n.npy
harmless "per-image n.npy is also --per-value deep/way/../n.npy" \
    eval $model --data d.npy --per-image n.npy --per-value deep/way/../n.npy
harmless "out model.npy is also MODEL model.npy" sample model.npy --out model.npy
cp small/model.safetensors small.npy
cp large/model.safetensors large.npy
harmless "out small.npy is also MODEL small.npy" sample small.npy large.npy --out small.npy
harmless "out large.npy is also MODEL large.npy" upscale large.npy --data thumbs --out large.npy
harmless "out d.npy is also --data d.npy" complete $model --data d.npy --known-rows 4 --out d.npy
harmless "out mask.png is also --mask mask.png" complete $model --data d.npy --mask mask.png --out mask.png
harmless "out set/00001.png is also --data set/00001.png" heat $model --data set/00001.png --out set/00001.png
harmless "out set/00001.png is a file in --data set, and would be lost" heat $model --data set --out set/00001.png
harmless "out deep/way/00001.png is a file in --data set" heat $model --data set --out deep/way/00001.png
harmless "out set/00001.png is a file in --data deep/way" show --data deep/way --out set/00001.png
harmless "out set/deep/a.png is a file in --data set" show --data set --out set/deep/a.png
ln -s set/00001.png to.png
harmless "out to.png is a file in --data set" show --data set --out to.png
ln -s ../mask.png set/from.png
harmless "out set/from.png is a file in --data set" show --data set --out set/from.png
rm to.png set/from.png
harmless "out d.npy is also --data d.npy" convert --data d.npy --out d.npy
harmless "skipped set/00001.png is a file in --data set" convert --data set --out x.npy --skipped set/00001.png
harmless "skipped d.npy is also --data d.npy" convert --data d.npy --out x.npy --skipped d.npy
harmless "out x.npy is also --skipped x.npy" convert --data d.npy --out x.npy --skipped x.npy
cp d.npy d.svg
harmless "out d.svg is also --data d.svg" histogram $model --data d.svg --out d.svg
cp run/metrics.csv log.svg
harmless "out log.svg is also RUN log.svg" curves run log.svg --out log.svg
mkdir log
echo 'layers = 1' >log/metrics.csv
ln log/metrics.csv log.npy
harmless "out run/model.safetensors is also --init $model" train --data d.npy "${tiny[@]}" --init run --out run --resume
harmless "out run/model.safetensors is also --data hard.npy" train --data hard.npy "${tiny[@]}" --out run --resume
harmless "out log/metrics.csv is also --config log/metrics.csv" train --data d.npy --config log/metrics.csv --out log
harmless "cache d.npy is also --data d.npy" train --data d.npy "${tiny[@]}" --cache d.npy --out other
harmless "cache d.npy is also --valid d.npy" train --data set "${tiny[@]}" --cache d.npy --valid d.npy --out other
harmless "cache log.npy is also --out log/metrics.csv" train --data d.npy "${tiny[@]}" --cache log.npy --out log

# What is no danger is none.
run 0 "a result beside the model" eval run --data d.npy --per-image run/nats.npy --quiet
run 0 "and once more" eval run --data d.npy --per-image run/nats.npy --quiet
run 0 "a result of before" heat $model --data set/00001.png --out set/heat.png --quiet
run 0 "a run in the folder of its data" train --data set/deep "${tiny[@]}" --levels 2 --steps 1 --out set/deep/run --quiet
run 0 "and resumed" train --data set/deep "${tiny[@]}" --levels 2 --steps 2 --out set/deep/run --resume --quiet
rm -r set/heat.png set/deep

# -------------------------------------------------------------------------------- folders of pictures

harmless "out set/: holds pictures already, such as 0000[0-3].png, .*--overwrite" sample $model --count 2 --out set/
harmless "out set: holds pictures already" sample $model --count 2 --out set
cp -r set again
for ending in jpe JFIF; do
    mkdir "of-$ending"
    cp set/00001.png "of-$ending/a.$ending"
    harmless "holds pictures already, such as a.$ending" sample $model --count 2 --out "of-$ending"
done
run 0 "--overwrite" sample $model --count 2 --seed 9 --out again --overwrite
check "writes over them" test "$(cksum <again/00001.png)" != "$(cksum <set/00001.png)"
check "and leaves the others" cmp again/00003.png set/00003.png
harmless "overwrite is for a folder of pictures" sample $model --out x.png --overwrite
harmless "zoom is for pictures" sample $model --out x.npy --zoom 2
harmless "columns is for a contact sheet" sample $model --out none/ --columns 2
run 1 "a model that is missing" sample missing --out none/
check "makes no folder" test ! -e none
harmless "columns is for a contact sheet" sample $model --out again/ --columns 2 --overwrite
harmless "out set is also --data set" complete $model --data set --known-rows 4 --out set --overwrite
harmless "out again holds --data again/00001.png, which could be lost" \
    complete $model --data again/00001.png --known-rows 4 --out again --overwrite
mkdir -p again/deep
harmless "out again/deep is a folder in --data again" complete $model --data again --known-rows 4 --out again/deep
run 0 "a folder, enlarged" sample $model --count 2 --out zoomed/ --zoom 3
check "has large pictures" test "$(png_size zoomed/00001.png)" = "24 x 24"
run 0 "every third pixel of one" show --data zoomed/00001.png --fit subsample --height 8 --width 8 --levels 2 --out back.png
run 0 "two images" sample $model --count 2 --out plain/
check "is the image" cmp back.png plain/00001.png
run 0 "completions, one picture each" complete $model --data d.npy --first 3 --count 2 --samples 3 --known-rows 4 \
    --out completed/
check "are so many" test "$(find completed -name '*.png' | wc -l)" -eq 6
check "by the numbers of the images" test -f completed/00003-00000.png -a -f completed/00004-00002.png
harmless "holds pictures already" complete $model --data d.npy --known-rows 4 --out completed
run 0 "a sheet of one completion" complete $model --data d.npy --first 3 --count 1 --samples 1 --known-rows 4 --out c.npy
tail -c 64 c.npy >levels.bin
"$program" convert --data completed/00003-00000.png --out picture.npy >out.txt 2>err.txt
tail -c 64 picture.npy | tr '\377' '\001' >picture.bin
check "is the picture" cmp levels.bin picture.bin
run 0 "large images, one picture each" upscale large --data thumbs --count 2 --samples 2 --out upscaled/ --zoom 2
check "are so many" test "$(find upscaled -name '*.png' | wc -l)" -eq 4
check "enlarged" test "$(png_size upscaled/00001-00001.png)" = "16 x 16"
harmless "holds pictures already" upscale large --data thumbs --out upscaled

# ------------------------------------------------------------------------------------ names of outputs

echo text >file
for command in "sample $model" "complete $model --data d.npy --known-rows 4" "upscale large --data thumbs"; do
    # shellcheck disable=SC2086
    harmless "out x.gif: the name must end with .png or .npy, or with / for a folder" $command --out x.gif
    # shellcheck disable=SC2086
    harmless "out file/: 'file/' is not a folder, and one is needed" $command --out file/
done
harmless "out x.npy: the name must end with .png$" heat $model --data d.npy --out x.npy
harmless "out deep: is a folder, and the name of a file must end with .png$" heat $model --data d.npy --out deep
harmless "out x: the name must end with .png$" show --data d.npy --out x
harmless "out x.png: the name must end with .svg$" histogram $model --data d.npy --out x.png
harmless "out x.png: the name must end with .svg$" curves run --out x.png
harmless "out x.csv: the name must end with .npy$" convert --data d.npy --out x.csv
harmless "per-image deep: is a folder, and the name of a file must end with .npy$" eval $model --data d.npy --per-image deep
harmless "skipped deep: is a folder, and a file is needed" convert --data set --out x.npy --skipped deep
harmless "out file: 'file' is not a folder, and one is needed" train --data d.npy "${tiny[@]}" --out file
harmless "out file/run: 'file' is not a folder, and one is needed" train --data d.npy "${tiny[@]}" --out file/run

# ------------------------------------------------------------------------------------- odd file names

esc=$(printf '\033')
odd=$(printf 'a\033[31m\nb\tc\302\233d\377')
shown='a\\x1b\[31m\\nb\\tc\\xc2\\x9bd\\xff'
no_controls() { ! LC_ALL=C tr -d '\n' <"$1" | LC_ALL=C grep -q -a '[[:cntrl:]]'; }
mkdir odd
cp $model "odd/$odd.safetensors"
cp set/00001.png "odd/$odd.png"
echo "no picture" >"odd/$odd.jpg"
run 0 "an odd name" sample $model --count 1 --out "$odd.npy"
check "is written so that it is one line" grep -q -x -e "$shown.npy" out.txt
run 1 "a model that is none" info "odd/$odd.jpg"
check "is one line too" one_line
has "with its name" "odd/$shown.jpg" err.txt
run 0 "a model" info "odd/$odd.safetensors"
check "no control characters in info" no_controls out.txt
run 0 "data" convert --data odd --out o.npy --skipped list.txt
has "the file that was skipped" "^  odd/$shown.jpg: " err.txt
has "also in the list" "^odd/$shown.jpg: " list.txt
check "a line each" test "$(wc -l <list.txt)" -eq "$(grep -c '^odd/' list.txt)"
run 2 "an odd option" sample $model --out "$odd"
check "no control characters in it" no_controls err.txt
run 0 "JSON" eval "odd/$odd.safetensors" --data "odd/$odd.png" --json --quiet
check "no control characters in JSON" no_controls out.txt
has "they are escaped as JSON does" 'a\\u001b\[31m\\u000ab\\u0009c\\u009bd\\ufffd' out.txt
run 0 "a run" train --data "odd/$odd.png" "${tiny[@]}" --levels 2 --steps 1 --out "odd/$odd"
check "no control characters on stdout" no_controls out.txt
check "nor on stderr" no_controls err.txt
run 0 "curves" curves "odd/$odd" --out o.svg
check "no control characters in names of runs" no_controls out.txt
check "nor in the picture" test "$(grep -c "$esc" o.svg)" -eq 0

# ------------------------------------------------------------------------------------------- resuming

run 0 "train" train --data train.idx "${tiny[@]}" --levels 2 --steps 6 --out long
run 0 "--resume" train --data train.idx "${tiny[@]}" --levels 2 --steps 9 --out long --resume
has "says from where" "^long: goes on from step 6 of 9$" err.txt
run 0 "--resume at the end" train --data train.idx "${tiny[@]}" --levels 2 --steps 9 --out long --resume
has "says so" "^long: is at step 9, its last one" err.txt
run 0 "--resume --quiet" train --data train.idx "${tiny[@]}" --levels 2 --steps 10 --out long --resume --quiet
check "says nothing" test ! -s err.txt
cp long/model.safetensors kept
run 2 "--resume with fewer steps" train --data train.idx "${tiny[@]}" --levels 2 --steps 4 --out long --resume --quiet
check "is one sentence" one_line
check "with the step" says "resume: long is at step 10 already, and the last one is to be 4: give more"
check "and the model is as it was" cmp kept long/model.safetensors

# ---------------------------------------------------------------------------------------- small words

harmless "json is given twice: leave one out" info $model --json --json
harmless "seed is given twice, as '1' and as '2': leave one out" sample $model --seed 1 --out x.png --seed=2
harmless "kind is given twice, as 'row' and as 'cnn'" train --data d.npy --kind row --kind cnn --out x
printf 'kind = row\n' >over.conf
run 0 "a file and the command line may differ" train --config over.conf --data d.npy "${tiny[@]}" --levels 2 --steps 1 \
    --out over --quiet
for command in convert show train; do
    for value in 2 4 -1 colour; do
        harmless "channels: '$value' is not one of 0|1|3 (1: grey, of colour its luma; 3: colour, grey repeated; 0: as the data, all alike)" \
            $command --data d.npy --channels $value --out x
    done
done
echo 'channels = 2' >x.conf
harmless "x.conf:1: channels: '2' is not one of 0|1|3" train --data d.npy --config x.conf --out x
run 0 "one image" eval $model --data d.npy --limit 1
check "has no error" test "$(grep -c '±' out.txt)" -eq 0
has "is one" "^1 image, " out.txt
run 0 "two images" eval $model --data d.npy --limit 2
check "have one" test "$(grep -c '±' out.txt)" -eq 2
run 0 "one image as JSON" eval $model --data d.npy --limit 1 --json
has "has no error of nats" '"nats_stderr": null' out.txt
has "nor of bits" '"bits_per_dim_stderr": null' out.txt
run 0 "one image shown" show --data d.npy --count 1 --out x.png
has "is one" "^1 image of 8 x 8 x 1$" out.txt
run 0 "one image of several" show --data d.npy --count 1 --shuffle --out x.png
has "is one of them" "^1 of 20 images of 8 x 8 x 1$" out.txt
run 0 "one image converted" convert --data d.npy --limit 1 --out x.npy
has "is one" "^x.npy: 1 image of 8 x 8 x 1, 0 skipped$" out.txt
run 0 "one image to train on" train --data x.npy "${tiny[@]}" --levels 2 --steps 1 --out one
has "is one" "^1 image of 8 x 8 x 1, 2 levels; none for validation$" err.txt
run 0 "one layer" info one
has "is one" "^network     1 layer, " out.txt

for words in "help help" "help --help" "help -h" "help" "--help" "-h"; do
    # shellcheck disable=SC2086
    run 0 "$words" $words
    has "lists the commands" "^  help " out.txt
done
harmless "unknown command 'unknown'; 'pixelrnn --help' lists the commands" help unknown
harmless "unknown option '--unknown'" help --unknown
harmless "did you mean 'help'" hlep
harmless "'eval' is a second: pixelrnn help COMMAND" help sample eval

# Rows of options say which values are files: what is not among them is not looked at.
check "options that name files are INPUT or OUTPUT" \
    test -z "$(grep -rnE 'STRING\(.*"(F|FILE|DIR|MODEL|RUN|FOLDER)[."|/]' "$source_dir/cli")"

# A terminal shows a line at once, when no likelihood is known.
if script -qec true /dev/null >out.txt 2>err.txt; then
    script -qec "'$program' train --data train.idx ${tiny[*]} --levels 2 --steps 3 --out seen" /dev/null |
        tr '\r' '\n' >terminal.txt
    has "the first line of a training" "train \[\.*\]   0%  epoch 0.00$" terminal.txt
    check "has no likelihood" test "$(grep -c 'train 0.0' terminal.txt)" -eq 0
fi

echo
finish
