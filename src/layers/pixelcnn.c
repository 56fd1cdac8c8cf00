/* PixelCNN (paper section 3.5, docs/equations.md): ReLU, 1x1 to h, ReLU, masked 3x3, ReLU, 1x1 back to 2h. */

#include "layers/layer.h"

typedef struct pixelcnn {
    prnn_layer_io io;
    prnn_map *rectified; /* ReLU of the input */
    prnn_map *reduced, *convolved;
    prnn_product *reduced_of, *convolved_of, *out_of;
    prnn_map *dreduced, *dconvolved; /* the latter also of the row below */
    prnn_product *dreduced_of, *dconvolved_of, *drectified_of, *dcondition_of;
} pixelcnn;

static void *plan(prnn_plan *p, const char *name, prnn_layer_io io) {
    pixelcnn *layer = prnn_plan_alloc(p, 1, sizeof *layer);
    if (!layer) {
        return NULL;
    }
    int h = p->config.hidden;
    prnn_features stream = prnn_plan_features(p, 1, 2 * h), narrow = prnn_plan_features(p, 1, h);
    char path[64];
    layer->io = io;
    /* ReLU halves the variance: gain sqrt(2) (He et al. 2015). */
    double gain = 1.4142135623730951;
    prnn_conv reduce = prnn_conv_plan(p, prnn_plan_path(path, name, "reduce"), PRNN_MASK_B, stream, narrow, 1,
                                      1, PRNN_BIAS_ZERO, gain);
    prnn_conv conv = prnn_conv_plan(p, prnn_plan_path(path, name, "conv"), PRNN_MASK_B, narrow, narrow, 3, 3,
                                    PRNN_BIAS_ZERO, gain);
    prnn_conv output =
        prnn_conv_plan(p, prnn_plan_path(path, name, "output"), PRNN_MASK_B, narrow, stream, 1, 1,
                       PRNN_BIAS_ZERO, gain * prnn_residual_gain(io.residual, p->config.layers));
    layer->rectified = prnn_plan_map(p, stream.stride, PRNN_KEEP_WINDOW, 0, 0, 0);
    layer->reduced = prnn_plan_map(p, narrow.stride, PRNN_KEEP_FORWARD, 1, 1, 1);
    layer->convolved = prnn_plan_map(p, narrow.stride, PRNN_KEEP_FORWARD, 0, 0, 0);
    layer->reduced_of = prnn_plan_product(p, 1, &(prnn_term){&reduce, layer->rectified});
    prnn_term convolved_terms[2] = {{&conv, layer->reduced}};
    prnn_conv condition;
    if (io.condition) {
        condition = prnn_layer_condition(p, name, io.condition, narrow);
        convolved_terms[1] = (prnn_term){&condition, io.condition->result};
    }
    layer->convolved_of = prnn_plan_product(p, io.condition ? 2 : 1, convolved_terms);
    layer->out_of = prnn_plan_product(p, 1, &(prnn_term){&output, layer->convolved});
    if (p->training) {
        layer->dreduced = prnn_plan_map(p, narrow.stride, PRNN_KEEP_WINDOW, 0, 0, 0);
        layer->dconvolved = prnn_plan_map(p, narrow.stride, PRNN_KEEP_WINDOW, 1, 1, 1);
        layer->dconvolved_of = prnn_plan_transposed(p, 1, &(prnn_term){&output, io.dout});
        layer->dreduced_of = prnn_plan_transposed(p, 1, &(prnn_term){&conv, layer->dconvolved});
        if (io.condition) {
            layer->dcondition_of = prnn_plan_transposed(p, 1, &(prnn_term){&condition, layer->dconvolved});
        }
        layer->drectified_of = prnn_plan_transposed(p, 1, &(prnn_term){&reduce, layer->dreduced});
    }
    return p->status == PRNN_OK ? layer : NULL;
}

static void begin(const void *self, const prnn_pass *pass) {
    const pixelcnn *layer = self;
    prnn_map_clear_margins(pass, layer->reduced);
}

static void forward(const void *self, const prnn_pass *pass, prnn_region region) {
    const pixelcnn *layer = self;
    prnn_map_relu(pass, region, layer->io.in, layer->rectified);
    prnn_product_run(pass, layer->reduced_of, region, layer->reduced, NULL, true);
    prnn_product_run(pass, layer->convolved_of, region, layer->convolved, NULL, true);
    prnn_layer_output(pass, &layer->io, layer->out_of, region);
}

static void begin_backward(const void *self, const prnn_pass *pass) {
    const pixelcnn *layer = self;
    prnn_map_clear(pass, layer->dconvolved);
}

static void backward(const void *self, const prnn_pass *pass, prnn_region rows) {
    const pixelcnn *layer = self;
    const prnn_layer_io *io = &layer->io;
    const prnn_map *past = prnn_layer_output_gradient(pass, io, rows);
    /* A ReLU lies between `past` and the sum, so its part waits where the gradient by y was. */
    const prnn_map *through = past == io->din ? io->dout : io->din;
    prnn_product_gradient(pass, layer->out_of, rows, io->dout);
    prnn_product_run(pass, layer->dconvolved_of, rows, layer->dconvolved, NULL, false);
    prnn_map_relu_gradient(pass, rows, layer->convolved, layer->dconvolved);
    prnn_product_gradient(pass, layer->convolved_of, rows, layer->dconvolved);
    prnn_layer_condition_backward(pass, io, layer->dcondition_of, rows);
    prnn_product_run(pass, layer->dreduced_of, rows, layer->dreduced, NULL, false);
    prnn_map_relu_gradient(pass, rows, layer->reduced, layer->dreduced);
    prnn_map_relu(pass, rows, io->in, layer->rectified);
    prnn_product_gradient(pass, layer->reduced_of, rows, layer->dreduced);
    prnn_product_run(pass, layer->drectified_of, rows, through, NULL, false);
    prnn_map_relu_gradient(pass, rows, layer->rectified, through);
    if (past) {
        prnn_map_add(pass, rows, through, past, io->din);
    }
}

const prnn_layer_kind prnn_pixelcnn = {
    .together = 1,
    .plan = plan,
    .begin = begin,
    .forward = forward,
    .begin_backward = begin_backward,
    .backward = backward,
};
