#!/usr/bin/env bash
# Images of other sizes than a model's: --size and --tile. test_size.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# idx FILE COUNT HEIGHT WIDTH <VALUES: images of these bytes.
idx() {
    {
        printf '\\000\\000\\010\\003'
        for n in "$2" "$3" "$4"; do printf '\\000\\000\\%03o\\%03o' $((n / 256)) $((n % 256)); done
        awk '{ for (i = 1; i <= NF; i++) printf "\\%03o", $i }'
    } >escapes.txt
    # shellcheck disable=SC2059 # escapes are bytes
    printf "$(cat escapes.txt)" >"$1"
}

# rows HEIGHT WIDTH [TOP LEFT HEIGHT WIDTH]: the values of two images of a pattern, or of a part of them.
rows() {
    awk -v h="$1" -v w="$2" -v t="${3:-0}" -v l="${4:-0}" -v ph="${5:-$1}" -v pw="${6:-$2}" 'BEGIN {
        for (n = 0; n < 2; n++)
            for (r = t; r < t + ph; r++)
                for (c = l; c < l + pw; c++) print (r * 37 + c * c * 11 + r * c * n + 90 * n) % 256
    }'
}

# equal A B NAME: two numbers agree but for the order of a sum.
equal() {
    check "$3" awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(a != "" && b > 0 && (d < 0 ? -d : d) <= 1e-12 * b) }'
}

# nats FILE NAME: of the image in a table of scores whose file ends with NAME.
nats() { awk -F, -v name="$2" 'index($2 "|", name "|") { print $3 }' "$1"; }

make_idx train.idx 24 8
for kind in row diagonal cnn; do
    for head in softmax logistics; do
        more=()
        [ $head = softmax ] || more=(--output logistics --components 2)
        run 0 "a model: $kind, $head" train --data train.idx --kind $kind --levels 16 --layers 2 --hidden 5 --head 8 --batch 8 \
            --steps 5 --seed 3 --quiet --out $kind-$head "${more[@]}"
    done
done

# -------------------------------------------------------------------------------- one size, any size

for model in row-softmax diagonal-logistics cnn-softmax; do
    for size in 1x1 1x7 9x1 8x8 70x33; do
        height=${size%x*} width=${size#*x}
        rows "$height" "$width" | idx data.idx 2 "$height" "$width"
        run 0 "$model at $size" eval $model --data data.idx --size $size --quiet --json
        cp out.txt named.json
        run 0 "$model at its own size, $size" eval $model --data data.idx --size own --quiet --json
        check "the size of the data is its own" test "$(number out.txt nats)" = "$(number named.json nats)"
        check "bits are divided by the values of that size" test "$(number out.txt bits_per_dim)" = \
            "$(number named.json bits_per_dim)"
        equal "$(awk -v n="$(number named.json nats)" -v v=$((height * width)) 'BEGIN { printf "%.17g", n / v / log(2) }')" \
            "$(number named.json bits_per_dim)" "which is what the dimensions are"
    done
    run 0 "$model draws at 5x11" sample $model --size 5x11 --count 3 --seed 2 --out drawn.npy --quiet
    has "images of that size" "'shape': (3, 5, 11, 1)" drawn.npy
    run 0 "$model measures what it drew" eval $model --data drawn.npy --values levels --size own --quiet
    run 0 "and at the size that it has" sample $model --count 3 --seed 2 --out same.npy --quiet
    run 0 "by name" sample $model --size 8x8 --count 3 --seed 2 --out named.npy --quiet
    check "the model's own size changes nothing" cmp -s same.npy named.npy
done
rows 30 41 | idx data.idx 2 30 41
run 0 "values one by one" eval row-softmax --data data.idx --size 30x41 --per-value values.npy --quiet
has "in an array of that size" "'shape': (2, 30, 41, 1)" values.npy
run 0 "what is larger is cut" eval row-softmax --data data.idx --size 20x10 --fit crop --quiet
for threads in 1 2 16; do
    run 0 "with $threads threads" eval diagonal-softmax --data data.idx --tile 7 --threads $threads --quiet --per-image $threads.npy
done
check "threads change nothing" cmp -s 1.npy 2.npy
check "nor do many" cmp -s 1.npy 16.npy

run 0 "complete at another size" complete row-softmax --data data.idx --size own --known-rows 12 --samples 2 --out c.npy --quiet
has "completions of that size" "'shape': (2, 2, 30, 41, 1)" c.npy
run 0 "by name" complete row-softmax --data data.idx --size 30x41 --known-rows 12 --samples 2 --out d.npy --quiet
check "are the same" cmp -s c.npy d.npy
run 0 "heat at another size" heat row-softmax --data data.idx --size own --out h.png --json --quiet
check "has all pixels" test "$(number out.txt pixels)" -eq $((2 * 30 * 41))

run 0 "a model of another size" train --data train.idx --kind row --levels 16 --layers 1 --hidden 4 --head 8 --batch 8 --steps 5 \
    --fit crop --height 5 --width 7 --quiet --out other
run 0 "compare at a third one" compare row-softmax other --data data.idx --size own --json --quiet --scores compared.csv
cp out.txt compared.json
run 0 "A alone" eval row-softmax --data data.idx --size own --scores alone.csv --quiet
check "A has its own likelihoods" test "$(cut -d, -f3 compared.csv | tail -n +2)" = "$(cut -d, -f3 alone.csv | tail -n +2)"
run 0 "B alone" eval other --data data.idx --size 30x41 --scores alone.csv --quiet
check "so has B" test "$(cut -d, -f4 compared.csv | tail -n +2)" = "$(cut -d, -f3 alone.csv | tail -n +2)"

run 0 "score at that size" score row-softmax --background other --data data.idx --size own --scores scored.csv --quiet
# shellcheck disable=SC2016 # of awk
check "its ratio is the difference of the two" awk -F, '
    FNR == 1 { for (i = 1; i <= NF; i++) at[FILENAME, $i] = i; next }
    FILENAME == "compared.csv" { difference[$1] = $5; next }
    { off = $at[FILENAME, "ratio"] - difference[$1]; bad += off < -1e-9 || off > 1e-9; n++ }
    END { exit bad || n != 2 }' compared.csv scored.csv
run 0 "and by name" score row-softmax --background other --data data.idx --size 30x41 --scores named.csv --quiet
check "gives the same" cmp -s scored.csv named.csv
refused 1 "holds images of 30 x 41 x 1" score row-softmax --background other --data data.idx

# -------------------------------------------------------------------------------------------- tiles

# Every tile of 12 is an image of its own, whatever its size.
parts=0
for part in "0 0 12 12" "0 12 12 12" "0 24 12 12" "0 36 12 5" "12 0 12 12" "12 12 12 12" "12 24 12 12" "12 36 12 5" \
    "24 0 6 12" "24 12 6 12" "24 24 6 12" "24 36 6 5"; do
    # shellcheck disable=SC2086
    set -- $part
    rows 30 41 "$@" | idx part.idx 2 "$3" "$4"
    "$program" eval cnn-logistics --data part.idx --size "$3x$4" --json --quiet >out.txt 2>err.txt
    parts=$(awk -v a="$parts" -v b="$(number out.txt nats)" 'BEGIN { printf "%.17g", a + b }')
done
run 0 "tiles" eval cnn-logistics --data data.idx --tile 12 --json --quiet
equal "$(number out.txt nats)" "$parts" "tiles cost what they cost alone"
check "JSON says the tile" test "$(number out.txt tile)" -eq 12
run 0 "a tile of all" eval cnn-logistics --data data.idx --tile 41 --json --quiet
cp out.txt whole.json
run 0 "no tile" eval cnn-logistics --data data.idx --size own --json --quiet
check "a tile that holds the image is the image" test "$(number out.txt nats)" = "$(number whole.json nats)"

# --------------------------------------------------------------------------- folders of mixed sizes

mkdir -p mixed/deep each
seed=0
for size in 6x9 1x1 6x9 9x6 20x3 6x9 1x1; do
    seed=$((seed + 1))
    run 0 "a picture of $size" sample row-softmax --size $size --count 1 --seed $seed --out drawn/ --overwrite --quiet
    name=$seed-$size.png
    cp drawn/00000.png each/$name
    if [ $seed -lt 5 ]; then cp drawn/00000.png mixed/$name; else cp drawn/00000.png mixed/deep/$name; fi
done
echo damaged >mixed/3-damaged.png
run 0 "a folder of mixed sizes" eval row-softmax --data mixed --size own --scores all.csv --json --worst 3
cp out.txt mixed.json
check "its 7 images" test "$(number mixed.json images)" -eq 7
check "of 4 sizes" test "$(number mixed.json sizes)" -eq 4
check "one file skipped" test "$(number mixed.json skipped)" -eq 1
has "and named" "3-damaged.png" err.txt
has "with the reason in its row" "3-damaged.png,,,,,.*no picture" all.csv
check "columns of the sizes" test "$(head -1 all.csv)" = image,name,nats,bits_per_dim,height,width,skipped
check "rows in the order of the files" test "$(tail -n +2 all.csv | cut -d, -f2 | sed 's/.*[/]//' | tr '\n' ' ')" = \
    "1-6x9.png 2-1x1.png 3-6x9.png 3-damaged.png 4-9x6.png 5-20x3.png 6-6x9.png 7-1x1.png "
check "with their numbers" test "$(tail -n +2 all.csv | cut -d, -f1 | tr '\n' ' ')" = "0 1 2  4 5 6 7 "
total=0
for file in each/*.png; do
    name=${file#each/} size=${file##*-}
    size=${size%.png}
    run 0 "$name alone" eval row-softmax --data "$file" --size "$size" --json --quiet
    check "$name costs what it costs alone" test "$(nats all.csv "$name")" = "$(number out.txt nats)"
    check "$name has its bits/dim" test "$(awk -F, -v name="$name" 'index($2 "|", name "|") { print $4 }' all.csv)" = \
        "$(number out.txt bits_per_dim)"
    check "$name has its size" grep -q "$name,.*,${size%x*},${size#*x},$" all.csv
    total=$(awk -v a="$total" -v b="$(number out.txt nats)" 'BEGIN { printf "%.17g", a + b }')
done
equal "$(awk -v n="$total" 'BEGIN { printf "%.17g", n / (3 * 54 + 54 + 60 + 2) / log(2) }')" "$(number mixed.json bits_per_dim)" \
    "bits/dim are those of all values"
equal "$(awk -F, 'NR > 1 && $1 != "" { s += $4; n++ } END { printf "%.17g", s / n }' all.csv)" \
    "$(number mixed.json image_bits_per_dim)" "and beside it the mean of the images"
equal "$(awk -v n="$total" 'BEGIN { printf "%.17g", n / 7 }')" "$(number mixed.json nats)" "nats are a mean over images"
has "the worst say their sizes" '"height": .*"width": ' mixed.json
for threads in 1 2 16; do
    run 0 "with $threads threads" eval row-softmax --data mixed --size own --threads $threads --quiet --scores $threads.csv
done
check "threads change nothing" cmp -s 1.csv 2.csv
check "nor do many" cmp -s 1.csv 16.csv
run 0 "as text" eval row-softmax --data mixed --size own --quiet
has "both means" "the mean of those of each image; 4 sizes" out.txt
run 0 "a part" eval row-softmax --data mixed --size own --first 2 --limit 4 --quiet --scores part.csv
check "of the files in their order" test "$(tail -n +2 part.csv | cut -d, -f1 | tr '\n' ' ')" = "2  4 5 "
run 0 "in tiles" eval row-softmax --data mixed --tile 5 --quiet --json
check "every size in tiles" test "$(number out.txt images)" -eq 7
run 0 "with a row an image" eval row-softmax --data mixed --tile 2 --quiet --scores tiled.csv
for name in 3-6x9.png 5-20x3.png 6-6x9.png; do
    run 0 "$name in tiles" eval row-softmax --data "each/$name" --tile 2 --json --quiet
    check "costs what it costs alone" test "$(nats tiled.csv "$name")" = "$(number out.txt nats)"
done
# shellcheck disable=SC2002 # a pipe is what is tested
cat data.idx | "$program" eval row-softmax --data - --size own --quiet --json >out.txt 2>err.txt
check "a pipe" test "$(number out.txt images)" -eq 2

# ------------------------------------------------------------------------------------------ refusals

run 0 "a small one" train --data train.idx --kind cnn --levels 16 --layers 1 --hidden 4 --head 8 --fit subsample --height 4 \
    --width 4 --steps 1 --quiet --out small
run 0 "a conditional one" train --data train.idx --kind cnn --levels 16 --layers 1 --hidden 4 --head 8 --condition-size 4 \
    --condition-features 4 --steps 1 --quiet --out large
refused 2 "is given small images of 4 x 4" eval large --data train.idx --size 16x16
refused 2 "is given small images of 4 x 4" eval large --data train.idx --size own
refused 2 "is given small images of 4 x 4" eval large --data train.idx --tile 4
refused 2 "those of a chain" eval small large --data train.idx --size own
refused 2 "those of a chain" compare small large vs row-softmax --data data.idx --size own
refused 2 "is given small images of 4 x 4" compare row-softmax large --data data.idx --size own
refused 2 "images of one size" compare row-softmax other --data data.idx
refused 2 "those of a chain" sample small large --size 16x16 --out x.png
for size in 0x5 5x0 4097x1 1x4097 99999x1; do
    refused 2 "1 to 4096 pixels" sample row-softmax --size $size --out x.png
done
for size in 5 x 5x x5 5x5x5 -5x5 5x-5 5.0x5 own5 "5 x 5" 999999999999x1 OWN; do
    refused 2 "write height and width" sample row-softmax --size "$size" --out x.png
done
refused 2 "for images that are there" sample row-softmax --size own --out x.png
refused 2 "1..4096\|1 to 4096" eval row-softmax --data data.idx --tile 0
refused 2 "have no array in common" eval row-softmax --data mixed --size own --per-value x.npy
refused 2 "have no array in common" eval row-softmax --data mixed --tile 5 --per-value x.npy
refused 2 "leave out --size 8x8" eval row-softmax --data mixed --tile 5 --size 8x8
refused 2 "leave out --fit" eval row-softmax --data mixed --size own --fit crop
refused 1 "where 6 x 9 is wanted" heat row-softmax --data mixed --size own --out x.png
refused 1 "size own takes them as large as they are" eval row-softmax --data data.idx
make_sprites colours.npy 3 3
refused 1 "subsample changes the images$" eval row-softmax --data colours.npy # of its size they would be no better
refused 1 "needs 9 x 9 x 1" eval row-softmax --data data.idx --size 9x9
refused 1 "cannot be opened" eval row-softmax --data nothing --size own
refused 2 "is not known\|no option\|unknown" train --data train.idx --size 8x8 --out x
check "nothing was written" test ! -e x.png -a ! -e x.npy
yes 200 | head -n 5000 | idx wide.idx 1 1 5000 2>/dev/null
"$program" convert --data wide.idx --fit crop --height 1 --width 4096 --out wide.npy --quiet >out.txt 2>err.txt
refused 2 "binarize sample is of images of one size, and each holds pictures of [0-9]* sizes" \
    eval "$source_dir/models/mnist-cnn.safetensors" --data each --size own --binarize sample
run 0 "an array of wider images, in tiles" eval cnn-softmax --data wide.idx --tile 128 --quiet
run 0 "in an archive" compress cnn-softmax --data wide.idx --out wide.prnn --quiet
run 0 "which is whole" verify cnn-softmax wide.prnn --quiet
refused 1 "are 1 x 5000 (height x width), and those of a model have sides of 4096 at most" train --data wide.idx --kind cnn \
    --layers 1 --hidden 2 --head 2 --steps 1 --out x
run 0 "as wide as can be" eval cnn-softmax --data wide.npy --size own --quiet
run 0 "a picture that is wider" sample cnn-softmax --size 2x4096 --count 2 --columns 2 --out wider.png --quiet
refused 1 "2 x 8193 pixels, and whole images are up to 4096 x 4096: cut them into tiles" eval cnn-softmax --data wider.png --size own
run 0 "in tiles" eval cnn-softmax --data wider.png --tile 128 --quiet
mkdir huge
cp "$source_dir/fuzz/corpus/png/huge" huge/huge.png
cp each/1-6x9.png huge/
run 0 "a file that declares more than it can hold" eval row-softmax --data huge --size own --json
check "is skipped" test "$(number out.txt skipped)" -eq 1
cp "$source_dir/fuzz/corpus/png/huge" only.png
refused 1 "only.png" eval row-softmax --data only.png --size own
finish
