#!/usr/bin/env bash
# Installs the last commit from a fresh clone, by `make install`, moves what was installed, and uses it as a stranger
# would: by pkg-config, by find_package, shared and static. With each generator that is there, so that none lacks what
# another builds by chance.
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
    "$work/build/consumer_c"
    "$work/build/consumer_cpp"
}

check() {
    export CMAKE_GENERATOR=$1
    local work=$temporary/$2 prefix libdir hidden internal
    mkdir "$work"
    git clone --quiet . "$work/clone"
    make -C "$work/clone" install PREFIX="$work/first" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2 && return 1; }
    prefix=$work/installed
    mv "$work/first" "$prefix"
    libdir=$(dirname "$(find "$prefix" -name pixelrnn.pc)")/..
    export LD_LIBRARY_PATH=$libdir PKG_CONFIG_PATH=$libdir/pkgconfig

    # Only the public interface is to be seen from outside.
    hidden=$(nm -D --defined-only "$libdir/libpixelrnn.so" | awk '{print $3}' | grep -v '^prnn_' || true)
    [ -z "$hidden" ] || { echo "libpixelrnn.so exports $hidden" >&2 && return 1; }
    internal=$(nm -D --defined-only "$libdir/libpixelrnn.so" | awk '{print $3}' |
        while read -r name; do grep -q "\b$name(" include/pixelrnn/*.h || echo "$name"; done)
    [ -z "$internal" ] || { echo "libpixelrnn.so exports what no public header names: $internal" >&2 && return 1; }

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
    echo "check-install: $1: pkg-config and find_package, shared and static, C and C++ work"
}

check "Unix Makefiles" make
if command -v ninja >/dev/null; then
    check Ninja ninja
fi
