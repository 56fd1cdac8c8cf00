#!/usr/bin/env bash
# The same bits on every instruction set, of the models that ship: test_bits.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# Those that this processor has; the best first.
sets=()
for set in avx512 avx2 neon generic; do
    "$program" info --cpu "$set" "$source_dir/models/mnist-cnn.safetensors" >out.txt 2>err.txt && sets+=("$set")
done
check "there is at least plain C" test ${#sets[@]} -gt 0

# same WHAT FILE: FILE-$set is one file for all sets.
same() {
    local set
    for set in "${sets[@]}"; do
        check "$1 is the same on $set" cmp -s "$2-${sets[0]}" "$2-$set"
    done
}

# Models without one before them draw what they are then asked about.
for model in "$source_dir"/models/*.safetensors; do
    name=$(basename "$model" .safetensors)
    case "$name" in *-given-*) continue ;; esac
    for set in "${sets[@]}"; do
        run 0 "$name on $set: sample" sample "$model" --count 1 --seed 2 --cpu "$set" --out drawn.npy --quiet
        mv drawn.npy "drawn-$set"
    done
    same "$name: what is drawn" drawn
    cp "drawn-${sets[0]}" data.npy
    for set in "${sets[@]}"; do
        run 0 "$name on $set: eval" eval "$model" --data data.npy --values levels --cpu "$set" --quiet \
            --per-value value.npy --per-image image.npy
        mv value.npy "value-$set"
        mv image.npy "image-$set"
    done
    same "$name: the likelihood of values" value
    same "$name: the likelihood of images" image
done

# The chain of models.
chain=("$source_dir/models/cifar10-8x8.safetensors" "$source_dir/models/cifar10-32x32-given-8x8.safetensors")
for set in "${sets[@]}"; do
    run 0 "the chain on $set" sample "${chain[@]}" --count 1 --cpu "$set" --out chain.npy --quiet
    mv chain.npy "chain-$set"
done
same "what the chain draws" chain

make_idx train.idx 40 6
for kind in row diagonal cnn; do
    for set in "${sets[@]}"; do
        run 0 "train $kind on $set" train --data train.idx --valid-last 8 --kind "$kind" --layers 2 --hidden 6 --head 12 \
            --levels 2 --batch 7 --optimizer adam --lr 1e-2 --schedule cosine --ema 0.9 --clip 1 --steps 30 \
            --cpu "$set" --out "$kind-run-$set" --quiet
        cp "$kind-run-$set/model.safetensors" "model-$set"
        rm -rf "$kind-run-$set"
    done
    same "what $kind learns" model
done

run 0 "a run to resume" train --data train.idx --kind cnn --layers 1 --hidden 4 --head 8 --levels 2 --steps 2 --out run --quiet
sed 's/fma32-1/fma32-0/' run/checkpoint.safetensors >changed && cp changed run/checkpoint.safetensors
run 1 "a run of another arithmetic" train --data train.idx --kind cnn --layers 1 --hidden 4 --head 8 --levels 2 --steps 4 \
    --out run --resume --quiet
check "it is named" grep -q 'made with arithmetic fma32-0, this run has fma32-1' err.txt
finish
