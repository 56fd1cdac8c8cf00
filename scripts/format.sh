#!/usr/bin/env bash
# Formats the code with clang-format; with --check only says what is not formatted, and fails. Versions
# differ in details: 14 is the one that counts.
set -eu
cd "$(dirname "$0")/.."
tool=$(command -v clang-format-14 || command -v clang-format) || {
    echo "clang-format is missing: apt-get install clang-format (Debian), or run scripts/setup.sh ci" >&2
    exit 1
}
mode=(-i)
if [ "${1:-}" = --check ]; then
    mode=(--dry-run --Werror)
fi
find include src cli examples tests fuzz bench \( -name '*.c' -o -name '*.h' -o -name '*.cu' -o -name '*.cpp' \) -print0 2>/dev/null |
    xargs -0 "$tool" "${mode[@]}"
