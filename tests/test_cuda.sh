#!/usr/bin/env bash
# --device cuda, with a stand-in for NVIDIA's driver that computes nothing and sees how it is called (cuda.c):
# test_cuda.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"
unset PRNN_DEVICE
stand_in=${CUDA_STAND_IN:-}
[ -n "$stand_in" ] || {
    echo "skipped: the stand-in for a driver is not built with sanitizers or for another processor"
    exit 77
}
export XDG_CACHE_HOME=$work/cache CUDA_REPORT=$work/report LD_LIBRARY_PATH=$stand_in${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
count() { sed -n "s/^$1 //p" report; }

# clean NAME ARGUMENTS...: ends well; nothing is wrong with its calls, and nothing is left.
clean() {
    rm -f report
    run 0 "$@"
    check "$1: no complaint" test ! -s err.txt
    check "$1: nothing is left" test "$(count left)" = 0
}

run 0 "devices" devices
has "there is a GPU" '^cuda:0 .*Stand-in, 51.5 GB .*sm_90, NVRTC 13.0); fp32, bf16$' out.txt
make_idx train.idx 12 6
small=(--data train.idx --device cuda --quiet)
for kind in row diagonal cnn; do
    for precision in fp32 bf16; do
        clean "train $kind in $precision" train "${small[@]}" --kind $kind --layers 2 --hidden 6 --head 8 --levels 4 --batch 4 \
            --steps 5 --valid-last 2 --valid-every 2 --optimizer adam --ema 0.9 --precision $precision --out $kind-$precision
        [ $kind = cnn ] || check "walks are recorded" test "$(count recorded)" -gt 1 -a "$(count replayed)" -gt "$(count recorded)"
    done
done
check "programs are kept" test "$(find cache/pixelrnn -name '*.gpu' | wc -l)" -eq 2
for full in record replay; do
    CUDA_FULL=$full clean "no room to $full" train "${small[@]}" --kind row --layers 1 --hidden 4 --head 4 --levels 2 --batch 4 \
        --steps 4 --out full-$full
    check "walks are launched" test "$(count replayed)" -eq 0
done
# A compiler that is later than the driver is none.
CUDA_DRIVER=10020 run 0 "devices of an old driver" devices
has "it says what is missing" "^cuda:0 .*no NVRTC.*libnvrtc.* is not there in a version that this driver takes" out.txt
CUDA_DRIVER=10020 run 0 "auto is the processor then" train --data train.idx --device auto --quiet --kind cnn --layers 1 --hidden 2 \
    --head 2 --levels 2 --steps 1 --out auto
CUDA_DRIVER=10020 run 1 "cuda is refused" train "${small[@]}" --kind cnn --layers 1 --hidden 2 --head 2 --levels 2 --steps 1 --out no
# Tables of some hundred KB, one after the other: more than the pinned memory that they go by.
clean "many uploads" train "${small[@]}" --kind row --layers 3 --hidden 32 --head 32 --levels 2 --batch 4 --steps 1 --precision bf16 \
    --out many
clean "eval" eval row-fp32 "${small[@]}"
clean "sample" sample diagonal-fp32 --device cuda --count 3 --out sample.npy --quiet
clean "complete" complete row-bf16 --precision bf16 --known-rows 3 "${small[@]}" --out complete.npy

# The grid of a GPU ends at 65535 groups along y, of 128 positions each.
{
    printf '\000\000\010\003\000\000\000\002\000\000\010\064\000\000\010\064\377'
    head -c $((2 * 2100 * 2100 - 1)) /dev/zero
} >large.idx
clean "large pictures" train --data large.idx --device cuda --quiet --kind cnn --layers 1 --hidden 2 --head 2 --levels 2 --batch 2 \
    --steps 1 --out large

# A device that is lost, at any call: one sentence, nothing is left, and no crash. What is lost when all is done,
# while memory is released, changes nothing.
again=(train "${small[@]}" --kind diagonal --layers 1 --hidden 4 --head 4 --levels 2 --batch 4 --steps 4 --valid-last 2
    --valid-every 2 --precision bf16 --clip 1)
clean "nothing is lost" "${again[@]}" --out whole
calls=$(count calls)
for ((n = 1; n <= calls; n += n < 40 ? 1 : calls / 40 + 1)); do
    rm -rf lost report
    CUDA_FAULT=$n "$program" "${again[@]}" --out lost >out.txt 2>err.txt
    code=$?
    if [ $code -eq 0 ] && [ "$(count left)" = 0 ] && cmp -s whole/model.safetensors lost/model.safetensors; then
        continue
    fi
    if [ $code -ne 1 ] || [ "$(wc -l <err.txt)" -ne 1 ] || ! grep -q 'says 700 (LOST: ' err.txt || [ "$(count left)" != 0 ]; then
        bad "lost at call $n of $calls (exit code $code, $(count left) left)"
    fi
done
CUDA_RESET=$((calls / 2)) run 1 "a device that was reset" "${again[@]}" --out reset
check "is one sentence too" test "$(wc -l <err.txt)" -eq 1
check "calls were counted" test "$calls" -gt 200
finish
