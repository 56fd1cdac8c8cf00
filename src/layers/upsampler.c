#include "layers/upsampler.h"

#include "config/config.h"

#include <math.h>
#include <stdio.h>

/* The pixels of the result with even or odd rows and columns are four ordinary 2x2 convolutions of the input,
 * each into a map of its own in the size of the input. */
enum { PHASES = 4, SIDE = 4 };

typedef struct prnn_upsampler_stage {
    int size;    /* rows and columns of the input */
    size_t bias; /* in the packed block: the products of all phases share it */
    prnn_map *in, *out, *din, *dout;
    prnn_map *phase[PHASES]; /* of the result; in the backward pass, of the gradient by it */
    prnn_product *phase_of[PHASES];
    prnn_product *din_of;
} stage;

/* Along one axis: output 2 i + phase reads input i + distance through place `kernel` of the kernel. */
static prnn_conv_tap axis_tap(int phase, int number) {
    static const prnn_conv_tap taps[2][2] = {{{1, 0, 0, false}, {3, -1, 0, false}},
                                             {{2, 0, 0, false}, {0, 1, 0, false}}};
    return taps[phase][number];
}

/* The part of the transposed convolution that gives the pixels of one phase. */
static prnn_conv conv_of_phase(const prnn_conv *all, int phase) {
    prnn_conv conv = *all;
    conv.taps = 0;
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            prnn_conv_tap down = axis_tap(phase / 2, i), right = axis_tap(phase % 2, j);
            conv.tap[conv.taps++] =
                (prnn_conv_tap){down.kernel * SIDE + right.kernel, down.row, right.row, false};
        }
    }
    return conv;
}

/* The weights of a stage. An output has 4 taps of each input; ReLU halves the variance. */
static prnn_conv plan_conv(prnn_plan *p, int number, prnn_features in, prnn_features out) {
    double gain = sqrt(2 * (double)(SIDE * SIDE * out.size) / (double)(SIDE * in.size));
    prnn_conv conv = {.bias = -1,
                      .in = in,
                      .out = out,
                      .mask = PRNN_MASK_NONE,
                      .kernel_size = SIDE * SIDE,
                      .in_first = true};
    conv.weight = prnn_plan_parameter(p, PRNN_INIT_FAN_IN, gain, 4, (int[]){in.size, out.size, SIDE, SIDE},
                                      "upsampler.%d.weight", number);
    return conv;
}

static void plan_stage(prnn_plan *p, stage *s, int number, prnn_features in, prnn_features out) {
    prnn_conv all = plan_conv(p, number, in, out), phases[PHASES];
    prnn_term terms[PHASES];
    char name[32];
    snprintf(name, sizeof name, "upsampler.%d", number);
    s->bias = prnn_plan_vector(p, name, "bias", out);
    for (int i = 0; i < PHASES && p->status == PRNN_OK; i++) {
        /* The backward pass needs all phases at once. */
        s->phase[i] = i == 0 || p->training ? prnn_plan_whole_map(p, s->size, out.stride, 1) : s->phase[0];
        phases[i] = conv_of_phase(&all, i);
        s->phase_of[i] = prnn_plan_product(p, 1, &(prnn_term){&phases[i], s->in});
        terms[i] = (prnn_term){&phases[i], s->phase[i]};
    }
    s->din_of = s->din ? prnn_plan_transposed(p, PHASES, terms) : NULL;
}

prnn_upsampler *prnn_plan_upsampler(prnn_plan *p) {
    const prnn_config *c = &p->config;
    prnn_upsampler *u = prnn_plan_alloc(p, 1, sizeof *u);
    int stages = prnn_config_stages(c->condition_size, c->height);
    stage *list = prnn_plan_alloc(p, (size_t)stages, sizeof *list);
    if (!u || !list) {
        return NULL;
    }
    prnn_features image = {1, c->channels, c->channels, 1, false};
    u->stages = stages;
    u->stage = list;
    u->features = prnn_plan_features(p, 1, c->condition_features);
    u->features.groups = 1;
    u->small = prnn_plan_exact(prnn_plan_whole_map(p, c->condition_size, c->channels, 1));
    for (int k = 0; k < stages && p->status == PRNN_OK; k++) {
        stage *s = &list[k];
        s->size = c->condition_size << k;
        s->in = k ? list[k - 1].out : u->small;
        s->din = k ? list[k - 1].dout : NULL;
        /* The next stage sees around a pixel; the layers do not. */
        int margin = k < stages - 1;
        s->out = prnn_plan_whole_map(p, 2 * s->size, u->features.stride, margin);
        s->dout = p->training ? prnn_plan_whole_map(p, 2 * s->size, u->features.stride, 0) : NULL;
        plan_stage(p, s, k, k ? u->features : image, u->features);
    }
    if (p->status != PRNN_OK) {
        return NULL;
    }
    u->result = list[stages - 1].out;
    u->dresult = list[stages - 1].dout;
    return u;
}

static prnn_region whole(int size) {
    return (prnn_region){0, size, 0, size, -1};
}

/* Copies the pixels of a map of the result, the ones that belong to phase i, from the map of the phase or
 * (`back`) to it. */
static void copy_phase(const prnn_pass *pass, const stage *s, int i, const prnn_map *map, bool back) {
    prnn_lattice own = {0, 0, 1}, of_map = {i / 2, i % 2, 2};
    if (back) {
        prnn_map_copy_lattice(pass, s->size, s->size, map, of_map, s->phase[i], own);
    } else {
        prnn_map_copy_lattice(pass, s->size, s->size, s->phase[i], own, map, of_map);
    }
}

void prnn_upsampler_begin(const prnn_upsampler *u, const prnn_pass *pass) {
    prnn_map_clear(pass, u->small);
    for (int k = 0; k < u->stages; k++) {
        prnn_map_clear_margins(pass, u->stage[k].out);
        for (int i = 0; i < PHASES; i++) {
            prnn_map_clear_margins(pass, u->stage[k].phase[i]);
        }
    }
}

void prnn_upsampler_forward(const prnn_upsampler *u, const prnn_pass *pass) {
    for (int k = 0; k < u->stages; k++) {
        const stage *s = &u->stage[k];
        for (int i = 0; i < PHASES; i++) {
            prnn_map_fill(pass, s->phase[i], whole(s->size), s->bias);
            prnn_product_run(pass, s->phase_of[i], whole(s->size), s->phase[i], s->phase[i], true);
            copy_phase(pass, s, i, s->out, false);
        }
    }
}

void prnn_upsampler_begin_backward(const prnn_upsampler *u, const prnn_pass *pass) {
    prnn_map_clear(pass, u->dresult);
}

void prnn_upsampler_backward(const prnn_upsampler *u, const prnn_pass *pass) {
    for (int k = u->stages - 1; k >= 0; k--) {
        const stage *s = &u->stage[k];
        prnn_map_relu_gradient(pass, whole(2 * s->size), s->out, s->dout);
        for (int i = 0; i < PHASES; i++) {
            copy_phase(pass, s, i, s->dout, true);
            prnn_map_sum(pass, s->phase[i], whole(s->size), s->bias);
            prnn_product_gradient(pass, s->phase_of[i], whole(s->size), s->phase[i]);
        }
        if (s->din) {
            prnn_product_run(pass, s->din_of, whole(s->size), s->din, NULL, false);
        }
    }
}
