#!/usr/bin/env bash
# The page of pixelrnn serve in a real browser, headless Chromium: test_serve_browser.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"
tests=$source_dir/tests

skip() {
    echo "skipped: $1"
    exit 77
}
python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c "import selenium" 2>/dev/null && python=$candidate && break
done
[ -n "$python" ] || skip "there is no python3 with selenium (Debian: python3-selenium)"
command -v chromedriver >/dev/null || skip "there is no chromedriver (Debian: chromium-driver)"
"$program" serve none --host "not a host" 2>err.txt
! grep -q "built without libmicrohttpd" err.txt || skip "this program was built without libmicrohttpd"

D=$source_dir/data/mnist-binarized
for kind in row cnn; do
    "$program" train --data "$D/valid-images-idx3-ubyte.gz" --limit 64 --valid-last 16 --kind $kind --levels 2 --hidden 4 \
        --head 4 --layers 1 --steps 12 --log-every 2 --quiet --out "$kind-run" >out.txt 2>err.txt || bad "train $kind"
done
make_sprites sprites.npy 24 5
"$program" train --data sprites.npy --palette --kind row --hidden 4 --head 8 --layers 1 --batch 8 --steps 40 --quiet \
    --out sprites >out.txt 2>err.txt || bad "train sprites"
check "the page" env PYTHONPATH="$tests" PYTHONDONTWRITEBYTECODE=1 "$python" "$tests/serve_browser.py" "$program" "$source_dir"
finish
