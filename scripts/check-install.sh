#!/usr/bin/env bash
# Installs the last commit from a fresh clone, by `make install`, moves what was installed, and uses it as a stranger
# would: by pkg-config, by find_package, shared and static. With each generator that is there, so that none lacks what
# another builds by chance. And the same sources as a folder of another project.
#   scripts/check-install.sh
set -eu
cd "$(dirname "$0")/.."
consumer=$PWD/tests/consumer
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
# They are for who started this, not for the clones.
unset BUILD PREFIX

# Compiles consumer.$1 with the rest of the arguments, and runs it.
consume() {
    local language=$1 compiler=cc standard=c17
    shift
    [ "$language" = c ] || { compiler=c++ && standard=c++17; }
    "$compiler" -std=$standard -Wall -Wextra -Wpedantic -Werror "$consumer/consumer.$language" -o "$work/consumer" "$@"
    "$work/consumer"
}

# The same with CMake; the arguments go to it.
consume_with_cmake() {
    rm -rf "$work/build"
    cmake -S "$consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" --log-level=WARNING "$@" >/dev/null
    cmake --build "$work/build" >/dev/null
    run_consumers
}

run_consumers() {
    local kind
    for kind in "" _static; do
        "$work/build/consumer_c$kind"
        "$work/build/consumer_cpp$kind"
    done
}

# What cmake/hardening.cmake promises, where the compiler can: gcc on x86-64.
check_hardening() {
    local file=$1 says
    [ "$(uname -m)" = x86_64 ] || return 0
    says=$(readelf --wide --file-header --program-headers --dynamic --symbols "$file")
    for what in "Type: *DYN" "GNU_RELRO" "GNU_STACK .* RW " "BIND_NOW" "__stack_chk_fail" "_chk@"; do
        grep -q "$what" <<<"$says" || { echo "$file is not hardened: readelf shows no $what" >&2 && return 1; }
    done
}

# As a folder of another project it makes no tests and installs nothing; whatever it makes collides with nothing.
check_subdirectory() {
    local work=$temporary/subdirectory
    git clone --quiet . "$work/clone"
    cmake -S "$consumer/parent" -B "$work/everything" -DPIXELRNN_SOURCE_DIR="$work/clone" -DPRNN_BUILD_PROGRAM=ON \
        -DPRNN_BUILD_TESTS=ON -DPRNN_BUILD_BENCH=ON --log-level=WARNING >/dev/null
    cmake -S "$consumer/parent" -B "$work/build" -DPIXELRNN_SOURCE_DIR="$work/clone" --log-level=WARNING >/dev/null
    cmake --build "$work/build" >/dev/null
    run_consumers
    cmake --install "$work/build" --prefix "$work/installed" >/dev/null
    [ ! -e "$work/installed" ] || { echo "pixelrnn installs files of a project that it is a folder of" >&2 && return 1; }
    [ ! -e "$work/build/pixelrnn/CTestTestfile.cmake" ] || ! grep -q add_test "$work/build/pixelrnn/CTestTestfile.cmake" ||
        { echo "pixelrnn adds tests to a project that it is a folder of" >&2 && return 1; }
    echo "check-install: add_subdirectory works"
}

check() {
    export CMAKE_GENERATOR=$1
    local work=$temporary/$2 prefix libdir
    mkdir "$work"
    git clone --quiet . "$work/clone"
    make -C "$work/clone" install PREFIX="$work/first" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2 && return 1; }
    prefix=$work/installed
    mv "$work/first" "$prefix"
    libdir=$(dirname "$(find "$prefix" -name pixelrnn.pc)")/..
    export LD_LIBRARY_PATH=$libdir PKG_CONFIG_PATH=$libdir/pkgconfig

    scripts/check-symbols.sh "$libdir/libpixelrnn.so"
    check_hardening "$libdir/libpixelrnn.so"
    check_hardening "$prefix/bin/pixelrnn"

    local flags static
    flags=$(pkg-config --cflags --libs pixelrnn)
    static=$(pkg-config --static --cflags --libs pixelrnn | sed 's/-lpixelrnn/-l:libpixelrnn.a/')
    # Word splitting of what pkg-config says is meant.
    # shellcheck disable=SC2086
    {
        consume c $flags -lm
        consume cpp $flags
        consume c $static
    }
    consume_with_cmake
    consume_with_cmake -DCONSUMER_STATIC=ON
    "$prefix/bin/pixelrnn" --version
    local file
    for file in man/man1/pixelrnn.1 bash-completion/completions/pixelrnn zsh/site-functions/_pixelrnn \
        fish/vendor_completions.d/pixelrnn.fish; do
        [ -s "$prefix/share/$file" ] || { echo "share/$file is not installed" >&2 && return 1; }
    done
    echo "check-install: $1: pkg-config and find_package, shared and static, C and C++ work"
}

check "Unix Makefiles" make
if command -v ninja >/dev/null; then
    check Ninja ninja
fi
check_subdirectory
