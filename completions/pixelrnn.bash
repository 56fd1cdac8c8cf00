# Completion of pixelrnn for bash, as `pixelrnn help --completion bash` prints it.
# shellcheck shell=bash
_pixelrnn() {
    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
    local kind=none words='' options='' others=none
    # --name=VALUE is three words
    if [ "$word" = = ]; then
        word=''
    elif [ "$option" = = ] && [ "$COMP_CWORD" -gt 2 ]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    case ${COMP_WORDS[1]} in
    train)
        options="--data --cache --valid --valid-last --valid-fraction --shuffle-split --limit --valid-limit --values --binarize --fit --alpha --no-orientation --memory-limit --array --valid-array --height --width --channels --palette --palette-file --kind --layers --hidden --head --levels --output --components --no-residual --skip --condition-size --condition-features --init --epochs --steps --batch --lr --optimizer --beta1 --beta2 --epsilon --clip --ema --teacher --teacher-weight --schedule --warmup --final-fraction --decay-factor --decay-epochs --seed --patience --flip --shift --dropout --weight-decay --out --resume --valid-every --log-every --checkpoint-every --preset --config --list-presets --show-preset --threads --cpu --precision --device --quiet --help"
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --channels) kind=words words="0 1 3" ;;
        --kind) kind=words words="row diagonal cnn" ;;
        --output) kind=words words="softmax logistics" ;;
        --optimizer) kind=words words="rmsprop adam sgd muon" ;;
        --schedule) kind=words words="constant cosine step" ;;
        --preset) kind=words words="mnist-diagonal mnist-diagonal-1 mnist-row mnist-cnn cifar10-row cifar10-diagonal cifar10-cnn imagenet32-row imagenet64-row" ;;
        --show-preset) kind=words words="mnist-diagonal mnist-diagonal-1 mnist-row mnist-cnn cifar10-row cifar10-diagonal cifar10-cnn imagenet32-row imagenet64-row" ;;
        --data | --cache | --valid | --palette-file | --init | --teacher | --out | --config) kind=files ;;
        --valid-last | --valid-fraction | --shuffle-split | --limit | --valid-limit | --alpha | --memory-limit | --array | --valid-array | --height | --width | --layers | --hidden | --head | --levels | --components | --condition-size | --condition-features | --epochs | --steps | --batch | --lr | --beta1 | --beta2 | --epsilon | --clip | --ema | --teacher-weight | --warmup | --final-fraction | --decay-factor | --decay-epochs | --seed | --patience | --shift | --dropout | --weight-decay | --valid-every | --log-every | --checkpoint-every | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    eval)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --first --limit --seed --size --tile --json --per-image --per-value --scores --sort --worst --best --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --sort) kind=words words="none worst best" ;;
        --data | --per-image | --per-value | --scores) kind=files ;;
        --alpha | --memory-limit | --array | --first | --limit | --seed | --size | --tile | --worst | --best | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    compare)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --first --limit --seed --size --json --scores --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --data | --scores) kind=files ;;
        --alpha | --memory-limit | --array | --first | --limit | --seed | --size | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    score)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --first --limit --seed --size --background --typical --typical-limit --complexity --surprise --group --group-folders --labels --normal --anomalous --calibrate --false-alarms --json --scores --sheet --columns --zoom --by --sort --worst --best --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --complexity) kind=words words="none png webp" ;;
        --by) kind=words words="auto nats ratio typicality complexity surprise surprise_z" ;;
        --sort) kind=words words="none worst best" ;;
        --data | --background | --typical | --labels | --anomalous | --calibrate | --scores | --sheet) kind=files ;;
        --alpha | --memory-limit | --array | --first | --limit | --seed | --size | --typical-limit | --group | --normal | --false-alarms | --columns | --zoom | --worst | --best | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    sample)
        options="--count --seed --temperature --size --out --columns --zoom --captions --overwrite --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --out) kind=files ;;
        --count | --seed | --temperature | --size | --columns | --zoom | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    upscale)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --first --count --samples --seed --temperature --out --zoom --captions --overwrite --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --data | --out) kind=files ;;
        --alpha | --memory-limit | --array | --first | --count | --samples | --seed | --temperature | --zoom | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    complete)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --first --count --size --known-rows --mask --samples --seed --temperature --out --zoom --captions --overwrite --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --data | --mask | --out) kind=files ;;
        --alpha | --memory-limit | --array | --first | --count | --size | --known-rows | --samples | --seed | --temperature | --zoom | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    info)
        options="--json --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    check)
        options="--positions --seed --json --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --positions | --seed | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    curves)
        options="--names --title --x --low --high --out --help"
        others=files
        case $option in
        --x) kind=words words="epoch step seconds" ;;
        --out) kind=files ;;
        --names | --title | --low | --high) kind=text ;;
        esac
        ;;
    heat)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --first --count --worst --seed --size --unit --surprise --max --out --columns --zoom --no-bar --captions --json --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --unit) kind=words words="auto nats bits" ;;
        --data | --out) kind=files ;;
        --alpha | --memory-limit | --array | --first | --count | --worst | --seed | --size | --max | --columns | --zoom | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    histogram)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --image --pixels --seed --out --title --unit --json --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --unit) kind=words words="auto nats bits" ;;
        --data | --out) kind=files ;;
        --alpha | --memory-limit | --array | --image | --pixels | --seed | --title | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    show)
        options="--data --values --binarize --fit --alpha --no-orientation --memory-limit --array --height --width --channels --palette --palette-file --levels --first --count --shuffle --seed --out --columns --zoom --captions --threads --quiet --help"
        case $option in
        --values) kind=words words="8bit levels" ;;
        --binarize) kind=words words="none sample" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --channels) kind=words words="0 1 3" ;;
        --data | --palette-file | --out) kind=files ;;
        --alpha | --memory-limit | --array | --height | --width | --levels | --first | --count | --seed | --columns | --zoom | --threads) kind=text ;;
        esac
        ;;
    convert)
        options="--data --height --width --channels --fit --alpha --no-orientation --palette --palette-file --array --first --limit --shuffle --out --palette-out --skipped --threads --quiet --help"
        case $option in
        --channels) kind=words words="0 1 3" ;;
        --fit) kind=words words="exact crop resize subsample" ;;
        --data | --palette-file | --out | --palette-out | --skipped) kind=files ;;
        --height | --width | --alpha | --array | --first | --limit | --shuffle | --threads) kind=text ;;
        esac
        ;;
    devices)
        options="--json --threads --cpu --precision --device --quiet --help"
        case $option in
        --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    compress)
        options="--data --no-orientation --skip --array --first --limit --out --block --tile --model-inside --no-verify --json --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --data | --out) kind=files ;;
        --array | --first | --limit | --block | --tile | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    decompress)
        options="--out --extract --max-pixels --overwrite --json --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --out) kind=files ;;
        --extract | --max-pixels | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    list)
        options="--json --quiet --help"
        others=files
        case $option in
        esac
        ;;
    verify)
        options="--max-pixels --json --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --max-pixels | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    serve)
        options="--size --port --host --name --token --open --run --beside --workers --time-limit --threads --cpu --precision --device --quiet --help"
        others=files
        case $option in
        --run | --beside) kind=files ;;
        --size | --port | --host | --name | --token | --workers | --time-limit | --threads | --cpu | --precision | --device) kind=text ;;
        esac
        ;;
    help) kind=words words="train eval compare score sample upscale complete info check curves heat histogram show convert devices compress decompress list verify serve" ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        kind=words words="train eval compare score sample upscale complete info check curves heat histogram show convert devices compress decompress list verify serve help --help --version"
    elif [ $kind = none ]; then
        kind=$others
        if [ "${word:0:1}" = - ] || [ $kind = none ]; then
            kind=words words=$options
        fi
    fi
    case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    files)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
        ;;
    esac
}
complete -F _pixelrnn pixelrnn
