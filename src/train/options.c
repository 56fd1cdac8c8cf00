#include "train/options.h"

#include "base/fields.h"
#include "base/try.h"
#include "image/palette.h"
#include "train/optimizer.h"

static prnn_status check_number(prnn_context *ctx, const char *name, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s is %.12g; it must be %.12g to %.12g", name, value, low,
                         high);
    }
    return PRNN_OK;
}

/* What has a bound that is not in it. */
static prnn_status check_small_sets(prnn_context *ctx, const prnn_train_options *o) {
    if (!(o->dropout >= 0 && o->dropout < 1)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "dropout is %.12g; it must be 0 or more and below 1",
                         o->dropout);
    }
    if (o->weight_decay * o->learning_rate >= 1) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "weight decay is %.12g and the learning rate %.12g; their product is the part of a "
                         "weight that each step takes away, and must be below 1",
                         o->weight_decay, o->learning_rate);
    }
    return PRNN_OK;
}

static prnn_status check_options(prnn_context *ctx, const prnn_train_options *o) {
    const struct {
        const char *name;
        double value, low, high;
    } ranges[] = {
        {"epochs", o->steps ? 1 : o->epochs, 1e-9, 1e9},
        {"batch", o->batch, 1, 65536},
        {"the learning rate", o->learning_rate, 0, 1e6},
        {"warmup", o->warmup_steps, 0, 1e12},
        {"the final fraction", o->final_fraction, 0, 1},
        {"the decay factor", o->decay_factor, 0, 1},
        {"decay epochs", o->decay_epochs, 1e-9, 1e9},
        {"beta1", o->beta1, 0, 0.999999},
        {"beta2", o->beta2, 0, 0.999999},
        {"epsilon", o->epsilon, 1e-30, 1e6},
        {"clip", o->clip, 0, 1e12},
        {"ema", o->ema, 0, 0.999999},
        {"the time between checkpoints", o->checkpoint_every, 0, 1e9},
        {"shift", o->shift, 0, 4095},
        {"weight decay", o->weight_decay, 0, 1e6},
        {"the teacher's weight", o->teacher_weight, 0, 1},
    };
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        TRY(check_number(ctx, ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high));
    }
    if (!prnn_optimizer_name(o->optimizer) || !prnn_schedule_name(o->schedule)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "optimizer %d, schedule %d: there is no such",
                         (int)o->optimizer, (int)o->schedule);
    }
    TRY(check_small_sets(ctx, o));
    if (!o->out || !*o->out) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "training needs a folder for its results");
    }
done:
    return status;
}

prnn_status prnn_train_options_read(prnn_context *ctx, const prnn_train_options *given,
                                    prnn_train_options *options) {
    const prnn_train_options defaults = PRNN_TRAIN_OPTIONS_INIT;
    prnn_status status;
    *options = defaults;
    TRY(prnn_options_read(ctx, options, &prnn_train_options_fields, given));
    prnn_optimizer_defaults(options);
    TRY(check_options(ctx, options));
done:
    return status;
}

prnn_status prnn_train_options_check_set(prnn_context *ctx, const prnn_train_options *o, const prnn_config *c,
                                         bool valid) {
    int side = c->height < c->width ? c->height : c->width;
    if (o->shift >= side) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "shift is %d; images of %d x %d can be moved by at most %d pixel%s", o->shift,
                         c->height, c->width, side - 1, side == 2 ? "" : "s");
    }
    if (o->patience && !valid) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "patience is %llu, of validations, and there are no validation images: give some, or "
            "no patience",
            (unsigned long long)o->patience);
    }
    return PRNN_OK;
}

prnn_status prnn_train_data_check(prnn_context *ctx, const prnn_model *model, const prnn_data *data,
                                  const char *what) {
    const prnn_config *c = &model->network->plan.config;
    if (prnn_data_height(data) != c->height || prnn_data_width(data) != c->width ||
        prnn_data_channels(data) != c->channels || prnn_data_levels(data) != c->levels) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "the %s images are %d x %d with %d channels and %d levels, the model is for %d x %d with %d "
            "channels and %d levels",
            what, prnn_data_height(data), prnn_data_width(data), prnn_data_channels(data),
            prnn_data_levels(data), c->height, c->width, c->channels, c->levels);
    }
    const prnn_palette *palette = prnn_data_palette(data), *own = prnn_model_palette(model);
    if (palette && own && !prnn_palette_same(palette, own)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "the %s images have another palette than the model: open them with that of the "
                         "model, or of the training images",
                         what);
    }
    return PRNN_OK;
}
