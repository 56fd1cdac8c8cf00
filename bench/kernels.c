#include "bench.h"

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
