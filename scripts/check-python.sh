#!/usr/bin/env bash
# The Python package as a user gets it: a wheel, installed into a fresh virtual environment, passes its tests there; types
# (mypy --strict) and style (ruff). Needs PyPI; a machine without Python is passed over with a word.
#   scripts/check-python.sh [PYTHON...]     with these (default: python3)
set -eu
cd "$(dirname "$0")/.."
work=$PWD/build-python
[ $# -gt 0 ] || set -- python3

if ! "$1" -c "import ensurepip, venv" 2>/dev/null; then
    echo "check-python: passed over, there is no $1 with venv (Debian: python3-venv)"
    exit
fi

rm -rf "$work/dist" "$work/fresh"
scripts/wheels.sh "$work/dist" "$(uname -m)"
wheel=("$work"/dist/*.whl)

"$work/tools/bin/pip" install -q mypy ruff numpy
"$work/tools/bin/mypy" --cache-dir "$work/mypy"
"$work/tools/bin/ruff" check --no-cache

# The tests of the wheel alone: nothing of the sources is in the way of Python.
for python in "$@"; do
    rm -rf "$work/fresh"
    "$python" -m venv "$work/fresh"
    "$work/fresh/bin/pip" install -q "${wheel[0]}" pytest hypothesis scikit-learn tqdm pillow
    (
        cd "$work"
        unset PYTHONPATH PIXELRNN_LIBRARY
        export PYTHONDONTWRITEBYTECODE=1
        [ ! -x ../build/pixelrnn ] || export PIXELRNN_PROGRAM=$work/../build/pixelrnn
        fresh/bin/python -c "import pixelrnn, sys; print('pixelrnn', pixelrnn.version(), 'in', sys.version)"
        fresh/bin/python -m pytest -q -p no:cacheprovider --rootdir .. ../python/tests
    )
done
