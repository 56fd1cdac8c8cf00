# A short front for CMake. `make` builds build/pixelrnn, `make test` tests it, `make demo` shows it.

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# CMAKE_GENERATOR, or Ninja if it is there (asked only after setup.sh, which may have installed it).
CMAKE = CMAKE_GENERATOR="$${CMAKE_GENERATOR:-$$(command -v ninja >/dev/null && echo Ninja || echo Unix Makefiles)}" cmake
CONFIGURE = $(CMAKE) -S . -B $(BUILD) >/dev/null
CTEST = ctest --output-on-failure -j $(JOBS)

MAKEFLAGS += --no-print-directory

.PHONY: all test demo install clean format check-format analyse coverage asan fuzz bench planted-bugs reproduce-mnist-eval

all:
	@bash scripts/setup.sh
	@$(CONFIGURE)
	@cmake --build $(BUILD) -j $(JOBS) --target pixelrnn_shared pixelrnn_static pixelrnn_program

test:
	@bash scripts/setup.sh test
	@$(CONFIGURE)
	@cmake --build $(BUILD) -j $(JOBS)
	@$(CTEST) --test-dir $(BUILD)

demo: all
	@bash scripts/demo.sh $(BUILD)/pixelrnn

install: all
	@cmake --install $(BUILD) --prefix "$(PREFIX)"

clean:
	@rm -rf $(BUILD) build-debug build-asan build-tsan build-clang build-gcc-O2 build-clang-O2 build-arm64 build-fuzz \
		build-minimal build-analyse build-coverage build-python demo

format:
	@bash scripts/format.sh

check-format:
	@bash scripts/format.sh --check

# Looks for defects without running anything: clang-tidy, cppcheck, shellcheck.
analyse:
	@bash scripts/setup.sh analyse
	@bash scripts/analyse.sh

# Which lines and branches the tests reach, as a table and in build-coverage/html, in some minutes.
coverage:
	@bash scripts/setup.sh test
	@bash scripts/setup.sh coverage
	@bash scripts/coverage.sh

# All tests under the address and undefined behaviour sanitizers.
asan:
	@bash scripts/setup.sh test
	@$(CMAKE) --preset asan >/dev/null
	@cmake --build build-asan -j $(JOBS)
	@$(CTEST) --test-dir build-asan

# Builds the libFuzzer programs; run one with: build-fuzz/fuzz/fuzz_X FOLDER fuzz/corpus/X
fuzz:
	@bash scripts/setup.sh fuzz
	@$(CMAKE) --preset fuzz >/dev/null
	@cmake --build build-fuzz -j $(JOBS) --target pixelrnn_fuzz

# Measures this machine, the kernels and the networks, in about three minutes; ARGS="--help" for less.
bench: all
	@cmake --build $(BUILD) -j $(JOBS) --target pixelrnn_bench
	@$(BUILD)/bench/pixelrnn-bench $(ARGS)

# The paper's table for binarised MNIST, with the models that ship.
reproduce-mnist-eval: all
	@bash experiments/mnist/eval.sh $(BUILD)/pixelrnn

# Plants bugs into a copy of the sources, and demands that the tests see each.
planted-bugs:
	@bash scripts/setup.sh test
	@bash tests/planted-bugs.sh
