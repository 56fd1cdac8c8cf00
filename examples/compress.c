/* Compresses an image without loss, and decompresses it again.
 *
 *     compress MODEL IMAGE
 *
 * The stepper says what the model expects of each value before it is known; a range coder (Martin 1979; this
 * one is carry-less, after Subbotin) spends -log2 p(value) bits on it. The decoder gets the same
 * expectations, since it has decoded all values before. (Encoder and decoder must also have the same exp(),
 * so: the same machine.) */
#include <math.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 1 << 24, TOTAL = 1 << 16 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "compress: %s\n", prnn_message(ctx));
        exit(1);
    }
}

typedef struct coder {
    uint32_t low, range, code;
    uint8_t *at; /* the next byte */
    bool decodes;
} coder;

/* The share of each level in TOTAL; none is 0. */
static uint32_t share(const double *logs, int levels, int k) {
    return 1 + (uint32_t)(exp(logs[k]) * (TOTAL - levels));
}

/* Codes one level: that which is given, or that which is found. */
static uint8_t code_level(coder *c, const double *logs, int levels, uint8_t level) {
    uint32_t below = 0, k = 0, unit = c->range / TOTAL, wanted = (c->code - c->low) / unit;
    for (; c->decodes ? below + share(logs, levels, (int)k) <= wanted : k < level; k++) {
        below += share(logs, levels, (int)k);
    }
    c->low += below * unit;
    c->range = share(logs, levels, (int)k) * unit;
    while ((c->low ^ (c->low + c->range)) < TOP || c->range < TOTAL) {
        if ((c->low ^ (c->low + c->range)) >= TOP) {
            c->range = -c->low & (TOTAL - 1); /* a carry may come: do without */
        }
        if (c->decodes) {
            c->code = c->code << 8 | *c->at++;
        } else {
            *c->at++ = (uint8_t)(c->low >> 24);
        }
        c->low <<= 8;
        c->range <<= 8;
    }
    return (uint8_t)k;
}

/* Codes a whole image; of one that is decoded, `image` gets the values. */
static void code_image(prnn_context *ctx, const prnn_model *model, int levels, coder *c, uint8_t *image) {
    double logs[256];
    size_t value = 0;
    prnn_stepper *stepper;
    must(ctx, prnn_stepper_create(ctx, model, 1, NULL, &stepper));
    for (; prnn_stepper_next(stepper, NULL, NULL, NULL); value++) {
        must(ctx, prnn_stepper_log_probabilities(ctx, stepper, logs));
        image[value] = code_level(c, logs, levels, image[value]);
        must(ctx, prnn_stepper_put(ctx, stepper, &image[value]));
    }
    prnn_stepper_free(stepper);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: compress MODEL IMAGE\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    prnn_config config = PRNN_CONFIG_INIT;
    must(ctx, prnn_model_load(ctx, argv[1], &model));
    prnn_model_config(model, &config);

    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.levels = config.levels;
    options.height = config.height;
    options.width = config.width;
    options.channels = config.channels;
    prnn_data *data;
    must(ctx, prnn_data_open(ctx, argv[2], &options, &data));
    size_t first = 0, values = (size_t)config.height * (size_t)config.width * (size_t)config.channels;
    uint8_t *image = malloc(values), *again = calloc(values, 1), *bytes = calloc(values * 3 + 8, 1);
    must(ctx, prnn_data_read(ctx, data, &first, 1, 0, 0, image));

    coder encoder = {0, UINT32_MAX, 0, bytes, false};
    code_image(ctx, model, config.levels, &encoder, image);
    for (int i = 0; i < 4; i++, encoder.low <<= 8) {
        *encoder.at++ = (uint8_t)(encoder.low >> 24);
    }
    coder decoder = {0, UINT32_MAX, 0, bytes, true};
    for (int i = 0; i < 4; i++) {
        decoder.code = decoder.code << 8 | *decoder.at++;
    }
    code_image(ctx, model, config.levels, &decoder, again);

    double nats;
    bool same = memcmp(image, again, values) == 0;
    must(ctx, prnn_evaluate(ctx, model, image, 1, NULL, &nats, NULL));
    printf("%zu values in %zu bytes (the model says %.1f), %s\n", values, (size_t)(encoder.at - bytes),
           nats / log(2) / 8, same ? "and back" : "and NOT back");
    free(image);
    free(again);
    free(bytes);
    prnn_data_free(data);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return same ? 0 : 1;
}
