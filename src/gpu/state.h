/* A GPU as a device of networks (device/device.h): its kernels, and what it remembers.
 *
 * All of a device's work happens in the order in which it was asked for, by one thread. What fails is
 * remembered: from then on nothing is done, numbers that are asked for are zero, and the table's `check` says
 * what it was. */
#ifndef PRNN_GPU_STATE_H
#define PRNN_GPU_STATE_H

#include "gpu/driver.h"

/* All kernels, and the items of their groups. */
#define PRNN_GPU_KERNELS(KERNEL)                                                                             \
    KERNEL(product_8, 128)                                                                                   \
    KERNEL(product_2, 128)                                                                                   \
    KERNEL(product_lstm_8, 128)                                                                              \
    KERNEL(product_lstm_2, 128)                                                                              \
    KERNEL(product_lstm_gradient_8, 128)                                                                     \
    KERNEL(product_lstm_gradient_2, 128)                                                                     \
    KERNEL(product_gradient, 256)                                                                            \
    KERNEL(sum, 128)                                                                                         \
    KERNEL(copy, 256)                                                                                        \
    KERNEL(add, 256)                                                                                         \
    KERNEL(relu, 256)                                                                                        \
    KERNEL(relu_gradient, 256)                                                                               \
    KERNEL(dropout, 256)                                                                                     \
    KERNEL(fill, 256)                                                                                        \
    KERNEL(load_levels, 256)                                                                                 \
    KERNEL(softmax_nll, 128)                                                                                 \
    KERNEL(bernoulli_nll, 128)                                                                               \
    KERNEL(logistics_nll, 128)                                                                               \
    KERNEL(softmax_draw, 128)                                                                                \
    KERNEL(bernoulli_draw, 128)                                                                              \
    KERNEL(logistics_draw, 128)                                                                              \
    KERNEL(pack, 256)                                                                                        \
    KERNEL(unpack, 256)                                                                                      \
    KERNEL(clear, 256)                                                                                       \
    KERNEL(copy_numbers, 256)                                                                                \
    KERNEL(add_numbers, 256)                                                                                 \
    KERNEL(squares, 128)                                                                                     \
    KERNEL(update, 256)                                                                                      \
    KERNEL(polar_begin, 256)                                                                                 \
    KERNEL(polar_length, 64)                                                                                 \
    KERNEL(polar_scale, 256)                                                                                 \
    KERNEL(polar_product, 256)                                                                               \
    KERNEL(polar_end, 256)

/* Those that only bf16 has. */
#define PRNN_GPU_TENSOR_KERNELS(KERNEL)                                                                      \
    KERNEL(product_tall4, 128)                                                                               \
    KERNEL(product_tall2, 128)                                                                               \
    KERNEL(product_tall1, 128)                                                                               \
    KERNEL(product_lstm_tall4, 128)                                                                          \
    KERNEL(product_lstm_tall2, 128)                                                                          \
    KERNEL(product_lstm_tall1, 128)                                                                          \
    KERNEL(product_lstm_gradient_tall4, 128)                                                                 \
    KERNEL(product_lstm_gradient_tall2, 128)                                                                 \
    KERNEL(product_lstm_gradient_tall1, 128)                                                                 \
    KERNEL(tensor_gradient, 128)                                                                             \
    KERNEL(widen_weights, 256)                                                                               \
    KERNEL(widen_biases, 256)

typedef enum prnn_gpu_kernel_number {
#define PRNN_GPU_NUMBER(name, items) PRNN_GPU_##name,
    PRNN_GPU_KERNELS(PRNN_GPU_NUMBER) PRNN_GPU_TENSOR_KERNELS(PRNN_GPU_NUMBER)
#undef PRNN_GPU_NUMBER
        PRNN_GPU_KERNEL_COUNT
} prnn_gpu_kernel_number;

/* The device of a context. */
typedef struct prnn_gpu_state {
    prnn_context *ctx;
    prnn_gpu *gpu;
    bool bf16; /* the precision of its program */
    prnn_gpu_program *program;
    prnn_gpu_kernel *kernels[PRNN_GPU_KERNEL_COUNT];
    char name[24];                /* "cuda:0" */
    int used;                     /* blocks and passes that somebody has */
    prnn_gpu_block *spare, *sums; /* memory of the last pass, and of norms */
    size_t spare_bytes, sums_bytes;
    prnn_status status; /* of the first failure */
    char message[1024];
} prnn_gpu_state;

/* Opens device `number` of a driver for the context, in the context's precision. */
prnn_status prnn_gpu_state_open(prnn_context *ctx, const prnn_gpu_driver *driver, int number,
                                prnn_gpu_state **state);
void prnn_gpu_state_close(prnn_gpu_state *state);

/* The device computes in another precision from now on; nobody may be using it. */
prnn_status prnn_gpu_state_set_bf16(prnn_gpu_state *state, bool bf16);

/* Remembers a failure, of which the context has the sentence. */
void prnn_gpu_note(prnn_gpu_state *state, prnn_status status);

/* One launch of x * y groups. */
void prnn_gpu_run(prnn_gpu_state *state, prnn_gpu_kernel_number kernel, size_t x, size_t y,
                  const prnn_gpu_argument *arguments, int count);
#define PRNN_GPU_RUN(state, kernel, x, y, ...)                                                               \
    prnn_gpu_run(state, kernel, x, y, (const prnn_gpu_argument[]){__VA_ARGS__},                              \
                 (int)(sizeof((const prnn_gpu_argument[]){__VA_ARGS__}) / sizeof(prnn_gpu_argument)))

/* As the driver's, with failures remembered; what cannot be downloaded is zero. */
void prnn_gpu_upload(prnn_gpu_state *state, prnn_gpu_block *block, size_t at, const void *from, size_t bytes);
void prnn_gpu_download(prnn_gpu_state *state, const prnn_gpu_block *block, size_t at, void *to, size_t bytes);

/* A table of the host's, of a network, in a new block. */
prnn_status prnn_gpu_put_table(prnn_gpu_state *state, const void *table, size_t bytes,
                               prnn_gpu_block **block);

static inline size_t prnn_gpu_groups(size_t n, size_t items) {
    return (n + items - 1) / items;
}

/* Zeros. */
void prnn_gpu_clear(prnn_gpu_state *state, prnn_gpu_block *block, size_t first, size_t count);

#endif
