#!/usr/bin/env bash
# pixelrnn convert, and training from what it writes: test_convert.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

says() { grep -q -e "$1" err.txt; }

# A folder of class folders: 24 pictures that a model drew, and 12 files that are none.
make_idx train.idx 40 6
tiny="--kind cnn --layers 1 --hidden 4 --head 8 --levels 2 --batch 8"
# shellcheck disable=SC2086
run 0 "a model to begin with" train --data train.idx $tiny --steps 2 --out first --quiet
for class in a b; do
    mkdir -p "set/$class"
    "$program" sample first/model.safetensors --count 12 --seed "${#class}" --out "set/$class/" >out.txt 2>err.txt
done
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    echo "no picture" >"set/b/x$i.jpg"
done

# ---------------------------------------------------------------------------------------- convert

run 0 "convert" convert --data set --out set.npy --threads 2
check "it says how many" grep -q '^set.npy: 24 images of 6 x 6 x 1, 12 skipped$' out.txt
check "and names the first ten" test "$(grep -c '^  set/b/x[0-9]*.jpg: is no picture' err.txt)" -eq 10
check "and counts the others" says "and 2 more"
run 0 "convert --skipped" convert --data set --out again.npy --skipped all.txt --threads 1 --quiet
check "--quiet is quiet" test ! -s err.txt
check "--skipped names all" test "$(grep -c '^set/b/x[0-9]*.jpg: is no picture' all.txt)" -eq 12
check "the threads do not matter" cmp set.npy again.npy
check "the array has its size" test "$(wc -c <set.npy)" -eq $((128 + 24 * 36))
run 0 "convert --fit" convert --data set --fit resize --height 3 --width 3 --channels 3 --limit 6 --out small.npy
check "the images are smaller" grep -q '^small.npy: 6 images of 3 x 3 x 3, 0 skipped$' out.txt

# Transparent pictures, and one that EXIF turns.
mkdir clear
for i in 1 2; do cp "$source_dir/fuzz/corpus/png/grey_transparent" clear/$i.png; done # 1, a transparent 2, 3
bytes_of() { tail -c "$1" "$2" | od -An -tu1 | tr -s ' '; }
run 0 "transparent pictures" convert --data clear --out clear.npy
check "are noted" says "^clear: 2 of 2 pictures are transparent: composited over the colour #000000 (alpha"
check "and black behind" test "$(bytes_of 3 clear.npy)" = " 1 0 3"
run 0 "over white" convert --data clear --alpha white --out clear.npy
check "they are white behind" test "$(bytes_of 3 clear.npy)" = " 1 255 3"
for colour in '#ff0000' FF0000; do # its luma
    run 0 "over $colour" convert --data clear --alpha "$colour" --out clear.npy --quiet
    check "they are grey behind" test "$(bytes_of 3 clear.npy)" = " 1 76 3"
    check "and --quiet is quiet" test ! -s err.txt
done
run 0 "without alpha" convert --data clear --alpha drop --out clear.npy
check "they are as stored" test "$(bytes_of 3 clear.npy)" = " 1 2 3"
for colour in red '#ff000' '#ff00000' '#' '##ff0000' '#ff00g0'; do
    run 2 "no colour: $colour" convert --data clear --alpha "$colour" --out x.npy
    check "is one sentence" says "^pixelrnn: .*alpha $colour: choose black, white"
done
turned=$source_dir/fuzz/corpus/png/exif_6 # 1 2 3 over 4 5 6, to be turned clockwise
run 0 "a turned picture" convert --data "$turned" --out turned.npy
check "is turned" test "$(bytes_of 6 turned.npy)" = " 4 1 5 2 6 3"
run 0 "--no-orientation" convert --data "$turned" --no-orientation --out stored.npy
check "leaves it as it lies" test "$(bytes_of 6 stored.npy)" = " 1 2 3 4 5 6"
run 2 "--fit without a size" convert --data set --fit resize --out x.npy
run 2 "another name" convert --data set --out x.png
run 2 "two channels" convert --data set --channels 2 --out x.npy
run 1 "nothing that can be used" convert --data set --first 24 --out x.npy
check "one sentence" one_line
check "which names the first one" says "none of its 12 pictures can be used; the first: set/b/x1.jpg: is no picture"
run 1 "one file that is none" convert --data set/b/x1.jpg --out x.npy
run 1 "an unwritable list" convert --data set --out x.npy --skipped no/folder/list
check "which is named" says "skipped no/folder/list: there is no folder 'no/folder'"
check "before the work" test ! -e x.npy
run 2 "a folder as the list" convert --data set --out x.npy --skipped first
check "is refused" says "skipped first: is a folder"
(
    trap '' XFSZ
    ulimit -f 1
    exec "$program" convert --data train.idx --out full.npy 2>&1 >/dev/null
) | cat >err.txt
check "a full disk is one sentence" one_line
check "which says that" says "full.npy: could not be written: .*; nothing was changed"
check "and leaves nothing" test -z "$(find . -name 'full*' -o -name '*.tmp')"

# -------------------------------------------------------------------- training from where they are

# train FOLDER ARGUMENTS...
train() {
    local folder=$1
    shift
    # shellcheck disable=SC2086
    "$program" train $tiny --optimizer adam --lr 0.01 --log-every 5 --out "$folder" "$@" \
        >out.txt 2>err.txt
}
metrics() { cut -d, -f1,2,4,5,6 "$1/metrics.csv"; } # without the columns that are times

train memory --data set.npy --valid-last 5 --steps 20
check "training in memory" test $? -eq 0
train disk --data set.npy --valid-last 5 --steps 20 --memory-limit 0
check "training from the file" test $? -eq 0
check "the same model" cmp memory/model.safetensors disk/model.safetensors
check "the same log" test "$(metrics memory)" = "$(metrics disk)"
train resumed --data set.npy --valid-last 5 --steps 9 --memory-limit 0
train resumed --data set.npy --valid-last 5 --steps 20 --memory-limit 0 --resume
check "resumed from the file" cmp memory/model.safetensors resumed/model.safetensors
train moved --data set.npy --valid-last 5 --steps 9 --memory-limit 0
train moved --data set.npy --valid-last 5 --steps 20 --resume
check "resumed in memory" cmp memory/model.safetensors moved/model.safetensors
{ head -c 300 set.npy; head -c 36 /dev/zero; tail -c +337 set.npy; } >changed.npy
train other --data set.npy --valid-last 5 --steps 9 --memory-limit 0
train other --data changed.npy --valid-last 5 --steps 20 --memory-limit 0 --resume
check "other images are refused" says "fingerprint of the training images"
train limited --data set.npy --valid-last 5 --limit 7 --valid-limit 2 --steps 2 --memory-limit 0
check "--limit and --valid-limit" says "^7 images of 6 x 6 x 1, 2 levels; 2 for validation"
"$program" eval first/model.safetensors --data set.npy --memory-limit 0 --json --quiet | grep -v seconds >a.txt
"$program" eval first/model.safetensors --data set.npy --json --quiet | grep -v seconds >b.txt
check "eval from the file" cmp a.txt b.txt

# Levels are checked when they are read.
head -c 128 set.npy >levels.npy
head -c $((24 * 36 - 1)) /dev/zero >>levels.npy
printf '\003' >>levels.npy
train levels --data levels.npy --values levels --steps 20 --memory-limit 0
check "a level that is too large is refused" test $? -eq 1
check "with its number" says "levels.npy: image 23 holds the value 3, and 2 levels are 0..1"

# ------------------------------------------------------------------------------------------ cache

train direct --data set --valid-last 5 --steps 20
check "training from the folder" test $? -eq 0
check "names what is skipped, once" test "$(grep -c 'files skipped' err.txt)" -eq 1
train cached --data set --cache cache.npy --valid-last 5 --steps 20
check "training with a cache" test $? -eq 0
check "the cache is the set" cmp cache.npy set.npy
check "the same model" same_weights memory/model.safetensors cached/model.safetensors
check "from a folder too" same_weights memory/model.safetensors direct/model.safetensors
train fitted --data set --cache fitted.npy --valid set --fit resize --height 4 --width 4 --steps 2
check "what validates is fitted beside a cache" test $? -eq 0
cp -p cache.npy kept.npy
anew() { [ cache.npy -nt kept.npy ]; }
train cached2 --data set --cache cache.npy --valid-last 5 --steps 20 --memory-limit 0
check "the cache is used" same_weights memory/model.safetensors cached2/model.safetensors
check "and not made again" test "$(stat -c %y cache.npy)" = "$(stat -c %y kept.npy)"
check "and that is said" says "cache.npy: is of set as it is now, and used in its place"
train cached3 --data set/../set --cache ./cache.npy --valid-last 5 --steps 2 --quiet
check "other names of the same are the same" test "$(stat -c %y cache.npy)" = "$(stat -c %y kept.npy)"
check "--quiet says nothing of it" test ! -s err.txt

# stale NAME KEY ARGUMENTS...: the cache is made anew, and --quiet does not hide that.
stale() {
    local name=$1 key=$2
    shift 2
    rm -rf stale_run
    train stale_run --cache cache.npy --steps 2 --quiet "$@"
    check "$name: training" test $? -eq 0
    check "$name: that is said" says "cache.npy: was made from other data, with other options or by another version than now ($key differs)"
    check "$name: the cache is another" anew
    rm -rf stale_run
    train stale_run --cache cache.npy --steps 2 --quiet "$@"
    check "$name: the next time it is used" test $? -eq 0 -a ! -s err.txt
    cp -p cache.npy kept.npy
}
mkdir fresh
"$program" sample first/model.safetensors --count 24 --seed 9 --out fresh/ >out.txt 2>err.txt
stale "other data" data --data fresh
stale "another fit" fit --data fresh --fit resize --height 4 --width 4
stale "another background" alpha --data fresh --fit resize --height 4 --width 4 --alpha white
stale "another orientation" no-orientation --data fresh --fit resize --height 4 --width 4 --alpha white --no-orientation
stale "another shape" height --data fresh --fit resize --height 5 --width 4
stale "another kind of fit" fit --data fresh --fit crop --height 5 --width 4
cp fresh/00003.png fresh/00024.png
stale "one picture more" data_files --data fresh
mv fresh/00003.png fresh/00004.png
stale "a picture renamed over another" data_files --data fresh
mv fresh/00005.png fresh/99999.png
stale "a picture that comes later" data_changed --data fresh
cp fresh/00000.png hold.png
cp fresh/00001.png fresh/00000.png
stale "a picture changed in place" "data_.*" --data fresh
two=$source_dir/fuzz/corpus/npz/two # arrays a and b
if "$program" convert --data "$two" --array a --out array.npy >out.txt 2>err.txt; then
    stale "an archive" data --data "$two" --array a
    stale "another array" array --data "$two" --array b
    train valid --data "$two" --array a --valid "$two" --valid-array b --steps 2
    check "arrays of one archive train and validate" test $? -eq 0
    stale "as it was" data --data fresh
fi
"$program" convert --data set --out cache.npy >out.txt 2>err.txt
stale "a cache that somebody replaced" cache_changed --data fresh
sed -i 's/"version": "[^"]*"/"version": "0.0.1"/' cache.npy.json
stale "a cache of another version" version --data fresh
"$program" convert --data fresh --out other.npy >out.txt 2>err.txt
check "the cache is the data" cmp cache.npy other.npy

cp other.npy precious.npy
train refused --data set --cache precious.npy --steps 20
check "a file that is no cache is refused" test $? -eq 1
check "in one sentence" one_line
check "which says how one is known" says "precious.npy: is there, without the note .*precious.npy.json.*: remove it"
check "and the file is left alone" cmp other.npy precious.npy
rm precious.npy
echo '{"labels": [1, 2]}' >precious.npy.json
train refused --data set --cache precious.npy --steps 20
check "nor is a file in the place of the note written over" test $? -eq 1 -a ! -e precious.npy
check "which is said" says "precious.npy.json would hold the note .* and is another file"
has "it is left alone" labels precious.npy.json
train refused --data fresh --cache fresh/cache.npy --steps 20
check "a cache in the folder of its data is refused" test $? -eq 2
check "with both names" says "cache fresh/cache.npy lies in --data fresh: name a file outside"
mv fresh away
train refused --data fresh --cache cache.npy --steps 20
check "without the data, a cache is of nobody knows what" test $? -eq 1
check "and the way out is named" says "data fresh: No such file.*give --data cache.npy without --cache"
train refused --data set --cache all.txt --steps 20
check "a cache of another name is refused" test $? -eq 2
cp cache.npy good.npy
mv away fresh
cp first/metrics.csv fresh/wrong.png
rm -f fresh/[0-9]*
train refused --data fresh --cache cache.npy --steps 20
check "data that cannot be converted" test $? -eq 1
check "leave the cache as it was" cmp cache.npy good.npy
check "nothing is left" test ! -e refused

echo
finish
