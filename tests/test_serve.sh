#!/usr/bin/env bash
# pixelrnn serve: its HTTP API beside the commands, what it refuses, and how requests end: test_serve.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"
tests=$source_dir/tests

run 2 "serve without a model" serve
has "says what it needs" "name a MODEL, or a training with --run" err.txt
run 2 "--beside alone" serve --beside run
run 2 "a port out of range" serve model --port 65536
run 2 "a token that is no part of an address" serve model --token "open sesame"
run 2 "one that is guessed" serve model --token 1234

"$program" serve "$source_dir/models/mnist-row.safetensors" --host "not a host" >out.txt 2>err.txt
if grep -q "built without libmicrohttpd" err.txt; then
    has "without libmicrohttpd it says how to get it" "libmicrohttpd-dev" err.txt
    [ $failures -eq 0 ] && echo "skipped: this program was built without libmicrohttpd" && exit 77
    finish
fi
has "a host that is not there" "--host not a host: " err.txt
if ! command -v python3 >/dev/null; then
    echo "skipped: there is no python3"
    exit 77
fi

make_idx images.idx 40 8
quickly=(--levels 2 --hidden 4 --head 4 --layers 1 --optimizer adam --lr 0.1 --steps 8 --batch 8 --quiet)
train() { # name, and how
    local name=$1
    shift
    check "train $name" "$program" train "${quickly[@]}" --out "$name-run" "$@" >out.txt 2>err.txt
    cp "$name-run/model.safetensors" "$name.safetensors"
}
train tiny-row --data images.idx --kind row
train tiny-cnn --data images.idx --kind cnn
train small --data images.idx --fit subsample --height 4 --width 4 --kind diagonal
train large --data images.idx --condition-size 4 --condition-features 4 --kind row
make_sprites sprites.npy 24 5
make_sprites others.npy 24 3
quickly=(--hidden 4 --head 8 --layers 1 --steps 30 --batch 8 --quiet)
train sprites --data sprites.npy --palette --kind row
train sprites-3 --data sprites.npy --palette --fit subsample --height 3 --width 3 --kind row
train sprites-6 --data sprites.npy --palette --condition-size 3 --condition-features 4 --kind row
run 2 "a conditional model alone" serve large.safetensors
has "says what it misses" "draws images given small ones of 4 x 4" err.txt
run 2 "another size of a conditional model" serve small.safetensors large.safetensors --size 16x16
has "says which" "--size: large.safetensors is given small images of 4 x 4, and is for 8 x 8 alone" err.txt
run 2 "a size that is none" serve small.safetensors --size 16
run 2 "a size of images that are there" serve small.safetensors --size own
has "says so" "--size own is for images that are there" err.txt
run 2 "a size of nothing" serve --run tiny-row-run --size 16x16
has "says what is missing" "--size is of what a MODEL draws: name one" err.txt
mv tiny-row-run run
mv tiny-cnn-run other

check "the API" env PYTHONPATH="$tests" PYTHONDONTWRITEBYTECODE=1 python3 "$tests/serve_api.py" "$program" "$source_dir"
check "many clients, and malformed requests" env PYTHONPATH="$tests" PYTHONDONTWRITEBYTECODE=1 \
    python3 "$tests/serve_load.py" "$program" "$source_dir"
finish
