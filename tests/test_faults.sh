#!/usr/bin/env bash
# What happens when memory, a descriptor or a disk fails at any one moment: test_faults.sh PROGRAM SOURCE_DIR
# FAULTS names the library made of faults.c; without it there is nothing to test. The Nth call fails, for N from 1
# to the last. Then the command ends with 0 and the results of a run without faults; or with 1, one sentence, and
# every file as it was (or, if it was in place already, as it should be).
[ -w /dev/shm ] && export TMPDIR=/dev/shm # thousands of runs flush to disk
. "$(dirname "$0")/shell.sh"

[ -f "${FAULTS:-}" ] || { echo "skipped: there is no library of faults"; exit 77; }
faults=$(realpath "$FAULTS")

# ------------------------------------------------------------------------------------------ the set

make_idx train.idx 24 6
tiny="--kind cnn --layers 1 --hidden 4 --head 8 --levels 2 --batch 8"
# shellcheck disable=SC2086
run 0 "a model" train --data train.idx $tiny --steps 2 --out first --quiet
model=first/model.safetensors
mkdir -p set/deep
"$program" sample $model --count 6 --out set/ --quiet >out.txt 2>err.txt
"$program" sample $model --count 3 --out set/deep/ --quiet >out.txt 2>err.txt
corpus=$source_dir/fuzz/corpus
for name in grey16 palette interlaced1x1 iccp; do
    cp "$corpus/png/$name" "set/$name.png"
done
if "$program" convert --data "$corpus/jpeg/colour_420" --out jpeg.npy --quiet >out.txt 2>err.txt; then
    for name in colour_420 colour_420_progressive grey_progressive cmyk; do
        cp "$corpus/jpeg/$name" "set/$name.jpg"
    done
fi
# Not WebP and TIFF: libwebp 1.2 and libtiff 4.5 themselves go through NULL where malloc fails.
ln -s deep set/link
gzip -k train.idx
"$program" convert --data train.idx --out train.npy --quiet >out.txt 2>err.txt

# ------------------------------------------------------------------------------------------ judging

sentence() { [ "$(wc -l <err.txt)" -eq 1 ] && [[ "$(<err.txt)" == "pixelrnn: "* ]]; }
# What is written, but for times.
results() {
    [ ! -d result ] || (cd result && find . -type f ! -name metrics.csv ! -name 'checkpoint*' ! -name '*.npy.json' | sort | xargs -r cksum)
}

# Every file of before is there, and every file is as before or as it should be.
wrong_files() {
    local now
    now=$(results)
    [ "$(wc -l <<<"$now")" -ge "$(wc -l <<<"$before")" ] || echo "a file is lost"
    grep -q -v -x -F "$before
$good" <<<"$now" && echo "a result that is neither the old nor the new"
}

# What was wrong with a run that ended with the code $1, after a fault of the kind $2, in a word; nothing if nothing.
verdict() {
    case $1 in
    0)
        [ -s err.txt ] && echo "something on stderr"
        cmp -s out.txt good.txt || echo "another output"
        [ "$(results)" = "$good" ] || echo "another result"
        ;;
    1)
        sentence || echo "not one sentence"
        [ "$2" = calls ] || grep -q -i 'memory' err.txt || echo "not for want of memory"
        wrong_files
        [ -z "$(find . -name '*.tmp')" ] || echo "a temporary file"
        ;;
    *) echo "exit code $1" ;;
    esac
}

# reset: result/ as it is before a run.
reset() {
    rm -rf result
    mkdir result
    [ "$old" = none ] || echo "what was there" >"result/$old"
}

# fault KIND N ARGUMENTS...: the exit code is in $code; what is in the file $piped comes through a pipe.
piped=/dev/null
fault() {
    # shellcheck disable=SC2002
    cat $piped | FAULT_KIND=$1 FAULT_N=$2 FAULT_COUNT=count.txt LD_PRELOAD=$faults "$program" "${@:3}" >out.txt 2>err.txt
    code=${PIPESTATUS[1]}
}

# survives NAME RUNS OLD ARGUMENTS...: at most about so many runs of each kind of fault; OLD is a file in result/ that
# is there before, or none.
survives() {
    local name=$1 runs=$2 kind total step n wrong
    old=$3
    shift 3
    for kind in memory calls; do
        reset
        before=$(results)
        rm -f count.txt
        fault $kind 0 "$@"
        cp out.txt good.txt
        good=$(results)
        total=$(cat count.txt 2>/dev/null || echo 0)
        check "$name, $kind: $total calls without a fault" test "$code" -eq 0 -a "$total" -gt 0
        step=$(((total + runs - 1) / runs))
        wrong=
        for ((n = 1; n <= total; n += step == 1 || n < runs / 3 ? 1 : step)); do
            reset
            fault $kind $n "$@"
            wrong=$(verdict "$code" $kind)
            [ -n "$wrong" ] && break
        done
        check "$name, $kind: every ${step}th fails${wrong:+; the ${n}th: $wrong}" test -z "$wrong"
    done
}

# ------------------------------------------------------------------------------------------ commands

survives "convert" 150 out.npy convert --data set --fit resize --height 4 --width 4 --channels 1 --threads 2 \
    --out result/out.npy --quiet
survives "convert, shuffled" 60 out.npy convert --data set --fit crop --height 1 --width 1 --channels 1 --shuffle 3 \
    --threads 1 --out result/out.npy --quiet
survives "convert a packed file" 60 out.npy convert --data train.idx.gz --out result/out.npy --quiet
if "$program" convert --data "$corpus/npz/deflated" --out npz.npy --quiet >out.txt 2>err.txt; then
    survives "convert an archive" 60 out.npy convert --data "$corpus/npz/only_one" --out result/out.npy --quiet
fi
survives "eval" 60 none eval $model --data set --fit resize --threads 1 --per-image result/i.npy --quiet
survives "eval from a file" 50 none eval $model --data train.npy --memory-limit 0 --threads 1 \
    --per-image result/i.npy --quiet
survives "scores" 60 s.csv eval $model --data set --fit resize --threads 1 --scores result/s.csv --worst 2 --quiet
survives "compare" 60 none compare $model $model --data set --fit resize --threads 1 --scores result/s.jsonl --quiet
survives "captions" 60 out.png heat $model --data set --fit resize --threads 1 --worst 2 --out result/out.png --quiet
"$program" eval $model --data set --fit resize --scores names.csv --quiet >out.txt 2>err.txt
awk -F, 'NR == 1 { print "name,label" } NR > 1 { print $2 "," NR % 2 }' names.csv >labels.csv
survives "score" 80 s.csv score $model --data set --fit resize --background $model --typical train.idx --complexity png \
    --surprise --labels labels.csv --calibrate train.idx --false-alarms 0.2 --threads 1 --scores result/s.csv \
    --worst 2 --sheet result/sheet.png --quiet
survives "score of groups" 60 none score $model --data train.idx --anomalous train.npy --group 5 --threads 1 \
    --scores result/s.jsonl --quiet
for piped in train.idx set/00000.png; do
    survives "eval of a pipe" 60 none eval $model --data - --threads 1 --per-image result/i.npy --quiet
done
piped=$model
survives "a model from a pipe" 60 none eval - --data train.npy --memory-limit 0 --threads 1 --quiet
piped=/dev/null
survives "convert to a palette" 60 out.npy convert --data set/deep --palette --palette-out result/out.hex --threads 2 \
    --out result/out.npy --quiet
survives "a palette of a file" 60 out.png show --data train.npy --memory-limit 0 --palette --threads 1 \
    --out result/out.png --quiet
# shellcheck disable=SC2086
survives "train on a palette" 80 none train --data set/deep --palette ${tiny/--levels 2 /} --steps 2 --threads 1 --out result/run --quiet
survives "info" 600 none info $model
survives "sample" 60 out.png sample $model --count 4 --threads 2 --out result/out.png --quiet
survives "compress" 80 a.prnn compress $model --data set --skip --threads 2 --model-inside --out result/a.prnn --quiet
survives "compress an array" 60 a.prnn compress $model --data train.npy --threads 1 --out result/a.prnn --quiet
"$program" compress $model --data set --skip --model-inside --out set.prnn --quiet >out.txt 2>err.txt
survives "decompress" 80 none decompress set.prnn --threads 2 --out result/ --quiet
survives "decompress an array" 60 out.npy decompress set.prnn --extract 0 --threads 1 --out result/out.npy --quiet
survives "verify" 60 none verify $model set.prnn --threads 1 --quiet
survives "list" 60 none list set.prnn
# shellcheck disable=SC2086
survives "train" 80 none train --data set --fit resize --height 4 --width 4 --channels 1 $tiny --steps 2 \
    --valid-every 2 --cache result/cache.npy --valid-last 2 --threads 1 --out result/run --quiet

echo
finish
