#include "kernels/kernels.h"

#include "base/call.h"

#include <stdlib.h>
#include <string.h>

static const prnn_kernels *const tables[] = {
#ifdef PRNN_HAVE_AVX512
    &prnn_kernels_avx512,
#endif
#ifdef PRNN_HAVE_AVX2
    &prnn_kernels_avx2,
#endif
#ifdef PRNN_HAVE_NEON
    &prnn_kernels_neon,
#endif
    &prnn_kernels_generic, NULL,
};

const prnn_kernels *prnn_kernels_at(int i) {
    return tables[i];
}

static const prnn_kernels *find(const char *name) {
    int i = 0;
    while (tables[i] && strcmp(tables[i]->name, name) != 0) {
        i++;
    }
    return tables[i];
}

/* What the environment asks for, if this build and processor have it, or the best. */
static const prnn_kernels *best(void) {
    const char *wish = getenv("PRNN_CPU");
    const prnn_kernels *wished = wish ? find(wish) : NULL;
    if (wished && wished->supported()) {
        return wished;
    }
    int i = 0;
    while (tables[i + 1] && !tables[i]->supported()) {
        i++;
    }
    return tables[i];
}

const prnn_kernels *prnn_kernels_in_bf16(const prnn_kernels *kernels) {
#ifdef PRNN_HAVE_AVX512BF16
    if (strcmp(kernels->name, "avx512") == 0 && prnn_kernels_avx512bf16.supported()) {
        return &prnn_kernels_avx512bf16;
    }
#endif
    (void)kernels;
    return NULL;
}

size_t prnn_scratch_floats(const prnn_matrix *matrix) {
    size_t columns = 0;
    for (int t = 0; t < matrix->taps; t++) {
        columns += matrix->features[t] + PRNN_PANEL;
    }
    for (int s = 0; s < matrix->strip_count; s++) {
        columns += matrix->strips[s].panels * PRNN_PANEL;
    }
    return columns * (PRNN_SCRATCH_ROWS / 2);
}

prnn_status prnn_context_set_precision(prnn_context *ctx, const char *name) {
    PRNN_ENTER_SETTING(ctx);
    name = name ? name : "fp32";
    if (strcmp(name, "fp32") != 0 && strcmp(name, "bf16") != 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "no precision \"%s\"; choose fp32 or bf16", name);
    }
    bool bf16 = strcmp(name, "bf16") == 0;
    if (ctx->gpu) {
        prnn_status status = ctx->set_gpu_bf16(ctx->gpu, bf16);
        ctx->bf16 = status == PRNN_OK ? bf16 : ctx->bf16;
        return status;
    }
    if (bf16 && !prnn_kernels_in_bf16(ctx->kernels ? ctx->kernels : best())) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s has no bf16 products here (they need a processor with AVX512_BF16); choose fp32",
                         ctx->kernels ? ctx->kernels->name : best()->name);
    }
    ctx->bf16 = bf16;
    return PRNN_OK;
}

const char *prnn_context_precision(const prnn_context *ctx) {
    return ctx->bf16 ? "bf16" : "fp32";
}

const char *prnn_context_arithmetic(const prnn_context *ctx) {
    return !ctx->bf16 ? "fma32-1" : ctx->gpu ? "bf16-tensor-1" : "bf16-1";
}

/* Keeps the precision, which the instruction set must have. */
static prnn_status choose(prnn_context *ctx, const prnn_kernels *kernels) {
    if (ctx->bf16 && !prnn_kernels_in_bf16(kernels)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s has no bf16 products; choose precision fp32 first",
                         kernels->name);
    }
    ctx->kernels = kernels;
    return PRNN_OK;
}

prnn_status prnn_context_set_cpu(prnn_context *ctx, const char *name) {
    PRNN_ENTER_SETTING(ctx);
    const char *wish = getenv("PRNN_CPU"), *by = "";
    if (!name || strcmp(name, "auto") == 0) {
        if (!wish || !*wish || strcmp(wish, "auto") == 0) {
            return choose(ctx, best());
        }
        name = wish;
        by = " (by the environment variable PRNN_CPU)";
    }
    const prnn_kernels *found = find(name);
    if (found && found->supported()) {
        return choose(ctx, found);
    }
    if (found) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "this processor has no %s%s; choose another instruction set, or auto", name, by);
    }
    char known[256] = "";
    for (int i = 0; tables[i]; i++) {
        strcat(strcat(known, tables[i]->name), ", ");
    }
    return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "no instruction set \"%s\"%s in this build; it has %sand auto",
                     name, by, known);
}

const prnn_kernels *prnn_kernels_of(prnn_context *ctx) {
    if (!ctx->kernels) {
        ctx->kernels = best();
    }
    return ctx->bf16 && !ctx->gpu ? prnn_kernels_in_bf16(ctx->kernels) : ctx->kernels;
}

const char *prnn_context_cpu(const prnn_context *ctx) {
    return ctx->kernels ? ctx->kernels->name : best()->name;
}
