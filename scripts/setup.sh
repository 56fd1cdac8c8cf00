#!/usr/bin/env bash
# Installs what a build needs and this machine lacks; silent when nothing is missing.
#   scripts/setup.sh [build|test|fuzz|arm64|analyse|coverage|ci]
#       test adds cmocka, fuzz adds clang, arm64 a cross compiler, qemu and libraries, analyse what looks for defects, coverage
#       gcovr, ci all of them but gcovr, and clang-format, an OpenCL for the processor (PoCL), one that looks for races (oclgrind),
#       Open MPI, what Python's tests need, and a browser for the page's
# With apt-get, and as root or with sudo that asks no password, it installs; else it says what to install.
set -u
what=${1:-build}
case "$what" in
build | test | fuzz | arm64 | analyse | coverage | ci) ;;
*)
    echo "usage: scripts/setup.sh [build|test|fuzz|arm64|analyse|coverage|ci]" >&2
    exit 2
    ;;
esac

has() {
    command -v "$1" >/dev/null 2>&1
}

# Each gets the thing, and its package in Debian, Fedora and Homebrew ("-": nothing to install).
missing=()
debian=()
fedora=()
brew=()
lacks() {
    missing+=("$1")
    debian+=("$2")
    [ "$3" = - ] || fedora+=("$3")
    [ "$4" = - ] || brew+=("$4")
}

check_compiler() {
    local cc=${CC:-cc}
    if ! has "${cc%% *}" || ! has make; then
        lacks "a C compiler and make" build-essential "gcc make" -
    elif ! echo '#include <stdlib.h>' | $cc -E - >/dev/null 2>&1; then
        lacks "the C library's headers" libc6-dev glibc-devel -
    fi
}

check_library() { # pkg-config's name, and the packages
    { has pkg-config && pkg-config --exists "$1"; } || lacks "$1" "$2" "$3" "$4"
}

check_random123() {
    local cc=${CC:-cc}
    # CMake also looks where the compiler does not.
    [ -e /usr/include/Random123/philox.h ] || [ -e /usr/local/include/Random123/philox.h ] ||
        echo '#include <Random123/philox.h>' | $cc -E - >/dev/null 2>&1 ||
        lacks "Random123/philox.h" librandom123-dev Random123-devel -
}

check_fuzzer() {
    if ! has clang; then
        lacks clang clang "clang compiler-rt" llvm
        debian+=(libclang-rt-14-dev)
    elif ! echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return 0; }' |
        clang -w -x c -fsanitize=fuzzer,address - -o /dev/null 2>/dev/null; then
        lacks "clang's sanitizers and libFuzzer" libclang-rt-14-dev compiler-rt llvm
    fi
}

# Debian's multiarch puts arm64's libraries beside this machine's: every -dev package that is needed is "Multi-Arch:
# same", so nothing is replaced. Other systems have nothing of the kind.
check_arm64() {
    local before=${#missing[@]} library
    has aarch64-linux-gnu-gcc || lacks "a cross compiler for arm64" gcc-aarch64-linux-gnu - -
    has qemu-aarch64 || lacks qemu-aarch64 qemu-user - -
    for library in zlib:zlib1g spng:libspng jansson:libjansson cmocka:libcmocka libzip:libzip libturbojpeg:libturbojpeg0 \
        libwebp:libwebp libtiff-4:libtiff; do
        [ -e "/usr/lib/aarch64-linux-gnu/pkgconfig/${library%:*}.pc" ] ||
            [ -e "/usr/lib/aarch64-linux-gnu/pkgconfig/lib${library%:*}.pc" ] ||
            lacks "arm64's ${library%:*}" "${library#*:}-dev:arm64" - -
    done
    [ ${#missing[@]} -eq "$before" ] || arm64=yes
}

# What the tests of GPUs run on where there is none. Other systems may go without: the tests are skipped.
check_opencl() {
    has dpkg || return 0
    compgen -G "/usr/lib/*/libOpenCL.so.1" >/dev/null || lacks "OpenCL's loader" ocl-icd-libopencl1 - -
    compgen -G "/etc/OpenCL/vendors/*.icd" >/dev/null || lacks "OpenCL for the processor" pocl-opencl-icd - -
    has oclgrind || lacks "a simulator of devices, which sees races" oclgrind - -
}

# What the tests of the Python package need, PyTorch and scikit-learn too. Other systems may go without: they are skipped.
check_python() {
    has dpkg || return 0
    local module
    for module in numpy pytest hypothesis torch sklearn ensurepip:venv; do
        /usr/bin/python3 -c "import importlib.util as u, sys; sys.exit(not u.find_spec('${module%:*}'))" 2>/dev/null ||
            lacks "Python's ${module#*:}" "python3-${module#*:}" - -
    done
}

# What the tests of the page run in. Other systems may go without: they are skipped.
check_browser() {
    has dpkg || return 0
    has chromedriver || lacks "a browser that can be steered" chromium-driver - -
    /usr/bin/python3 -c "import selenium" 2>/dev/null || lacks "selenium for python3" python3-selenium - -
}

# What tests of mpirun need. Others may go without: they are skipped.
check_mpi() {
    has dpkg || return 0
    if ! has mpirun || ! has mpicc; then
        lacks "Open MPI" libopenmpi-dev - -
        debian+=(openmpi-bin)
    fi
}

check_all() {
    missing=() debian=() fedora=() brew=() arm64=no
    check_compiler
    has cmake || lacks cmake cmake cmake cmake
    has pkg-config || lacks pkg-config pkg-config pkgconf pkgconf
    check_library zlib zlib1g-dev zlib-devel zlib
    check_library spng libspng-dev libspng-devel libspng
    check_library jansson libjansson-dev jansson-devel jansson
    check_random123
    if [ "$what" != build ]; then
        check_library cmocka libcmocka-dev libcmocka-devel cmocka
    fi
    if [ "$what" = fuzz ] || [ "$what" = ci ]; then
        check_fuzzer
    fi
    if [ "$what" = arm64 ] || [ "$what" = ci ]; then
        check_arm64
    fi
    if [ "$what" = analyse ] || [ "$what" = ci ]; then
        has clang || lacks clang clang clang llvm
        has clang-tidy || lacks clang-tidy clang-tidy clang-tools-extra llvm
        has cppcheck || lacks cppcheck cppcheck cppcheck cppcheck
        has shellcheck || lacks shellcheck shellcheck ShellCheck shellcheck
    fi
    if [ "$what" = coverage ]; then
        has gcovr || lacks gcovr gcovr gcovr gcovr
    fi
    if [ "$what" = ci ]; then
        has git || lacks git git git git
        has g++ || lacks g++ g++ gcc-c++ gcc
        has clang-format || has clang-format-14 || lacks clang-format clang-format clang-tools-extra clang-format
        check_opencl
        check_python
        check_browser
        check_mpi
        check_library libzip libzip-dev libzip-devel libzip
        check_library libturbojpeg libturbojpeg0-dev turbojpeg-devel jpeg-turbo
        check_library libwebp libwebp-dev libwebp-devel webp
        check_library libtiff-4 libtiff-dev libtiff-devel libtiff
        check_library libmicrohttpd libmicrohttpd-dev libmicrohttpd-devel libmicrohttpd
    fi
}

install_with_apt() {
    local run=()
    if [ "$(id -u)" -ne 0 ]; then
        run=(sudo -n)
    fi
    local apt=("${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    # Not needed, but good to have: a faster build, .npz, JPEG, WebP and TIFF files, the command serve.
    local wanted=("${debian[@]}" ninja-build libzip-dev libturbojpeg0-dev libwebp-dev libtiff-dev libmicrohttpd-dev)
    echo "Installing ${wanted[*]} (missing: $(joined))" >&2
    if [ $arm64 = yes ]; then
        "${run[@]}" dpkg --add-architecture arm64 || return
    fi
    "${apt[@]}" update </dev/null >&2 &&
        "${apt[@]}" install -y --no-install-recommends "${wanted[@]}" </dev/null >&2
}

joined() {
    local text
    text=$(printf ', %s' "${missing[@]}")
    echo "${text:2}"
}

check_all
[ ${#missing[@]} -gt 0 ] || exit 0
if has apt-get && { [ "$(id -u)" -eq 0 ] || sudo -n true >/dev/null 2>&1; }; then
    install_with_apt
    hash -r
    check_all
    [ ${#missing[@]} -gt 0 ] || exit 0
fi
cat >&2 <<TEXT
pixelrnn cannot be built yet; missing: $(joined). Install it and run make again:
  Debian, Ubuntu: $([ $arm64 = no ] || echo "dpkg --add-architecture arm64 && apt-get update && ")apt-get install ${debian[*]}
  Fedora: dnf install ${fedora[*]:-}; macOS: brew install ${brew[*]:-} (and Random123's headers, from their makers, into /usr/local/include)
TEXT
exit 1
