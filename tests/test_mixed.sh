#!/usr/bin/env bash
# A folder as people have them, of pictures of all kinds and of what is none: every file of it is read, or skipped and
# named. And trainings that hold out a part of such a folder. test_mixed.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

says() { grep -q -e "$1" err.txt; }

make_idx train.idx 40 6
tiny="--kind cnn --layers 1 --hidden 4 --head 8 --levels 2 --batch 8"
# shellcheck disable=SC2086
run 0 "a model to begin with" train --data train.idx $tiny --steps 2 --out first --quiet

# ---------------------------------------------------------------------------------------- the folder

seed=0
for class in cats dogs frogs ships; do
    mkdir -p "set/$class"
    seed=$((seed + 1))
    "$program" sample first/model.safetensors --count 45 --seed $seed --out "set/$class/" >out.txt 2>err.txt
done
corpus=$source_dir/fuzz/corpus
for name in grey1 grey16 grey8 grey_alpha palette rgba16 rgb8_filters interlaced1x1 exif iccp text cut zero huge; do
    [ ! -e "$corpus/png/$name" ] || cp "$corpus/png/$name" "set/cats/x_$name.png"
done
for name in colour_420 colour_420_progressive colour_444 grey cmyk exif extraneous jfif_2 no_end restart cut huge; do
    [ ! -e "$corpus/jpeg/$name" ] || cp "$corpus/jpeg/$name" "set/dogs/x_$name.jpg"
done
mkdir set/locked
cp set/cats/00000.png set/locked/
cp set/cats/00000.png set/frogs/named.JPEG # the content counts
cp set/cats/00000.png set/frogs/named.bmp
printf 'GIF89a\001\000\001\000\000\000\000;' >set/a.gif
echo "no picture" >set/ships/broken.png
: >set/ships/empty.jpg
echo "no picture either" >set/ships/picture.heic
ln -s nowhere set/ships/gone.png
cp "$corpus/npz/stored" set/labels.npz
echo "a,b" >set/labels.csv
echo "x" >set/.hidden.png
pictures=$(find set -path '*/.*' -prune -o \( -type f -o -type l \) ! -name 'labels.*' -print | wc -l)
chmod 000 set/locked # a file of it is left out, or the folder is

# ------------------------------------------------------------------------------------------ read

# accounted NAME READ SKIPPED
accounted() { check "$1: $2 read and $3 skipped are $pictures" test $(($2 + $3)) -eq "$pictures"; }

shape="--fit resize --height 6 --width 6 --channels 1"
check "the folder is large" test "$pictures" -ge 200
# shellcheck disable=SC2086
run 0 "convert" convert --data set $shape --out set.npy --skipped skipped.txt --threads 2
images=$(sed -n 's/^set.npy: \([0-9]*\) images.*/\1/p' out.txt)
skipped=$(sed -n 's/.* \([0-9]*\) skipped$/\1/p' out.txt)
accounted "convert" "$images" "$skipped"
check "each of them is named" test "$(wc -l <skipped.txt)" -eq "$skipped"
for name in a.gif ships/broken.png ships/empty.jpg ships/gone.png ships/picture.heic cats/x_zero.png; do
    [ ! -e "set/$name" ] && [ ! -L "set/$name" ] || has "$name is" "^set/$name: " skipped.txt
done
check "what is turned or misnamed is read" test "$(grep -c -e '/named' -e x_exif.png skipped.txt)" -eq 0
if ! grep -q 'no libturbojpeg' skipped.txt; then
    check "so is what libjpeg only warns about" test "$(grep -c -e x_exif -e x_no_end -e x_extraneous -e x_cmyk skipped.txt)" -eq 0
fi
check "what lies beside the pictures is told" says "^set: its pictures are read, and not set/labels.npz: name it to read that$"
if [ ! -r set/locked ]; then
    has "so is the folder that may not be read" "^set/locked: the folder cannot be read" skipped.txt
fi
# shellcheck disable=SC2086
run 0 "convert on one thread" convert --data set $shape --out again.npy --threads 1 --quiet
check "gives the same" cmp set.npy again.npy
check "and --quiet is quiet" test ! -s err.txt

# shellcheck disable=SC2086
run 0 "train" train --data set $shape $tiny --steps 3 --valid-fraction 0.1 --shuffle-split 1 --out run
check "on all of them" says "^$((images - (images + 5) / 10)) images of 6 x 6 x 1, 2 levels; $(((images + 5) / 10)) for validation$"
check "with the number of what is skipped" says "^$skipped file.* skipped:"
run 0 "eval" eval run/model.safetensors --data set --fit resize --json
accounted "eval --json" "$(number out.txt images)" "$(number out.txt skipped)"
cp out.txt folder.json
run 0 "eval of what was converted" eval run/model.safetensors --data set.npy --json
check "is as likely" test "$(number out.txt nats)" = "$(number folder.json nats)"
run 0 "complete" complete run/model.safetensors --data set --fit resize --known-rows 3 --samples 1 --count 1000 --out completed.npy
check "all of them" test "$(wc -c <completed.npy)" -eq $((128 + images * 36))
chmod 755 set/locked

# ------------------------------------------------------------------------------------- held out parts

# train FOLDER ARGUMENTS...
train() {
    local folder=$1
    shift
    # shellcheck disable=SC2086
    "$program" train $tiny --out "$folder" "$@" >out.txt 2>err.txt
}
mkdir classes
cp -r set/frogs set/ships classes/
rm -f classes/*/named* classes/ships/[a-z]*
mkdir classes/a classes/b
cp set/cats/0* classes/a
cp set/dogs/0* classes/b
train tail --data classes --valid-last 20 --steps 2
check "a part of one class is told" says "^the last 20 images, which validate, lie in 1 of 4 folders: --shuffle-split 1 takes them from all$"
train large --data classes --valid-last 90 --steps 2
check "one of two is not" test "$(grep -c folders err.txt)" -eq 0
train split --data classes --valid-last 20 --shuffle-split 5 --steps 2
check "nor is one that is shuffled" test "$(grep -c folders err.txt)" -eq 0
train other --data classes --valid-last 20 --shuffle-split 6 --steps 2
check "other seeds hold out others" test "$(cut -d, -f6 split/metrics.csv | tail -1)" != "$(cut -d, -f6 other/metrics.csv | tail -1)"
train fraction --data classes --valid-fraction 0.1111111 --shuffle-split 5 --steps 2
check "the fraction is that number" cmp split/model.safetensors fraction/model.safetensors
train cached --data classes --cache cache.npy --valid-last 20 --shuffle-split 5 --steps 2
check "so it is from a cache" same_weights split/model.safetensors cached/model.safetensors
train disk --data cache.npy --valid-last 20 --shuffle-split 5 --steps 2 --memory-limit 0
check "and from the disk" same_weights split/model.safetensors disk/model.safetensors
run 0 "convert --shuffle" convert --data classes --shuffle 5 --out shuffled.npy --quiet
train converted --data shuffled.npy --valid-last 20 --steps 2
check "is the same order" same_weights split/model.safetensors converted/model.safetensors
train split --data classes --valid-last 20 --shuffle-split 5 --steps 4 --resume
check "a run goes on with the same split" test $? -eq 0
train other --data classes --valid-last 20 --shuffle-split 5 --steps 4 --resume
check "not with another" test $? -eq 1
check "which is told" says "fingerprint of the training images"
train none --data classes --valid-fraction 0.999 --steps 2
check "a part that leaves nothing" test $? -eq 1
check "is refused" says "valid-fraction leaves nothing to train on: classes holds 180 images"

# ------------------------------------------------------------------------------------------- pipes

printf 'steps = 2\n' >steps.conf
train piped --data - --valid-last 20 --shuffle-split 5 --config <(cat steps.conf) <cache.npy
check "a file as stdin, and a config from a pipe" same_weights cached/model.safetensors piped/model.safetensors
# shellcheck disable=SC2002 # a pipe is meant
cat cache.npy | train piped2 --data - --valid-last 20 --shuffle-split 5 --steps 2
check "data from a pipe" same_weights cached/model.safetensors piped2/model.safetensors
# shellcheck disable=SC2086,SC2002
cat cache.npy | "$program" train --data - --cache new.npy $tiny --steps 2 --out no >out.txt 2>err.txt
check "no cache is of a pipe" says "cache: --data /dev/stdin is a pipe, and nobody can tell"
check "and nothing is left of it" test ! -e new.npy -a ! -e new.npy.json
# shellcheck disable=SC2002
cat cached/metrics.csv | "$program" curves /dev/stdin --out pipe.svg >out.txt 2>err.txt
run 0 "curves of a file" curves cached/metrics.csv --out file.svg
check "and of a pipe" test -s pipe.svg

echo
finish
