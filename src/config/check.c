#include "config/config.h"

int prnn_config_stages(int small, int large) {
    int stages = 0;
    for (; small > 0 && small < large; small *= 2) {
        stages++;
    }
    return small == large ? stages : -1;
}

static prnn_status check_range(prnn_context *ctx, const char *field, int value, int low, int high) {
    if (value < low || value > high) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s is %d; it must be %d to %d", field, value, low, high);
    }
    return PRNN_OK;
}

static prnn_status check_output(prnn_context *ctx, const prnn_config *c) {
    if (c->output != PRNN_SOFTMAX && c->output != PRNN_LOGISTICS) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "output is %d, which no network has", (int)c->output);
    }
    if (c->output == PRNN_SOFTMAX && c->components != 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "components is %d, but output softmax has none; it must be 0, or output logistics",
                         c->components);
    }
    if (c->output == PRNN_LOGISTICS && c->levels == 2) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "output is logistics and levels is 2: two levels need no mixture; take output "
                         "softmax, or levels 3 to 256");
    }
    return c->output == PRNN_LOGISTICS
               ? check_range(ctx, "components", c->components, 1, PRNN_MOST_COMPONENTS)
               : PRNN_OK;
}

static prnn_status check_condition(prnn_context *ctx, const prnn_config *c) {
    if (c->condition_size == 0) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "condition_features is %d, and condition_size 0: both must be 0, or neither",
                         c->condition_features);
    }
    if (c->height != c->width) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "condition_size is %d, and images are %d x %d: those of a conditional model must be square",
            c->condition_size, c->height, c->width);
    }
    if (prnn_config_stages(c->condition_size, c->height) < 1) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "condition_size is %d; it must be the size of the images, %d, divided by 2, 4, 8 or "
                         "another power of 2",
                         c->condition_size, c->height);
    }
    return check_range(ctx, "condition_features", c->condition_features, 1, 4096);
}

prnn_status prnn_config_check(prnn_context *ctx, const prnn_config *c) {
    const struct {
        const char *field;
        int value, low, high;
    } ranges[] = {
        {"height", c->height, 1, PRNN_MODEL_SIDE},
        {"width", c->width, 1, PRNN_MODEL_SIDE},
        {"levels", c->levels, 2, 256},
        {"layers", c->layers, 1, 256},
        {"hidden", c->hidden, 1, 4096},
        {"head", c->head, 1, 8192},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        prnn_status status =
            check_range(ctx, ranges[i].field, ranges[i].value, ranges[i].low, ranges[i].high);
        if (status != PRNN_OK) {
            return status;
        }
    }
    if (c->channels != 1 && c->channels != 3) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "channels is %d; it must be 1 or 3", c->channels);
    }
    if (!prnn_kind_is_known(c->kind)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "kind is %d, which no network has", (int)c->kind);
    }
    prnn_status status = check_output(ctx, c);
    bool conditional = c->condition_size != 0 || c->condition_features != 0;
    return status == PRNN_OK && conditional ? check_condition(ctx, c) : status;
}
