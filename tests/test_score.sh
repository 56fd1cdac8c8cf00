#!/usr/bin/env bash
# pixelrnn score: every score against a plain recomputation from its table: test_score.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# follows FILE EXPRESSION: of the columns, which awk's expression names as c["nats"], it is 0 in every row.
follows() {
    awk -F, "NR == 1 { for (i = 1; i <= NF; i++) at[\$i] = i; next }
        \$1 != \"\" { for (name in at) c[name] = \$at[name]; d = $2; if (d > 1e-9 * (c[\"nats\"] + 1) || d < -1e-9 * (c[\"nats\"] + 1)) bad++; n++ }
        END { exit bad || !n }" "$1"
}

moments() { awk '{ x[NR] = $1; s += $1 } END { m = s / NR; for (i = 1; i <= NR; i++) q += (x[i] - m) ^ 2; printf "%.17g %.17g\n", m, sqrt(q / (NR - 1)) }'; }

# score_of FILE SCORE KEY: a number of one score in a JSON report.
score_of() { awk -v s="\"$2\"," '$1 == "\"score\":" { on = $2 == s } on' "$1" | number /dev/stdin "$3"; }

# plainly SCORES LABELS: AUROC, its error by all pairs, and average precision, from files of a number a line.
plainly() {
    paste -d' ' "$1" "$2" | awk '
        { s[NR] = $1; l[NR] = $2; n[$2]++ }
        END {
            for (i = 1; i <= NR; i++) {
                for (k = 1; k <= NR; k++) {
                    up += l[k] && s[k] >= s[i]
                    all += s[k] >= s[i]
                    if (l[i] != l[k]) {
                        a = l[i] ? s[i] : s[k]; b = l[i] ? s[k] : s[i]
                        v[i] += (a > b) + (a == b) / 2
                    }
                }
                if (l[i]) { ap += up / all; sum += v[i] }
                v[i] /= n[!l[i]]
                up = all = 0
            }
            auc = sum / n[0] / n[1]
            for (i = 1; i <= NR; i++) q[l[i]] += (v[i] - auc) ^ 2
            printf "%.15g %.15g %.15g\n", auc, sqrt(q[1] / (n[1] - 1) / n[1] + q[0] / (n[0] - 1) / n[0]), ap / n[1]
        }'
}

# judged FILE JSON SCORE [COLUMN]: the report says of a score what all pairs say.
judged() {
    local auroc error precision
    column "$1" "${4:-$3}" >scores.txt
    column "$1" label >labels.txt
    read -r auroc error precision < <(plainly scores.txt labels.txt)
    check "AUROC of $3 is that of all pairs" near "$(score_of "$2" "$3" auroc)" "$auroc"
    check "and so is its error" near "$(score_of "$2" "$3" auroc_stderr)" "$error"
    check "and the average precision of $3" near "$(score_of "$2" "$3" average_precision)" "$precision"
}

# make_labels FILE TYPE NUMBERS...: a .npy of one byte a number.
make_labels() {
    local file=$1 head
    head=$(printf "{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }" "$2" $(($# - 2)))
    shift 2
    { printf '\223NUMPY\001\000\166\000' && printf '%-117s\n' "$head" && printf '%b' "$(printf '\\0%o' "$@")"; } >"$file"
}

make_idx train.idx 24 8
make_idx large.idx 60 8
tiny=(--layers 1 --hidden 4 --head 8 --batch 8 --threads 1 --levels 2 --quiet)
run 0 "a model" train --data train.idx --kind row "${tiny[@]}" --steps 40 --lr 1e-2 --optimizer adam --out a
run 0 "a background" train --data train.idx --kind cnn "${tiny[@]}" --steps 8 --lr 1e-2 --out b
run 0 "a small one" train --data train.idx --kind cnn "${tiny[@]}" --fit subsample --height 4 --width 4 --steps 4 --out small
run 0 "a conditional one" train --data train.idx --kind cnn "${tiny[@]}" --condition-size 4 --condition-features 4 \
    --steps 4 --out large
run 0 "one of other levels" train --data train.idx --kind cnn "${tiny[@]:0:10}" --levels 4 --quiet --steps 1 --out four
run 0 "one of other images" train --data train.idx --kind cnn "${tiny[@]}" --fit crop --height 6 --width 6 --steps 1 --out six

# ------------------------------------------------------------------------------------------- scores

every=(--background b --typical large.idx --complexity png --surprise)
run 0 "score" score a --data train.idx "${every[@]}" --scores all.csv --json --quiet
cp out.txt all.json
check "names of columns" test "$(head -1 all.csv)" = \
    image,name,nats,bits_per_dim,background_nats,compressed_nats,expected_nats,expected_variance,ratio,typicality,complexity,surprise,surprise_z,skipped
run 0 "eval of the model" eval a --data train.idx --scores a.csv --quiet
run 0 "eval of the background" eval b --data train.idx --scores b.csv --quiet
run 0 "eval of the typical set" eval a --data large.idx --scores large.csv --quiet
check "nats are those of eval" cmp <(column all.csv nats) <(column a.csv nats)
check "bits too" cmp <(column all.csv bits_per_dim) <(column a.csv bits_per_dim)
check "those of the background are its own" cmp <(column all.csv background_nats) <(column b.csv nats)
check "a ratio is the difference" follows all.csv 'c["ratio"] - (c["nats"] - c["background_nats"])'
check "complexity is what a file saves" follows all.csv 'c["complexity"] - (c["nats"] - c["compressed_nats"])'
check "surprise is what was not expected" follows all.csv 'c["surprise"] - (c["nats"] - c["expected_nats"])'
check "in its deviations" follows all.csv 'c["surprise_z"] - c["surprise"] / sqrt(c["expected_variance"])'
read -r mean deviation < <(column large.csv nats | moments)
check "typical likelihoods" near "$(sed -n '/"typical"/,/}/p' all.json | number /dev/stdin nats)" "$mean"
check "typicality is the distance from them" follows all.csv \
    "c[\"typicality\"] - (c[\"nats\"] > $mean ? c[\"nats\"] - $mean : $mean - c[\"nats\"]) / $deviation"
for image in 0 5; do
    run 0 "a file of image $image" show --data train.idx --first $image --count 1 --levels 2 --out one.png --quiet
    check "has the length that was taken" near "$(column all.csv compressed_nats | sed -n $((image + 1))p)" \
        "$(awk -v n="$(wc -c <one.png)" 'BEGIN { printf "%.17g", n * 8 * log(2) }')"
done
read -r mean deviation < <(column all.csv ratio | moments)
check "the mean of a score" near "$(score_of all.json ratio mean)" "$mean"
check "and its deviation" near "$(score_of all.json ratio deviation)" "$deviation"
if "$program" score a --data train.idx --complexity webp --scores webp.csv --quiet >out.txt 2>err.txt; then
    check "lossless WebP has other lengths" test "$(column webp.csv compressed_nats)" != "$(column all.csv compressed_nats)"
else
    has "a build without WebP says so" "libwebp-dev" err.txt
fi

run 0 "three threads" score a --data train.idx "${every[@]}" --scores three.csv --quiet --threads 3
run 0 "one thread" score a --data train.idx "${every[@]}" --scores threads.csv --quiet --threads 1
check "give the same table" cmp three.csv threads.csv
check "which is the table" cmp three.csv all.csv
if "$program" devices --device opencl >/dev/null 2>&1; then
    run 0 "OpenCL" score a --data train.idx "${every[@]}" --scores opencl.csv --quiet --device opencl
    check "gives it too" cmp opencl.csv all.csv
fi

run 0 "a part" score a --data train.idx --first 20 --limit 3 --scores part.csv --quiet
check "has its numbers" test "$(cut -d, -f1 part.csv | tr '\n' ' ')" = "image 20 21 22 "
run 0 "JSON lines" score a --data train.idx --surprise --scores all.jsonl --quiet
has "have every column" '^{"image": 3, "nats": [0-9.]*, "bits_per_dim": [0-9.]*, "expected_nats": [0-9.]*, "expected_variance": ' all.jsonl

# What the model draws is as it expects: the mean of z is near 0 and its mean square near 1.
run 0 "images that the model drew" sample a --count 400 --seed 3 --out drawn.npy --quiet
run 0 "score them" score a --data drawn.npy --values levels --surprise --scores drawn.csv --quiet
read -r mean deviation < <(column drawn.csv surprise_z | moments)
check "z of what the model drew has mean 0 and deviation 1 ($mean, $deviation)" awk -v m="$mean" -v d="$deviation" \
    'BEGIN { exit !(m > -0.2 && m < 0.2 && d > 0.85 && d < 1.15) }'

# -------------------------------------------------------------------------------------------- typical

run 0 "a part of the typical set" score a --data train.idx --typical large.idx --typical-limit 20 --json --quiet
read -r mean deviation < <(column large.csv nats | awk 'NR % 3 == 1' | moments)
check "is spread evenly over it" near "$(sed -n '/"typical"/,/}/p' out.txt | number /dev/stdin nats)" "$mean"
check "counts its images" grep -q '"images": 20,' out.txt

# -------------------------------------------------------------------------------------------- labels

awk 'BEGIN { for (i = 0; i < 24; i++) print i % 3 == 0 ? 1 : i % 5 == 1 }' >labels.lines
run 0 "labels" score a --data train.idx "${every[@]}" --labels labels.lines --scores l.csv --json --quiet
cp out.txt l.json
check "are in the table" cmp <(column l.csv label) labels.lines
check "there are equal scores" test "$(column l.csv nats | sort -u | wc -l)" -lt 20
for score in nats ratio typicality complexity surprise surprise_z; do
    judged l.csv l.json $score
done
check "the interval is within 0 and 1" awk -v a="$(score_of l.json nats auroc_low)" -v b="$(score_of l.json nats auroc_high)" \
    'BEGIN { exit !(a >= 0 && a < b && b <= 1) }'
check "its width is that of the error" near "$(score_of l.json nats auroc_low)" \
    "$(awk -v a="$(score_of l.json nats auroc)" -v e="$(score_of l.json nats auroc_stderr)" 'BEGIN { printf "%.15g", a - 1.959963984540054 * e }')"
run 0 "for people" score a --data train.idx --labels labels.lines --quiet
has "labels have columns" "^score .* AUROC  *from  *to  *precision$" out.txt
has "and counts" "^13 images that belong, 11 that do not" out.txt

run 0 "labels by number" score a --data train.idx --labels l.csv --scores n.csv --quiet
check "are the same" cmp <(column n.csv label) labels.lines
# shellcheck disable=SC2046 # numbers
make_labels labels.npy '|u1' $(cat labels.lines)
run 0 "labels of NumPy" score a --data train.idx --labels labels.npy --scores n.csv --quiet
check "are the same too" cmp <(column n.csv label) labels.lines
# shellcheck disable=SC2046 # numbers
make_labels wide.npy '<i4' $(sed 's/$/ 0 0 0/' labels.lines)
sed -i 's/(96,)/(24,)/' wide.npy
run 0 "labels of four bytes" score a --data train.idx --labels wide.npy --scores n.csv --quiet
check "too" cmp <(column n.csv label) labels.lines
run 0 "lines of a part" score a --data train.idx --first 4 --limit 9 --labels labels.lines --scores n.csv --quiet
check "those of its images" cmp <(column n.csv label) <(sed -n 5,13p labels.lines)
run 0 "of a part" score a --data train.idx --first 5 --limit 9 --labels labels.npy --scores n.csv --quiet
check "those of its images" cmp <(column n.csv label) <(sed -n 6,14p labels.lines)

run 0 "pictures" sample a --count 10 --seed 2 --out set/ --quiet
mkdir set/good set/torn set/torn/more
mv set/0000[0-3].png set/good
mv set/0000[456].png set/torn
mv set/0000[78].png set/torn/more
echo damaged >set/torn/broken.png
run 0 "a folder of what is normal" score a --data set --normal good --scores f.csv --json --quiet
cp out.txt f.json
check "labels its folder" test "$(awk -F, '$1 != "" { print $2, $(NF - 1) }' f.csv | tr '\n' ' ')" = \
    "name label set/00009.png 1 set/good/00000.png 0 set/good/00001.png 0 set/good/00002.png 0 set/good/00003.png 0 set/torn/00004.png 1 set/torn/00005.png 1 set/torn/00006.png 1 set/torn/more/00007.png 1 set/torn/more/00008.png 1 "
has "a file that was skipped has a row" '^,set/torn/broken.png,.*is n' f.csv
has "and counts" '"skipped": 1,' f.json
judged f.csv f.json nats
cp -r set lines
mv lines/good/00001.png $'lines/good/of two\nlines, 1.png'
run 0 "names of two lines" score a --data lines --normal good --scores f.csv --quiet
check "are in the table" test "$(grep -c '^' f.csv)" = 13
run 0 "which is read" score a --data lines --labels f.csv --scores n.csv --quiet
check "as it was written" cmp f.csv n.csv
sed 's/,0,$/,2,/' f.csv >wrong.csv
refused 1 "wrong.csv:3: '2'" score a --data lines --labels wrong.csv --quiet
{ echo label,name && echo 0,good/00000.png && echo '0,"set/good/00001.png"' && echo 1,set/good/00002.png &&
    echo 0,good/00003.png && echo 1,00009.png && for i in 4 5 6; do echo "1,torn/0000$i.png"; done &&
    echo 0,torn/more/00007.png && echo 1,torn/more/00008.png && echo 1,torn/broken.png; } >names.csv
run 0 "labels by name" score a --data set --labels names.csv --scores n.csv --quiet
check "from the folder on or as --scores has it" test "$(column n.csv label | tr -d '\n')" = 1001011101
sed '1d; s/^\(.\),\(.*\)/\2,\1/' names.csv >plain.csv
run 0 "without a line of names" score a --data set/ --labels plain.csv --scores n.csv --quiet
check "the same" test "$(column n.csv label | tr -d '\n')" = 1001011101
run 0 "a second set" score a --data train.idx --anomalous large.idx --scores two.csv --json --quiet
cp out.txt two.json
check "follows the first in the table" test "$(column two.csv label | uniq -c | tr -s ' \n' ' ')" = " 24 0 60 1 "
check "with numbers of its own" test "$(cut -d, -f1 two.csv | sed -n '25,27p' | tr '\n' ' ')" = "23 0 1 "
check "and its scores" cmp <(column two.csv nats | tail -60) <(column large.csv nats)
judged two.csv two.json nats

# ------------------------------------------------------------------------------ p-values, thresholds

# p_plainly CALIBRATION: of each score on stdin (1 + as large or larger) / (1 + all).
p_plainly() { awk 'NR == FNR { c[n++] = $1; next } { m = 1; for (i = 0; i < n; i++) m += c[i] >= $1; printf "%.12g\n", m / (n + 1) }' "$1" -; }

run 0 "calibration" score a --data train.idx --background b --calibrate large.idx --scores p.csv --json --quiet
check "counts them" grep -q '"calibration_count": 60,' out.txt
run 0 "scores of it" score a --data large.idx --background b --scores c.csv --quiet
for score in nats ratio; do
    column c.csv $score >calibration.txt
    check "p of $score" cmp <(column p.csv p_$score | awk '{ printf "%.12g\n", $1 }') \
        <(column p.csv $score | p_plainly calibration.txt)
done

run 0 "false alarms" score a --data train.idx --background b --calibrate large.idx --false-alarms 0.2 --labels labels.lines \
    --json --scores p.csv --quiet
cp out.txt alarms.json
for score in nats ratio; do
    threshold=$(score_of alarms.json $score threshold)
    check "above the threshold of $score p is at most the rate" test \
        "$(paste -d' ' <(column p.csv $score) <(column p.csv p_$score) | awk -v t="$threshold" '($1 > t) != ($2 <= 0.2)' | wc -l)" -eq 0
    check "so many are above" test "$(score_of alarms.json $score above)" -eq \
        "$(column p.csv $score | awk -v t="$threshold" '$1 > t' | wc -l)"
    check "false alarms among what belongs" near "$(score_of alarms.json $score false_alarms)" \
        "$(paste -d' ' <(column p.csv $score) labels.lines | awk -v t="$threshold" '!$2 { n++; a += $1 > t } END { printf "%.15g", a / n }')"
    check "and what was found" near "$(score_of alarms.json $score detected)" \
        "$(paste -d' ' <(column p.csv $score) labels.lines | awk -v t="$threshold" '$2 { n++; a += $1 > t } END { printf "%.15g", a / n }')"
done
# Of scores that are all different.
run 0 "pictures to calibrate with" sample a --count 60 --seed 9 --out drawn/ --quiet
run 0 "scores of them" score a --data drawn --scores c.csv --quiet
check "are all different" test "$(column c.csv nats | sort -u | wc -l)" -gt 55
for rate in 0.05 0.2 0.5; do
    run 0 "a share of $rate" score a --data train.idx --calibrate drawn --false-alarms $rate --json --quiet
    check "is above the threshold" near "$(score_of out.txt nats threshold)" \
        "$(column c.csv nats | sort -gr | sed -n "$(awk -v r=$rate 'BEGIN { print int(r * 61 + 1e-9) }')p")"
done
run 0 "by the labels" score a --data train.idx --false-alarms 0.25 --labels labels.lines --json --scores p.csv --quiet
check "the threshold is among what belongs" near "$(score_of out.txt nats threshold)" \
    "$(paste -d' ' <(column p.csv nats) labels.lines | awk '!$2 { print $1 }' | sort -gr | sed -n 3p)"
run 0 "for people" score a --data train.idx --calibrate large.idx --false-alarms 0.2 --labels labels.lines --worst 2 --quiet
has "thresholds have columns" "threshold  *above  *alarms  *found$" out.txt
has "a list has p" "^image [0-9]*: nats [0-9.]*, p 0\.[0-9]*$" out.txt

# -------------------------------------------------------------------------------------------- groups

run 0 "groups" score a --data train.idx "${every[@]}" --group 5 --scores g.csv --json --worst 2 --quiet
cp out.txt g.json
check "are counted" grep -q '"groups": 5,' g.json
check "and numbered" test "$(column g.csv group | uniq -c | tr -s ' \n' ' ')" = " 5 0 5 1 5 2 5 3 4 4 "
# group_mean COLUMN: the mean of a column over the groups, a line an image.
group_mean() { paste -d' ' <(column g.csv group) <(column g.csv "$1") | awk '{ g[NR] = $1; s[$1] += $2; n[$1]++ } END { for (i = 1; i <= NR; i++) printf "%.15g %d\n", s[g[i]] / n[g[i]], n[g[i]] }'; }
near_lines() { paste -d' ' "$1" "$2" | awk '{ d = $1 - $2; if (d > 1e-8 || d < -1e-8) bad++ } END { exit bad || !NR }'; }
for score in nats ratio complexity surprise; do
    check "$score of a group is the mean" near_lines <(column g.csv group_$score) <(group_mean $score | cut -d' ' -f1)
done
read -r mean deviation < <(column large.csv nats | moments)
check "typicality of a group" near_lines <(column g.csv group_typicality) \
    <(group_mean nats | awk -v m="$mean" -v s="$deviation" '{ d = $1 - m; printf "%.15g\n", (d < 0 ? -d : d) / s * sqrt($2) }')
check "z of a group" near_lines <(column g.csv group_surprise_z) \
    <(paste -d' ' <(group_mean surprise) <(group_mean expected_variance) | awk '{ printf "%.15g\n", $1 * $2 / sqrt($3 * $2) }')
check "scores of images stay" cmp <(column g.csv surprise_z) <(column all.csv surprise_z)
has "a group is listed" '{"group": [0-4], "images": [45], "image": [0-9]*, "ratio": ' g.json
run 0 "folders" score a --data set --group-folders --normal good --scores g.csv --json --quiet
check "are groups" test "$(column g.csv group | tr '\n' ' ')" = "0 1 1 1 1 2 2 2 3 3 "
check "and judged" grep -q '"anomalous_count": 3' out.txt
run 0 "groups and p" score a --data train.idx --group 8 --calibrate large.idx --scores g.csv --quiet
run 0 "groups of the calibration" score a --data large.idx --group 8 --scores c.csv --quiet
paste -d' ' <(column c.csv group) <(column c.csv group_nats) | uniq | cut -d' ' -f2 >calibration.txt
check "p of groups is by groups" cmp <(column g.csv p_group_nats | awk '{ printf "%.12g\n", $1 }') \
    <(column g.csv group_nats | p_plainly calibration.txt)

# --------------------------------------------------------------------------------- lists and pictures

run 0 "the worst" score a --data train.idx --background b --worst 4 --json --quiet
check "are those of the largest ratio" test "$(sed -n 's/^    {"image": \([0-9]*\), .*/\1/p' out.txt | tr '\n' ' ')" = \
    "$(paste -d' ' <(seq 0 23) <(column all.csv ratio) | LC_ALL=C sort -k2,2gr -k1,1n | head -4 | cut -d' ' -f1 | tr '\n' ' ')"
run 0 "the best by nats" score a --data train.idx --background b --by nats --best 3 --quiet
check "are those of the least nats" test "$(sed -n 's/^image \([0-9]*\): nats .*/\1/p' out.txt | tr '\n' ' ')" = \
    "$(paste -d' ' <(seq 0 23) <(column all.csv nats) | LC_ALL=C sort -k2,2g -k1,1n | head -3 | cut -d' ' -f1 | tr '\n' ' ')"
run 0 "a list of two sets" score a --data train.idx --anomalous large.idx --worst 84 --quiet
has "says which" "^image [0-9]* of large.idx: nats " out.txt
run 0 "a sheet" score a --data set --surprise --sheet sheet.png --worst 3 --zoom 3 --quiet
check "is a picture" test "$(head -c 4 sheet.png | tail -c 3)" = PNG
run 0 "heat --surprise" heat a --data train.idx --count 2 --surprise --unit nats --json --out heat.png --quiet
check "adds up to the surprise of the image" near "$(awk -v m="$(number out.txt mean)" 'BEGIN { print m * 64 }')" \
    "$(column all.csv surprise | head -1)" 1e-4

# ---------------------------------------------------------------------------------- chains, conditions

run 0 "a chain" score small large --data train.idx --surprise --background b --scores chain.csv --quiet
run 0 "eval of the chain" eval small large --data train.idx --scores e.csv --quiet
check "has its likelihood" cmp <(column chain.csv nats) <(column e.csv nats)
run 0 "a conditional model" score large --data train.idx --surprise --scores new.csv --quiet
run 0 "eval of it" eval large --data train.idx --scores e.csv --quiet
check "counts what is new" near "$(column new.csv nats | head -1)" "$(column e.csv new_nats | head -1)" 1e-6
run 0 "the small model" score small --data train.idx --fit subsample --surprise --scores s.csv --quiet
check "expectations of a chain are those of its models" near "$(column chain.csv expected_nats | head -1)" \
    "$(awk -v a="$(column s.csv expected_nats | head -1)" -v b="$(column new.csv expected_nats | head -1)" 'BEGIN { printf "%.15g", a + b }')" 1e-7

# ------------------------------------------------------------------------------------------- refusals

refused 2 "a is of images of 8 x 8 x 1, and six of 6 x 6 x 1: " score a --background six --data train.idx
refused 2 "a has 2 levels, and four 4: " score a --background four --data train.idx
refused 2 "a is given small images of side 0, and large of side 4" score a --background large --data train.idx
refused 2 "small is not conditional" score large small --data train.idx
refused 1 "nowhere" score a --background nowhere --data train.idx
refused 1 "nowhere" score a --data train.idx --typical nowhere
refused 1 "nowhere" score a --data train.idx --calibrate nowhere
refused 1 "nowhere" score a --data train.idx --anomalous nowhere
refused 1 "nowhere" score a --data train.idx --labels nowhere
printf '\000\000\010\003\000\000\000\000\000\000\000\010\000\000\000\010' >none.idx
refused 1 "none.idx" score a --data train.idx --calibrate none.idx
make_idx one.idx 1 8
refused 1 "one image has no spread" score a --data train.idx --typical one.idx
refused 2 "takes at least 99 images that belong, and there are 60" score a --data train.idx --calibrate large.idx --false-alarms 0.01
refused 2 "takes at least 19 images that belong, and there are 13" score a --data train.idx --labels labels.lines --false-alarms 0.05
refused 2 "needs images that are known to belong" score a --data train.idx --false-alarms 0.1
refused 2 "not a number above 0 and below 1" score a --data train.idx --labels labels.lines --false-alarms 1
head -23 labels.lines >short.lines
refused 1 "has 23 labels, and train.idx has 24 images" score a --data train.idx --labels short.lines
{ cat labels.lines && echo 0; } >long.lines
refused 1 "has 25 labels, and train.idx has 24 images" score a --data train.idx --labels long.lines
make_labels short.npy '|u1' 0 1 0
refused 1 "has 3 labels" score a --data train.idx --labels short.npy
{ echo 2 && tail -23 labels.lines; } >two.lines
refused 1 "two.lines:1: '2' is no label: write 0" score a --data train.idx --labels two.lines
{ head -4 labels.lines && echo nan && tail -19 labels.lines; } >nan.lines
refused 1 "nan.lines:5: 'nan' is no label" score a --data train.idx --labels nan.lines
# shellcheck disable=SC2046 # numbers
make_labels five.npy '|u1' 5 $(tail -23 labels.lines)
refused 1 "label 0 is 5" score a --data train.idx --labels five.npy
# shellcheck disable=SC2046 # numbers
make_labels minus.npy '|i1' 255 $(tail -23 labels.lines)
refused 1 "label 0 is -1" score a --data train.idx --labels minus.npy
# shellcheck disable=SC2046 # numbers
make_labels real.npy '<f4' $(cat labels.lines)
refused 1 "of type '<f4', and labels are whole numbers" score a --data train.idx --labels real.npy
head -c 140 labels.npy >cut.npy
refused 1 "cut off" score a --data train.idx --labels cut.npy
yes 0 | head -24 >zeros.lines
refused 1 "all images are labelled as belonging" score a --data train.idx --labels zeros.lines
{ cat names.csv && echo 1,torn/other.png; } >other.csv
refused 1 "other.csv:13: 'torn/other.png' is no image of set" score a --data set --labels other.csv --quiet
{ cat names.csv && echo 1,good/00000.png; } >twice.csv
refused 1 "twice.csv:13: image .* has a label already" score a --data set --labels twice.csv --quiet
head -6 names.csv >few.csv
refused 1 "(set/torn/00004.png) has no label there" score a --data set --labels few.csv --quiet
{ echo name,kind,label && echo good/00000.png,1; } >columns.csv
refused 1 "columns.csv:2: has 2 columns, and those before it have 3" score a --data set --labels columns.csv --quiet
{ echo label,kind && echo 1,1; } >nameless.csv
refused 1 "none that says of which image" score a --data set --labels nameless.csv --quiet
echo one,two,three >three.columns
refused 1 "its first line is none of these" score a --data set --labels three.columns --quiet
: >empty.csv
refused 1 "empty.csv" score a --data set --labels empty.csv --quiet
refused 1 "no picture of set lies in a folder of that name" score a --data set --normal best --quiet
refused 2 "and train.idx is none" score a --data train.idx --normal good
refused 2 "give one of them" score a --data set --normal good --labels names.csv
refused 2 "give one of them" score a --data set --group 2 --group-folders
refused 2 "these images are none" score a --data train.idx --group-folders
refused 1 "has images that belong and others that do not" score a --data train.idx --group 5 --labels labels.lines
refused 2 "groups are judged" score a --data set --group 2 --sheet sheet.png
refused 2 "of --sheet, which is not given" score a --data set --zoom 3
refused 2 "of the images of --typical" score a --data set --typical-limit 3
refused 2 "--by ratio needs --background" score a --data set --by ratio --worst 3
refused 2 "--by is of lists and sheets" score a --data set --by nats
refused 2 "one list" score a --data set --worst 2 --best 2
refused 2 "must end with .csv or .jsonl" score a --data set --scores s.txt
refused 2 "is also --labels names.csv" score a --data set --labels names.csv --scores names.csv
refused 2 "is also --typical large.idx" score a --data train.idx --typical large.idx --scores large.idx
refused 1 "holds images of 8 x 8 x 1, and six needs 6 x 6 x 1" score six --data train.idx

finish
