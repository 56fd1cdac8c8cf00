#!/usr/bin/env bash
# Drives the program pixelrnn: test_cli.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

# usage PATTERN ARGUMENTS...: exit code 2, nothing on stdout, one line on stderr that holds PATTERN.
usage() {
    local pattern=$1 name
    shift
    name="usage: pixelrnn $*"
    "$program" "$@" >out.txt 2>err.txt
    if [ $? -eq 2 ] && [ ! -s out.txt ] && [ "$(wc -l <err.txt)" -eq 1 ] &&
        grep -q '^pixelrnn: ' err.txt && grep -q -e "$pattern" err.txt; then
        ok "$name"
    else
        bad "$name"
    fi
}

starts_with() { [ "$(head -c 4 "$1" | od -An -tx1 | tr -d ' \n')" = "$2" ]; }
is_png() { starts_with "$1" 89504e47; }
is_npy() { starts_with "$1" 934e554d && head -c 128 "$1" | grep -a -q -F "$2"; }
balanced() { [ "$(tr -cd '{[' <"$1" | wc -c)" -eq "$(tr -cd '}]' <"$1" | wc -c)" ]; }

# make_idx FILE COUNT SIDE: images of 0 and 255, in stripes.
make_idx() {
    awk -v n="$2" -v side="$3" 'BEGIN {
        printf "\\000\\000\\010\\003\\000\\000\\000\\%03o", n
        printf "\\000\\000\\000\\%03o\\000\\000\\000\\%03o", side, side
        for (i = 0; i < n; i++) for (r = 0; r < side; r++) for (c = 0; c < side; c++)
            printf "%s", (r + c + i) % 3 == 0 ? "\\377" : "\\000"
    }' >escapes.txt
    # shellcheck disable=SC2059 # escapes are bytes
    printf "$(cat escapes.txt)" >"$1"
}

# ------------------------------------------------------------------------------------------ usage

run 0 "--version" --version
check "--version prints one line" grep -q '^pixelrnn [0-9]*\.[0-9]*\.[0-9]*$' out.txt
run 0 "--help" --help
for command in train eval compare sample upscale complete info check curves heat histogram show convert devices serve; do
    check "--help names $command" grep -q "^  $command " out.txt
done

common="threads cpu precision device quiet help" files="threads quiet help"
reading="values binarize fit memory-limit alpha no-orientation"
options_of() {
    case $1 in
    train) echo "data cache valid $reading kind layers hidden head levels output components no-residual skip epochs steps batch lr optimizer" \
        "ema clip seed init resume out preset config height width channels limit valid-last valid-limit valid-every" \
        "log-every checkpoint-every schedule warmup final-fraction decay-factor decay-epochs beta1 beta2 epsilon" \
        "list-presets show-preset condition-size condition-features patience flip shift dropout weight-decay teacher teacher-weight palette palette-file $common" ;;
    eval) echo "data $reading first limit json per-image per-value scores sort worst best $common" ;;
    compare) echo "data $reading first limit seed json scores $common" ;;
    sample) echo "count seed temperature out columns zoom captions overwrite $common" ;;
    complete) echo "data $reading known-rows mask count samples seed out zoom captions overwrite $common" ;;
    info) echo "json $common" ;;
    convert) echo "data height width channels fit alpha no-orientation first limit out skipped palette palette-file palette-out $files" ;;
    show) echo "data $reading height width channels levels palette palette-file first count shuffle seed out columns zoom captions $files" ;;
    upscale) echo "data $reading first count samples seed temperature out zoom captions overwrite $common" ;;
    check) echo "positions seed json $common" ;;
    curves) echo "names title x low high out help" ;;
    heat) echo "data $reading first count worst seed unit max out columns zoom no-bar captions json $common" ;;
    histogram) echo "data $reading image pixels seed out title unit json $common" ;;
    devices) echo "json $common" ;;
    list) echo "json quiet help" ;;
    serve) echo "port host name token open run beside workers time-limit $common" ;;
    esac
}
for command in train eval compare sample upscale complete info check curves heat histogram show convert devices list serve; do
    run 0 "$command --help" "$command" --help
    cp out.txt help.txt
    missing=""
    for option in $(options_of "$command"); do
        grep -q -e "^  --$option\( \|\$\)" help.txt || missing="$missing --$option"
    done
    check "$command --help has its options$missing" test -z "$missing"
    run 0 "help $command" help "$command"
    check "help $command is $command --help" cmp -s out.txt help.txt
done
usage "unknown option --precision" list F --precision bf16
run 0 "complete --help" complete --help
check "complete --help speaks of raster order" grep -q "raster order" out.txt

run 0 "help --man" help --man
check "the man page has every command" test "$(grep -c '^\.SS ' out.txt)" -eq 20
if [ -f "$source_dir/man/pixelrnn.1" ]; then
    check "man/pixelrnn.1 is what help --man prints" cmp -s out.txt "$source_dir/man/pixelrnn.1"
fi

usage "which command"
usage "did you mean 'train'" trian
usage "unknown command" help nothing
usage "did you mean --layers" train --layres 3
usage "did you mean --valid-every" train --valid-evry=3
usage "unknown option --xyzzy" train --xyzzy
usage "needs a value" train --layers
usage "needs a value" train --out --resume
usage "from 1 to 256" train --layers 0
usage "from 1 to 256" train --layers 257
usage "whole number" train --layers 3x
usage "whole number" train --layers ""
usage "above 0" train --lr nan
usage "above 0" train --lr 0
usage "below 1" train --ema 1
usage "whole number" train --seed -1
usage "below 1" train --dropout 1
usage "from 0 to 4095" train --shift -1
usage "from 0 to" train --weight-decay -1
usage "no effect without --valid, --valid-last or --valid-fraction" train --data x --out y --patience 3
usage "--teacher-weight has no effect without --teacher" train --data x --out y --teacher-weight 0.5
usage "from 0 to 1" train --data x --out y --teacher z --teacher-weight 1.1
usage "whole number" train --seed 18446744073709551616
usage "row|diagonal|cnn" train --kind lstm
usage "true or false" train --skip=perhaps
usage "-- *data" train --out x
usage "--out" train --data x
usage "MODEL is missing" eval --data x
usage "there is one MODEL" histogram a b --data x
usage "options only" train model
usage "not both" train --data x --out y --epochs 1 --steps 1
usage "only one of --valid" train --data x --out y --valid v --valid-last 1
usage "only one of --valid" train --data x --out y --valid-fraction 0.1 --valid-last 1
usage "no effect without --valid-last or" train --data x --out y --shuffle-split 1
usage "no effect without --valid$" train --data x --out y --valid-array a
usage "number above 0 and below 1" train --data x --out y --valid-fraction 1
usage "no effect" train --data x --out y --decay-factor 0.1
usage "no effect without --output logistics" train --data x --out y --components 3
usage "softmax|logistics" train --output gauss
usage "from 1 to 64" train --components 65
usage "2 levels" train --data x --out y --binarize sample --channels 1 --levels 4
usage "grey" train --data x --out y --channels 2
usage "height" train --data x --out y --fit crop
usage "no preset" train --preset mnist --data x --out y
usage "end with .npy" convert --data x --out x.png
usage "height" convert --data x --out x.npy --fit resize
usage "end with .npy" train --data x --cache x.bin --out y
usage ".npy" eval m --data x --per-image f.txt
usage ".png or .npy" sample m --out picture.jpg
usage "contact sheet" sample m --out a.npy --columns 2
usage "contact sheet" complete m --data x --known-rows 2 --out a.npy --zoom 2
usage "contact sheet" upscale m --data x --out a.npy --zoom 2
usage "what is known" complete m --data x --out a.png
usage "not both" complete m --data x --out a.png --known-rows 1 --mask m.png
usage "cpu" info m --cpu z80
usage "precision" info m --precision fp16
usage "bf16" info m --cpu generic --precision bf16
PRNN_CPU=z80 usage "PRNN_CPU" info m
usage "--seed has no effect without --binarize sample" eval m --data x --seed 3
usage "--seed has no effect without --shuffle or --binarize sample" show --data x --out a.png --seed 3
usage "'-' is no name of a file" compress m --data x --out -
PRNN_CPU=auto run 0 "the best instruction set, by the environment" sample "$source_dir/models/mnist-cnn.safetensors" --count 1 --out auto.npy --quiet
run 1 "a missing folder of --out" sample m --out no/folder/a.png
run 1 "a missing model" info missing.safetensors
check "a missing model is named" grep -q "^pixelrnn: .*missing.safetensors" err.txt

# ------------------------------------------------------------------------------ presets and config

run 0 "--list-presets" train --list-presets
for preset in mnist-diagonal mnist-diagonal-1 mnist-row mnist-cnn cifar10-row cifar10-diagonal cifar10-cnn \
    imagenet32-row imagenet64-row; do
    run 0 "--show-preset $preset" train --show-preset $preset
    check "$preset has a network" grep -q "^hidden = " out.txt
    cp out.txt preset.conf
    run 1 "$preset is a config file" train --config preset.conf --data missing.idx --out never
done
printf 'layers = 2\nlayerz = 3\n' >bad.conf
usage "bad.conf:2: .*did you mean 'layers'" train --config bad.conf --data x --out y
printf '# a comment\nlayers: 2\n' >bad.conf
usage "bad.conf:2: .*key = value" train --config bad.conf --data x --out y
printf 'layers = 2\nlayers = 3\n' >bad.conf
usage "twice" train --config bad.conf --data x --out y
printf 'hidden = 0\n' >bad.conf
usage "bad.conf:1: hidden: '0'" train --config bad.conf --data x --out y
{ printf '\357\273\277'; printf 'kind = row\nhidden = 0\n'; } >mark.conf
usage "mark.conf:2: hidden: '0'" train --config mark.conf --data x --out y
run 1 "a missing config file" train --config none.conf --data x --out y

# ------------------------------------------------------------------------------------------- train

make_idx train.idx 40 6
make_idx valid.idx 8 6
make_idx other.idx 8 5
tiny=(--kind row --layers 1 --hidden 4 --head 8 --levels 2 --batch 8 --threads 1)
printf 'kind = diagonal # overridden\nlayers = 1\nhidden = 4\nhead=8\nlevels = 2\nskip = false\nbatch = 8\nepochs = 9\n' \
    >tiny.conf

run 0 "train" train --data train.idx --valid valid.idx "${tiny[@]}" --steps 12 --out run
check "train prints the best validation" grep -q "^best validation: [0-9.]* nats" out.txt
check "train prints where the model is" grep -q "^model: run/model.safetensors" out.txt
for file in model.safetensors metrics.csv checkpoint.safetensors; do
    check "train writes $file" test -f run/$file
done
run 1 "a checkpoint is not overwritten" train --data train.idx "${tiny[@]}" --steps 12 --out run
check "and the way out is named" grep -q -e "--resume" err.txt
run 0 "--resume after the end" train --data train.idx --valid valid.idx "${tiny[@]}" --steps 12 --out run --resume
run 0 "--config and the command line" train --config tiny.conf --kind cnn --data train.idx --valid-last 8 \
    --steps 3 --out config --quiet --threads 1
check "--quiet is quiet" test ! -s err.txt
run 0 "info of it" info config/model.safetensors --json
check "the command line overrides the file" grep -q '"kind": "cnn"' out.txt
check "the file sets the rest" test "$(number out.txt hidden)" = 4
for model in config config/; do
    run 0 "a folder as the model" info $model --json
    check "the model in it is read" test "$(number out.txt hidden)" = 4
done
mkdir bare
run 1 "a folder without a model" info bare
has "says what it lacks" "bare: is a folder without a model.safetensors" err.txt
run 0 "a folder as --init" train --data train.idx --init run --steps 1 --out init_folder --threads 1
# Noise, of which there is nothing to learn but the images themselves.
awk 'BEGIN { printf "\\000\\000\\010\\003\\000\\000\\000\\074\\000\\000\\000\\006\\000\\000\\000\\006"
    for (i = 0; i < 60 * 36; i++) { x = (x * 69069 + 1) % 2147483648; printf "%s", (x > 1073741824) ? "\\377" : "\\000" } }' >escapes.txt
# shellcheck disable=SC2059 # escapes are bytes
printf "$(cat escapes.txt)" >noise.idx
small=(--data noise.idx --valid-last 40 --kind cnn --layers 1 --hidden 8 --head 8 --levels 2 --batch 8 --threads 1 --optimizer adam --lr 0.02 --valid-every 3 --steps 300)
run 2 "moved out of sight" train "${small[@]}" --shift 6 --out moved
has "the message says by how much" "shift is 6; images of 6 x 6 can be moved by at most 5 pixels" err.txt
check "no folder is made" test ! -e moved
run 0 "until it overfits" train "${small[@]}" --out overfits
check "that is said once" test "$(grep -c "has risen 3 times in a row while training NLL fell: the model overfits" err.txt)" = 1
has "with the remedies" "--dropout, --weight-decay, --flip or --shift where such images are as likely, and --patience" err.txt
run 0 "a batch of more than all" train "${small[@]:0:14}" --batch 70 --steps 1 --threads 1 --out all
has "is said to be cut" "--batch 70 is more than the 20 images: each step takes all of them" err.txt
run 0 "--patience" train "${small[@]}" --patience 3 --out patient
check "it ends before its last step" test "$(tail -n 1 patient/metrics.csv | cut -d, -f1)" -lt 300
has "and says so" "ended at step $(tail -n 1 patient/metrics.csv | cut -d, -f1) of 300: the last 3 validations brought" err.txt
run 0 "to resume it" train "${small[@]}" --patience 3 --out patient --resume
has "there is nothing to do" "after 3 validations without a lower NLL, and nothing is left to do" err.txt
run 0 "with more patience" train "${small[@]}" --patience 4 --out patient --resume
check "it goes on" grep -q "goes on from step" err.txt
run 0 "--teacher" train "${small[@]}" --teacher patient --out taught
has "it is named" "0.5 of each target is what patient expects" err.txt
check "targets are softer" test "$(tail -n 1 taught/metrics.csv | cut -d, -f5 | cut -d. -f1)" -gt \
    "$(tail -n 1 overfits/metrics.csv | cut -d, -f5 | cut -d. -f1)"
run 0 "info of it" info taught
check "it has a teacher" grep -q "teacher-weight  *0.5" out.txt
run 0 "--teacher, two of them" train "${small[@]:0:18}" --steps 2 --teacher patient,overfits --teacher-weight 1 --out twice
run 1 "a teacher that is not there" train "${small[@]}" --teacher patient,none --out untaught
has "is named" "none: cannot be opened" err.txt
run 2 "a teacher in the way of the result" train "${small[@]}" --teacher twice --out twice --resume
has "is kept" "is also --teacher twice/model.safetensors, which would be lost" err.txt
run 2 "a teacher of other images" train --data train.idx "${tiny[@]:0:6}" --levels 4 --teacher patient --out untaught
has "is refused" "the teacher is for images of 6 x 6 x 1 of 2 levels, and the model for 6 x 6 x 1 of 4" err.txt
check "before anything is made" test ! -e untaught
run 0 "without validation" train --data train.idx "${tiny[@]}" --steps 2 --out plain/
check "there is a training figure" grep -q "^last training" out.txt
run 0 "--init" train --data train.idx --init run/model.safetensors --steps 2 --out init --threads 1
run 0 "--init at another size" train --data other.idx --init run/model.safetensors --steps 2 --out resized --threads 1
has "that is said" "run/model.safetensors is for images of 6 x 6; its weights go on with those of 5 x 5" err.txt
run 0 "to resume it" train --data other.idx --init run/model.safetensors --steps 4 --out resized --threads 1 --resume
run 0 "info of it" info resized
has "it is for those" "^image  *5 x 5 x 1" out.txt
run 0 "--init at a size that is named" train --data train.idx --init run --fit crop --height 4 --width 5 --steps 1 --out cropped --threads 1
run 0 "--init at its own size" train --data train.idx --init resized --fit crop --steps 1 --out own --threads 1
usage "--layers is 3.*run/model.safetensors" train --data train.idx --init run/model.safetensors --layers 3 --out z
usage "--kind is cnn.*run/model.safetensors" train --data train.idx --init run/model.safetensors --kind cnn --out z
usage "levels is 2" train --data train.idx "${tiny[@]}" --output logistics --out z
run 0 "--output logistics" train --data train.idx --kind row --layers 1 --hidden 4 --head 8 --levels 4 --batch 8 --threads 1 \
    --output logistics --components 3 --steps 2 --out mix
run 0 "info of a mixture" info mix/model.safetensors
check "info names the output" grep -q "a mixture of 3 logistic distributions" out.txt
run 0 "info --json of a mixture" info mix/model.safetensors --json
check "info --json: output" grep -q '"output": "logistics"' out.txt
check "info --json: components" test "$(number out.txt components)" = 3
run 0 "eval of a mixture" eval mix/model.safetensors --data valid.idx
check "eval of a mixture is in bits" grep -q "bits/dim" out.txt
run 0 "histogram of a mixture" histogram mix/model.safetensors --data valid.idx --out mix.svg
run 0 "sample of a mixture" sample mix/model.safetensors --count 2 --temperature 0.9 --out mix.png
run 0 "--init with a mixture" train --data train.idx --init mix/model.safetensors --output logistics --components 3 \
    --steps 1 --out mix2 --threads 1
usage "--components is 2.*it is 3" train --data train.idx --init mix/model.safetensors --components 2 --out z
usage "--output is softmax.*it is logistics" train --data train.idx --init mix/model.safetensors --output softmax --out z
run 1 "shapes of --valid" train --data train.idx --valid other.idx "${tiny[@]}" --out z
check "both shapes are named" grep -q "5 x 5 x 1.*6 x 6 x 1" err.txt
run 1 "all images for validation" train --data train.idx --valid-last 40 "${tiny[@]}" --out z
run 1 "missing data" train --data none.idx "${tiny[@]}" --out z
usage "train.idx' is not a folder" train --data train.idx "${tiny[@]}" --out train.idx
check "a failure leaves no folder" test ! -e z

# start_training FOLDER STEPS: in the background, as $job; returns when it is under way.
start_training() {
    # shellcheck disable=SC2086
    "$program" train --data train.idx "${tiny[@]}" --steps "$2" --out "$1" >out.txt 2>err.txt &
    job=$!
    for _ in $(seq 100); do
        [ -f "$1/metrics.csv" ] && break
        sleep 0.1
    done
    sleep 0.3
}
for signal in TERM HUP; do
    start_training stopped$signal 100000000
    kill -s $signal $job
    wait $job
    check "SIG$signal ends training with 1" test $? -eq 1
    check "and says how to go on" grep -q "the same command with --resume" err.txt
    check "and leaves a checkpoint" test -f stopped$signal/checkpoint.safetensors
done
trap '' HUP # as nohup does; the program inherits it
start_training hungup 100000000
kill -HUP $job
sleep 0.3
check "a SIGHUP that is ignored stays ignored" kill -0 $job
trap - HUP
kill -TERM $job
wait $job
check "and SIGTERM is not" test $? -eq 1

# --------------------------------------------------------------------------------- eval and others

model=run/model.safetensors
run 0 "eval" eval $model --data valid.idx --threads 1
check "eval leads with nats" sh -c "head -1 out.txt | grep -q 'nats per image'"
run 0 "eval --json" eval $model --data valid.idx --json --per-image i.npy --per-value v.npy
check "eval --json is one object" sh -c "head -1 out.txt | grep -q '^{$' && tail -1 out.txt | grep -q '^}$'"
check "eval --json is balanced" balanced out.txt
check "eval --json: images" test "$(number out.txt images)" = 8
for key in nats nats_stderr bits_per_dim seconds; do
    check "eval --json: $key" test -n "$(number out.txt $key)"
done
# bits/dim = nats / (36 ln 2)
check "eval --json: units agree" awk -v n="$(number out.txt nats)" -v b="$(number out.txt bits_per_dim)" \
    'BEGIN { d = n / (36 * log(2)) - b; exit !(d < 1e-9 && d > -1e-9) }'
check "--per-image" is_npy i.npy "(8,)"
check "--per-value" is_npy v.npy "(8, 6, 6, 1)"
run 0 "eval --limit 1" eval $model --data valid.idx --limit 1 --first 2 --json
has "one image has no spread" '"nats_stderr": null' out.txt
run 1 "eval of another shape" eval $model --data other.idx
run 0 "eval --fit resize" eval $model --data other.idx --fit resize --quiet
cp $model 'odd "name\.safetensors'
run 0 "eval --json of an odd name" eval 'odd "name\.safetensors' --data valid.idx --json
check "strings are escaped" grep -q -F '"model": "odd \"name\\.safetensors"' out.txt

run 0 "info" info $model
check "info names the kind" grep -q "row" out.txt
run 0 "info --json" info $model --json
check "info --json is balanced" balanced out.txt
check "info --json: kind" grep -q '"kind": "row"' out.txt
for key in parameters unmasked_parameters height levels layers; do
    check "info --json: $key" test -n "$(number out.txt $key)"
done
check "info --json: tensors" grep -q '"name": "input.weight", "shape": \[8, 1, 7, 7\]' out.txt

run 0 "sample png" sample $model --count 5 --seed 3 --columns 5 --out s.png --threads 1
check "sample writes a PNG" is_png s.png
run 0 "sample npy" sample $model --count 5 --seed 3 --out s.npy
check "sample writes an array" is_npy s.npy "(5, 6, 6, 1)"
run 0 "sample npy again" sample $model --count 5 --seed 3 --out s2.npy --threads 2
check "the same seed, the same images" cmp -s s.npy s2.npy
run 0 "sample png, enlarged" sample $model --count 5 --seed 3 --columns 5 --zoom 3 --out zoom.png
# A row of 5 images of 6 x 6 with one pixel between them is 34 x 6; each pixel 3 x 3: 94 x 18
check "an enlarged sheet has its size" test "$(od -An -tx1 -j16 -N8 zoom.png | tr -d ' \n')" = 0000005e00000012
run 0 "one image" sample $model --count 1 --seed 3 --out one.png
run 0 "one image, enlarged" sample $model --count 1 --seed 3 --zoom 3 --out zoom.png
run 0 "every third pixel of it" show --data zoom.png --fit subsample --height 6 --width 6 --levels 2 --out small.png
check "is the image" cmp one.png small.png
run 0 "sample into a folder" sample $model --count 3 --out pictures/
check "sample writes single pictures" test -f pictures/00000.png -a -f pictures/00002.png
run 0 "complete png" complete $model --data valid.idx --known-rows 3 --count 2 --samples 2 --out c.png
check "complete writes a PNG" is_png c.png
# 2 rows and 4 columns of 6 x 6, one pixel between them: 27 x 13
check "complete's picture has its size" test "$(od -An -tx1 -j16 -N8 c.png | tr -d ' \n')" = 0000001b0000000d
run 0 "complete npy" complete $model --data valid.idx --mask pictures/00000.png --count 2 --samples 3 --out c.npy
check "complete writes an array" is_npy c.npy "(2, 3, 6, 6, 1)"
usage "nothing to draw" complete $model --data valid.idx --known-rows 6 --out c.png

usage "sheet of 1920 x 384000 pixels is too large" sample $model --count 5000 --columns 1000 --zoom 64 --out large.png
# Rows of 12 values, of 4 images of 3 x 4: the model says what they are.
printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 12), }" >rows.npy
printf '\000\001\002\003\000\000\001\001%.0s' 1 2 3 4 5 6 >>rows.npy
run 0 "train of rows" train --data rows.npy --values levels --levels 4 --height 3 --width 4 --kind cnn --layers 1 --hidden 4 --head 4 \
    --steps 2 --batch 2 --out wide
run 0 "eval of rows" eval wide --data rows.npy --values levels
has "are read as the model's" "images of 3 x 4" err.txt
run 0 "compress of rows" compress wide --data rows.npy --out rows.prnn --quiet
run 0 "list them" list rows.prnn
has "their size is the model's" "^ *3 x *4 x 1" out.txt
run 0 "train --init of rows" train --data rows.npy --values levels --init wide --steps 2 --batch 2 --out wider
has "are read as the model's" "4 images of 3 x 4 x 1" err.txt
"$program" sample $model --count 1 --out closed.png >&- 2>err.txt
check "fails" test $? -eq 1
has "and is said to be" "standard output cannot be written" err.txt
"$program" train --data train.idx "${tiny[@]}" --out closed >out.txt <&- 2>&-
check "standard input and errors may be closed" test $? -eq 0
check "and are not mixed with the log" test "$(cut -d, -f1 closed/metrics.csv | sort -u | grep -vc '^[0-9]*$')" = 1
PRNN_DEVICE=nothing run 0 "what computes nothing needs no device" show --data valid.idx --count 1 --out shown.png
PRNN_DEVICE=nothing refused 2 "^pixelrnn: PRNN_DEVICE: no device" info $model

if [ -w /dev/full ]; then
    for words in --version --help "info $model" "info $model --json" "eval $model --data valid.idx --quiet"; do
        # shellcheck disable=SC2086 # words
        "$program" $words >/dev/full 2>err.txt
        check "a full stdout: $words" test $? -eq 1
    done
fi

echo
finish
