# shellcheck shell=bash
# What the tests of the program share. Sourced by test_X.sh PROGRAM SOURCE_DIR, which then works in an empty folder; prints
# "ok - ..." or "FAIL - ..." for each check.
set -u

[ $# -eq 2 ] || { echo "usage: $(basename "$0") PROGRAM SOURCE_DIR" >&2; exit 2; }
program=$(realpath "$1")
# shellcheck disable=SC2034 # for who sources this
source_dir=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

ok() { echo "ok - $1"; }
bad() {
    echo "FAIL - $1"
    [ -s out.txt ] && sed 's/^/    stdout: /' out.txt | head -5
    [ -s err.txt ] && sed 's/^/    stderr: /' err.txt | head -5
    failures=$((failures + 1))
}

# check NAME COMMAND...: the command succeeds.
check() {
    local name=$1
    shift
    if "$@"; then ok "$name"; else bad "$name"; fi
}

# run CODE NAME ARGUMENTS...: pixelrnn ends with that exit code; its output is in out.txt and err.txt.
run() {
    local code=$1 name=$2 got
    shift 2
    "$program" "$@" >out.txt 2>err.txt
    got=$?
    if [ "$got" -eq "$code" ]; then ok "$name"; else bad "$name (exit code $got, not $code)"; fi
}

# one_line: the last run wrote one sentence of the program's to stderr.
one_line() { [ "$(wc -l <err.txt)" -eq 1 ] && grep -q '^pixelrnn: ' err.txt; }

# refused CODE PATTERN ARGUMENTS...: ends with that code and one line on stderr, the program's, that holds PATTERN.
refused() {
    local code=$1 pattern=$2 got
    shift 2
    "$program" "$@" >out.txt 2>err.txt
    got=$?
    if [ $got -eq "$code" ] && [ ! -s out.txt ] && one_line && grep -q -e "$pattern" err.txt; then
        ok "refused: $*"
    else
        bad "refused: $* (exit code $got, not $code, or another sentence than '$pattern')"
    fi
}

# near A B [RELATIVE]: two numbers agree.
near() {
    awk -v a="$1" -v b="$2" -v e="${3:-1e-9}" 'BEGIN {
        d = a - b; m = b < 0 ? -b : b
        exit !(a != "" && b != "" && (d < 0 ? -d : d) <= e * m + 1e-12)
    }'
}

# mean: of the numbers on stdin, a line each.
mean() { awk '{ s += $1 } END { printf "%.17g\n", s / NR }'; }

# column FILE NAME: the cells of a column of a table of scores, of its images. Not for names with commas.
column() {
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) k = i; next } $1 != "" { print $k }' "$1"
}

# has NAME PATTERN FILE: the file holds the pattern.
has() { check "$1" grep -q -e "$2" "$3"; }

# number FILE KEY: the number of "KEY": in a JSON text.
number() { sed -n "s/.*\"$2\": \(-\{0,1\}[0-9][0-9.e+-]*\).*/\1/p" "$1" | head -1; }

# png_size FILE: "WIDTH x HEIGHT" of a PNG.
png_size() { od -An -v -tu1 -j16 -N8 "$1" | awk '{ print ($3 * 256 + $4) " x " ($7 * 256 + $8) }'; }

# make_idx FILE COUNT SIDE: images of 0 and 255 without much sense.
make_idx() {
    awk -v n="$2" -v side="$3" 'BEGIN {
        printf "\\000\\000\\010\\003\\000\\000\\000\\%03o", n
        printf "\\000\\000\\000\\%03o\\000\\000\\000\\%03o", side, side
        for (i = 0; i < n; i++) for (r = 0; r < side; r++) for (c = 0; c < side; c++)
            printf "%s", (r * c + i * i + r * i) % 7 < 3 ? "\\377" : "\\000"
    }' >escapes.txt
    # shellcheck disable=SC2059 # escapes are bytes
    printf "$(cat escapes.txt)" >"$1"
}

# make_sprites FILE COUNT COLOURS: images of 6 x 6 in so many colours, at most 5, or one more image in another, as .npy (n, 6, 6, 3).
make_sprites() {
    awk -v n="$2" -v colours="$3" 'BEGIN {
        split("\\377\\000\\000 \\000\\377\\000 \\000\\000\\377 \\024\\024\\024 \\377\\377\\377", colour, " ")
        dict = sprintf("{\"descr\": \"|u1\", \"fortran_order\": False, \"shape\": (%d, 6, 6, 3), }", n)
        gsub("\"", "\x27", dict)
        while (length(dict) < 117) dict = dict " "
        printf "\\223NUMPY\\001\\000\\166\\000%s\\n", dict
        for (i = 0; i < n; i++) for (r = 0; r < 6; r++) for (c = 0; c < 6; c++)
            printf "%s", colour[1 + (r * c + i * c + int(r / 2)) % colours]
    }' >escapes.txt
    # shellcheck disable=SC2059 # escapes are bytes
    printf "$(cat escapes.txt)" >"$1"
}

# same_weights A B: two models agree in all but what their metadata say.
weights() { tail -c +$((9 + $(od -An -t u8 -N 8 "$1"))) "$1"; }
same_weights() { cmp <(weights "$1") <(weights "$2"); }

# The last line of a test: fails if a check failed.
finish() {
    if [ "$failures" -eq 0 ]; then echo "all passed"; else echo "$failures failed"; fi
    exit $((failures > 0))
}
