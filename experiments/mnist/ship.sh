#!/bin/bash
# From the runs of train.sh to what ships: models/mnist-*.safetensors with a card each, and the logs in docs/curves. Reads
# the test images, once a model.
#
#   experiments/mnist/ship.sh [OUT]      OUT: the folder of the runs (default runs/mnist)
#
# PIXELRNN names the program (default build/pixelrnn), COMMIT the one that trained (default the present one). Paths are relative to the root of the project.
set -eu
cd "$(dirname "$0")/../.."
program=${PIXELRNN:-build/pixelrnn}
out=${1:-runs/mnist}
data=data/mnist-binarized

nll() { # model, split
    text=$("$program" eval "$1" --data "$data/$2-images-idx3-ubyte.gz" --quiet)
    awk 'NR == 1 { printf "%.2f ± %.2f", $1, $3 }' <<<"$text"
}

field() { "$program" info "$1" | awk -v name="$2" '$1 == name { $1 = ""; print substr($0, 2) }'; }

hours() { awk -F, '$3 != "" { last = $3 } END { printf "%.0f minutes", last / 60 }' "$1/metrics.csv"; }

# card NAME NETWORK PAPER COMMAND RUN...: the runs of which the last made the model
card() {
    name=$1 network=$2 paper=$3 command=$4
    shift 4
    for run in "$@"; do last=$run; done
    model=models/mnist-$name.safetensors
    cp "$out/$last/model.safetensors" "$model"
    certificate=$("$program" check "$model" --quiet)
    {
        echo "# mnist-$name.safetensors"
        echo
        echo "$network for static binarised MNIST, one of the networks of *Pixel Recurrent Neural Networks*."
        echo
        echo "| | |"
        echo "|---|---|"
        echo "| network | $(field "$model" kind), $(field "$model" network) |"
        echo "| images | 28 x 28, grey, two levels |"
        echo "| parameters | $(field "$model" parameters) |"
        echo "| data | [data/mnist-binarized](../data/README.md): 50,000 images to train on; 10,000 validation images picked" \
            "learning rate, length and the epoch that was kept; 10,000 test images, read once |"
        for run in "$@"; do
            [ -f "$out/$run/metrics.csv" ] || continue
            awk -F, -v run="$run" 'NR > 1 && $6 != "" && (least == "" || $6 < least) { least = $6; at = $2 }
                NR > 1 { epoch = $2 } END { printf "| run `%s` | %g epochs, lowest validation after %g |\n", run, epoch, at }' \
                "$out/$run/metrics.csv"
            echo "| its time | $(hours "$out/$run"), 2 cores, beside other work |"
        done
        echo "| validation NLL, all 10,000 | $(nll "$model" valid) nats |"
        echo "| **test NLL, all 10,000** | **$(nll "$model" test) nats** (paper: $paper) |"
        echo "| date, commit | $(date +%Y-%m-%d), ${COMMIT:-$(git rev-parse --short HEAD)} |"
        echo
        echo "Made by \`experiments/mnist/train.sh runs/mnist $command\`, which has every setting; seed 1."
        echo
        echo "Certificate (\`pixelrnn check $model\`):"
        echo
        echo '```'
        echo "$certificate"
        echo '```'
    } > "models/mnist-$name.md"
    for run in "$@"; do
        [ ! -f "$out/$run/metrics.csv" ] || cp "$out/$run/metrics.csv" "docs/curves/mnist-$run.csv"
    done
    grep -E 'validation NLL|test NLL' "models/mnist-$name.md"
}

card diagonal   "Diagonal BiLSTM, 7 layers of 16" 79.20 diagonal diagonal-begin diagonal
card diagonal-1 "Diagonal BiLSTM, 1 layer of 32" 80.75 diagonal-1 diagonal-1-begin diagonal-1
card row        "Row LSTM, 7 layers of 16" 80.54 row row-begin row
card cnn        "PixelCNN, 12 layers of 32" 81.30 cnn cnn
