#!/usr/bin/env bash
# Kills training at random moments and resumes it: test_resume.sh PROGRAM SOURCE_DIR
# The model must be the one of a run that nobody touched, to the last bit. SEED=N repeats a failure.
. "$(dirname "$0")/shell.sh"
RANDOM=${SEED:-1}
echo "seed ${SEED:-1}"

now() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); } # milliseconds
pause() { sleep "$(awk -v ms="$1" 'BEGIN { print ms / 1000 }')"; }
metrics() { cut -d, -f1,2,4,5,6 "$1/metrics.csv"; } # without the columns that are times

make_idx train.idx 60 6
settings="--data train.idx --valid-last 10 --kind row --layers 1 --hidden 4 --head 8 --levels 2 --batch 8
    --optimizer adam --schedule cosine --warmup 5 --clip 2 --ema 0.99 --lr 0.01 --valid-every 13 --log-every 5
    --checkpoint-every 0 --flip --shift 1 --dropout 0.1 --weight-decay 0.1 --patience 1000"

# train FOLDER STEPS ARGUMENTS...
train() {
    local folder=$1 steps=$2
    shift 2
    # shellcheck disable=SC2086
    "$program" train $settings --steps "$steps" --out "$folder" "$@"
}

# same NAME FOLDER REFERENCE: the same model, log and checkpointed weights.
same() {
    check "$1: the model" cmp "$2/model.safetensors" "$3/model.safetensors"
    metrics "$2" >a.csv
    metrics "$3" >b.csv
    check "$1: the log" cmp a.csv b.csv
}

# How many steps take about 2.5 seconds here.
begin=$(now)
train speed 20 --threads 1 >out.txt 2>err.txt
check "a first run" test $? -eq 0
took=$(($(now) - begin + 1))
steps=$((20 * 2500 / took))
[ $steps -lt 60 ] && steps=60
[ $steps -gt 1500 ] && steps=1500

for threads in 1 2; do
    begin=$(now)
    train reference$threads $steps --threads $threads >out.txt 2>err.txt
    check "$steps steps with --threads $threads, uninterrupted" test $? -eq 0
    [ $threads -eq 1 ] && took=$(($(now) - begin + 1))
done
same "two threads" reference2 reference1
check "the log has its lines" test "$(wc -l <reference1/metrics.csv)" -gt $((steps / 5))

# killed FOLDER KILLS LONGEST SIGNAL: runs with --resume, each killed after up to LONGEST milliseconds, with
# one and two threads in turn; then once to the end.
killed() {
    local folder=$1 kills=$2 longest=$3 signal=$4 delays="" steps_done="" delay job ended=0 litter
    for i in $(seq "$kills"); do
        delay=$((RANDOM % (longest + 1)))
        delays="$delays $delay"
        # shellcheck disable=SC2086
        "$program" train $settings --steps $steps --out "$folder" --resume --threads $((i % 2 + 1)) \
            >out.txt 2>err.txt &
        job=$!
        pause $delay
        kill -s "$signal" $job 2>/dev/null
        wait $job 2>/dev/null && ended=$((ended + 1))
        steps_done="$steps_done $(tail -n 1 "$folder/metrics.csv" 2>/dev/null | cut -d, -f1)"
    done
    echo "    $signal after$delays ms; log at$steps_done; $ended ended by themselves"
    litter=$(find "$folder" -name '*.tmp' 2>/dev/null | wc -l)
    echo "    $litter temporary files were left"
    check "no more temporary files than kills" test "$litter" -le "$kills"
    train "$folder" $steps --resume --threads 1 >out.txt 2>err.txt
    check "$folder: the last one ends" test $? -eq 0
    same "$folder" "$folder" reference1
}

killed mostly 7 $((took / 4)) KILL
killed first 12 40 KILL
killed asked 3 $((took / 4)) TERM

# Killed in the middle of nothing: before there is a folder, --resume begins.
train new 15 --resume --threads 1 >out.txt 2>err.txt
check "--resume without a run begins one" test $? -eq 0
# A finished run may be resumed for more.
train new 30 --resume --threads 1 >out.txt 2>err.txt
check "--resume with more steps goes on" test $? -eq 0
check "to the last of them" sh -c "tail -n 1 new/metrics.csv | grep -q '^30,'"
cp new/model.safetensors before.safetensors
settings=${settings/--lr 0.01/--lr 0.5}
train new 30 --resume --threads 1 >out.txt 2>err.txt
check "other settings are refused" test $? -eq 1
check "by name" grep -q '^pixelrnn: new/checkpoint.safetensors: .*lr 0.01, this run has 0.5' err.txt
train new 60 --resume --threads 1 --skip >out.txt 2>err.txt
check "another network is refused" test $? -eq 1
has "by what differs alone" 'it has {"skip": false}, this run has {"skip": true}; give the same' err.txt
check "and nothing is changed" cmp new/model.safetensors before.safetensors

echo
# Nobody reads the log, and the training goes on; what it writes at last is refused.
train unread 60 --threads 1 2>&1 >out.txt | true
check "a log that nobody reads" test "$(sed -n '$p' unread/metrics.csv | cut -d, -f1)" = 60
finish
