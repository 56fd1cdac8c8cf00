#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

static const prnn_kernels *const tables[] = {
#ifdef PRNN_HAVE_AVX512
    &prnn_kernels_avx512,
#endif
#ifdef PRNN_HAVE_AVX2
    &prnn_kernels_avx2,
#endif
    &prnn_kernels_generic,
    NULL,
};

const prnn_kernels *prnn_kernels_at(int i) {
    return tables[i];
}

static const prnn_kernels *best(void) {
    int i = 0;
    while (!tables[i]->supported()) {
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
    if (strcmp(name, "fp32") != 0 && strcmp(name, "bf16") != 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "no precision \"%s\"; choose fp32 or bf16", name);
    }
    bool bf16 = strcmp(name, "bf16") == 0;
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
    if (!name || strcmp(name, "auto") == 0) {
        return choose(ctx, best());
    }
    for (int i = 0; tables[i]; i++) {
        if (strcmp(tables[i]->name, name) == 0) {
            if (!tables[i]->supported()) {
                return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                                 "this processor has no %s; choose another instruction set, or auto", name);
            }
            return choose(ctx, tables[i]);
        }
    }
    char known[256] = "";
    for (int i = 0; tables[i]; i++) {
        strcat(strcat(known, tables[i]->name), ", ");
    }
    return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "no instruction set \"%s\" in this build; it has %sand auto",
                     name, known);
}

const prnn_kernels *prnn_kernels_of(prnn_context *ctx) {
    if (!ctx->kernels) {
        ctx->kernels = best();
    }
    return ctx->bf16 ? prnn_kernels_in_bf16(ctx->kernels) : ctx->kernels;
}

const char *prnn_context_cpu(const prnn_context *ctx) {
    return ctx->kernels ? ctx->kernels->name : best()->name;
}
