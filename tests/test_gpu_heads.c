/* Output distributions of a device: likelihoods, their gradients, and draws, with the bits of plain C. */
#include "gpu.h"

#include "base/real.h"
#include "heads/head.h"

/* A region of some pictures, with logits of every channel. */
typedef struct problem {
    prnn_config config;
    prnn_head head;
    prnn_gpu_pixels p;
    prnn_gpu_place logits, values;
    uint32_t block_stride; /* of a channel's logits, as kernels take it */
    size_t floats, pictures;
    float *memory;
    uint8_t *levels;
    float log_scale;
} problem;

static prnn_config any_config(const prnn_head_kind *head) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.channels = below(2) ? 3 : 1;
    c.levels = head == &prnn_bernoulli ? 2 : (int)(3 + below(254));
    c.output = head == &prnn_logistic_mixture ? PRNN_LOGISTICS : PRNN_SOFTMAX;
    c.components = (int)(1 + below(PRNN_MOST_COMPONENTS));
    return c;
}

static problem new_problem(const prnn_head_kind *head) {
    problem x = {.config = any_config(head)};
    x.head = prnn_head_of(&x.config);
    uint32_t images = 1 + below(4), columns = 1 + below(6), rows = 1 + below(3);
    assert_ptr_equal(x.head.kind, head);
    x.p = (prnn_gpu_pixels){.rows = rows * columns * images,
                            .run = columns * images,
                            .images = images,
                            .row = below(3),
                            .first = below(3),
                            .channels = (uint32_t)x.config.channels};
    x.p.height = x.p.row + rows + below(2);
    x.p.width = x.p.first + columns + below(2);
    uint32_t width = (uint32_t)prnn_features_width(x.head.features);
    x.block_stride = head == &prnn_bernoulli ? width : width / x.p.channels;
    x.logits = new_place(&x.floats, width, x.p.rows, x.p.run);
    x.values = new_place(&x.floats, x.p.channels, x.p.rows, x.p.run);
    if (below(4) == 0) {
        x.values.at = PRNN_GPU_NONE;
    }
    x.memory = any_floats(x.floats);
    for (size_t i = 0; i < x.floats; i++) {
        x.memory[i] *= below(20) ? 4 : 60;
    }
    x.pictures = (size_t)images * x.p.height * x.p.width * x.p.channels;
    x.levels = malloc(x.pictures);
    for (size_t i = 0; i < x.pictures; i++) {
        x.levels[i] = (uint8_t)below((uint32_t)x.config.levels);
    }
    x.log_scale = -(float)prnn_log(2.0 * x.head.features.size);
    return x;
}

static void free_problem(problem *x) {
    free(x->memory);
    free(x->levels);
}

/* Where a value of position m is in the pictures. */
static size_t value_at(const problem *x, uint32_t m, uint32_t channel) {
    uint32_t row = x->p.row + m / x->p.run, column = x->p.first + m % x->p.run / x->p.images;
    return (((size_t)(m % x->p.images) * x->p.height + row) * x->p.width + column) * x->p.channels + channel;
}

static bool is_given(const problem *x, uint32_t m, uint32_t step) {
    uint32_t row = x->p.row + m / x->p.run, column = x->p.first + m % x->p.run / x->p.images;
    return step && row % step == 0 && column % step == 0;
}

/* ------------------------------------------------------------------------------------------ likelihood */

/* Towards soft targets, as src/device/cpu_heads.c has it. */
static void soften(const problem *x, const float *soft, uint32_t m, float scale, float *logits) {
    for (uint32_t k = 0; k < x->p.channels; k++) {
        for (int n = 0; n < x->head.per_value; n++) {
            int column = prnn_features_column(x->head.features, (int)k * x->head.per_value + n);
            logits[column] -= scale * soft[value_at(x, m, k) * (size_t)x->head.per_value + (size_t)n];
        }
    }
}

/* `soft`: or NULL. */
static void plain_nll(const problem *x, const float *soft, uint32_t given, float scale, float *memory,
                      float *nats) {
    for (uint32_t m = 0; m < x->p.rows; m++) {
        uint8_t values[4];
        float *logits = memory + position(x->logits, m, x->p.run);
        for (uint32_t k = 0; k < x->p.channels && k < 4; k++) {
            values[k] = x->levels[value_at(x, m, k)];
        }
        x->head.kind->nll(&prnn_kernels_generic, &x->head, logits, 1, values, scale,
                          nats + m * x->p.channels);
        if (soft && scale != 0) {
            soften(x, soft, m, scale, logits);
        }
        if (is_given(x, m, given)) {
            memset(nats + m * x->p.channels, 0, x->p.channels * sizeof *nats);
            memset(logits, 0,
                   scale != 0 ? (size_t)prnn_features_width(x->head.features) * sizeof *logits : 0);
        }
    }
}

/* Without a gradient the logits are as they were (plain C leaves something in their padding). */
static void check_nll(rig *r, const prnn_head_kind *head, const char *kernel, uint32_t per_group) {
    for (int trial = 0; trial < 30; trial++) {
        problem x = new_problem(head);
        float scale = trial % 3 ? 0.5f + (float)random_signed() / 4 : 0;
        uint32_t given = below(3), values = x.p.rows * x.p.channels;
        prnn_gpu_nll l = {.p = x.p,
                          .logits = x.logits,
                          .dlogits = x.logits,
                          .levels = (uint32_t)x.config.levels,
                          .block_stride = x.block_stride,
                          .components = (uint32_t)x.head.features.size,
                          .given = given,
                          .scale = scale,
                          .log_scale = x.log_scale,
                          .soft =
                              head != &prnn_logistic_mixture && trial % 2 ? (uint32_t)x.head.per_value : 0};
        size_t targets = x.pictures * (size_t)x.head.per_value;
        float *expected = malloc(x.floats * sizeof(float)), *nats = any_floats(values),
              *own = any_floats(values), *soft = any_floats(targets);
        memcpy(expected, x.memory, x.floats * sizeof(float));
        plain_nll(&x, l.soft ? soft : NULL, given, scale, expected, nats);
        if (scale == 0) {
            memcpy(expected, x.memory, x.floats * sizeof(float));
        }
        prnn_gpu_block *levels = put(r, x.levels, x.pictures),
                       *memory = put(r, x.memory, x.floats * sizeof(float));
        prnn_gpu_block *costs = put(r, own, values * sizeof(float)),
                       *pulls = put(r, soft, targets * sizeof(float));
        LAUNCH(r, kernel, groups_of(values, per_group), 1, 128, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(levels),
               PRNN_GPU_BLOCK(pulls), PRNN_GPU_BLOCK(memory), PRNN_GPU_BLOCK(costs));
        take(r, costs, own, values * sizeof(float));
        take(r, memory, x.memory, x.floats * sizeof(float));
        expect_bits("nats", own, nats, values);
        expect_bits("gradient by the logits", x.memory, expected, x.floats);
        drop(r, levels);
        drop(r, memory);
        drop(r, costs);
        drop(r, pulls);
        free(expected);
        free(nats);
        free(own);
        free(soft);
        free_problem(&x);
    }
}

static void softmax_nll(void **state) {
    check_nll(*state, &prnn_softmax, "softmax_nll", 8);
}

static void bernoulli_nll(void **state) {
    check_nll(*state, &prnn_bernoulli, "bernoulli_nll", 128);
}

static void logistics_nll(void **state) {
    check_nll(*state, &prnn_logistic_mixture, "logistics_nll", 8);
}

/* --------------------------------------------------------------------------------------------- draws */

static void plain_draw(const problem *x, uint32_t channel, double temperature, const double *uniforms,
                       const uint8_t *known, const float *scaled, uint8_t *levels, float *memory) {
    for (uint32_t m = 0; m < x->p.rows; m++) {
        size_t at = value_at(x, m, channel), pixels = (size_t)x->p.height * x->p.width;
        if (known && known[at / x->p.channels % pixels]) {
            continue;
        }
        prnn_draw draw = {.channel = (int)channel,
                          .temperature = temperature,
                          .uniforms = &uniforms[at],
                          .levels = &levels[at]};
        assert_true(x->head.kind->draw(&prnn_kernels_generic, &x->head,
                                       memory + position(x->logits, m, x->p.run), 1, &draw));
        assert_in_range(levels[at], 0, x->config.levels - 1);
        if (x->values.at != PRNN_GPU_NONE) {
            memory[position(x->values, m, x->p.run) + channel] = scaled[levels[at]];
        }
    }
}

static void check_draw(rig *r, const prnn_head_kind *head, const char *kernel) {
    for (int trial = 0; trial < 30; trial++) {
        problem x = new_problem(head);
        double temperature = trial % 2 ? 1 : 0.3 + random_signed() / 4,
               *uniforms = malloc(x.pictures * sizeof(double));
        float *scaled = any_floats(256), *expected = malloc(x.floats * sizeof(float));
        uint8_t *known = malloc(x.pictures), *levels = malloc(x.pictures);
        uint32_t channel = below(x.p.channels), failed = 0;
        for (size_t i = 0; i < x.pictures; i++) {
            uniforms[i] = (random_signed() + 1) / 2;
            known[i] = (uint8_t)below(2);
        }
        prnn_gpu_draw l = {.p = x.p,
                           .logits = x.logits,
                           .values = x.values,
                           .levels = (uint32_t)x.config.levels,
                           .block_stride = head == &prnn_bernoulli ? 1 : x.block_stride,
                           .components = (uint32_t)x.head.features.size,
                           .channel = channel,
                           .masked = below(2),
                           .sharpness = (float)(1 / temperature),
                           .log_scale = x.log_scale,
                           .temperature = temperature};
        memcpy(expected, x.memory, x.floats * sizeof(float));
        prnn_gpu_block *all[] = {put(r, uniforms, x.pictures * sizeof(double)),
                                 put(r, known, x.pictures),
                                 put(r, scaled, 256 * sizeof(float)),
                                 put(r, x.levels, x.pictures),
                                 put(r, &failed, sizeof failed),
                                 put(r, x.memory, x.floats * sizeof(float))};
        memcpy(levels, x.levels, x.pictures);
        plain_draw(&x, channel, temperature, uniforms, l.masked ? known : NULL, scaled, levels, expected);
        LAUNCH(r, kernel, groups_of(x.p.rows, 8), 1, 128, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(all[0]),
               PRNN_GPU_BLOCK(all[1]), PRNN_GPU_BLOCK(all[2]), PRNN_GPU_BLOCK(all[3]), PRNN_GPU_BLOCK(all[4]),
               PRNN_GPU_BLOCK(all[5]));
        take(r, all[3], x.levels, x.pictures);
        take(r, all[4], &failed, sizeof failed);
        take(r, all[5], x.memory, x.floats * sizeof(float));
        assert_memory_equal(x.levels, levels, x.pictures);
        expect_bits("values", x.memory, expected, x.floats);
        assert_int_equal(failed, 0);
        for (int i = 0; i < 6; i++) {
            drop(r, all[i]);
        }
        free(uniforms);
        free(scaled);
        free(expected);
        free(known);
        free(levels);
        free_problem(&x);
    }
}

static void softmax_draw(void **state) {
    check_draw(*state, &prnn_softmax, "softmax_draw");
}

static void bernoulli_draw(void **state) {
    check_draw(*state, &prnn_bernoulli, "bernoulli_draw");
}

static void logistics_draw(void **state) {
    check_draw(*state, &prnn_logistic_mixture, "logistics_draw");
}

int main(int count, char **arguments) {
    const kernel_test tests[] = {
        {"softmax_nll", softmax_nll},       {"bernoulli_nll", bernoulli_nll},
        {"logistics_nll", logistics_nll},   {"softmax_draw", softmax_draw},
        {"bernoulli_draw", bernoulli_draw}, {"logistics_draw", logistics_draw},
    };
    return run_on_devices(PRNN_GPU_FP32, tests, sizeof tests / sizeof *tests, count, arguments);
}
