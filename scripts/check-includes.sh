#!/usr/bin/env bash
# The one way through the house: a folder of src/ includes only from folders before it and from itself; the
# program and the examples use the public headers only; and the library never prints, exits or aborts.
set -eu
cd "$(dirname "$0")/.."
order="base image data kernels layers heads model train sample check"
bad=0

say() {
    echo "$1" >&2
    bad=1
}

# Lines "file:line:#include "name"" of the folder $1.
includes() {
    grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "$1" --include='*.[ch]' --include='*.cu' || true
}

for entry in src/*/; do
    case " $order " in
    *" $(basename "$entry") "*) ;;
    *) say "$entry: this folder has no place in the order ($order); give it one in scripts/check-includes.sh" ;;
    esac
done

allowed=""
for folder in $order; do
    allowed="$allowed $folder"
    [ -d "src/$folder" ] || continue
    while IFS= read -r line; do
        [ -n "$line" ] || continue
        case "$line" in
        *'"'*'"'*) ;;
        *) continue ;;
        esac
        name=${line#*\"}
        name=${name%%\"*}
        case "$name" in
        */*) ;;
        *) say "${line%%:#*}: write \"folder/$name\" instead of \"$name\"" && continue ;;
        esac
        case " $allowed " in
        *" ${name%%/*} "*) ;;
        *) say "${line%%:#*}: $folder may not include \"$name\"; it may use$allowed" ;;
        esac
    done <<<"$(includes "src/$folder")"
done

while IFS= read -r line; do
    [ -n "$line" ] || continue
    name=${line#*[\"<]}
    name=${name%%[\">]*}
    case "$line" in
    *'"'*) [ -e "${line%%/*}/$name" ] || say "${line%%:#*}: the program has no header \"$name\" of its own" ;;
    *"<pixelrnn/"*) [ -e "include/$name" ] || say "${line%%:#*}: there is no public header <$name>" ;;
    esac
done <<<"$(includes cli && includes examples)"

calls=$(grep -rnE '(^|[^[:alnum:]_])((v?printf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort|assert)[[:space:]]*\(|std(out|err|in)([^[:alnum:]_.]|$))' \
    src --include='*.[ch]' --include='*.cu' | grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)' || true)
[ -z "$calls" ] || say "the library may not print, exit or abort:
$calls"
exit $bad
