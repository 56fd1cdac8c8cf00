#!/usr/bin/env bash
# Where models come from, as the program writes and shows it: test_metadata.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"
unset SOURCE_DATE_EPOCH

make_idx train.idx 60 6
make_idx valid.idx 20 6
tiny="--kind row --layers 1 --hidden 4 --head 8 --levels 2 --batch 16 --quiet"
# train FOLDER ARGUMENTS...
train() {
    local folder=$1
    shift
    # shellcheck disable=SC2086
    "$program" train $tiny --out "$folder" "$@" >out.txt 2>err.txt
}
# says NAME KEY VALUE: what info --json printed.
says() { check "$1" grep -q "^    \"$2\": \"$3\",\{0,1\}$" out.txt; }

mkdir elsewhere
cp train.idx elsewhere
train a --data train.idx --valid valid.idx --steps 12
train b --data elsewhere/train.idx --valid valid.idx --steps 12 --threads 2
check "the same training writes the same file" cmp a/model.safetensors b/model.safetensors
run 0 "info --json" info a --json
says "names the data" training.1.data train.idx
says "and what validated" training.1.valid-data valid.idx
says "on how many images" training.1.valid-images 20
says "an option" training.1.batch 16
says "the program" training.1.version "$("$program" --version | grep -o '[0-9][0-9.]*' | head -1)"
check "when the file was changed" grep -q "^  \"changed\": \"$(date -u -r a/model.safetensors +%Y-%m-%dT%H:%M:%SZ)\",$" out.txt
run 0 "info" info a
check "says it in short" grep -q "^trained     [0-9]* steps on 60 images of train.idx$" out.txt
check "and how good it is" grep -q "^validation  [0-9.]* nats per image ([0-9.]* bits/dim), on 20 images$" out.txt
check "and all else" grep -q "^  training.1.optimizer  *rmsprop$" out.txt

cp valid.idx 'two
lines.idx'
train lines --data 'two
lines.idx' --steps 1
run 0 "info of a name of two lines" info lines
check "is escaped" grep -q '^trained     1 step on 20 images of two\\nlines.idx$' out.txt
run 0 "info --json of it" info lines --json
check "is escaped" grep -qF '"training.1.data": "two\u000alines.idx"' out.txt

train further --init a --data train.idx --steps 2
run 0 "info of a model that was trained further" info further --json
says "its first training" training.1.valid-images 20
says "its second" training.2.steps 2
run 0 "of its checkpoint" info further/checkpoint.safetensors --json
says "its second training" training.2.steps 2
run 0 "a shipped model, which says nothing" info "$source_dir/models/cifar10-8x8.safetensors"
check "has no metadata" grep -q "^metadata    0$" out.txt

SOURCE_DATE_EPOCH=86400 train dated --data train.idx --steps 1
run 0 "a date that was given" info dated --json
says "is kept" training.1.date 1970-01-02T00:00:00Z
SOURCE_DATE_EPOCH=today train undated --data train.idx --steps 1
check "another word" test $? -eq 1
check "is refused" grep -q 'SOURCE_DATE_EPOCH is "today": give seconds since 1970, or unset it' err.txt
check "before anything is written" test -z "$(ls undated)"

finish
