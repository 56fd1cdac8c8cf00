#!/usr/bin/env bash
# Archives, as a user makes and reads them: test_archive.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"
digits=$source_dir/data/mnist-binarized/valid-images-idx3-ubyte.gz
colour=$source_dir/models/cifar10-row.safetensors grey=grey/model.safetensors

# picture FILE: base64 of a PNG on stdin.
picture() { base64 -d >"$1"; }
mkdir -p "pics/in a folder"
picture "pics/in a folder/rgba.png" <<<iVBORw0KGgoAAAANSUhEUgAAAAkAAAAHCAYAAADam2dgAAAA5UlEQVR42mNgkLeL5dRwTxMyDMiXtoqsUHFOatT1ye4yCy2ZbB9XO8cjvW0pAytQlF/PN0fSIrxM2SmxAaTAPKx0imNC/TyX5KaFfrk9qxm4ND3SRU2CixSA2rS9Mjv0gaJAA6e7pjQv8sxoXxZSPGkjA8gUkDXqbqktOt5ZnUADp9rGVM8CKQCZElU5YzuDiHFQoaJDfB1IEdDAiSBT3NNal/jmdK8CcjcAbd3LAHILSAHQwG5ToNlAdy8A2ro8sKB/XUT5tK1A9YcZ5IBmgxwLUgCyBuQWkClAz22KrZm9C8g8CQCZTmJHCW/4XAAAAABJRU5ErkJggg==
picture pics/grey_alpha.png <<<iVBORw0KGgoAAAANSUhEUgAAAAUAAAAGCAQAAACh8pzAAAAATUlEQVR42gFCAL3/AABjFHcoizyfULMAA2YXeiuOP6JTtgAGaRp9LpFCpVa5AAlsHYAxlEWoWbwADG8ggzSXSKtcvwAPciOGN5pLrl/Cv4AWvQfMTBMAAAAASUVORK5CYII=
picture pics/palette.png <<<iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIBAMAAAA2IaO4AAAAMFBMVEX/AAAAyAoDBfpNTU3/AAAAyAoDBfpNTU3/AAAAyAoDBfpNTU3/AAAAyAoDBfpNTU2cDtoIAAAAG0lEQVR42mNgYBAUBCIlJQYlJWNjBiACAQwxADqYAzEVo28PAAAAAElFTkSuQmCC
picture pics/black.png <<<iVBORw0KGgoAAAANSUhEUgAAAAMAAAADCAAAAABzQ+pjAAAAC0lEQVR42mNgQAAAAAwAAe/oMyUAAAAASUVORK5CYII=
picture pics/grey.png <<<iVBORw0KGgoAAAANSUhEUgAAABQAAAARCAAAAAD4L9NiAAABJklEQVR42mNg4JFQMbDxCEnIqWiZMGfFlgNnbjxhYOSVVDW09QxNzK1snTh35daDZ28+ZWDik1IzsvMKS8qraps0b9W2Q+duPWNg5pdWN7b3Dk/Or26fPH/19sPnbz9nYBGQ0TBx8IlIKajpmLJgzY4jF+68YGAVlNU0dfSNTC2s7Zy6cO3OoxfvvmRgE5LTMnPyi0orquuatmjdrmOX7r1iYBeW1zZ39o9OL67vnr54/e7jl++/ZuAQUdCxcAmIyShp6JmxZMOeE1cevGHgFFXUtXQNjM0sbeyduXTj3pNXH75l4BJT0rNyC4rLKmvqm7Vs075T1x69Y+AWV9a3dg+Ozy5v7p+9fPP+09cfv8fm9Q8MWLz+kQGL1z8xYPH6ZwYsXv8CAFMBoglQWjWvAAAAAElFTkSuQmCC
picture pics/bits.png <<<iVBORw0KGgoAAAANSUhEUgAAAAkAAAADAQAAAABpcRjbAAAAEUlEQVR42mNY1cDAz8DwvwEAC6ICuc/bpsEAAAAASUVORK5CYII=
deep=iVBORw0KGgoAAAANSUhEUgAAAAIAAAACEAAAAAAHTY67AAAAD0lEQVR42mNgZGJmYQARAABkABX2sTgqAAAAAElFTkSuQmCC

# ---- Pictures of all kinds, by a shipped model and by a small one, since a model is used some forty times.
run 0 "a small model of digits" train --data "$digits" --limit 500 --steps 40 --batch 4 --optimizer adam --lr 0.03 --valid-last 20 --kind row --layers 1 --hidden 8 --head 8 --out grey --quiet
for model in "$colour" "$grey"; do
    name=$(basename "$model" .safetensors)
    run 0 "compress pictures with $name" compress "$model" --data pics --out a.prnn --quiet
    has "it says what they take" "^archive  *[0-9]* bytes" out.txt
    rm -rf back
    run 0 "decompress them" decompress "$model" a.prnn --out back/ --quiet
    run 0 "compress those" compress "$model" --data back --out b.prnn --quiet
    check "their names and pixels are the same" cmp a.prnn b.prnn
done
check "a name has its folder" test -f "back/in a folder/rgba.png"
run 0 "list" list a.prnn
has "list names pictures" "7 x     9 x 4 .*in a folder/rgba.png" out.txt
run 0 "list as JSON" list a.prnn --json
has "list as JSON has the size" '"raw_bytes": 880' out.txt
run 2 "decompress into a folder with pictures" decompress "$grey" a.prnn --out back/
run 0 "decompress and overwrite" decompress "$grey" a.prnn --out back/ --overwrite
mkdir twins # whose files would be the same
cp pics/black.png twins/a.jpg
cp pics/bits.png twins/a.jpg.png
cp "pics/in a folder/rgba.png" twins/b.jpg
run 0 "compress a.jpg and a.jpg.png" compress "$grey" --data twins --out twins.prnn --quiet
run 0 "decompress them" decompress "$grey" twins.prnn --out untwined/
has "a note says so" "untwined/: 1 image has a number behind the name" err.txt
check "no file is lost" test "$(cd untwined && echo *)" = "a.jpg-000000.png a.jpg.png b.jpg.png"
for pair in a.jpg:a.jpg-000000.png a.jpg.png:a.jpg.png b.jpg:b.jpg.png; do
    for place in "twins/${pair%:*}" "untwined/${pair#*:}"; do
        "$program" compress "$grey" --data "$place" --out "$(dirname "$place").one" --quiet >out.txt
        "$program" decompress "$grey" "$(dirname "$place").one" --extract 0 --out "$(dirname "$place").npy" --quiet >out.txt
    done
    check "${pair%:*} is ${pair#*:}" cmp twins.npy untwined.npy
done
run 0 "one of them into a folder" decompress "$grey" twins.prnn --extract a.jpg --out untwined-one/ --quiet
check "alone it has its name" test -f untwined-one/a.jpg.png
mkdir -p folders/a.jpg.png # the name of whose file is that of another picture
cp pics/black.png folders/a.jpg
cp pics/bits.png folders/a.jpg.png/b.png
run 0 "compress a.jpg and a.jpg.png/b.png" compress "$grey" --data folders --out folders.prnn --quiet
run 0 "decompress them" decompress "$grey" folders.prnn --out unfolded/
check "both are there" test "$(cd unfolded && find . -type f | sort | tr '\n' ' ')" = "./a.jpg-000000.png ./a.jpg.png/b.png "
# ---- Through a pipe a picture is what it is in its file.
for name in "in a folder/rgba.png" grey_alpha.png; do
    run 0 "$name from a pipe" compress "$grey" --data <(cat "pics/$name") --out piped.prnn
    check "nothing is lost, so nothing is noted" test ! -s err.txt
    run 0 "by its name" compress "$grey" --data "pics/$name" --out named.prnn
    run 0 "both are" decompress "$grey" piped.prnn --extract 0 --out piped.npy --quiet
    run 0 "decompressed" decompress "$grey" named.prnn --extract 0 --out named.npy --quiet
    check "$name is the same" cmp piped.npy named.npy
done
base64 -d <<<$deep | run 1 "16 bits from stdin" compress "$grey" --data - --out piped16.prnn
has "16 bits are refused" "/dev/stdin: has samples of 16 bits" err.txt
check "and nothing is written" test ! -e piped16.prnn

# ---- What lies beside pictures is named.
mkdir beside
cp pics/black.png pics/bits.png beside
cp piped.npy beside/array.npy
run 0 "an array beside pictures" compress "$grey" --data beside --out beside.prnn
has "it is named" "beside: its pictures are read, and not beside/array.npy" err.txt

run 0 "one picture" compress "$grey" --data pics/black.png --out one.prnn --quiet
run 0 "one picture, listed" list one.prnn
has "its name is that of the file" " black.png" out.txt

# ---- Pictures of few colours, by a model with a palette.
make_sprites sprites.npy 24 5
run 0 "a model with a palette" train --data sprites.npy --palette --steps 100 --batch 4 --optimizer adam --lr 0.01 --valid-last 4 --kind row --layers 1 --hidden 8 --head 8 --out sprites --quiet
run 0 "compress sprites" compress sprites --data sprites.npy --out sprites.prnn --quiet --json
check "the model codes all" test "$(number out.txt stored_blocks)" -eq 0
run 0 "list them" list sprites.prnn
has "they are coded by their colours" "6 x     6 x 3  by palette  *images 0 to 23" out.txt
run 0 "list them as JSON" list sprites.prnn --json
has "JSON says so" '"by_palette": true' out.txt
run 0 "verify them" verify sprites sprites.prnn
run 0 "decompress them" decompress sprites sprites.prnn --out again.npy --quiet
check "they are the same file" cmp sprites.npy again.npy
run 0 "one of them" decompress sprites sprites.prnn --extract 23 --out last.npy --quiet
check "it is that one" cmp <(tail -c 108 last.npy) <(tail -c 108 sprites.npy)
run 0 "as pictures" decompress sprites sprites.prnn --out sprites-png/ --quiet
cp pics/grey.png pics/grey_alpha.png "pics/in a folder/rgba.png" sprites-png/
run 0 "compress pictures, some of other colours" compress sprites --data sprites-png --out mixed.prnn --quiet
run 0 "list those" list mixed.prnn
has "the others are stored" "17 x    20 x 1  stored  *grey.png" out.txt
check "all sprites are coded" test "$(grep -c 'by palette' out.txt)" -eq 24
run 0 "decompress those" decompress sprites mixed.prnn --out mixed/ --quiet
run 0 "compress them again" compress sprites --data mixed --out again.prnn --quiet
check "their names and pixels are the same" cmp mixed.prnn again.prnn
for how in "--threads 1" "--threads 16 --cpu generic" "--no-verify"; do
    # shellcheck disable=SC2086 # words
    run 0 "compress sprites with $how" compress sprites --data sprites.npy --out other.prnn --quiet $how
    check "it is the same archive" cmp sprites.prnn other.prnn
done
run 0 "each alone, with the model inside" compress sprites --data sprites-png --block 1 --tile 16 --model-inside --out alone.prnn --quiet
run 0 "they need no other" verify alone.prnn
run 0 "numbers of colours" sample sprites --count 5 --out numbers.npy --quiet
run 0 "compress numbers" compress sprites --data numbers.npy --out numbers.prnn --quiet
run 0 "decompress numbers" decompress sprites numbers.prnn --out again.npy --quiet
check "they are the same file" cmp numbers.npy again.npy
sed 's/#00ff00/#00ff01/' sprites/model.safetensors >other.safetensors
run 1 "a model with another palette" verify other.safetensors sprites.prnn
has "both are named" "with a palette of the CRC [0-9a-f]\{8\}, and this model, .*, has one of the CRC [0-9a-f]\{8\}" err.txt
run 0 "which numbers do not need" verify other.safetensors numbers.prnn

# ---- What cannot be kept.
cp -r pics deep
picture deep/deep.png <<<$deep
echo nonsense >deep/damaged.png
echo before >c.prnn
run 1 "a picture of 16 bits and a damaged one" compress "$grey" --data deep --out c.prnn --quiet
has "the first is named" "deep.png: has samples of 16 bits" err.txt
has "the second is named" "damaged.png: is no picture" err.txt
check "nothing was written" grep -q before c.prnn
run 0 "without them" compress "$grey" --data deep --skip --out c.prnn --quiet
check "the others are there" cmp a.prnn c.prnn

# ---- Arrays, threads, instruction sets.
run 0 "an array to compare with" convert --data "$digits" --limit 40 --out digits.npy --quiet
run 0 "compress an array" compress "$grey" --data digits.npy --out d.prnn --quiet
run 0 "decompress it" decompress "$grey" d.prnn --out again.npy --quiet
check "it is the same file" cmp digits.npy again.npy
for how in "--threads 1" "--threads 16" "--cpu generic" "--no-verify"; do
    # shellcheck disable=SC2086 # words
    run 0 "compress with $how" compress "$grey" --data digits.npy --out e.prnn --quiet $how
    check "it is the same archive" cmp d.prnn e.prnn
done
run 0 "decompress on another instruction set" decompress "$grey" d.prnn --out again.npy --quiet --cpu generic --threads 3
check "it is the same array" cmp digits.npy again.npy
run 0 "one image by its number" decompress "$grey" d.prnn --extract 7 --out seven.npy --quiet
check "it is that image" cmp <(tail -c 784 seven.npy) <(tail -c $((33 * 784)) digits.npy | head -c 784)
run 0 "one picture by its name" decompress "$grey" a.prnn --extract "in a folder/rgba.png" --out x.png --quiet
check "it is that picture" cmp x.png "back/in a folder/rgba.png"
run 1 "an image that is not there" decompress "$grey" a.prnn --extract nobody.png --out x.png
has "it says how to find its name" "pixelrnn list" err.txt
run 2 "pictures of many sizes as an array" decompress "$grey" a.prnn --out x.npy
run 2 "many pictures as one" decompress "$grey" a.prnn --out x.png
run 0 "small tiles and blocks" compress "$grey" --data digits.npy --out f.prnn --tile 16 --block 1 --quiet --json
has "JSON has the tile" '"tile": 16' out.txt
run 0 "verify" verify "$grey" f.prnn
has "verify counts" "40 images whole, 0 lost" out.txt

# ---- Models.
run 0 "a model inside" compress "$grey" --data digits.npy --limit 3 --model-inside --out inside.prnn --quiet
run 0 "needs no other" verify inside.prnn
run 1 "no model" verify d.prnn
has "the model is named" "was made with the model [0-9a-f]\{16\}: give it" err.txt
run 1 "another model" verify "$colour" d.prnn
has "both are named" "was made with the model [0-9a-f]\{16\}, and this is [0-9a-f]\{16\}" err.txt
run 0 "info" info "$grey"
has "info has the fingerprint" "^fingerprint [0-9a-f]\{64\}" out.txt
if "$program" eval "$grey" --data digits.npy --limit 1 --precision bf16 >out.txt 2>err.txt; then
    run 1 "compress in bf16" compress "$grey" --data digits.npy --out x.prnn --precision bf16
    has "the precision is named" "the precision is bf16" err.txt
    run 1 "verify in bf16" verify "$grey" d.prnn --precision bf16
fi
run 1 "a conditional model" compress "$source_dir/models/cifar10-32x32-given-8x8.safetensors" --data pics --out x.prnn
run 1 "too many pixels" verify "$grey" d.prnn --max-pixels 1000
has "the limit is named" "at most 1000" err.txt

# ---- Damage.
size=$(wc -c <f.prnn)
head -c $((size / 2)) f.prnn >cut.prnn
run 1 "an archive that was cut off" decompress "$grey" cut.prnn --out cut.npy --quiet
has "lost images are named" "cut.prnn: images [0-9]* to 39 are lost: missing from the file" err.txt
check "the others are there" test "$(wc -c <cut.npy)" -gt 4000
run 1 "verify it" verify "$grey" cut.prnn
has "how many are whole" "[1-9][0-9]* images whole, [1-9][0-9]* lost" out.txt
run 1 "list it" list cut.prnn
has "what is missing" "its end is missing" err.txt
cp f.prnn flipped.prnn
printf x | dd of=flipped.prnn bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
run 1 "a changed byte" verify "$grey" flipped.prnn
run 1 "no archive" list digits.npy
has "that it is none" "is no archive" err.txt

# Of two lists of images, the first one and the copy of both are damaged.
{
    printf '\x93NUMPY\x01\x00\x76\x00'
    printf '%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (65600, 1, 1, 1), }"
    yes 'lists of images' | head -c 65600
} >dots.npy
run 0 "many images" compress "$grey" --data dots.npy --out dots.prnn --quiet
lists=""
LC_ALL=C grep -obUaP '\x8bPRN\r' dots.prnn | cut -d: -f1 >marks.txt
while read -r at; do
    type=$(tail -c +$((at + 9)) dots.prnn | head -c 1)
    if [ "$type" = C ] || { [ "$type" = D ] && [ -z "$lists" ]; }; then
        printf xxxx | dd of=dots.prnn bs=1 seek=$((at + 44)) conv=notrunc 2>/dev/null
        lists=$lists$type
    fi
done <marks.txt
check "one list and the copy are damaged" test "$lists" = DC
run 1 "images of unknown size" decompress "$grey" dots.prnn --out dots-left.npy --quiet
has "those without names are told at once" "images 0 to 65535 are lost: the list of images" err.txt
check "in one line" test "$(wc -l <err.txt)" -eq 4
check "the others are there" test "$(tail -c 64 dots-left.npy)" = "$(tail -c 64 dots.npy)" -a "$(wc -c <dots-left.npy)" -eq $((128 + 64))
run 1 "each of them is at least a pixel" verify "$grey" dots.prnn --max-pixels 60000
has "the limit is named" "at most 60000" err.txt

# Names as long as a file's may be, to which .png is added; and the permissions of a file that is replaced.
mkdir long
stem=$(printf 'n%.0s' {1..243})
cp pics/black.png "long/$stem€nnnnn.jpe" # 255 bytes; both would be one file
cp pics/bits.png "long/$stem€nnnnn.jpg"
cp pics/bits.png long/b.png
run 0 "compress long names" compress "$grey" --data long --out long.prnn --quiet
run 0 "decompress them" decompress "$grey" long.prnn --out unlong/ --quiet
check "all are there" test "$(cd unlong && LC_ALL=C && printf '%s ' *)" = "b.png $stem-000002.png $stem€nnnnn.png "
chmod 600 long.prnn
run 0 "compress once more" compress "$grey" --data long --out long.prnn --quiet
check "the file is as private as it was" test "$(stat -c %a long.prnn)" = 600

# A file that is none is not read to its end.
if truncate -s 1T huge.prnn 2>/dev/null; then
    # shellcheck disable=SC2016 # of that shell
    check "no archive, of any size" timeout 60 bash -c '"$0" list huge.prnn 2>err.txt; test $? -eq 1' "$program"
    has "that it is none" "is no archive" err.txt
    rm huge.prnn
fi

refused 2 "an archive is no .npy file" compress "$grey" --data digits.npy --out other.npy
refused 1 "/dev/null: is not a file" compress "$grey" --data digits.npy --out /dev/null --quiet
(
    ulimit -f 1
    trap '' XFSZ
    "$program" decompress "$grey" d.prnn --out lost.npy --json >lost.json 2>err.txt
)
check "what is not written is not counted" test ! -e lost.npy -a "$(number lost.json written)" = 0

# ---- Nothing is left behind.
check "no temporary files" test -z "$(find . -name '*.tmp')"
(
    ulimit -f 1
    "$program" compress "$grey" --data digits.npy --model-inside --out full.prnn --quiet 2>err.txt
)
check "a full disk leaves nothing" test ! -e full.prnn
has "and says so" "nothing was changed" err.txt
# ended SIGNAL NAME: a long compression gets SIGNAL as soon as it writes.
ended() {
    "$program" compress "$grey" --data "$digits" --cpu generic --block 8 --out "$2.prnn" --quiet 2>err.txt &
    for _ in $(seq 300); do
        [ -n "$(find . -name "$2.prnn.*.tmp")" ] && break
        sleep 0.1
    done
    kill -s "$1" $!
    wait $! 2>/dev/null
}
ended TERM stopped
check "stopped, nothing is there" test ! -e stopped.prnn
has "and it says so" "stopped" err.txt
check "nor anything of it" test -z "$(find . -name 'stopped*')"
ended KILL killed
check "killed, nothing is there under the name" test ! -e killed.prnn
check "only what it was writing" test -n "$(find . -name 'killed.prnn.*.tmp')"
finish
