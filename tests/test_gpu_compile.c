/* NVIDIA's compiler takes the kernels for each architecture, without a GPU, and keeps them in registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "gpu/nvrtc.h"

enum { SKIPPED = 77 };

/* What ptxas says of a kernel: three lines after its name. */
typedef struct usage {
    char name[64];
    int registers, stack, spilled, shared;
} usage;

static int number_before(const char *line, const char *words) {
    const char *at = strstr(line, words);
    if (!at) {
        return 0;
    }
    while (at > line && (at[-1] == ' ' || (at[-1] >= '0' && at[-1] <= '9'))) {
        at--;
    }
    return atoi(at);
}

/* Two groups of a product must fit the 65536 registers of a multiprocessor, and nothing of it may be spilled;
 * of others a few bytes may. */
static void check_usage(const usage *u, int capability, prnn_gpu_arithmetic arithmetic) {
    print_message("sm_%d %-32s %3d registers, %5d bytes of shared memory, %d of stack\n", capability, u->name,
                  u->registers, u->shared, u->stack);
    bool gradient = strcmp(u->name, "product_gradient") == 0;
    bool product = strncmp(u->name, "product", 7) == 0 || strcmp(u->name, "tensor_gradient") == 0;
    product = product && !(gradient && arithmetic == PRNN_GPU_BF16); /* it is the input's alone there */
    if (u->spilled > (product ? 0 : 16)) {
        fail_msg("%s for sm_%d spills %d bytes", u->name, capability, u->spilled);
    }
    int items = gradient ? 256 : 128;
    assert_true(u->registers > 0 && u->registers * items <= 65536 / 2);
    assert_in_range(u->shared, 0, 48 << 10);
}

static int check_log(char *log, int capability, prnn_gpu_arithmetic arithmetic) {
    usage u = {{0}, 0, 0, 0, 0};
    int kernels = 0;
    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
        char *name = strstr(line, "Compiling entry function '");
        if (name) {
            u = (usage){{0}, 0, 0, 0, 0};
            sscanf(name, "Compiling entry function '%63[^']", u.name);
        }
        u.stack += number_before(line, "bytes stack frame");
        u.spilled += number_before(line, "bytes spill stores");
        if (strstr(line, "Used ")) {
            u.registers = number_before(line, "registers");
            u.shared = number_before(line, "bytes smem");
            check_usage(&u, capability, arithmetic);
            kernels++;
        }
    }
    return kernels;
}

static void compile(int capability, prnn_gpu_arithmetic arithmetic) {
    prnn_context *ctx = prnn_context_create();
    uint8_t *program = NULL;
    char *log = NULL;
    size_t size = 0;
    if (prnn_gpu_nvrtc(ctx, PRNN_GPU_ANY_TOOLKIT, capability, arithmetic, &program, &size, &log) != PRNN_OK) {
        fail_msg("%s", prnn_message(ctx));
    }
    assert_memory_equal(program, "\177ELF", 4); /* machine code, not PTX */
    assert_true(check_log(log, capability, arithmetic) >= 20);
    prnn_free(program);
    prnn_free(log);
    prnn_context_free(ctx);
}

static void fp32_sm90(void **state) {
    (void)state;
    compile(90, PRNN_GPU_FP32);
}

static void bf16_sm80(void **state) {
    (void)state;
    compile(80, PRNN_GPU_BF16);
}

static void bf16_sm90(void **state) {
    (void)state;
    compile(90, PRNN_GPU_BF16);
}

static void bf16_sm100(void **state) {
    (void)state;
    compile(100, PRNN_GPU_BF16);
}

int main(void) {
    char version[16];
    prnn_gpu_nvrtc_version(PRNN_GPU_ANY_TOOLKIT, version);
    if (!version[0]) {
        print_message("skipped: there is no NVRTC, of NVIDIA's toolkit, to compile the kernels with\n");
        return SKIPPED;
    }
    print_message("NVRTC %s\n", version);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp32_sm90),
        cmocka_unit_test(bf16_sm80),
        cmocka_unit_test(bf16_sm90),
    };
    const struct CMUnitTest newest[] = {cmocka_unit_test(bf16_sm100)};
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    if (atof(version) >= 12.8) { /* knows sm_100 */
        failures += cmocka_run_group_tests(newest, NULL, NULL);
    }
    return failures;
}
