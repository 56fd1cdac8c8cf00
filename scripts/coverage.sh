#!/usr/bin/env bash
# Builds with gcc's counters, runs the tests, and prints which part of the lines and branches of each folder they reach;
# build-coverage/html/index.html has it line by line.
#   scripts/coverage.sh
# Left out are test_faults, whose faults would hit the counters' own files, and the laws on instruction sets other than the
# best one: the kernels' tests are on all of them, and their code is one template.
set -eu
cd "$(dirname "$0")/.."
folder=build-coverage
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
command -v gcovr >/dev/null || {
    echo "gcovr is missing: apt-get install gcovr (Debian), or run scripts/setup.sh coverage" >&2
    exit 1
}

cmake --preset coverage --log-level=WARNING >/dev/null
cmake --build $folder -j "$jobs"
find $folder -name '*.gcda' -delete
ctest --test-dir $folder -j "$jobs" -LE style -E 'test_faults|test_hostile_sh|test_convert_sh' --no-tests=error \
    --output-on-failure
# They count, but cannot pass: where they take away disk and memory, the counters have their own complaints on stderr.
ctest --test-dir $folder -j "$jobs" -R 'test_hostile_sh|test_convert_sh' --no-tests=error -Q || true

mkdir -p $folder/html
gcovr -j "$jobs" --root . --filter src/ --filter cli/ --exclude-unreachable-branches --exclude-throw-branches \
    --csv $folder/coverage.csv --html-details $folder/html/index.html \
    $folder/CMakeFiles/pixelrnn_objects.dir $folder/CMakeFiles/pixelrnn_program.dir
awk -F, '
    function row(name, n) {
        printf "%-14s %6d of %6d lines %6.1f %%   %6d of %6d branches %6.1f %%\n", name, covered[n], lines[n],
            100 * covered[n] / lines[n], taken[n], branches[n], branches[n] ? 100 * taken[n] / branches[n] : 100
    }
    function count(n) { lines[n] += $2; covered[n] += $3; branches[n] += $5; taken[n] += $6 }
    NR > 1 {
        split($1, part, "/")
        name = part[1] == "src" ? "src/" part[2] : part[1]
        if (!(name in lines)) order[++names] = name
        count(name)
        count("total")
    }
    END {
        for (i = 1; i <= names; i++) row(order[i], order[i])
        row("total", "total")
    }' $folder/coverage.csv
