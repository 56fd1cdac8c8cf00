#!/usr/bin/env bash
# Looks for defects without running anything: clang-tidy (.clang-tidy says for what) and cppcheck over src/, cli/, mpi/, bench/ and
# fuzz/, shellcheck over every script. A finding is an error.
#   scripts/analyse.sh [FILE...]     only these files in C, with clang-tidy alone
set -eu
cd "$(dirname "$0")/.."
folder=build-analyse
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}

missing=()
for tool in clang clang-tidy cppcheck shellcheck; do
    command -v $tool >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "missing: ${missing[*]}; apt-get install ${missing[*]} (Debian), or run scripts/setup.sh ci" >&2
    exit 1
fi
# Versions differ in what they find: those of Debian 12 count.
case $(clang-tidy --version) in
*"version 14."*) ;;
*) echo "this clang-tidy is not version 14, for which .clang-tidy is written: it may find something else" >&2 ;;
esac

# How each file is compiled; clang, so that clang-tidy knows every flag. What this processor has no use for (NEON) is not seen.
cmake -S . -B $folder -DCMAKE_C_COMPILER=clang -DPRNN_BUILD_TESTS=ON --log-level=WARNING >/dev/null

# The files that are compiled, from the repository's root.
compiled() {
    sed -n "s|^ *\"file\": \"$PWD/\(.*\)\".*|\1|p" $folder/compile_commands.json | grep -E '^(src|cli|mpi|bench|fuzz)/' | sort -u
}

# One file at a time: of several in one run, version 14 mixes up the lists of arguments (va_list).
tidy() {
    printf '%s\n' "$@" | xargs -P "$jobs" -n 1 clang-tidy -p $folder --quiet 2>/dev/null
}

if [ $# -gt 0 ]; then
    tidy "$@"
    exit
fi

bad=0
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
shellcheck "${scripts[@]}" || bad=1
cppcheck --project=$folder/compile_commands.json -i tests -j "$jobs" --enable=warning,performance,portability \
    --suppressions-list=.cppcheck-suppressions --inline-suppr --error-exitcode=1 --quiet || bad=1
mapfile -t sources < <(compiled)
tidy "${sources[@]}" || bad=1
[ $bad = 0 ] || exit 1
echo "analyse: nothing found in ${#sources[@]} files in C and ${#scripts[@]} scripts"
