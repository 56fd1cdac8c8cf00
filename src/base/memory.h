/* Memory with checked sizes, and the layout of blocks that are planned first and allocated once. */
#ifndef PRNN_BASE_MEMORY_H
#define PRNN_BASE_MEMORY_H

#include "base/message.h"

/* From here on a request is compared with what there is. */
#define PRNN_LARGE ((size_t)64 << 20)

/* Bytes of a block that prnn_alloc makes of count * size; SIZE_MAX: more than any. */
size_t prnn_block_bytes(size_t count, size_t size);

/* count * size bytes, zeroed, aligned to 64; free with prnn_free. NULL (with a message) if the product
 * overflows or there is not enough memory. `what` completes "not enough memory for ...". */
void *prnn_alloc(prnn_context *ctx, size_t count, size_t size, const char *what);

/* The same, not zeroed: its pages come into being where and when they are first written, on the thread that
 * does. */
void *prnn_alloc_raw(prnn_context *ctx, size_t count, size_t size, const char *what);
void prnn_free(void *memory);

/* As prnn_alloc_raw and prnn_free, for memory that every call of some kind needs anew: the context keeps what
 * is given back (blocks of up to 64 MB, at most PRNN_SPARES) until a call takes about as much, or until it is
 * freed. Fresh memory costs a small call a fifth of its time. */
void *prnn_take(prnn_context *ctx, size_t count, size_t size, const char *what);
void prnn_give(prnn_context *ctx, void *memory, size_t bytes);

/* Frees what the context kept, where memory is short. */
void prnn_give_up(prnn_context *ctx);

/* A block of floats in the making: each request gets an offset, a multiple of 16 floats (64 bytes). */
typedef struct prnn_layout {
    size_t floats;
} prnn_layout;

size_t prnn_layout_add(prnn_layout *layout, size_t floats);

static inline size_t prnn_round_up(size_t n, size_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

#endif
