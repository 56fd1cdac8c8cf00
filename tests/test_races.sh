#!/usr/bin/env bash
# Kernels of GPUs on a simulated device, which knows every access: test_races.sh PROGRAM SOURCE_DIR
# oclgrind reports data races, accesses outside of a buffer, barriers that not all items reach, and wrong calls. All kernels
# run, and compute what the processor computes. SIMULATOR names the folder of the library made of simulator.c; without it
# there is nothing to test.
. "$(dirname "$0")/shell.sh"

if [ ! -f "${SIMULATOR:-}/libOpenCL.so.1" ] || ! command -v oclgrind >/dev/null; then
    echo "skipped: there is no oclgrind (Debian: oclgrind)"
    exit 77
fi
simulator=$(realpath "$SIMULATOR")
export SIMULATED=$work/launched.txt CUDA_VISIBLE_DEVICES='' PRNN_THREADS=1
unset PRNN_DEVICE LD_PRELOAD

# simulate UNITS ARGUMENTS...: pixelrnn on a device of so many units. With one, products have their largest tiles.
simulate() {
    local units=$1
    shift
    LD_LIBRARY_PATH=$simulator${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
        oclgrind --check-api --data-races --max-errors 20 --local-mem-size 65536 --compute-units "$units" \
        "$program" "$@" --device opencl:0 --quiet
}

# clean NAME UNITS ARGUMENTS...: nothing is reported.
clean() {
    local name=$1
    shift
    if simulate "$@" >out.txt 2>err.txt && [ ! -s err.txt ]; then ok "$name"; else bad "$name" && sed -n 1,60p err.txt; fi
}

# same NAME UNITS OUT FILE ARGUMENTS...: the same, and FILE of what --out OUT gets is the processor's.
same() {
    local name=$1 units=$2 out=$3 file=$4
    shift 4
    run 0 "$name, on the processor" "$@" --out "cpu-$out" --device cpu --quiet
    clean "$name" "$units" "$@" --out "$out"
    check "$name, to the same bits" cmp "cpu-$out$file" "$out$file"
}

# train OUT UNITS ARGUMENTS...: a step, with a validation. draw OUT UNITS COMMAND ARGUMENTS...: an image or two.
train() { same "train $1" "$2" "$1" /model.safetensors train --steps 1 --batch 3 --valid-last 1 --lr 0.01 "${@:3}"; }
draw() { same "$3 $1" "$2" "$1.npy" "" "${@:3}" --seed 5; }

make_idx grey.idx 4 4
make_sprites colour.npy 4 5
small=(--fit crop --height 2 --width 2 --layers 1 --hidden 3 --head 5)

# The device is simulated, and sees what is missing: without barriers, races.
simulate 1 devices >out.txt
has "the device is simulated" "Oclgrind" out.txt
run 0 "a model" train --data grey.idx --kind row "${small[@]}" --levels 2 --steps 1 --out first --quiet --device cpu
# The first one is enough: the program ends when it writes the next line.
OCLGRIND_BUILD_OPTIONS='-Dbarrier(flags)=' simulate 64 eval first --data grey.idx --fit crop --limit 1 2>&1 |
    grep -m 1 "data race at local memory" >out.txt
check "a race would be reported" test -s out.txt

train row 1 --data grey.idx --kind row "${small[@]}" --levels 2 --optimizer adam --clip 0.01 --ema 0.9
draw row 64 sample row --count 2
train diagonal 64 --data colour.npy --kind diagonal "${small[@]}" --levels 4 --beta1 0.5 --skip
draw diagonal 64 complete diagonal --data colour.npy --fit crop --known-rows 1 --count 1 --samples 1
train cnn 64 --data grey.idx --kind cnn "${small[@]}" --levels 20 --output logistics --components 3 --optimizer sgd \
    --dropout 0.3 --weight-decay 1
draw cnn 64 sample cnn --count 1
run 0 "a teacher" train --data grey.idx --kind cnn "${small[@]}" --levels 20 --steps 1 --out shades --quiet --device cpu
train taught 64 --data grey.idx --kind cnn "${small[@]}" --levels 20 --teacher shades
train student 64 --data grey.idx --kind cnn "${small[@]}" --levels 2 --teacher first
train given 64 --data grey.idx --kind cnn "${small[@]}" --levels 4 --condition-size 1
"$program" convert --data grey.idx --fit crop --height 1 --width 1 --out one.npy --quiet
draw given 64 upscale given --data one.npy --count 1 --samples 1

# Matrices of more than a tile.
train wide 64 --data grey.idx --fit crop --height 2 --width 2 --kind row --layers 1 --hidden 9 --head 5 --levels 2 --optimizer muon

# What state.h lists for fp32 was launched; all lanes are one pass, so nobody adds blocks.
sed -n '/PRNN_GPU_KERNELS(KERNEL)/,/^$/s/^ *KERNEL(\([a-z_0-9]*\), [0-9]*).*/\1/p' "$source_dir/src/gpu/state.h" |
    grep -v -x add_numbers | sort >kernels.txt
sort -u "$SIMULATED" | comm -23 kernels.txt - >out.txt
check "all kernels ran" test -s kernels.txt -a ! -s out.txt
finish
