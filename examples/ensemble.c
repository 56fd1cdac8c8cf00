/* Says how likely images are under several models together, and under each of them.
 *
 *     ensemble IMAGES MODEL...
 *
 * Of each value, given those before it, the ensemble has the mean of the models' probabilities. */
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1000 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "ensemble: %s\n", prnn_message(ctx));
        exit(1);
    }
}

/* Of `count` images, whose number i is at i * distance. */
static double mean(const double *nats, size_t count, size_t distance) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += nats[i * distance];
    }
    return sum / (double)count;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: ensemble IMAGES MODEL...\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_ensemble *ensemble;
    size_t models = (size_t)argc - 2;
    must(ctx, prnn_ensemble_load(ctx, (const char *const *)argv + 2, models, &ensemble));
    prnn_config c = PRNN_CONFIG_INIT; /* all are for the same images */
    prnn_model_config(prnn_ensemble_model(ensemble, 0), &c);
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.levels = c.levels;
    options.limit = MOST;
    prnn_data *data;
    must(ctx, prnn_data_open(ctx, argv[1], &options, &data));
    if (prnn_data_height(data) != c.height || prnn_data_width(data) != c.width ||
        prnn_data_channels(data) != c.channels) {
        fprintf(stderr, "ensemble: the images have another size than the models\n");
        return 1;
    }

    size_t count = prnn_data_count(data);
    uint8_t *images = malloc(count * (size_t)c.height * (size_t)c.width * (size_t)c.channels);
    size_t *numbers = malloc(count * sizeof *numbers);
    double *nats = malloc(count * sizeof *nats), *of_models = malloc(count * models * sizeof *of_models);
    if (!images || !numbers || !nats || !of_models) {
        fprintf(stderr, "ensemble: not enough memory\n");
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = i;
    }
    must(ctx, prnn_data_read(ctx, data, numbers, count, 0, 0, images));
    must(ctx, prnn_ensemble_evaluate(ctx, ensemble, images, count, NULL, nats, of_models, NULL));
    for (size_t k = 0; k < models; k++) {
        printf("%s: %.2f nats\n", argv[2 + k], mean(of_models + k, count, models));
    }
    printf("together: %.2f nats\n", mean(nats, count, 1));
    free(of_models);
    free(nats);
    free(numbers);
    free(images);
    prnn_data_free(data);
    prnn_ensemble_free(ensemble);
    prnn_context_free(ctx);
    return 0;
}
