/* The safetensors reader must refuse or read any bytes; what it reads must be in bounds. */
#include "safetensors/safetensors.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile uint8_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    prnn_context *ctx = prnn_context_create();
    prnn_safetensors *st;
    if (ctx && prnn_safetensors_parse(ctx, "fuzz", bytes, size, &st) == PRNN_OK) {
        uint8_t sum = 0;
        for (size_t i = 0; i < st->count; i++) {
            const prnn_safetensors_entry *e = &st->entries[i];
            if (prnn_safetensors_find(st, e->name) != e) {
                __builtin_trap();
            }
            const uint8_t *data = e->data;
            for (size_t k = 0; k < e->bytes; k++) {
                sum ^= data[k];
            }
        }
        sink = sum;
        prnn_safetensors_metadata(st, "config");
        prnn_safetensors_free(st);
    } else if (ctx && strlen(prnn_message(ctx)) == 0) {
        __builtin_trap();
    }
    prnn_context_free(ctx);
    return 0;
}
