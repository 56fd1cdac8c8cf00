#!/usr/bin/env bash
# One order of folders: a folder of src/ or of cli/ includes only from folders before it and from itself;
# the program uses the public headers only; and the library never prints, exits or aborts.
set -eu
cd "$(dirname "$0")/.."
bad=0

say() {
    echo "$1" >&2
    bad=1
}

# Lines "file:line:#include "name"" of the folder $1.
includes() {
    grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "$1" --include='*.[ch]' --include='*.cu' || true
}

# check_house TOP FOLDERS...: every folder of TOP is among FOLDERS and includes only from those before it and itself,
# as "folder/name".
check_house() {
    local top=$1 order=${*:2} entry folder line name allowed=""
    for entry in "$top"/*/; do
        case " $order " in
        *" $(basename "$entry") "*) ;;
        *) say "$entry: this folder has no place in the order ($order); give it one in scripts/check-includes.sh" ;;
        esac
    done
    for folder in $order; do
        allowed="$allowed $folder"
        [ -d "$top/$folder" ] || continue
        while IFS= read -r line; do
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
        done <<<"$(includes "$top/$folder")"
    done
}

check_house src base ranks safetensors config image data kernels heads device gpu layers model train sample chain codec check
check_house cli support options session draw serve commands

# The program's own headers are there, and of the library's it sees the public ones alone.
while IFS= read -r line; do
    [ -n "$line" ] || continue
    name=${line#*[\"<]}
    name=${name%%[\">]*}
    case "$line" in
    *'"'*) [ -e "${line%%/*}/$name" ] || say "${line%%:#*}: the program has no header \"$name\" of its own" ;;
    *"<pixelrnn/"*) [ -e "include/$name" ] || say "${line%%:#*}: there is no public header <$name>" ;;
    esac
done <<<"$(includes cli && includes examples)"

# X.c and X.h are one unit, X. Lines "X Y": X includes Y.h, or calls a function that Y.c defines. What a table
# only names is not called: so a format, a layer kind or a head may include the header of its registry.
units_needed() {
    # shellcheck disable=SC2016
    find src bench -name '*.[ch]' | LC_ALL=C sort | xargs awk '
        FNR == 1 {
            unit = FILENAME
            sub(/^src\//, "", unit)
            sub(/\.[ch]$/, "", unit)
        }
        /^[ \t]*#[ \t]*include[ \t]*"/ {
            name = $0
            gsub(/^[^"]*"|\.h".*/, "", name)
            print unit, name ~ /\// ? name : "bench/" name
            next
        }
        /^[ \t]*(\/\*|\*|\/\/)/ { next }
        FILENAME ~ /\.c$/ && /^[a-z]/ && !/^(static|typedef|extern)/ && match($0, /[A-Za-z_0-9]+\(/) {
            home[substr($0, RSTART, RLENGTH - 1)] = unit
        }
        {
            for (rest = $0; match(rest, /[A-Za-z_0-9]+\(/); rest = substr(rest, RSTART + RLENGTH)) {
                if (FILENAME ~ /\.c$/) {
                    called[unit " " substr(rest, RSTART, RLENGTH - 1)]
                }
            }
        }
        END {
            for (pair in called) {
                split(pair, part, " ")
                if (part[2] in home && home[part[2]] != part[1]) {
                    print part[1], home[part[2]]
                }
            }
        }' | LC_ALL=C sort -u | awk '$1 != $2'
}
circles=$(units_needed | tsort 2>&1 >/dev/null | sed 's/^tsort: //' || true)
[ -z "$circles" ] || say "files that need each other in a circle; move what one of them wants into a file below both:
$circles"

calls=$(grep -rnE '(^|[^[:alnum:]_])((v?printf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort|assert)[[:space:]]*\(|std(out|err|in)([^[:alnum:]_.]|$))' \
    src --include='*.[ch]' --include='*.cu' | grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)' || true)
[ -z "$calls" ] || say "the library may not print, exit or abort:
$calls"
exit $bad
