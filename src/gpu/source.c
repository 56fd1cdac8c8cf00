#include "gpu/source.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Files, and lines between them. */
static const char *const parts_fp32[] = {
    "dialect.cl", "structures.h", "functions.cl", "#define ROWS 8\n", "product.cl", "#define ROWS 2\n",
    "product.cl", "sum.cl",       "gradient.cl",  "elementwise.cl",   "heads.cl",   "weights.cl",
    "polar.cl",   NULL,
};
static const char *const parts_bf16[] = {
    "#define BF16 1\n",
    "dialect.cl",
    "structures.h",
    "functions.cl",
    "#define ROWS 8\n",
    "product.cl",
    "#define ROWS 2\n",
    "product.cl",
    "sum.cl",
    "gradient.cl",
    "#define TALL 4\n",
    "tensor.cl",
    "#define TALL 2\n",
    "tensor.cl",
    "#define TALL 1\n",
    "tensor.cl",
    "tensor_gradient.cl",
    "elementwise.cl",
    "heads.cl",
    "weights.cl",
    "polar.cl",
    NULL,
};

static const char *text_of(const char *part) {
    for (const prnn_gpu_text *t = prnn_gpu_texts; t->name; t++) {
        if (strcmp(t->name, part) == 0) {
            return t->text;
        }
    }
    return NULL;
}

/* Messages of a compiler name the file and its line. */
static size_t append(char *to, size_t at, const char *part) {
    const char *text = text_of(part);
    char line[64];
    snprintf(line, sizeof line, "#line 1 \"%s\"\n", part);
    const char *pieces[] = {text ? line : part, text ? text : ""};
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(pieces[i]);
        if (to) {
            memcpy(to + at, pieces[i], length);
        }
        at += length;
    }
    return at;
}

prnn_status prnn_gpu_source(prnn_context *ctx, prnn_gpu_arithmetic arithmetic, char **source) {
    const char *const *parts = arithmetic == PRNN_GPU_FP32 ? parts_fp32 : parts_bf16;
    size_t length = 0;
    for (int i = 0; parts[i]; i++) {
        length = append(NULL, length, parts[i]);
    }
    *source = prnn_alloc(ctx, length + 1, 1, "the source of the kernels");
    length = 0;
    for (int i = 0; *source && parts[i]; i++) {
        length = append(*source, length, parts[i]);
    }
    return *source ? PRNN_OK : PRNN_ERROR_MEMORY;
}
