#include "bench.h"

#include "base/memory.h"

#include <stdlib.h>

float *random_numbers(prnn_context *ctx, size_t n, double scale) {
    float *x = prnn_alloc(ctx, n, sizeof *x, "numbers");
    must(ctx, x ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)((2.0 * rand() / RAND_MAX - 1) * scale);
    }
    return x;
}

/* On one thread: kernels know no others. */
static void time_kernels(const options *o, const void *subject, FILE *out) {
    (void)subject;
    prnn_context *ctx = context_of(o);
    time_products(o, ctx, out);
    time_elementwise(o, ctx, out);
    prnn_context_free(ctx);
}

typedef struct receiver {
    const options *options;
    const limits *limits;
} receiver;

static void take_kernel(void *user, const void *record) {
    const receiver *r = user;
    report_kernel(r->options, r->limits, record);
}

void measure_kernels(const options *o, const limits *l) {
    receiver r = {o, l};
    run_in_child(o, time_kernels, NULL, sizeof(kernel_result), take_kernel, &r);
}
