#!/usr/bin/env bash
# The tests of the Python package, with the library beside PROGRAM: test_python.sh PROGRAM SOURCE_DIR [ARGUMENTS of pytest...]
# PYTHON names the Python; otherwise it is the first that has numpy, pytest and hypothesis. What else is there (PyTorch,
# scikit-learn, tqdm, Pillow) is tested too.
set -eu
[ $# -ge 2 ] || { echo "usage: test_python.sh PROGRAM SOURCE_DIR [ARGUMENTS of pytest...]" >&2; exit 2; }
program=$(realpath "$1") source_dir=$(realpath "$2")
shift 2

skip() {
    echo "skipped: $1"
    exit 77
}

python=
for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
    if [ -z "$python" ] && "$candidate" -c "import numpy, pytest, hypothesis" 2>/dev/null; then
        python=$candidate
    fi
done
[ -n "$python" ] || skip "no Python with numpy, pytest and hypothesis (Debian: python3-numpy python3-pytest python3-hypothesis)"

PIXELRNN_LIBRARY=$(dirname "$program")/libpixelrnn.so
[ -e "$PIXELRNN_LIBRARY" ] || PIXELRNN_LIBRARY=$(dirname "$program")/../libpixelrnn.so # of an emulator's script
[ -e "$PIXELRNN_LIBRARY" ] || skip "no shared library beside $program"
choice=()
# A sanitizer has to be there before all else; it replaces the allocator, and takes memory of its own.
if grep -q __asan_init "$PIXELRNN_LIBRARY"; then
    LD_PRELOAD=$(${CC:-cc} -print-file-name=libasan.so)
    export LD_PRELOAD ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}"
    choice=(-k "not leaks and not overhead and not torch and not sklearn")
fi
reason=$("$python" -c "import ctypes, sys; ctypes.CDLL(sys.argv[1])" "$PIXELRNN_LIBRARY" 2>&1) ||
    skip "this Python cannot open the library: ${reason##*$'\n'}"

export PIXELRNN_LIBRARY PIXELRNN_PROGRAM=$program PYTHONPATH=$source_dir/python PYTHONDONTWRITEBYTECODE=1
exec "$python" -m pytest -q -p no:cacheprovider --rootdir "$source_dir" "${choice[@]}" "$@" "$source_dir/python/tests"
