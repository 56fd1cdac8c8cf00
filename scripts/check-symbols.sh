#!/usr/bin/env bash
# The public functions are those of tests/exported-symbols.txt: the public headers declare them with PRNN_API, and the shared
# library shows them to the outside and nothing else.
#   scripts/check-symbols.sh [LIBRARY [NM]]     compares list and headers, and with LIBRARY also the library, as NM sees it
#   scripts/check-symbols.sh --write            writes the list from the headers
set -eu
list=tests/exported-symbols.txt
library=
[ $# -eq 0 ] || [ "$1" = --write ] || library=$(realpath "$1")
cd "$(dirname "$0")/.."
export LC_ALL=C

declared() {
    cat include/pixelrnn/*.h | grep -v '^#' | tr '\n' ' ' | grep -oE 'PRNN_API [^(;]*\(' |
        sed -E 's/.*[ *]([A-Za-z0-9_]+)\($/\1/' | sort
}

# compare WHAT: stdin has its functions.
compare() {
    local difference
    difference=$(diff "$list" - | sed -n "s|^< |    not in $1: |p; s|^> |    only in $1: |p")
    [ -z "$difference" ] || {
        printf '%s and %s do not agree:\n%s\n' "$list" "$1" "$difference" >&2
        echo "If it is meant: scripts/check-symbols.sh --write" >&2
        return 1
    }
}

if [ "${1:-}" = --write ]; then
    declared >"$list"
    exit
fi
declared | compare "the public headers"
[ -z "$library" ] || "${2:-nm}" -D --defined-only "$library" | awk '{print $3}' | sort | compare "$(basename "$library")"
