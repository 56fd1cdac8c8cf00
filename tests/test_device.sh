#!/usr/bin/env bash
# --device, on what OpenCL has here: test_device.sh PROGRAM SOURCE_DIR
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
# train FOLDER STEPS ARGUMENTS...
train() {
    local folder=$1 steps=$2
    shift 2
    "$program" train --data train.idx --valid-last 6 --kind row --layers 2 --hidden 6 --head 8 --levels 4 --batch 8 \
        --optimizer adam --clip 2 --ema 0.9 --lr 0.01 --valid-every 7 --quiet --steps "$steps" --out "$folder" "$@" \
        >out.txt 2>err.txt
}

# Without a driver the program says which library is missing, and that is all.
if ! "$program" devices --device cuda >out.txt 2>err.txt; then
    check "that is one sentence" test "$(wc -l <err.txt)" -eq 1
    check "and says what is missing" grep -q 'libcuda.so.1\|sees no GPU\|CUDA\|NVRTC' err.txt
fi
if ! "$program" devices --device opencl >out.txt 2>err.txt; then
    check "no OpenCL is one sentence" test "$(wc -l <err.txt)" -eq 1
    cat err.txt
    [ "$failures" -eq 0 ] || finish
    echo "skipped: no OpenCL device"
    exit 77
fi

# A device with less local memory than bf16 takes says so before anything begins, and computes in fp32.
small() { LOCAL_MEMORY=49152 OPENCL_LAYERS=${LIMITS:-} run "$@"; }
small 0 "devices, with less local memory" devices
if grep -q '^opencl:0 .*no bf16: ' out.txt; then
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
    echo "not tested: OpenCL's loader takes no layers (OPENCL_LAYERS)"
fi

train cpu 20 --device cpu
check "train on the processor" test $? -eq 0
train opencl 20 --device opencl
check "train with OpenCL" test $? -eq 0
check "the same model" cmp cpu/model.safetensors opencl/model.safetensors
check "the same log" cmp <(cut -d, -f1,2,4,5,6 cpu/metrics.csv) <(cut -d, -f1,2,4,5,6 opencl/metrics.csv)

for device in cpu opencl; do
    run 0 "eval on $device" eval opencl --data train.idx --quiet --device $device --per-value $device.npy
    cp out.txt $device.txt
    run 0 "sample on $device" sample opencl --count 5 --seed 3 --out sample-$device.npy --device $device
    run 0 "complete on $device" complete opencl --data train.idx --known-rows 3 --out complete-$device.npy --device $device
done
check "the same likelihoods of values" cmp cpu.npy opencl.npy
check "the same numbers" cmp <(sed 's/[0-9.]* seconds//' cpu.txt) <(sed 's/[0-9.]* seconds//' opencl.txt)
check "the same samples" cmp sample-cpu.npy sample-opencl.npy
check "the same completions" cmp complete-cpu.npy complete-opencl.npy
PRNN_DEVICE=opencl run 0 "the environment variable is a wish" info opencl
check "that must be there" test "$(PRNN_DEVICE=gpx "$program" info opencl 2>&1 | grep -c 'no device "gpx"')" -eq 1

# A run goes from one device to the other.
train moved 9 --device opencl
check "a run begins with OpenCL" test $? -eq 0
train moved 20 --device cpu --resume
check "and goes on on the processor" test $? -eq 0
check "to the same model" cmp cpu/model.safetensors moved/model.safetensors
train back 9 --device cpu
train back 20 --resume --device opencl
check "and the other way round" cmp cpu/model.safetensors back/model.safetensors
finish
