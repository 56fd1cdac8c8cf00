#!/usr/bin/env bash
# Captions of contact sheets, and the images that fit least: test_captions.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# pixels FILE.png TOP LEFT HEIGHT WIDTH: a part of a colour picture, '#' for black.
pixels() {
    local width
    width=$(png_size "$1" | cut -d' ' -f1)
    "$program" convert --data "$1" --out pixels.npy >convert.txt 2>&1 || return 1
    tail -c +129 pixels.npy | od -An -v -tu1 -w"$((3 * width))" | awk -v top="$2" -v left="$3" -v height="$4" -v width="$5" '
        NR > top && NR <= top + height {
            line = ""
            for (x = left; x < left + width; x++) line = line ($(3 * x + 1) == 0 ? "#" : ".")
            print line
        }'
}

# same NAME FILE FILE, other NAME FILE FILE: what two pictures are.
same() { check "$1" cmp -s "$2" "$3"; }
other() { check "$1" test "$(cksum <"$2")" != "$(cksum <"$3")"; }

make_idx train.idx 24 8
tiny=(--kind cnn --layers 1 --hidden 4 --head 8 --batch 8 --threads 1 --levels 2 --quiet)
run 0 "a model" train --data train.idx "${tiny[@]}" --steps 20 --lr 1e-2 --optimizer adam --out a
run 0 "a conditional one" train --data train.idx "${tiny[@]}" --condition-size 4 --condition-features 4 --steps 2 --out large
run 0 "pictures" sample a --count 4 --out set/ --quiet
run 0 "small ones" show --data train.idx --count 1 --fit subsample --height 4 --width 4 --levels 2 --out small.png

# Cells of 16 letters of 6 pixels; 3 + 9 for a line, 3 + 18 for two; 8 between them and around.
run 0 "a sheet of numbers" sample a --count 3 --columns 2 --captions --out numbers.png --quiet
check "has its size" test "$(png_size numbers.png)" = "216 x 64"
# The image is 8 x 8 in the middle of its cell; below it a letter of 5 x 7.
pixels numbers.png 19 53 7 5 >letter.txt
check "the first has number 0" test "$(tr '\n' ' ' <letter.txt)" = ".###. #...# #..## #.#.# ##..# #...# .###. "
pixels numbers.png 19 157 7 5 >letter.txt
check "the second 1" test "$(tr '\n' ' ' <letter.txt)" = "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###. "
run 0 "large pixels" sample a --count 1 --captions --zoom 24 --out big.png --quiet
check "have large letters" test "$(png_size big.png)" = "208 x $((8 + 192 + 3 + 18 + 8))"
pixels big.png 203 98 2 10 >letter.txt
check "twice as large" test "$(tr '\n' ' ' <letter.txt)" = "..######.. ..######.. "

run 0 "names of files" show --data set --levels 2 --captions --columns 4 --out names.png --quiet
check "are a second line" test "$(png_size names.png)" = "424 x 45"
width_of() { awk '{ for (i = 1; i <= length; i++) if (substr($0, i, 1) == "#") { if (!l || i < l) l = i; if (i > r) r = i } }
    END { print r - l + 1 }'; }
check "the name has 9 letters" test "$(pixels names.png 28 8 7 96 | width_of)" -eq $((9 * 6 - 1))
run 0 "an array" show --data train.idx --levels 2 --count 4 --captions --columns 4 --out array.png --quiet
check "has numbers alone" test "$(png_size array.png)" = "424 x 36"

# sheet FOLDER NAME: a sheet of a folder with one picture of that name.
sheet() {
    mkdir "$1"
    cp set/00001.png "$1/$2"
    "$program" show --data "$1" --levels 2 --captions --out "$1.png" >out.txt 2>err.txt || bad "a picture named $2"
}
sheet umlaut $'\303\244.png'
sheet question '?.png'
sheet newline $'\n.png'
sheet none $'\377.png'
sheet letter a.png
same "what is not ASCII is a ?" umlaut.png question.png
same "a control character too" newline.png question.png
same "and a byte that is no character" none.png question.png
other "another letter is another" letter.png question.png
sheet long1 beginning-of-one-long-name-and-its-end.png
sheet long2 beginning-of-other-name-and-its-end.png
sheet long3 another-of-one-long-name-and-its-end.png
sheet long4 beginning-of-one-long-name-and-its-tail.png
same "long names are shortened in the middle" long1.png long2.png
other "beginnings are kept" long1.png long3.png
other "ends too" long1.png long4.png
check "and fit" test "$(png_size long1.png)" = "112 x 45"

run 0 "completions" complete a --data set --count 2 --samples 2 --known-rows 4 --captions --out c.png --quiet
check "have captions" test "$(png_size c.png)" = "424 x 82"
run 0 "enlarged images" upscale large --data small.png --samples 2 --captions --out u.png --quiet
check "have captions" test "$(png_size u.png)" = "320 x 45"
refused 2 "captions is for a contact sheet" sample a --captions --out x.npy
refused 2 "captions is for a contact sheet" complete a --data set --known-rows 4 --captions --out x/
refused 2 "captions is for a contact sheet" upscale large --data set --captions --out x.npy
refused 2 "too large .*--captions" sample a --count 2000 --columns 1 --captions --out x.png

# -------------------------------------------------------------------------- what fits least, and numbers

run 0 "eval --worst" eval a --data train.idx --worst 3 --json --quiet
sed -n 's/^    {"image": \([0-9]*\), "nats": \([^,]*\),.*/\1 \2/p' out.txt >worst.txt
check "names three" test "$(wc -l <worst.txt)" -eq 3
run 0 "heat --worst" heat a --data train.idx --worst 3 --json --columns 3 --zoom 2 --no-bar --out h.png
check "draws the same" cmp worst.txt <(sed -n 's/^    {"image": \([0-9]*\), "nats": \([^,]*\),.*/\1 \2/p' out.txt)
# Captions of 20 letters below pairs of 2 x 16 + 2.
check "with captions" test "$(png_size h.png)" = "$((16 + 3 * 120 + 2 * 10)) x $((16 + 16 + 12))"
first=$(head -1 worst.txt | cut -d' ' -f1)
run 0 "heat --captions of that image" heat a --data train.idx --first "$first" --count 1 --captions --no-bar --out one.png
run 0 "heat --worst 1" heat a --data train.idx --worst 1 --no-bar --out worst.png
same "is the same picture" one.png worst.png
refused 2 "leave one out" heat a --data train.idx --worst 1 --count 2 --out x.png

echo damaged >set/00001.png
run 0 "heat of a folder" heat a --data set --worst 4 --json --out h.png --quiet
check "knows the files" test "$(sed -n 's/.*{"image": \([0-9]*\), "name": "set.0000\([0-9]\).png".*/\1 \2/p' out.txt | awk '$1 == $2' | wc -l)" -eq 3
run 0 "a folder of completions" complete a --data set --samples 1 --known-rows 4 --out completed/ --quiet
check "has the numbers of the files" test "$(cd completed && echo *)" = "00000-00000.png 00002-00000.png 00003-00000.png"

finish
