#!/usr/bin/env bash
# Hostile files for every command: test_hostile.sh PROGRAM SOURCE_DIR
# Whatever they are: exit code 1 or 2, one line "pixelrnn: ..." that names the file, and no file changed.
set -u

[ $# -eq 2 ] || { echo "usage: test_hostile.sh PROGRAM SOURCE_DIR" >&2; exit 2; }
program=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/in" && cd "$work/in" || exit 1
failures=0 checks=0

check() {
    local name=$1
    shift
    checks=$((checks + 1))
    "$@" && return
    echo "FAIL - $name"
    sed 's/^/    stderr: /' "$work/err" | cut -c 1-300 | tail -5
    failures=$((failures + 1))
}

files() { find . -type f -size -1000k -exec cksum {} + | sort; find . ! -type f | sort; }

# What was wrong with the last run, in a word; nothing if nothing. $1: exit code, $2: what the message names,
# $3: lines that may come before it.
verdict() {
    local last lines
    lines=$(wc -l <"$work/err")
    last=$(tail -n 1 "$work/err")
    [ "$1" -eq 1 ] || [ "$1" -eq 2 ] || echo "exit code $1"
    [ -s "$work/out" ] && echo "something on stdout"
    [ "$lines" -ge 1 ] && [ "$lines" -le $((1 + $3)) ] || echo "$lines lines on stderr"
    case $last in "pixelrnn: "*) ;; *) echo "the last line is no message" ;; esac
    case $last in *"$2"*) ;; *) echo "$2 is not named" ;; esac
    LC_ALL=C grep -q '[^ -~]' <<<"$last" && echo "odd characters"
    files >"$work/after"
    cmp -s "$work/before" "$work/after" || { echo "files changed:"; diff "$work/before" "$work/after"; }
}

# refused NAMED ARGUMENTS...: ends as hostile files should.
refused() {
    local named=$1 code lines=0 wrong
    shift
    [ "$1" = train ] && lines=2 # what is being trained
    timeout 60 "$program" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    wrong=$(verdict "$code" "$named" $lines)
    check "pixelrnn $*: $wrong" test -z "$wrong"
}

# full KIB NAMED ARGUMENTS...: the same where no file may grow beyond that.
full() {
    local kib=$1 named=$2 code lines=0 wrong
    shift 2
    [ "$1" = train ] && lines=2
    (
        trap '' XFSZ
        ulimit -f "$kib"
        exec "$program" "$@" 2>&1 >/dev/null
    ) </dev/null | cat >"$work/err" # a pipe has no limit
    code=${PIPESTATUS[0]}
    : >"$work/out"
    wrong=$(verdict "$code" "$named" $lines)
    check "with a full disk ($kib KiB), pixelrnn $*: $wrong" test -z "$wrong"
}

# make_idx FILE COUNT SIDE
make_idx() {
    awk -v n="$2" -v side="$3" 'BEGIN {
        printf "\\000\\000\\010\\003\\000\\000\\000\\%03o", n
        printf "\\000\\000\\000\\%03o\\000\\000\\000\\%03o", side, side
        for (i = 0; i < n; i++) for (r = 0; r < side; r++) for (c = 0; c < side; c++)
            printf "%s", (r + c + i) % 3 == 0 ? "\\377" : "\\000"
    }' >"$work/escapes"
    # shellcheck disable=SC2059 # escapes are bytes
    printf "$(cat "$work/escapes")" >"$1"
}

# --------------------------------------------------------------------------------------- the files

make_idx good.idx 20 6
make_idx small.idx 20 5
"$program" train --data good.idx --kind cnn --layers 1 --hidden 3 --head 3 --levels 2 --batch 10 --steps 2 \
    --out run --threads 1 >"$work/out" 2>"$work/err"
check "a model to begin with" test $? -eq 0
good=run/model.safetensors
"$program" sample $good --count 2 --out old.png --quiet >"$work/out" 2>"$work/err"
check "a picture to begin with" test $? -eq 0
"$program" sample $good --count 2 --out old.npy --quiet >"$work/out" 2>"$work/err"

mkdir folder empty_folder
echo "no picture" >folder/a.png
: >empty
awk 'BEGIN { srand(7); for (i = 0; i < 3000; i++) printf "%c", 33 + int(rand() * 90) }' >garbage
printf 'hello\nworld\n' >text
printf '\033[31mred\007\n' >terminal
head -c 4 good.idx >cut4.idx
head -c 200 good.idx >cut.idx
{ cat good.idx; echo; } >long.idx
printf '\000\000\010\003\377\377\377\377\377\377\377\377\377\377\377\377' >huge.idx
printf '\000\000\010\001\000\000\000\002\001\002' >labels.idx
gzip -c good.idx | head -c 40 >cut.idx.gz
gzip -c garbage >garbage.gz
head -c 60 old.npy >cut.npy
{ head -c 20 old.npy; cat garbage; } >garbage.npy
head -c 30 old.png >cut.png
{ head -c 16 old.png; printf '\377\377\377\377\377\377\377\377\010'; } >huge.png
printf 'PK\003\004garbage' >garbage.npz
mkdir npz_folder jpeg_folder
cp garbage.npz npz_folder/train_data_batch_1.npz
printf '\377\330\377\340\000\020JFIF' | tee jpeg_folder/a.jpg >cut.jpg
bytes=$(wc -c <$good)
for n in 1 7 8 100 $((bytes / 2)) $((bytes - 1)); do
    head -c "$n" $good >"cut$n.safetensors"
done
{ cat $good; printf x; } >long.safetensors
{ printf '\377\377\377\377\377\377\377\177'; tail -c +9 $good; } >length.safetensors
sed 's/"head/"haed/' $good >renamed.safetensors
sed 's/height\\": 6/height\\": 0/' $good >zero.safetensors
sed 's/layers\\": 1/layers\\": 9/' $good >deeper.safetensors
sed 's/hidden\\": 3/hidden\\": 4/' $good >wider.safetensors
cp run/checkpoint.safetensors checkpoint.safetensors
head -c 500 checkpoint.safetensors >cut_checkpoint
printf 'hidden = 4\n\377\000\001 = 3\n' >binary.conf
printf 'hidden = many\n' >word.conf
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "x" }' >line.conf
files >"$work/before"

models="missing.safetensors empty folder garbage text terminal good.idx old.npy old.png cut_checkpoint
    cut1.safetensors cut7.safetensors cut8.safetensors cut100.safetensors cut$((bytes / 2)).safetensors
    cut$((bytes - 1)).safetensors long.safetensors length.safetensors renamed.safetensors zero.safetensors
    deeper.safetensors wider.safetensors run/model.safetensors/below"
data="missing.idx empty empty_folder folder garbage text terminal cut4.idx cut.idx long.idx huge.idx labels.idx
    cut.idx.gz garbage.gz cut.npy garbage.npy cut.png huge.png cut.jpg garbage.npz npz_folder jpeg_folder $good
    good.idx/below"

# ------------------------------------------------------------------------------------- the commands

for model in $models; do
    refused "$model" info "$model"
    refused "$model" eval "$model" --data good.idx --per-image old.npy
    refused "$model" sample "$model" --count 1 --out old.png
    refused "$model" complete "$model" --data good.idx --known-rows 2 --out new.png
    refused "$model" heat "$model" --data good.idx --out old.png
    refused "$model" histogram "$model" --data good.idx --out new.svg
    refused "$model" train --init "$model" --data good.idx --out new
done
for set in $data; do
    refused "$set" eval $good --data "$set" --per-image new.npy --per-value old.npy
    refused "$set" complete $good --data "$set" --known-rows 2 --out old.npy
    refused "$set" heat $good --data "$set" --out old.png
    refused "$set" histogram $good --data "$set" --out new.svg
    refused "$set" curves "$set" --out new.svg
    refused "$set" train --data "$set" --levels 2 --out new
    refused "$set" train --data good.idx --valid "$set" --levels 2 --out new
    refused "$set" complete $good --data good.idx --mask "$set" --out old.png
    refused "$set" convert --data "$set" --out old.npy
    refused "$set" eval $good --data "$set" --memory-limit 0
done
refused "small.idx" eval $good --data small.idx
refused "small.idx" complete $good --data small.idx --known-rows 2 --out old.png
refused "small.idx" train --data good.idx --valid small.idx --out new --levels 2
refused "old.npy" complete $good --data good.idx --mask old.npy --out new.png # two pictures are no mask
refused "old.png" complete $good --data good.idx --mask old.png --out new.png # nor is a sheet of another size
refused "good.idx" eval $good --data good.idx --first 20
refused "good.idx" train --data good.idx --values levels --levels 2 --out new

for file in missing.conf empty_folder garbage text binary.conf word.conf line.conf good.idx; do
    refused "$file" train --config "$file" --data good.idx --out new
done

# A run folder with something else in the place of its checkpoint.
for file in empty garbage text $good cut_checkpoint; do
    mkdir "$work/run" && cp $good run/metrics.csv "$work/run/"
    cp "$file" "$work/run/checkpoint.safetensors"
    refused "$work/run/checkpoint.safetensors" train --data good.idx --kind cnn --layers 1 --hidden 3 --head 3 \
        --levels 2 --batch 10 --steps 4 --out "$work/run" --resume --threads 1
    check "the model is left" cmp -s $good "$work/run/model.safetensors"
    check "the log is left" cmp -s run/metrics.csv "$work/run/metrics.csv"
    rm -r "$work/run"
done

# ---------------------------------------------------------------------------------------- the output

for out in no/folder/x.png good.idx/x.png; do
    refused "$out" sample $good --count 1 --out "$out"
    refused "$out" complete $good --data good.idx --known-rows 2 --out "$out"
    refused "${out%.png}" train --data good.idx --levels 2 --out "${out%.png}"
    refused "${out%.png}.npy" convert --data good.idx --out "${out%.png}.npy"
    refused "${out%.png}.npy" eval $good --data good.idx --per-image "${out%.png}.npy"
done
refused "good.idx" train --data good.idx --levels 2 --out good.idx
mkdir folder.png folder.npy
files >"$work/before"
refused "folder.npy" eval $good --data good.idx --per-image folder.npy
refused "folder.png" heat $good --data good.idx --out folder.png

full 0 old.png sample $good --count 50 --out old.png
full 0 new.png sample $good --count 50 --out new.png
full 1 old.npy sample $good --count 50 --out old.npy
full 1 new.npy sample $good --count 50 --out new.npy
full 0 folder.png/00000.png sample $good --count 3 --out folder.png/
full 0 old.png complete $good --data good.idx --known-rows 2 --out old.png
full 1 new.npy complete $good --data good.idx --known-rows 2 --out new.npy --samples 9
full 0 old.npy convert --data good.idx --out old.npy
full 0 new.npy convert --data good.idx --out new.npy
full 0 old.npy eval $good --data good.idx --per-image old.npy
full 1 new.npy eval $good --data good.idx --per-value new.npy

# Training: what is in its folder stays, and --resume goes on from it.
small="--data good.idx --kind cnn --layers 1 --hidden 3 --head 3 --levels 2 --batch 10 --threads 1"
for kib in 0 1 2; do
    mkdir "$work/run"
    cp run/* "$work/run/"
    # shellcheck disable=SC2086
    full $kib "$work/run/" train $small --steps 9 --out "$work/run" --resume
    check "the checkpoint is left" cmp -s run/checkpoint.safetensors "$work/run/checkpoint.safetensors"
    check "the model is left" cmp -s $good "$work/run/model.safetensors"
    check "no temporary file" test "$(find "$work/run" -type f | wc -l)" -eq 3
    # shellcheck disable=SC2086
    "$program" train $small --steps 9 --out "$work/run" --resume >"$work/out" 2>"$work/err"
    check "--resume goes on" test $? -eq 0
    rm -r "$work/run"
done

# What must be a file is refused before it is opened: a device may do anything, and a pipe that nobody writes to would be
# waited for.
for arguments in "info /dev/null" "complete $good --data good.idx --mask /dev/zero --out old.npy" \
    "train --data good.idx --init /dev/zero --out x"; do
    # shellcheck disable=SC2086
    refused ": is n" $arguments
done
for arguments in "eval $good --data /dev/null" "train --data good.idx --config /dev/null --out x" "curves /dev/zero --out old.svg"; do
    # shellcheck disable=SC2086
    refused ": is neither a file nor a" $arguments
done
mkdir piped
mkfifo piped/metrics.csv
files >"$work/before"
# shellcheck disable=SC2086
refused "piped/metrics.csv: is not a file" train $small --steps 1 --out piped
rm -r piped
files >"$work/before"

# Files that are much larger than the memory. (The sanitizers need terabytes of addresses for themselves.)
if ! LC_ALL=C grep -a -q __asan_init "$program"; then
    for file in model.safetensors data.idx data.npy; do
        truncate -s 8G "$work/$file"
    done
    printf '\000\000\010\003\377\000\000\000\000\000\000\100\000\000\000\100' |
        dd of="$work/data.idx" conv=notrunc status=none
    head -c 128 old.npy | dd of="$work/data.npy" conv=notrunc status=none
    (
        ulimit -v 3000000
        refused model.safetensors info "$work/model.safetensors"
        refused data.idx eval $good --data "$work/data.idx"
        refused data.npy eval $good --data "$work/data.npy"
        # A network that would need 30 GB, before anything large is made.
        ulimit -t 2
        refused 'training a network of' train --data good.idx --kind row --layers 1 --hidden 4096 --out "$work/large"
        check "it says what to do" grep -q 'GB are there: choose a smaller hidden size' "$work/err"
        check "no folder is made" test ! -e "$work/large"
        exit $failures
    )
    failures=$? checks=$((checks + 6))
fi

echo
[ $failures -eq 0 ] && { echo "all $checks passed"; exit 0; }
echo "$failures failed"
exit 1
