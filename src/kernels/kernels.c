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

prnn_status prnn_context_set_cpu(prnn_context *ctx, const char *name) {
    if (!name || strcmp(name, "auto") == 0) {
        ctx->kernels = best();
        return PRNN_OK;
    }
    for (int i = 0; tables[i]; i++) {
        if (strcmp(tables[i]->name, name) == 0) {
            if (!tables[i]->supported()) {
                return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                                 "this processor has no %s; choose another instruction set, or auto", name);
            }
            ctx->kernels = tables[i];
            return PRNN_OK;
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
    return ctx->kernels;
}

const char *prnn_context_cpu(const prnn_context *ctx) {
    return ctx->kernels ? ctx->kernels->name : best()->name;
}
