#include "layers/product.h"

#include <string.h>

static bool tap_is_open(prnn_mask mask, int rows, int cols, int i, int j) {
    if (mask == PRNN_MASK_NONE) {
        return true;
    }
    return i < rows / 2 || (i == rows / 2 && j <= cols / 2);
}

prnn_conv prnn_conv_plan(prnn_plan *plan, const char *name, prnn_mask mask, prnn_features in,
                         prnn_features out, int rows, int cols, prnn_bias bias, double gain) {
    int outputs = out.blocks * out.size;
    int shape[4] = {outputs, in.blocks * in.size, rows, cols};
    prnn_init init = gain > 0 ? PRNN_INIT_FAN_IN : PRNN_INIT_ZERO;
    prnn_conv conv = {.bias = -1, .in = in, .out = out, .mask = mask, .kernel_size = rows * cols};
    conv.weight = prnn_plan_parameter(plan, init, gain, 4, shape, "%s.weight", name);
    if (bias != PRNN_BIAS_NONE) {
        prnn_init first = bias == PRNN_BIAS_FORGET ? PRNN_INIT_FORGET : PRNN_INIT_ZERO;
        conv.bias = prnn_plan_parameter(plan, first, 0, 1, &outputs, "%s.bias", name);
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
            if (tap_is_open(mask, rows, cols, i, j)) {
                bool centre = i == rows / 2 && j == cols / 2;
                conv.tap[conv.taps++] = (prnn_conv_tap){i * cols + j, i - rows / 2, j - cols / 2, centre};
            }
        }
    }
    return conv;
}

prnn_conv prnn_conv_one_tap(const prnn_conv *conv, int kernel, int row, int col) {
    prnn_conv one = *conv;
    one.taps = 1;
    one.tap[0] = (prnn_conv_tap){kernel, row, col, false};
    return one;
}

/* Number of the parameter that weighs input column `in` for output column `out`, or -1. */
static int32_t weight_index(const prnn_plan *plan, const prnn_conv *conv, const prnn_conv_tap *tap, int in,
                            int out) {
    int from = prnn_features_number(conv->in, in), to = prnn_features_number(conv->out, out);
    if (from < 0 || to < 0) {
        return -1;
    }
    if (tap->centre && conv->mask != PRNN_MASK_NONE) {
        int a = prnn_features_group(conv->in, in), b = prnn_features_group(conv->out, out);
        if (conv->mask == PRNN_MASK_A ? a >= b : a > b) {
            return -1;
        }
    }
    size_t inputs = (size_t)conv->in.blocks * (size_t)conv->in.size;
    size_t element = ((size_t)to * inputs + (size_t)from) * (size_t)conv->kernel_size + (size_t)tap->kernel;
    return (int32_t)(plan->parameters[conv->weight].offset + element);
}

static int32_t bias_index(const prnn_plan *plan, int terms, const prnn_term *term, int column) {
    for (int t = 0; t < terms; t++) {
        int number = prnn_features_number(term[t].conv->out, column);
        if (term[t].conv->bias >= 0 && number >= 0) {
            return (int32_t)plan->parameters[term[t].conv->bias].offset + number;
        }
    }
    return -1;
}

/* A product in the making. */
typedef struct builder {
    prnn_plan *plan;
    prnn_product *product;
    prnn_packing *packing;
    int segments, segment_capacity;
} builder;

/* Feature k of a tap: packed if any column of the panel is open to it. */
static void add_row(builder *b, prnn_panel *panel, int tap, int k, const int32_t *index) {
    bool open = false;
    for (int i = 0; i < PRNN_PANEL; i++) {
        open |= index[i] >= 0;
    }
    if (!open) {
        return;
    }
    prnn_matrix *matrix = &b->product->matrix;
    prnn_segment *last = panel->segments ? &matrix->segments[b->segments - 1] : NULL;
    if (last && last->tap == (uint32_t)tap && last->first + last->count == (uint32_t)k) {
        last->count++;
    } else {
        if (b->segments == b->segment_capacity) {
            int capacity = b->segment_capacity ? 2 * b->segment_capacity : 32;
            prnn_segment *grown = prnn_plan_alloc(b->plan, (size_t)capacity, sizeof *grown);
            if (!grown) {
                return;
            }
            if (b->segments) {
                memcpy(grown, matrix->segments, (size_t)b->segments * sizeof *grown);
            }
            matrix->segments = grown;
            b->segment_capacity = capacity;
        }
        matrix->segments[b->segments++] = (prnn_segment){(uint32_t)tap, (uint32_t)k, 1};
        panel->segments++;
    }
    prnn_packing_append(b->plan, b->packing, index, PRNN_PANEL);
    matrix->weights++;
}

static void build_panel(builder *b, int p, int terms, const prnn_term *term) {
    prnn_plan *plan = b->plan;
    bool transposed = b->product->transposed;
    prnn_panel *panel = &b->product->matrix.panels[p];
    panel->first_segment = (uint32_t)b->segments;
    int32_t index[PRNN_PANEL];
    for (int i = 0; i < PRNN_PANEL; i++) {
        index[i] = transposed ? -1 : bias_index(plan, terms, term, p * PRNN_PANEL + i);
    }
    panel->at = prnn_packing_append(plan, b->packing, index, PRNN_PANEL);
    int number = 0;
    for (int t = 0; t < terms; t++) {
        const prnn_conv *conv = term[t].conv;
        int depth = prnn_features_width(transposed ? conv->out : conv->in);
        for (int n = 0; n < conv->taps; n++, number++) {
            for (int k = 0; k < depth && plan->status == PRNN_OK; k++) {
                for (int i = 0; i < PRNN_PANEL; i++) {
                    int column = p * PRNN_PANEL + i;
                    index[i] = transposed ? weight_index(plan, conv, &conv->tap[n], column, k)
                                          : weight_index(plan, conv, &conv->tap[n], k, column);
                }
                add_row(b, panel, number, k, index);
            }
        }
    }
}

/* The panels that hold a feature of a colour group. */
static prnn_panel_list list_panels(prnn_plan *plan, prnn_features features, int panels, int group) {
    int *list = prnn_plan_alloc(plan, (size_t)panels, sizeof *list);
    int count = 0;
    for (int p = 0; p < panels && list; p++) {
        bool has = group < 0;
        for (int i = p * PRNN_PANEL; i < (p + 1) * PRNN_PANEL && !has; i++) {
            has = prnn_features_number(features, i) >= 0 && prnn_features_group(features, i) == group;
        }
        if (has) {
            list[count++] = p;
        }
    }
    return (prnn_panel_list){list, count};
}

static prnn_product *build(prnn_plan *plan, int terms, const prnn_term *term, bool transposed) {
    prnn_product *product = prnn_plan_alloc(plan, 1, sizeof *product);
    if (!product) {
        return NULL;
    }
    prnn_features features = transposed ? term[0].conv->in : term[0].conv->out;
    int width = prnn_features_width(features);
    product->transposed = transposed;
    product->matrix.panel_count = (width + PRNN_PANEL - 1) / PRNN_PANEL;
    product->matrix.panels = prnn_plan_alloc(plan, (size_t)product->matrix.panel_count, sizeof(prnn_panel));
    for (int t = 0; t < terms; t++) {
        product->taps += term[t].conv->taps;
    }
    product->tap = prnn_plan_alloc(plan, (size_t)product->taps, sizeof *product->tap);
    for (int group = -1; group < features.groups; group++) {
        product->panels[group + 1] = list_panels(plan, features, product->matrix.panel_count, group);
    }
    if (plan->status != PRNN_OK) {
        return NULL;
    }
    int number = 0, sign = transposed ? -1 : 1;
    for (int t = 0; t < terms; t++) {
        for (int n = 0; n < term[t].conv->taps; n++, number++) {
            const prnn_conv_tap *tap = &term[t].conv->tap[n];
            product->tap[number] = (prnn_product_tap){term[t].map, sign * tap->row, sign * tap->col};
        }
    }
    builder b = {plan, product, transposed ? &plan->backward : &plan->forward, 0, 0};
    for (int p = 0; p < product->matrix.panel_count && plan->status == PRNN_OK; p++) {
        build_panel(&b, p, terms, term);
    }
    return product;
}

prnn_product *prnn_plan_product(prnn_plan *plan, int terms, const prnn_term *term) {
    return build(plan, terms, term, false);
}

prnn_product *prnn_plan_transposed(prnn_plan *plan, int terms, const prnn_term *term) {
    return plan->training ? build(plan, terms, term, true) : NULL;
}

static void find_sources(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                         prnn_source *sources) {
    for (int t = 0; t < product->taps; t++) {
        const prnn_product_tap *tap = &product->tap[t];
        sources[t].at = prnn_map_at(pass, tap->map, region.row + tap->row, region.first + tap->col);
        sources[t].stride = (size_t)tap->map->stride;
    }
}

void prnn_product_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                      const prnn_map *out, const prnn_map *add, bool relu) {
    prnn_source sources[2 * PRNN_MAX_TAPS];
    find_sources(pass, product, region, sources);
    prnn_target target = {
        .out = prnn_map_at(pass, out, region.row, region.first), .stride = (size_t)out->stride, .relu = relu};
    if (add) {
        target.add = prnn_map_at(pass, add, region.row, region.first);
        target.add_stride = (size_t)add->stride;
    }
    size_t positions = (size_t)region.count * (size_t)pass->images;
    pass->kernels->product(&product->matrix, product->transposed ? pass->backward : pass->forward, sources,
                           positions, product->panels[region.group + 1], &target);
}

void prnn_product_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                           const prnn_map *dout) {
    prnn_source sources[2 * PRNN_MAX_TAPS];
    find_sources(pass, product, region, sources);
    pass->kernels->product_gradient(&product->matrix, sources, (size_t)region.count * (size_t)pass->images,
                                    prnn_map_at(pass, dout, region.row, region.first), (size_t)dout->stride,
                                    pass->gradient);
}

void prnn_features_span(prnn_features features, int group, size_t *first, size_t *count) {
    size_t begin = 0, end = (size_t)features.stride;
    if (group >= 0) {
        /* Feature i is of group i * C / size: group b begins at the first i with i * C >= b * size. */
        size_t size = (size_t)features.size, c = (size_t)features.groups, b = (size_t)group;
        size_t from = (b * size + c - 1) / c, to = ((b + 1) * size + c - 1) / c;
        begin = from / PRNN_PANEL * PRNN_PANEL;
        end = from < to ? prnn_round_up(to, PRNN_PANEL) : begin; /* a group may be empty */
    }
    *first = begin;
    *count = end - begin;
}
