#!/usr/bin/env bash
# Pictures: pixelrnn curves, heat and histogram: test_plot.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# harmless CODE PATTERN ARGUMENTS...: refused in plain ASCII, and the files old.* are as they were.
harmless() {
    refused "$@"
    check "in plain letters" sh -c "! LC_ALL=C grep -q '[^ -~]' err.txt"
    check "and nothing is written" nothing_written
}
nothing_written() {
    cmp -s old.svg old.svg.before && cmp -s old.png old.png.before && [ -z "$(find . -name '*.tmp')" ]
}

# Whether a file is well-formed SVG; without xmllint, whether as many elements end as begin.
is_svg() {
    if command -v xmllint >/dev/null; then
        xmllint --noout "$1" && return
    fi
    [ "$(head -c 4 "$1")" = "<svg" ] && [ "$(tail -n 1 "$1")" = "</svg>" ] &&
        [ "$(grep -o '<[a-z]' "$1" | wc -l)" -eq "$(grep -o '/>\|</' "$1" | wc -l)" ]
}

# No coordinate that is no number.
is_finite() { ! grep -q -i -e '[^a-z]nan' -e '[^a-z]inf' "$1"; }

# picture NAME FILE: an SVG without strange numbers.
picture() {
    check "$1 is SVG" is_svg "$2"
    check "$1 has numbers only" is_finite "$2"
}

balanced() { [ "$(tr -cd '{[' <"$1" | wc -c)" -eq "$(tr -cd '}]' <"$1" | wc -c)" ]; }
near() { awk -v a="$1" -v b="$2" -v e="${3:-1e-4}" 'BEGIN { d = a - b; exit !(a != "" && b != "" && d < e && d > -e) }'; }

# floats FILE.npy: the values of a float32 array, one a line.
floats() { od -An -tf4 -v -j128 -w4 "$1" | tr -d ' '; }

echo "an old picture" >old.svg
echo "an old picture" >old.png
for file in old.svg old.png; do cp $file $file.before; done

# ------------------------------------------------------------------------------------------ curves

header=step,epoch,seconds,learning_rate,train_nats,valid_nats,images_per_second
cat >a.csv <<END
$header
100,0.5,10.0,0.001,95.5,,100.0
200,1,20.0,0.001,85.25,84.5,100.0
300,1.5,30.0,0.001,82.0,,100.0
400,2,40.0,0.001,80.5,81.625,100.0
END
sed 's/81.625/80.125/; s/84.5/83.75/' a.csv >b.csv
sed 's/_nats/_bits_per_dim/g' a.csv >bits.csv

run 0 "one run" curves a.csv --out a.svg
picture "one run" a.svg
check "the lowest validation is printed" grep -q "^a: lowest validation 81.6[23] nats per image at epoch 2$" out.txt
check "the file is printed" grep -q "^a.svg$" out.txt
for text in training validation epoch "nats per image" 0.0 0.5 1.0 1.5 2.0 85; do
    check "the picture says $text" grep -q ">$text</text>" a.svg
done
check "one dot a validation, and one in the legend" test "$(grep -c '<circle' a.svg)" -eq 3

run 0 "two runs" curves a.csv b.csv --names "Row <1> & \"co\",b" --title "T & U" --x step --low 78 --high 90 --out two.svg
picture "two runs" two.svg
for text in 'Row &#60;1&#62; &#38; &#34;co&#34; (81.6[23])' 'b (80.1[23])' 'T &#38; U' step 100 400 78 90; do
    check "the picture says $text" grep -q ">$text</text>" two.svg
done
check "two colours" test "$(grep -o '<polyline stroke="#[0-9a-f]*"' two.svg | sort -u | wc -l)" -eq 2
run 0 "bits" curves bits.csv --x seconds --out bits.svg
picture "bits" bits.svg
check "the lowest is after seconds" grep -q "81.6250 bits per dimension after 40 seconds$" out.txt
check "the axis is in seconds" grep -q ">seconds</text>" bits.svg
check "and the other in bits" grep -q ">bits per dimension</text>" bits.svg
sed 's/0\.0,0.001/0000.0,0.001/' a.csv >hours.csv
run 0 "hours" curves hours.csv --x seconds --out hours.svg
check "long times are in hours" grep -q ">hours</text>" hours.svg
mkdir -p row/deep && cp a.csv row/deep/metrics.csv
run 0 "a folder" curves row/deep/ row/deep/metrics.csv row/deep --out folder.svg
check "is called by its name" test "$(grep -c '^deep: ' out.txt)" -eq 3
# shellcheck disable=SC2046 # words
run 0 "24 runs" curves $(printf 'a.csv %.0s' $(seq 24)) --out many.svg
picture "24 runs" many.svg
run 0 "the same again" curves a.csv --out again.svg
check "gives the same picture" cmp -s a.svg again.svg
awk -v header="$header" 'BEGIN {
    print header
    for (i = 1; i <= 50000; i++) printf "%d,%.4f,%d,0.001,%.4f,%s,9\n", i, i / 1000, i, 80 + 100 / i, i % 100 ? "" : 80 + 90 / i
}' >long.csv
run 0 "a long log" curves long.csv --out long.svg
picture "a long log" long.svg
check "is a small picture" test "$(wc -c <long.svg)" -lt 100000

# Logs as other programs leave them.
sed 's/$/\r/' a.csv >crlf.csv
run 0 "CRLF" curves crlf.csv --out crlf.svg --names a
run 0 "LF" curves a.csv --out lf.svg --names a
check "CRLF makes no difference" cmp -s crlf.svg lf.svg
{ printf '\357\273\277'; head -c -1 a.csv; } >mark.csv
run 0 "a byte order mark, and no newline at the end" curves mark.csv --out mark.svg --names a
check "make no difference" cmp -s mark.svg lf.svg
sed 's/\([^,]*\)/"\1"/g' a.csv >quoted.csv
run 0 "quoted cells" curves quoted.csv --out quoted.svg --names a
check "make no difference" cmp -s quoted.svg lf.svg
{ echo "\"a \"\"note\"\", long\",$header"; tail -n +2 a.csv | sed 's/^/"1,5 ""x""",/'; } >note.csv
run 0 "commas and quotes in quoted cells" curves note.csv --out note.svg --names a
check "make no difference" cmp -s note.svg lf.svg
awk -F, -v OFS=, '{ print $6, $2, "more", $5 }' a.csv >order.csv
run 0 "other columns in another order" curves order.csv --out order.svg --x epoch
picture "other columns" order.svg
{ head -3 a.csv; printf '300,1.5,30,0.001,nan,,1\n\n400,2,40,0.001,-inf,NaN,1\n'; } >nan.csv
run 0 "nan and inf are gaps" curves nan.csv --out nan.svg
picture "gaps" nan.svg
check "the lowest is that of the others" grep -q "lowest validation 84.50" out.txt
head -2 a.csv >line.csv
run 0 "one line" curves line.csv --out line.svg
picture "one line" line.svg
check "has no validation" grep -q "^line: no validation$" out.txt
{ echo "$header"; echo "0,0,0,0,0,0,0"; } >zero.csv
run 0 "nothing but 0" curves zero.csv --out zero.svg
picture "nothing but 0" zero.svg
{ echo "$header"; echo "1,1,1,1,-999999999999,999999999999,1"; echo "2,1,1,1,1e-300,1e12,1"; } >large.csv
run 0 "large numbers" curves large.csv --out large.svg
picture "large numbers" large.svg
{ echo "$header"; echo "9,1,1,1,5,5,1"; echo "3,-2,1,1,5,5,1"; echo "3,-2,1,1,5,5,1"; } >back.csv
run 0 "back in time" curves back.csv --out back.svg
picture "back in time" back.svg
{ echo "$header"; echo "1,-3,1,1,5,5,1"; echo "2,-2,1,1,6,5,1"; } >negative.csv
run 0 "before the beginning" curves negative.csv --out negative.svg
picture "before the beginning" negative.svg
{ echo "$header"; echo "1,1,1,1,5,,1"; for i in $(seq 2 50); do echo "$((i * 1000)),$i,1,1,,,1"; done; } >first.csv
run 0 "a first short line only" curves first.csv --out first.svg
picture "a first short line only" first.svg
run 0 "a name of strange bytes" curves a.csv --names "$(printf '\377\001x\357\277\277')" --out odd.svg
picture "a name of strange bytes" odd.svg

: >empty.csv
echo "$header" >header.csv
tail -n +2 a.csv >headless.csv
head -c 1000 /dev/urandom | tr -d '\000' >garbage.csv
printf 'step\000epoch\n' >nul.csv
sed 's/,valid_nats//' a.csv >column.csv
{ cat a.csv; echo "500,2.5,50.0"; } >cut.csv
{ echo "$header"; echo "100,0,5,10,0,001,95,,100"; } >comma.csv
{ cat a.csv; echo '500,"2,50.0,0.001,80,,3'; } >open.csv
{ cat a.csv; echo '500,"2"5,50.0,0.001,80,,3'; } >behind.csv
{ cat a.csv; echo '500,"2,5",50.0,0.001,80,,3'; } >quotedcomma.csv
{ cat a.csv; printf '500,2.5,50.0,0.001,8\3011,,3\n'; } >word.csv
{ cat a.csv; echo "500,,50.0,0.001,80,,3"; } >place.csv
{ cat a.csv; echo "500,nan,50.0,0.001,80,,3"; } >nanplace.csv
{ cat a.csv; echo "500,3,50.0,0.001,1e300,,3"; } >huge.csv
{ echo "$header"; echo "1,1,1,1,nan,,1"; } >onlynan.csv
harmless 1 "empty.csv: is empty" curves empty.csv --out old.svg
harmless 1 "header.csv: has no numbers yet" curves header.csv --out old.svg
harmless 1 "headless.csv: has no column epoch" curves headless.csv --out old.svg
harmless 1 "garbage.csv: has no column" curves garbage.csv --out old.svg
harmless 1 "nul.csv: is not a text file" curves nul.csv --out old.svg
harmless 1 "column.csv: has no column valid_nats" curves column.csv --out old.svg
harmless 1 "cut.csv:6: has 3 columns, and the header has 7" curves cut.csv --out old.svg
harmless 1 "comma.csv:2: has 9 columns.*decimal point" curves comma.csv --out old.svg
harmless 1 "open.csv:6: '\"2' in the column epoch" curves open.csv --out old.svg
harmless 1 "behind.csv:6: '\"2\"5' in the column epoch" curves behind.csv --out old.svg
harmless 1 "quotedcomma.csv:6: '2,5' in the column epoch" curves quotedcomma.csv --out old.svg
harmless 1 "word.csv:6: '8\\\\xc11' in the column train_nats" curves word.csv --out old.svg
harmless 1 "place.csv:6: '' in the column epoch" curves place.csv --out old.svg
harmless 1 "nanplace.csv:6: 'nan' in the column epoch" curves nanplace.csv --out old.svg
harmless 1 "huge.csv:6: '1e300'" curves huge.csv --out old.svg
harmless 1 "onlynan.csv: has no numbers" curves onlynan.csv --out old.svg
harmless 1 "none.csv" curves a.csv none.csv --out old.svg
harmless 1 "row/metrics.csv" curves row --out old.svg
harmless 1 "a.csv is in nats.*bits.csv" curves a.csv bits.csv --out old.svg
harmless 2 "RUN is missing" curves --out old.svg
harmless 2 "RUN is empty" curves "" --out old.svg
harmless 2 "--out F.svg is missing" curves a.csv
harmless 2 "end with .svg" curves a.csv --out old.png
harmless 2 "2 names, and there is 1 run" curves a.csv --names a,b --out old.svg
harmless 2 "1 name, and there are 2 runs" curves a.csv b.csv --names a --out old.svg
harmless 2 "--low 3 is not below --high 3" curves a.csv --low 3 --high 3 --out old.svg
harmless 2 "epoch|step|seconds" curves a.csv --x time --out old.svg
harmless 2 "not a number" curves a.csv --low nan --out old.svg
# shellcheck disable=SC2046 # words
harmless 2 "25 runs are too many" curves $(printf 'a.csv %.0s' $(seq 25)) --out old.svg
harmless 1 "no/folder" curves a.csv --out no/folder/a.svg
run 0 "--low above all values" curves a.csv --low 200 --out low.svg
picture "--low above all values" low.svg
run 0 "--high below all values" curves a.csv --high -3 --out high.svg
picture "--high below all values" high.svg

# -------------------------------------------------------------------------------- models to look at

# make_npy FILE COUNT SIDE CHANNELS: uint8 images of all sorts of values.
make_npy() {
    local dictionary="{'descr': '|u1', 'fortran_order': False, 'shape': ($2, $3, $3, $4), }"
    printf '\223NUMPY\001\000v\000%-117s\n' "$dictionary" >"$1"
    awk -v n="$2" -v side="$3" -v channels="$4" 'BEGIN {
        for (i = 0; i < n; i++) for (r = 0; r < side; r++) for (c = 0; c < side; c++) for (k = 0; k < channels; k++)
            printf "\\%03o", (r * 40 + c * 13 + i * 50 + k * 60) % 256
    }' >escapes.txt
    # shellcheck disable=SC2059 # escapes are bytes
    printf "$(cat escapes.txt)" >>"$1"
}

make_npy grey.npy 6 7 1
make_npy colour.npy 6 5 3
quick=(--kind cnn --layers 1 --hidden 4 --head 8 --batch 3 --optimizer adam --lr 1e-2 --steps 4 --quiet --threads 1)
run 0 "train 2 levels" train --data grey.npy --levels 2 --out two "${quick[@]}"
run 0 "train 16 levels" train --data grey.npy --levels 16 --out sixteen "${quick[@]}"
run 0 "train colours" train --data colour.npy --levels 256 --out colour "${quick[@]}"
two=two/model.safetensors sixteen=sixteen/model.safetensors colour=colour/model.safetensors

run 0 "the curves of a run" curves two --out run.svg
picture "the curves of a run" run.svg

# -------------------------------------------------------------------------------------------- heat

run 0 "heat" heat $two --data grey.npy --out two.png --quiet
check "prints its scale" grep -q "^scale: 0 to [0-9.]* nats per pixel, [0-9]* of 294 pixels are above$" out.txt
check "and the file" grep -q "^two.png$" out.txt
run 0 "heat --json" heat $colour --data colour.npy --out colour.png --json --count 2 --first 3
check "is balanced" balanced out.txt
for key in '"unit": "bits"' '"pixels": 50' '"min": 0' '"image": 3,' '"image": 4,'; do
    check "heat --json: $key" grep -q "$key" out.txt
done
cp out.txt heat.json
run 0 "eval beside it" eval $colour --data colour.npy --first 3 --limit 1 --json --per-value values.npy
check "the image has the likelihood that eval prints" near "$(number heat.json nats)" "$(number out.txt nats)"
mean=$(awk -v n="$(number heat.json nats)" 'BEGIN { print n / 25 / log(2) }')
check "pixels are sums over channels, in bits" near "$(number heat.json mean)" "$mean" 1e-3
highest=$(floats values.npy | awk '{ s += $1 } NR % 3 == 0 { if (s > m) m = s; s = 0 } END { print m / log(2) }')
check "the highest pixel is that of eval --per-value" near "$(number heat.json highest)" "$highest" 1e-3
run 0 "heat --unit nats" heat $colour --data colour.npy --out colour.png --json --unit nats --max 7.5
check "--max is the scale" test "$(number out.txt max)" = 7.5
check "in nats" grep -q '"unit": "nats"' out.txt
# 3 pairs in 2 rows: margins of 8, pairs of 2 x 7 x 4 + 2, 10 between them
run 0 "heat of a given size" heat $two --data grey.npy --out size.png --count 3 --columns 2 --zoom 4 --no-bar
check "has its size" test "$(png_size size.png)" = "142 x 82"
run 0 "again, with other threads" heat $two --data grey.npy --out size2.png --count 3 --columns 2 --zoom 4 --no-bar --threads 2
check "gives the same picture" cmp -s size.png size2.png

harmless 2 "above 0" heat $two --data grey.npy --out old.png --max 0
harmless 2 "end with .png" heat $two --data grey.npy --out old.svg
harmless 2 "is missing" heat $two --data grey.npy
make_npy many.npy 80 7 1
harmless 2 "too large.*--zoom" heat $two --data many.npy --out old.png --columns 1 --zoom 64 --count 80 --quiet
# Weights so large that no likelihood is finite: the first of the tensor that comes first.
cp "$two" huge.safetensors
printf '\x7f\x7f\x7f\x7f%.0s' {1..8} |
    dd of=huge.safetensors bs=1 seek=$(($(od -An -tu8 -N8 huge.safetensors) + 8)) conv=notrunc 2>/dev/null
for options in "--first 2" "--first 2 --worst 1"; do
    # shellcheck disable=SC2086 # words
    harmless 1 "huge.safetensors: .* image 2 of grey.npy is not finite" \
        heat huge.safetensors --data grey.npy --out old.png --quiet $options
done
harmless 1 "none.npy" heat $two --data none.npy --out old.png
harmless 1 "none.safetensors" heat none.safetensors --data grey.npy --out old.png
harmless 1 "5 x 5 x 3.*7 x 7 x 1" heat $two --data colour.npy --out old.png
harmless 1 "grey.npy" heat $two --data grey.npy --first 6 --out old.png
harmless 1 "no/folder" heat $two --data grey.npy --out no/folder/a.png

# --------------------------------------------------------------------------------------- histogram

run 0 "histogram of 2 levels" histogram $two --data grey.npy --out two.svg --title "A & B" --image 1
picture "histogram of 2 levels" two.svg
check "has six panels" test "$(grep -c '>row [0-9]*, column [0-9]*</text>' two.svg)" -eq 6
check "and its title" grep -q ">A &#38; B</text>" two.svg
check "a line for each, and the file" test "$(wc -l <out.txt)" -eq 7
run 0 "histogram --json" histogram $two --data grey.npy --out two.svg --image 1 --pixels "2,3;6,0" --json
check "is balanced" balanced out.txt
cp out.txt two.json
run 0 "eval of that image" eval $two --data grey.npy --first 1 --limit 1 --quiet --per-value values.npy
nll() { floats values.npy | sed -n "$(($1 + 1))p"; } # of that value
check "the NLL is that of eval" near "$(number two.json nll)" "$(nll 17)"
check "and of the other pixel" near "$(grep '"row": 6' two.json | sed 's/.*"nll": \([^,]*\),.*/\1/')" "$(nll 42)"
# probabilities NLL-of-the-file: sum to 1, and that of the true value is exp(-nll)
sums() {
    sed -n 's/.*"value": \([0-9]*\), "nll": \([^,]*\), "probabilities": \[\(.*\)\].*/\1 \2 \3/p' "$1" | tr -d , |
        awk -v unit="$2" '{
            sum = 0
            for (i = 3; i <= NF; i++) sum += $i
            d = sum - 1; e = $($1 + 3) - exp(-$2 * unit)
            if (d > 1e-6 || d < -1e-6 || e > 1e-6 || e < -1e-6) exit 1
            n++
        } END { exit !n }'
}
check "probabilities sum to 1" sums two.json 1
run 0 "histogram of 16 levels" histogram $sixteen --data grey.npy --out sixteen.svg --json
picture "histogram of 16 levels" sixteen.svg
check "probabilities sum to 1" sums out.txt 0.693147180559945
run 0 "histogram of colours" histogram $colour --data colour.npy --out colour.svg --pixels "4,4;0,1" --image 5 --json
picture "histogram of colours" colour.svg
check "probabilities sum to 1" sums out.txt 0.693147180559945
cp out.txt colour.json
run 0 "eval of that image" eval $colour --data colour.npy --first 5 --quiet --per-value values.npy
check "the NLL is that of eval, in bits" near "$(number colour.json nll)" "$(awk -v n="$(nll 72)" 'BEGIN { print n / log(2) }')"
for text in "row 4, column 4, red" "row 4, column 4, blue" "row 0, column 1, green" 255; do
    check "the picture says $text" grep -q ">$text</text>" colour.svg
done
nats=$(number colour.json nll | awk '{ printf "%.2f", $1 }')
check "and the NLL of a value" grep -q ">value [0-9]*: $nats bits</text>" colour.svg
run 0 "histogram --unit nats" histogram $colour --data colour.npy --out colour.svg --unit nats
check "is in nats" grep -q "red: value [0-9]*, probability [0-9.e-]*, [0-9.]* nats$" out.txt
run 0 "as many pixels as there may be" histogram $two --data grey.npy --out most.svg \
    --pixels "$(printf '1,2;%.0s' $(seq 99))3,4"
picture "100 pixels" most.svg

for pixels in 1 "1," 1,x "1,2;" "1 2" "1,2,3" ";" "1,2;;3,4"; do
    refused 2 "is not a row and a column" histogram $two --data grey.npy --out old.svg --pixels "$pixels"
done
for pixels in 7,0 0,7 -1,0 "0,0;0,99"; do
    refused 2 "is outside the image: rows are 0 to 6" histogram $two --data grey.npy --out old.svg --pixels "$pixels"
done
harmless 2 "more than 100" histogram $two --data grey.npy --out old.svg --pixels "$(printf '1,2;%.0s' $(seq 100))3,4"
harmless 2 "end with .svg" histogram $two --data grey.npy --out old.png
harmless 2 "from 0" histogram $two --data grey.npy --out old.svg --image -1
harmless 1 "grey.npy" histogram $two --data grey.npy --out old.svg --image 6
harmless 1 "none.safetensors" histogram none.safetensors --data grey.npy --out old.svg
harmless 1 "a.csv" histogram a.csv --data grey.npy --out old.svg

# ----------------------------------------------------------------------------------- no place to write

# full NAME FILE ARGUMENTS...: where no file may grow, the old picture stays and a sentence names it.
full() {
    local name=$1 file=$2
    shift 2
    (
        trap '' XFSZ
        ulimit -f 0
        exec "$program" "$@" 2>&1 >/dev/null
    ) </dev/null | cat >err.txt
    check "$name: fails" test "${PIPESTATUS[0]}" -eq 1
    check "$name: names the file" grep -q "^pixelrnn: $file: could not be written" err.txt
    check "$name: leaves the old picture" cmp -s "$file" "$file.before"
    check "$name: leaves nothing else" test -z "$(find . -name '*.tmp')"
}
full "curves on a full disk" old.svg curves a.csv --out old.svg
full "histogram on a full disk" old.svg histogram $two --data grey.npy --out old.svg
full "heat on a full disk" old.png heat $two --data grey.npy --out old.png --quiet
mkdir taken.svg
harmless 2 "is a folder" curves a.csv --out taken.svg
run 0 "an old picture is replaced" curves a.csv --out old.svg
check "by the new one" cmp -s old.svg a.svg

# ---------------------------------------------------------------------------------------- the project

for set in mnist cifar10; do
    run 0 "the curves of docs/: $set" curves "$source_dir"/docs/curves/$set-*.csv --out "$set.svg"
    picture "the curves of docs/: $set" "$set.svg"
done
cp old.svg old.svg.before
harmless 1 "cannot be drawn together" curves "$source_dir"/docs/curves/*.csv --out old.svg

echo
finish
