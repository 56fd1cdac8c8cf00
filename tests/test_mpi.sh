#!/usr/bin/env bash
# The program under mpirun: test_mpi.sh PROGRAM SOURCE_DIR. For each implementation of MPI that is there and has its module:
# 1 to 4 processes give the same bits as one without MPI; one that is killed ends all, and any number of them goes on; what is
# wrong on one of them is said once, by its name. With PRNN_TEST_KILLS=50, that many processes are killed, at random moments.
# shellcheck source=tests/shell.sh
. "$(dirname "$0")/shell.sh"

kills=${PRNN_TEST_KILLS:-2}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_base_warn_component_unused=0
# What MPI leaves when it ends is not ours.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
unset PRNN_MPI PRNN_THREADS

# Each that can start a module of this build.
launchers=()
folder=$(dirname "$program")
for implementation in openmpi mpich; do
    [ -e "$folder/libpixelrnn_mpi_$implementation.so" ] || continue
    for command in mpirun.$implementation mpirun; do
        command -v "$command" >/dev/null || continue
        case "$implementation:$("$command" --version 2>/dev/null | head -1)" in
        openmpi:*"Open MPI"*) launchers+=("$command --oversubscribe --bind-to none") ;;
        mpich:*HYDRA*) launchers+=("$command") ;;
        *) continue ;;
        esac
        break
    done
done
if [ ${#launchers[@]} -eq 0 ]; then
    echo "skipped: no mpirun with a module of this build (Debian: openmpi-bin libopenmpi-dev, or mpich libmpich-dev)"
    exit 77
fi

make_idx images 100 6
tiny=(--data images --valid-last 20 --height 6 --width 6 --levels 2 --kind row --layers 1 --hidden 4 --head 4 --batch 8
    --quiet)
loud=("${tiny[@]/--quiet/--cpu=auto}")
columns() { cut -d, -f1,2,4,5,6 "$1/metrics.csv"; } # without those that are times

# together CODE NAME RANKS ARGUMENTS...: as run, by many processes.
together() {
    local code=$1 name=$2 ranks=$3 got
    shift 3
    # shellcheck disable=SC2086 # a launcher is words
    timeout 100 $launcher -n "$ranks" "$program" "$@" >out.txt 2>err.txt </dev/null
    got=$?
    if [ "$got" -eq "$code" ]; then ok "$name"; else bad "$name (exit code $got, not $code)"; fi
}

# Exactly one line of the program's, and it holds the pattern.
says_once() { check "$1" test "$(grep -c "^pixelrnn: " err.txt):$(grep -c "^pixelrnn: .*$2" err.txt)" = 1:1; }

same_run() {
    check "$1: model" cmp -s alone/model.safetensors "$2/model.safetensors"
    check "$1: log" cmp -s <(columns alone) <(columns "$2")
}

# Processes of the run that the launcher $1 began, as "pid rank".
ranks_below() {
    local pid rank
    for pid in $(ps -e -o pid= -o comm= | awk '$2 == "pixelrnn" { print $1 }'); do
        grep -qz "^PRNN_TEST_RUN=$1\$" "/proc/$pid/environ" 2>/dev/null || continue
        rank=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^\(OMPI_COMM_WORLD_RANK\|PMI_RANK\)=//p' | head -1)
        echo "$pid $rank"
    done
}

# kill_one RANKS SECONDS FOLDER: begins or resumes a run, and kills one process of it after some time; fails if nobody was there
# to be killed.
kill_one() {
    local mark=$$.$RANDOM victim
    # shellcheck disable=SC2086
    PRNN_TEST_RUN=$mark timeout 100 $launcher -n "$1" "$program" train "${tiny[@]}" "${long[@]}" --threads 1 --resume \
        --out "$3" >out.txt 2>err.txt </dev/null &
    local launched=$!
    sleep "$2"
    victim=$(ranks_below "$mark" | shuf -n 1)
    [ -z "$victim" ] || kill -9 "${victim% *}" 2>/dev/null
    wait $launched 2>/dev/null
    for _ in $(seq 50); do
        [ -n "$(ranks_below "$mark")" ] || break
        sleep 0.1
    done
    [ -n "$victim" ] || return
    check "after $2 s rank ${victim#* } of $1 is killed: no process is left" test -z "$(ranks_below "$mark")"
}

run 0 "alone" train "${tiny[@]}" --steps 25 --valid-every 10 --out alone
run 0 "scores of one" eval alone --data images --per-value alone.npy --scores alone.csv
cp out.txt alone.eval
run 0 "a second model" train "${tiny[@]}" --seed 3 --steps 5 --out second
run 0 "an ensemble of one rank" eval alone,second --data images --per-value mixed.npy --scores mixed.csv
cp out.txt mixed.eval
run 0 "certificate of one" check alone --positions 40
cp out.txt alone.check
run 0 "samples of one" sample alone --count 13 --out samples.npy
run 0 "completions of one" complete alone --data images --count 5 --samples 3 --known-rows 2 --out completed.npy
mv samples.npy alone.samples.npy && mv completed.npy alone.completed.npy

# Every score, of two sets, with its references; and of one with labels.
make_idx odd 30 6
make_idx known 45 6
for i in $(seq 0 99); do echo $((i / 3 % 4 == 0)); done >labels.txt # of groups of 3
run 0 "a background" train "${tiny[@]}" --seed 3 --steps 2 --out background
scores=(score alone --data images --background background --typical known --typical-limit 17 --surprise)
[ "$("$program" score alone --data images --complexity webp >/dev/null 2>&1; echo $?)" -ne 0 ] || webp=1
several=("${scores[@]}" --complexity png --calibrate known --anomalous odd --false-alarms 0.1 --worst 5)
labelled=(score alone --data images --labels labels.txt ${webp:+--complexity webp} --group 3)
run 0 "scores of two sets by one" "${several[@]}" --scores alone.two.csv --sheet alone.two.png
cp out.txt alone.two
run 0 "scores of groups by one" "${labelled[@]}" --scores alone.groups.csv
cp out.txt alone.groups

# Pictures of two sizes, and images of an array.
run 0 "pictures" sample alone --count 23 --out pictures/
run 0 "larger ones" sample alone --count 7 --size 9x31 --seed 2 --out pictures/larger/
archive=(compress alone --data pictures --tile 16 --out a.prnn)
run 0 "an archive by one" "${archive[@]}"
mv a.prnn alone.prnn && cp out.txt alone.archive
run 0 "one of images each for itself" compress alone --data images --block 1 --model-inside --out a.prnn
mv a.prnn alone.blocks.prnn
cp -r pictures some && echo damaged >some/damaged.png
conversion=(convert --data some --fit resize --height 7 --width 9 --shuffle 3 --out c.npy --skipped c.txt)
run 0 "pictures in one file" "${conversion[@]}"
mv c.npy alone.converted.npy && mv c.txt alone.skipped

for launcher in "${launchers[@]}"; do
    echo "# $launcher"
    for ranks in 1 2 3 4; do
        for threads in 1 2; do
            [ "$ranks$threads" != 42 ] || continue # six at a time are enough
            together 0 "$ranks x $threads train" "$ranks" train "${tiny[@]}" --steps 25 --valid-every 10 \
                --threads $threads --out run
            same_run "$ranks x $threads" run
            rm -rf run
        done
    done
    for ranks in 2 3; do
        together 0 "$ranks evaluate" $ranks eval alone --data images --per-value v.npy --scores s.csv --threads 1
        check "the same report" cmp -s <(grep -v seconds alone.eval) <(grep -v seconds out.txt)
        check "the same values" cmp -s alone.npy v.npy
        check "the same scores" cmp -s alone.csv s.csv
        together 0 "$ranks evaluate an ensemble" $ranks eval alone,second --data images --per-value v.npy --scores s.csv \
            --threads 1
        check "the same report" cmp -s <(grep -v seconds mixed.eval) <(grep -v seconds out.txt)
        check "the same values" cmp -s mixed.npy v.npy
        check "the same scores" cmp -s mixed.csv s.csv
        together 0 "$ranks certify" $ranks check alone --positions 40 --threads 1
        check "the same certificate" cmp -s alone.check out.txt
        together 0 "$ranks sample" $ranks sample alone --count 13 --out samples.npy --threads 1
        check "the same samples" cmp -s alone.samples.npy samples.npy
        together 0 "$ranks complete" $ranks complete alone --data images --count 5 --samples 3 --known-rows 2 \
            --threads 1 --out completed.npy
        check "the same completions" cmp -s alone.completed.npy completed.npy
        together 0 "$ranks score" $ranks "${several[@]}" --scores s.csv --sheet s.png --threads 1
        check "the same scores of two sets" cmp -s <(grep -v seconds alone.two) <(grep -v seconds out.txt)
        check "the same table" cmp -s alone.two.csv s.csv
        check "the same sheet" cmp -s alone.two.png s.png
        together 0 "$ranks score groups" $ranks "${labelled[@]}" --scores s.csv --threads 1
        check "the same scores of groups" cmp -s <(grep -v seconds alone.groups) <(grep -v seconds out.txt)
        check "the same table of groups" cmp -s alone.groups.csv s.csv
        together 0 "$ranks compress" $ranks "${archive[@]}" --threads 1
        check "the same archive" cmp -s alone.prnn a.prnn
        check "the same report of it" cmp -s alone.archive out.txt
        together 0 "$ranks compress images each for itself" $ranks compress alone --data images --block 1 --model-inside \
            --no-verify --out a.prnn
        check "the same archive of these" cmp -s alone.blocks.prnn a.prnn
        together 0 "$ranks convert" $ranks "${conversion[@]}" --threads 1
        check "the same file" cmp -s alone.converted.npy c.npy
        check "the same pictures skipped" cmp -s alone.skipped c.txt
        rm -f v.npy s.csv s.png samples.npy completed.npy a.prnn c.npy c.txt
    done
    together 0 "what rank 0 does alone" 2 info alone
    check "is said once" test "$(grep -c '^kind ' out.txt)" -eq 1
    together 0 "a conversion of an array" 2 convert --data images --out c.npy
    rm -f c.npy

    # Nodes of the tree that lie in the memory of a GPU.
    if "$program" info alone --device opencl >/dev/null 2>&1; then
        together 0 "4 train on an OpenCL device" 4 train "${tiny[@]/#8/6}" --steps 4 --device opencl --threads 1 --out gpu
        [ -d cpu ] || run 0 "and one on the processor" train "${tiny[@]/#8/6}" --steps 4 --out cpu
        check "to the same bits" cmp -s cpu/model.safetensors gpu/model.safetensors
        rm -rf gpu
    fi

    # Stopped by any signal that a scheduler sends, and gone on with by others.
    # shellcheck disable=SC2086
    timeout 100 $launcher -n 3 "$program" train "${tiny[@]}" --steps 100000 --threads 1 --out stopped >out.txt 2>err.txt \
        </dev/null &
    launched=$!
    for _ in $(seq 100); do
        [ -s stopped/metrics.csv ] && [ "$(wc -l <stopped/metrics.csv)" -gt 2 ] && break
        sleep 0.1
    done
    kill -TERM "$(pgrep -P $launched)"
    wait $launched
    says_once "SIGTERM saves and stops all" "stopped at step [0-9]* of 100000; .*--resume goes on"
    rm -rf stopped

    # Killed, and gone on with by another number.
    long=(--steps 6000 --valid-every 1000 --log-every 500 --checkpoint-every 0.2)
    [ -d long ] || run 0 "a longer run alone" train "${tiny[@]}" "${long[@]}" --out long
    goes_on() {
        together 0 "another number goes on" $((1 + RANDOM % 4)) train "${tiny[@]}" "${long[@]}" --threads 1 --resume \
            --out killed
        check "to the same bits" cmp -s long/model.safetensors killed/model.safetensors
        check "and the same log" cmp -s <(columns long) <(columns killed)
        rm -rf killed
    }
    done=0
    for ((i = 0; done < kills && i < 10 * kills; i++)); do
        if kill_one $((2 + RANDOM % 3)) "$((i % 2)).$((RANDOM % 9 + 1))" killed; then
            done=$((done + 1))
            [ $((done % 5)) -gt 0 ] || goes_on
        else
            rm -rf killed # it ended before: begun anew
        fi
    done
    check "$kills were killed" test $done -eq "$kills"
    goes_on

    # What differs on a rank.
    cp -r alone other
    run 0 "a model of another seed" train "${tiny[@]}" --seed 3 --steps 2 --out other2
    # shellcheck disable=SC2086
    pair() { # CODE NAME PATTERN: rank 1 gets the arguments `one`, rank 0 `zero`
        local got
        timeout 100 $launcher -n 1 "$program" "${zero[@]}" : -n 1 "$program" "${one[@]}" >out.txt 2>err.txt </dev/null
        got=$?
        if [ $got -eq "$1" ]; then ok "$2"; else bad "$2 (exit code $got)"; fi
        says_once "$2: said once" "$3"
    }
    zero=(train "${tiny[@]}" --threads 1 --steps 3 --out different)
    one=("${zero[@]}" --lr 0.5)
    pair 1 "another learning rate" "rank 1 on .* has another lr (0.5) than rank 0"
    one=(train "${tiny[@]/images/nowhere}" --threads 1 --steps 3 --out different)
    pair 1 "data that is not there" "rank 1 on .*: nowhere: cannot be opened"
    make_idx shifted 100 6 && printf '\377\377' | dd of=shifted bs=1 seek=30 conv=notrunc 2>/dev/null
    one=(train "${tiny[@]/images/shifted}" --threads 1 --steps 3 --out different)
    pair 1 "other data" "rank 1 on .* has another fingerprint of the training images"
    one=("${zero[@]}" --seed 4)
    pair 1 "another seed" "rank 1 on .* has another "
    check "nothing was written" test ! -e different/model.safetensors
    zero=(eval alone --data images --threads 1)
    one=(eval other2 --data images --threads 1)
    pair 1 "another model" "rank 1 on .* has another model alone"
    one=(eval alone --data images --threads 1 --limit 7)
    pair 1 "fewer images" "rank 1 on .* has another set of images"
    zero=(sample alone --count 3 --out s.npy)
    one=(sample alone --count 4 --out s.npy)
    pair 1 "another number of samples" "rank 1 on .* was asked for other work"
    check "no samples" test ! -e s.npy
    zero=(score alone --data images --labels labels.txt --scores s.csv --threads 1)
    one=("${zero[@]/labels.txt/nowhere}")
    pair 1 "labels that are not there" "rank 1 on .*: nowhere: "
    one=("${zero[@]}" --surprise)
    pair 1 "another score" "rank 1 on .* was asked for other work"
    check "no scores" test ! -e s.csv
    check "nor on stdout" test ! -s out.txt
    zero=("${scores[@]}" --threads 1)
    one=("${zero[@]/#background/alone}")
    pair 1 "another background" "rank 1 on .* has another model background"
    one=("${zero[@]/known/odd}")
    pair 1 "another typical set" "rank 1 on .* has another set of images in known"
    zero=(compress alone --data images --out a.prnn --threads 1)
    one=(compress alone --data odd --out a.prnn --threads 1)
    pair 1 "other images for an archive" "rank 1 on .* has another batch of images to compress"
    one=(compress other2 --data images --out a.prnn --threads 1)
    pair 1 "another model for it" "rank 1 on .* has another model, or other options, to compress with"
    zero=(compress alone --data pictures --out a.prnn --threads 1)
    one=(compress alone --data nowhere --out a.prnn --threads 1)
    pair 1 "pictures that are not there" "rank 1 on .*: nowhere"
    check "no archive" test -z "$(ls a.prnn* 2>/dev/null)"
    rm -rf other other2 different

    together 2 "a wrong command line" 3 sample alone --coun 3
    says_once "is told once" "did you mean --count"
    together 1 "a folder that is not there" 3 train "${tiny[@]}" --steps 3 --out nowhere/run
    says_once "is named once" "there is no folder 'nowhere'"
    together 0 "a batch for fewer ranks" 3 train "${loud[@]/#8/2}" --threads 1 --steps 2 --out small
    has "who waits is said" "1 of 3 ranks have nothing to do" err.txt
    rm -rf small
done

# The wrong implementation, and none.
launcher=${launchers[0]}
PRNN_MPI=nonsense together 1 "a module that is not there" 2 info alone
has "PRNN_MPI is named" 'PRNN_MPI is "nonsense"' err.txt
if [ ${#launchers[@]} -eq 2 ]; then
    PRNN_MPI=mpich together 1 "the module of another MPI" 2 info alone
    says_once "is refused" "2 processes were started, and MPI knows of 1: .* is for another MPI"
fi
PRNN_MPI=none together 0 "no MPI at all" 2 info alone
check "two commands" test "$(grep -c '^kind ' out.txt)" -eq 2
finish
