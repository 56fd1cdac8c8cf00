#!/usr/bin/env bash
# Sizes and speeds of archives beside those of other lossless formats, of the same images, as far as their programs are
# there: optipng, cwebp, cjxl (djxl), flif. Whole files are counted; times are of the processor, on one thread.
#
#   experiments/compression/compare.sh MODEL IMAGES [OPTIONS...]
#
# IMAGES: whatever 'pixelrnn compress --data' reads. OPTIONS go to it (--limit 1000, --block 1, ...). WORK names a folder
# for the files, which are kept then.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 MODEL IMAGES [OPTIONS...]" >&2 && exit 2; }
model=$1 images=$2
shift 2
program=${PIXELRNN:-$(dirname "$0")/../../build/pixelrnn}
work=${WORK:-$(mktemp -d)}
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work"

# seconds COMMAND...: runs it; $took becomes its processor seconds.
seconds() {
    TIMEFORMAT='%U %S'
    { time "$@" >"$work/out.txt" 2>"$work/err.txt"; } 2>"$work/time.txt" || { cat "$work/err.txt" >&2 && exit 1; }
    took=$(awk '{ print $1 + $2 }' "$work/time.txt")
}

# row FORMAT BYTES ENCODE DECODE
row() {
    awk -v format="$1" -v bytes="$2" -v encode="$3" -v decode="$4" -v values="$values" '
        function speed(seconds) { return (seconds > 0) ? sprintf("%.3f", values / seconds / 1e6) : "" }
        BEGIN {
            printf "| %-28s | %10d | %6.3f | %8s | %8s |\n", format, bytes, 8 * bytes / values, speed(encode), speed(decode)
        }'
}

# The files of a folder, in bytes.
bytes_of() { find "$1" -type f -exec cat {} + | wc -c; }

# Every picture of the folder png/ into the folder $1, by a command that gets two files.
each() {
    local to=$1 name
    shift
    rm -rf "${work:?}/$to"
    mkdir "$work/$to"
    for name in "$work"/png/*.png; do
        "$@" "$name" "$work/$to/$(basename "$name" .png)"
    done
}

png() { optipng -quiet -o2 -out "$2.png" "$1"; }
webp() { cwebp -quiet -lossless -z 9 "$1" -o "$2.webp"; }
jxl7() { cjxl --quiet -d 0 -e 7 --num_threads=0 "$1" "$2.jxl"; }
jxl9() { cjxl --quiet -d 0 -e 9 --num_threads=0 "$1" "$2.jxl"; }
flif_() { flif -e -Q100 "$1" "$2.flif"; }

unpack() {
    local name
    for name in "$work"/jxl9/*.jxl; do
        djxl --quiet --num_threads=0 "$name" "$work/back.ppm"
    done
}

seconds "$program" compress "$model" --data "$images" --out "$work/archive.prnn" --threads 1 --no-verify --json --quiet "$@"
encode=$took
values=$(sed -n 's/.*"raw_bytes": \([0-9]*\),/\1/p' "$work/out.txt")
coded=$(sed -n 's/.*"coded_bytes": \([0-9]*\),/\1/p' "$work/out.txt")
rm -rf "$work/pictures" "$work/png"
seconds "$program" decompress "$model" "$work/archive.prnn" --out "$work/pictures/" --threads 1 --quiet
decode=$took
mkdir "$work/png"
find "$work/pictures" -type f | while IFS= read -r file; do
    mv "$file" "$work/png/$(echo "${file#"$work/pictures/"}" | tr '/ ' '__')"
done
echo "$(find "$work/png" -type f | wc -l) images, $values values; the streams of the model alone have $coded bytes; speeds in millions of values a second"
echo
echo "| format                       |      bytes | bits a value | encode | decode |"
echo "|---|---|---|---|---|"
row "pixelrnn ($(basename "$model" .safetensors))" "$(wc -c <"$work/archive.prnn")" "$encode" "$decode"
row "values as they are" "$values" 0 0
# with NAME PROGRAM FOLDER FUNCTION
with() {
    command -v "$2" >/dev/null || return 0
    seconds each "$3" "$4"
    row "$1" "$(bytes_of "$work/$3")" "$took" 0
}
with "PNG, optipng -o2" optipng optipng png
with "WebP, lossless, -z 9" cwebp webp webp
with "JPEG XL -e 7" cjxl jxl7 jxl7
if command -v cjxl >/dev/null; then
    seconds each jxl9 jxl9
    encode=$took
    seconds unpack
    row "JPEG XL -e 9" "$(bytes_of "$work/jxl9")" "$encode" "$took"
fi
with "FLIF -Q100" flif flif flif_
