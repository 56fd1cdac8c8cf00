#!/usr/bin/env bash
# --device, on a GPU by NVIDIA's driver and on what OpenCL has, whichever is here: test_device.sh PROGRAM SOURCE_DIR
# A GPU reads what the processor wrote, and the other way round: all to the last bit.
. "$(dirname "$0")/shell.sh"
unset PRNN_DEVICE
# The search for leaks at the end breaks off at libraries that a driver has opened.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

run 0 "devices" devices
check "devices has the processor" grep -q '^cpu ' out.txt
run 0 "devices --json" devices --json
check "devices --json names it" grep -q '"name": "cpu"' out.txt
run 2 "no such device" devices --device gpx
has "says which there are" 'no device "gpx": choose auto, cpu' err.txt
run 2 "no such number" devices --device opencl:x
run 0 "auto is always there" devices --device auto

make_idx train.idx 30 6
# train FOLDER STEPS ARGUMENTS...: of $kind
kind=row
train() {
    local folder=$1 steps=$2
    shift 2
    "$program" train --data train.idx --valid-last 6 --kind $kind --layers 2 --hidden 6 --head 8 --levels 4 --batch 8 \
        --optimizer adam --clip 2 --ema 0.9 --lr 0.01 --valid-every 7 --quiet --steps "$steps" --out "$folder" "$@" \
        >out.txt 2>err.txt
}

# Without a driver the program says which library is missing, and that is all.
gpus=()
for gpu in cuda opencl; do
    if "$program" devices --device $gpu >out.txt 2>err.txt; then
        gpus+=("$gpu")
    else
        check "no $gpu is one sentence" test "$(wc -l <err.txt)" -eq 1
        cat err.txt
    fi
    [ $gpu = opencl ] || [ "${#gpus[@]}" -gt 0 ] ||
        check "it says what is missing" grep -q 'libcuda.so.1\|sees no GPU\|CUDA\|NVRTC' err.txt
done
if [ "${#gpus[@]}" -eq 0 ]; then
    [ "$failures" -eq 0 ] || finish
    echo "skipped: no GPU, and no OpenCL device"
    exit 77
fi

# What OpenCL's loader puts between itself and a driver, if it knows of that (OPENCL_LAYERS): see limits.c.
layer=${LIMITS:-}
LOCAL_MEMORY=49152 OPENCL_LAYERS=$layer "$program" devices >out.txt 2>&1
{ [ "${gpus[-1]}" = opencl ] && grep -q '^opencl:0 .*no bf16: ' out.txt; } || layer=""

# A device with less local memory than bf16 takes says so before anything begins, and computes in fp32.
small() { LOCAL_MEMORY=49152 OPENCL_LAYERS=$layer run "$@"; }
if [ -n "$layer" ]; then
    small 0 "devices, with less local memory" devices
    has "it says how much there is" '; fp32, no bf16: it has 48 KB of local memory, and its kernels need 51' out.txt
    small 0 "devices --json" devices --json
    has "in JSON too" '"why_no_bf16": "it has 48 KB' out.txt
    small 1 "bf16 is refused" train --data train.idx --device opencl --precision bf16 --steps 1 --out small
    check "in one sentence" test "$(wc -l <err.txt)" -eq 1
    has "with the way out" 'opencl:0, .*, has no bf16: it has 48 KB .*; choose precision fp32' err.txt
    check "before anything begins" test ! -e small
    small 0 "fp32 is not" info --device opencl --precision fp32 "$source_dir/models/mnist-row.safetensors"
    run 0 "with all of it" devices
    has "there is bf16" '^opencl:0 .*; fp32, bf16$' out.txt
else
    echo "not tested: there is no OpenCL, or its loader takes no layers (OPENCL_LAYERS)"
fi

train cpu 20 --device cpu
check "train on the processor" test $? -eq 0

# use DEVICE: a model of the processor there.
use() {
    run 0 "eval on $1" eval cpu --data train.idx --quiet --device "$1" --per-value "$1.npy"
    sed 's/[0-9.]* seconds//' out.txt >"$1.txt"
    run 0 "sample on $1" sample cpu --count 5 --seed 3 --out "sample-$1.npy" --device "$1"
    run 0 "complete on $1" complete cpu --data train.idx --known-rows 3 --out "complete-$1.npy" --device "$1"
}

# compare GPU: all that it gives is the processor's, and a run goes from one to the other.
compare() {
    local gpu=$1
    train "$gpu" 20 --device "$gpu"
    check "train on $gpu" test $? -eq 0
    check "the same model" cmp cpu/model.safetensors "$gpu/model.safetensors"
    check "the same log" cmp <(cut -d, -f1,2,4,5,6 cpu/metrics.csv) <(cut -d, -f1,2,4,5,6 "$gpu/metrics.csv")
    use "$gpu"
    check "the same likelihoods of values" cmp cpu.npy "$gpu.npy"
    check "the same numbers" cmp cpu.txt "$gpu.txt"
    check "the same samples" cmp sample-cpu.npy "sample-$gpu.npy"
    check "the same completions" cmp complete-cpu.npy "complete-$gpu.npy"
    train "moved-$gpu" 9 --device "$gpu"
    check "a run begins on $gpu" test $? -eq 0
    train "moved-$gpu" 20 --device cpu --resume
    check "and goes on on the processor" test $? -eq 0
    check "to the same model" cmp cpu/model.safetensors "moved-$gpu/model.safetensors"
    train "back-$gpu" 9 --device cpu
    train "back-$gpu" 20 --resume --device "$gpu"
    check "and the other way round" cmp cpu/model.safetensors "back-$gpu/model.safetensors"
}

# bf16 GPU: has bits of its own, the same each time.
bf16() {
    train "bf16-$1" 9 --device "$1" --precision bf16
    check "train on $1 in bf16" test $? -eq 0
    train "again-$1" 5 --device "$1" --precision bf16
    train "again-$1" 9 --device "$1" --precision bf16 --resume
    check "a run that was stopped ends alike" cmp "bf16-$1/model.safetensors" "again-$1/model.safetensors"
}

# unwritten PRECISION: what was never written is never read, so memory that is full of NaN changes nothing.
unwritten() {
    train "written-$kind-$1" 8 --device opencl --precision "$1"
    check "train $kind in $1" test $? -eq 0
    OPENCL_LAYERS=$layer UNWRITTEN=1 train "unwritten-$kind-$1" 8 --device opencl --precision "$1"
    check "train it in memory full of NaN" test $? -eq 0
    check "the same model" cmp "written-$kind-$1/model.safetensors" "unwritten-$kind-$1/model.safetensors"
    check "the same log" cmp <(cut -d, -f1,2,4,5,6 "written-$kind-$1/metrics.csv") <(cut -d, -f1,2,4,5,6 "unwritten-$kind-$1/metrics.csv")
}

use cpu
for gpu in "${gpus[@]}"; do
    compare "$gpu"
    bf16 "$gpu"
done
for kind in row diagonal cnn; do
    [ -z "$layer" ] || unwritten fp32
    [ -z "$layer" ] || unwritten bf16
done
PRNN_DEVICE=${gpus[0]} run 0 "the environment variable is a wish" info cpu
check "that must be there" test "$(PRNN_DEVICE=gpx "$program" info cpu 2>&1 | grep -c 'no device "gpx"')" -eq 1
finish
