/* Says which images surprise a model: how much more they cost than it expected.
 *
 *     surprise MODEL IMAGES
 *
 * Of images that the model drew itself, z is about 0, give or take 1. 'pixelrnn score' has more such scores.
 */
#include <math.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "surprise: %s\n", prnn_message(ctx));
        exit(1);
    }
}

static double sum(const float *values, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        total += (double)values[i];
    }
    return total;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: surprise MODEL IMAGES\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_model *model;
    prnn_config c = PRNN_CONFIG_INIT;
    must(ctx, prnn_model_load(ctx, argv[1], &model));
    prnn_model_config(model, &c);
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.levels = c.levels;
    prnn_data *data;
    must(ctx, prnn_data_open(ctx, argv[2], &options, &data));

    /* One image at a time, so that little memory is needed; many together go faster. */
    size_t size = (size_t)c.height * (size_t)c.width * (size_t)c.channels;
    if (size != (size_t)(prnn_data_height(data) * prnn_data_width(data) * prnn_data_channels(data))) {
        fprintf(stderr, "surprise: the images have another size than those of the model\n");
        return 1;
    }
    uint8_t *image = malloc(size);
    float *expected = malloc(2 * size * sizeof *expected);
    prnn_evaluate_options asked = PRNN_EVALUATE_OPTIONS_INIT;
    asked.entropies = expected;
    asked.variances = expected + size;
    for (size_t i = 0; i < prnn_data_count(data); i++) {
        double nats;
        must(ctx, prnn_data_read(ctx, data, &i, 1, 0, 0, image));
        must(ctx, prnn_evaluate(ctx, model, image, 1, &asked, &nats, NULL));
        double more = nats - sum(asked.entropies, size), variance = sum(asked.variances, size);
        printf("image %zu: %.2f nats, %.2f more than expected, z %.2f\n", i, nats, more,
               variance > 0 ? more / sqrt(variance) : 0);
    }
    free(image);
    free(expected);
    prnn_data_free(data);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return 0;
}
