/* Draws large images from a chain of models, small ones first, and says how likely they are.
 *
 *     chain SEED OUT.png MODEL...
 *
 * The first model draws small images, each other one enlarges what it gets (Multi-Scale PixelRNN). */
#include <pixelrnn/io.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 4 };

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "chain: %s\n", prnn_message(ctx));
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: chain SEED OUT.png MODEL...\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_chain *chain;
    must(ctx, prnn_chain_load(ctx, (const char *const *)argv + 3, (size_t)argc - 3, &chain));
    prnn_config c = PRNN_CONFIG_INIT; /* of the last model: of what comes out */
    prnn_chain_config(chain, &c);
    size_t scales = prnn_chain_count(chain);

    uint8_t *images = malloc((size_t)COUNT * (size_t)c.height * (size_t)c.width * (size_t)c.channels);
    double *parts = malloc(COUNT * scales * sizeof *parts), nats[COUNT];
    if (!images || !parts) {
        fprintf(stderr, "chain: not enough memory\n");
        return 1;
    }
    prnn_sample_options options = PRNN_SAMPLE_OPTIONS_INIT;
    options.seed = strtoull(argv[1], NULL, 10);
    must(ctx, prnn_chain_sample(ctx, chain, COUNT, &options, images));
    must(ctx, prnn_write_png(ctx, argv[2], images, COUNT, c.height, c.width, c.channels, c.levels, 2));

    /* Every value counts once, under the model where it is new. */
    must(ctx, prnn_chain_evaluate(ctx, chain, images, COUNT, NULL, nats, parts, NULL));
    for (size_t i = 0; i < COUNT; i++) {
        printf("image %zu: %.2f nats:", i, nats[i]);
        for (size_t k = 0; k < scales; k++) {
            printf(" %.2f", parts[i * scales + k]);
        }
        printf("\n");
    }
    free(parts);
    free(images);
    prnn_chain_free(chain);
    prnn_context_free(ctx);
    return 0;
}
