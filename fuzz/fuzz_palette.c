/* Files of palettes: any bytes are refused with a sentence, or are 2 to 256 different colours, which come
 * back from their own text. */
#include "image/palette.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(prnn_context *ctx, const prnn_palette *palette) {
    char text[PRNN_PALETTE_TEXT];
    prnn_palette again;
    prnn_colours colours;
    uint8_t numbers[PRNN_PALETTE_MOST];
    prnn_palette_format(palette, '\n', text);
    if (prnn_palette_parse(ctx, "its text", text, strlen(text), &again) != PRNN_OK ||
        !prnn_palette_same(palette, &again) || prnn_colours_take(ctx, "it", palette, &colours) != PRNN_OK) {
        abort();
    }
    prnn_colours_sort(&colours, numbers);
    for (int k = 0; k < palette->count; k++) {
        if (memcmp(colours.palette.colours[numbers[k]], palette->colours[k], 3) != 0) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    prnn_context *ctx = prnn_context_create();
    prnn_palette palette;
    if (!ctx) {
        abort();
    }
    if (prnn_palette_parse(ctx, "fuzz", (const char *)bytes, size, &palette) == PRNN_OK) {
        check(ctx, &palette);
    } else if (!prnn_message(ctx)[0]) {
        abort();
    }
    prnn_context_free(ctx);
    return 0;
}
