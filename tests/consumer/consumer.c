/* Uses the installed library from C: makes a tiny model and asks how likely a blank image is. */
#include <math.h>
#include <pixelrnn/io.h>
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    if (strcmp(prnn_version(), PRNN_VERSION) != 0 || prnn_version_number() != PRNN_VERSION_NUMBER) {
        fprintf(stderr, "header %s, library %s\n", PRNN_VERSION, prnn_version());
        return 1;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_config config = PRNN_CONFIG_INIT;
    config.height = config.width = 4;
    config.levels = 2;
    config.layers = 1;
    config.hidden = config.head = 2;
    prnn_model *model = NULL;
    uint8_t image[16] = {0};
    double nats = 0;
    if (prnn_model_create(ctx, &config, 1, &model) ||
        prnn_evaluate(ctx, model, image, 1, NULL, &nats, NULL)) {
        fprintf(stderr, "%s\n", prnn_message(ctx));
        return 1;
    }
    size_t shape[] = {16};
    if (prnn_write_npy(ctx, "/nonexistent/x.npy", PRNN_U8, 1, shape, image) != PRNN_ERROR_FILE) {
        fprintf(stderr, "an array was written into a folder that is not there\n");
        return 1;
    }
    prnn_model_free(model);
    prnn_context_free(ctx);
    /* The logits of a new model are zero: every one of the 2^16 images is equally likely. */
    return fabs(nats - 16 * log(2)) < 1e-3 ? 0 : 1;
}
