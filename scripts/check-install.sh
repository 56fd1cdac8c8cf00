#!/usr/bin/env bash
# Installs a build into a temporary folder, moves it, and uses it as a stranger would: by pkg-config, by
# find_package, shared and static.
#   scripts/check-install.sh BUILD
set -eu
cd "$(dirname "$0")/.."
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

cmake --install "$1" --prefix "$temporary/first" >/dev/null
mv "$temporary/first" "$temporary/installed"
prefix=$temporary/installed
libdir=$(dirname "$(find "$prefix" -name pixelrnn.pc)")/..
export LD_LIBRARY_PATH=$libdir PKG_CONFIG_PATH=$libdir/pkgconfig

# Only the public interface is to be seen from outside.
hidden=$(nm -D --defined-only "$libdir/libpixelrnn.so" | awk '{print $3}' | grep -v '^prnn_' || true)
[ -z "$hidden" ] || { echo "libpixelrnn.so exports $hidden" >&2 && exit 1; }
internal=$(nm -D --defined-only "$libdir/libpixelrnn.so" | awk '{print $3}' |
    while read -r name; do grep -q "\b$name(" include/pixelrnn/pixelrnn.h || echo "$name"; done)
[ -z "$internal" ] || { echo "libpixelrnn.so exports what pixelrnn.h does not name: $internal" >&2 && exit 1; }

consumer=tests/consumer
# Word splitting of what pkg-config says is meant.
# shellcheck disable=SC2046
cc -std=c17 -Wall -Wextra -Wpedantic -Werror "$consumer/consumer.c" -o "$temporary/c" \
    $(pkg-config --cflags --libs pixelrnn) -lm
"$temporary/c"
# shellcheck disable=SC2046
cc -std=c17 "$consumer/consumer.c" -o "$temporary/static" $(pkg-config --cflags pixelrnn) \
    "$libdir/libpixelrnn.a" $(pkg-config --static --libs zlib spng jansson) \
    $(pkg-config --print-requires-private pixelrnn | grep -E 'libzip|libturbojpeg' | xargs -r pkg-config --libs) \
    -pthread -lm
"$temporary/static"
# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "$consumer/consumer.cpp" -o "$temporary/cpp" \
    $(pkg-config --cflags --libs pixelrnn)
"$temporary/cpp"
cmake -S "$consumer" -B "$temporary/build" -DCMAKE_PREFIX_PATH="$prefix" --log-level=WARNING >/dev/null
cmake --build "$temporary/build" >/dev/null
"$temporary/build/consumer_c"
"$temporary/build/consumer_cpp"
"$prefix/bin/pixelrnn" --version
echo "check-install: pkg-config and find_package, shared and static, C and C++ work"
