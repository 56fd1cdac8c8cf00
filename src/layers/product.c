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
    size_t outputs = (size_t)conv->out.blocks * (size_t)conv->out.size;
    size_t pair = conv->in_first ? (size_t)from * outputs + (size_t)to : (size_t)to * inputs + (size_t)from;
    size_t element = pair * (size_t)conv->kernel_size + (size_t)tap->kernel;
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
    int terms;
    const prnn_term *term;
    prnn_features features; /* of its results */
    int segments, segment_capacity;
} builder;

/* Room for one more segment. */
static bool grow_segments(builder *b) {
    prnn_matrix *matrix = &b->product->matrix;
    if (b->segments < b->segment_capacity) {
        return true;
    }
    int capacity = b->segment_capacity ? 2 * b->segment_capacity : 32;
    prnn_segment *grown = prnn_plan_alloc(b->plan, (size_t)capacity, sizeof *grown);
    if (!grown) {
        return false;
    }
    if (b->segments) {
        memcpy(grown, matrix->segments, (size_t)b->segments * sizeof *grown);
    }
    matrix->segments = grown;
    b->segment_capacity = capacity;
    return true;
}

/* Feature k of a tap: packed if any column of the panel is open to it. */
static void add_row(builder *b, prnn_strip *strip, int tap, int k, const int32_t *index) {
    bool open = false;
    for (int i = 0; i < PRNN_PANEL; i++) {
        open |= index[i] >= 0;
    }
    if (!open) {
        return;
    }
    prnn_matrix *matrix = &b->product->matrix;
    prnn_segment *last = strip->segments ? &matrix->segments[b->segments - 1] : NULL;
    if (last && last->tap == (uint32_t)tap && last->first + last->count == (uint32_t)k) {
        last->count++;
    } else if (grow_segments(b)) {
        b->product->matrix.segments[b->segments++] = (prnn_segment){(uint32_t)tap, (uint32_t)k, 1};
        strip->segments++;
    } else {
        return;
    }
    prnn_packing_append(b->plan, b->packing, index, PRNN_PANEL);
    strip->depth++;
    matrix->weights++;
}

/* The columns from `column` on, as a strip of one panel. */
static prnn_strip build_panel(builder *b, int column) {
    prnn_plan *plan = b->plan;
    bool transposed = b->product->transposed;
    prnn_strip strip = {
        .first_segment = (uint32_t)b->segments, .panels = 1, .column = (size_t)column, .step = PRNN_PANEL};
    int32_t index[PRNN_PANEL];
    for (int i = 0; i < PRNN_PANEL; i++) {
        index[i] = transposed ? -1 : bias_index(plan, b->terms, b->term, column + i);
        b->product->matrix.biased |= index[i] >= 0;
    }
    strip.at = prnn_packing_append(plan, b->packing, index, PRNN_PANEL);
    int number = 0;
    for (int t = 0; t < b->terms; t++) {
        const prnn_conv *conv = b->term[t].conv;
        int depth = prnn_features_width(transposed ? conv->out : conv->in);
        for (int n = 0; n < conv->taps; n++, number++) {
            for (int k = 0; k < depth && plan->status == PRNN_OK; k++) {
                for (int i = 0; i < PRNN_PANEL; i++) {
                    index[i] = transposed ? weight_index(plan, conv, &conv->tap[n], column + i, k)
                                          : weight_index(plan, conv, &conv->tap[n], k, column + i);
                }
                add_row(b, &strip, number, k, index);
            }
        }
    }
    strip.size = (1 + (size_t)strip.depth) * PRNN_PANEL;
    return strip;
}

/* Bit b: the panel from `column` on has features of colour group b. */
static unsigned groups_of(prnn_features features, size_t column) {
    unsigned groups = 0;
    for (int i = (int)column; i < (int)column + PRNN_PANEL; i++) {
        if (prnn_features_number(features, i) >= 0) {
            groups |= 1u << prnn_features_group(features, i);
        }
    }
    return groups;
}

/* Joins a panel to the strip before it, if both read the same and are needed for the same colours. */
static bool join(const builder *b, prnn_strip *strip, const prnn_strip *panel) {
    const prnn_segment *segments = b->product->matrix.segments;
    size_t step = panel->column - strip->column - (strip->panels - 1) * strip->step;
    if (strip->panels == PRNN_STRIP || strip->segments != panel->segments || panel->column < strip->column ||
        (strip->panels > 1 && step != strip->step) ||
        groups_of(b->features, strip->column) != groups_of(b->features, panel->column) ||
        (panel->segments && memcmp(segments + strip->first_segment, segments + panel->first_segment,
                                   panel->segments * sizeof *segments) != 0)) {
        return false;
    }
    strip->step = step;
    strip->panels++;
    return true;
}

/* Panel p of those of a product, in the order in which they are packed: as they lie, but for gates, whose
 * four blocks take turns, so that a strip has the gates of the same hidden features. */
static int panel_column(prnn_features features, int p) {
    int width = prnn_features_width(features), blocks = features.blocks;
    if (blocks != PRNN_GATES || features.group_by_block) {
        return p * PRNN_PANEL;
    }
    return p % blocks * (width / blocks) + p / blocks * PRNN_PANEL;
}

static void build_strips(builder *b) {
    prnn_matrix *matrix = &b->product->matrix;
    int panels = (prnn_features_width(b->features) + PRNN_PANEL - 1) / PRNN_PANEL;
    matrix->strips = prnn_plan_alloc(b->plan, (size_t)panels, sizeof *matrix->strips);
    for (int p = 0; p < panels && b->plan->status == PRNN_OK; p++) {
        prnn_strip panel = build_panel(b, panel_column(b->features, p));
        if (matrix->strip_count && join(b, &matrix->strips[matrix->strip_count - 1], &panel)) {
            b->segments = (int)panel.first_segment; /* the strip has them already */
        } else if (b->plan->status == PRNN_OK) {
            matrix->strips[matrix->strip_count++] = panel;
        }
    }
}

/* The strips that hold a feature of a colour group, or (-1) all. */
static prnn_strip_list list_strips(builder *b, int group) {
    const prnn_matrix *matrix = &b->product->matrix;
    int *list = prnn_plan_alloc(b->plan, (size_t)matrix->strip_count, sizeof *list);
    int count = 0;
    for (int s = 0; s < matrix->strip_count && list; s++) {
        if (group < 0 || groups_of(b->features, matrix->strips[s].column) >> group & 1) {
            list[count++] = s;
        }
    }
    return (prnn_strip_list){list, count};
}

/* How many features of each tap somebody reads. */
static void count_features(prnn_matrix *matrix) {
    for (int s = 0; s < matrix->strip_count && matrix->features; s++) {
        for (uint32_t i = 0; i < matrix->strips[s].segments; i++) {
            const prnn_segment *segment = &matrix->segments[matrix->strips[s].first_segment + i];
            uint32_t end = segment->first + segment->count, *features = &matrix->features[segment->tap];
            *features = end > *features ? end : *features;
        }
    }
}

static prnn_product *build(prnn_plan *plan, int terms, const prnn_term *term, bool transposed) {
    prnn_product *product = prnn_plan_alloc(plan, 1, sizeof *product);
    if (!product) {
        return NULL;
    }
    builder b = {.plan = plan,
                 .product = product,
                 .packing = transposed ? &plan->backward : &plan->forward,
                 .terms = terms,
                 .term = term,
                 .features = transposed ? term[0].conv->in : term[0].conv->out};
    product->transposed = transposed;
    for (int t = 0; t < terms; t++) {
        product->taps += term[t].conv->taps;
    }
    product->tap = prnn_plan_alloc(plan, (size_t)product->taps, sizeof *product->tap);
    product->matrix.taps = product->taps;
    product->matrix.features = prnn_plan_alloc(plan, (size_t)product->taps, sizeof(uint32_t));
    build_strips(&b);
    count_features(&product->matrix);
    prnn_plan_list_product(plan, product);
    for (int group = -1; group < b.features.groups; group++) {
        product->strips[group + 1] = list_strips(&b, group);
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
    return product;
}

prnn_product *prnn_plan_product(prnn_plan *plan, int terms, const prnn_term *term) {
    return build(plan, terms, term, false);
}

prnn_product *prnn_plan_transposed(prnn_plan *plan, int terms, const prnn_term *term) {
    return plan->training ? build(plan, terms, term, true) : NULL;
}

/* What a kernel needs to know of a product on a region; `sources` are its taps. */
static prnn_factors factors_of(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                               prnn_source *sources) {
    for (int t = 0; t < product->taps; t++) {
        const prnn_product_tap *tap = &product->tap[t];
        sources[t].at = prnn_map_at(pass, tap->map, region.row + tap->row, region.first + tap->col);
        sources[t].stride = (size_t)tap->map->stride;
    }
    return (prnn_factors){.matrix = &product->matrix,
                          .packed = product->transposed ? pass->backward : pass->forward,
                          .taps = sources,
                          .rows = (size_t)region.rows * (size_t)region.count * (size_t)pass->images,
                          .strips = product->strips[region.group + 1],
                          .scratch = pass->scratch};
}

/* Where the first position of a region is in a map, or NULL without one. */
static float *place(const prnn_pass *pass, const prnn_map *map, prnn_region region) {
    return map ? prnn_map_at(pass, map, region.row, region.first) : NULL;
}

/* Whether rows of a map lie behind each other, without margins between them. */
static bool is_dense(const prnn_map *map, int row, int rows) {
    return !map || (map->left + map->right == 0 && (row + map->top) % map->rows + rows <= map->rows);
}

/* How many rows of a region the kernels may take as one: all, or one at a time. */
static int rows_at_once(const prnn_product *product, prnn_region region, const prnn_map *out,
                        const prnn_map *add) {
    bool dense = is_dense(out, region.row, region.rows) && is_dense(add, region.row, region.rows);
    for (int t = 0; t < product->taps && dense; t++) {
        dense = is_dense(product->tap[t].map, region.row + product->tap[t].row, region.rows);
    }
    return dense ? region.rows : 1;
}

void prnn_product_run(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                      const prnn_map *out, const prnn_map *add, bool relu) {
    prnn_source sources[PRNN_MOST_TAPS];
    int end = region.row + region.rows;
    region.rows = region.rows > 1 ? rows_at_once(product, region, out, add) : 1;
    for (; region.row < end; region.row += region.rows) {
        prnn_factors factors = factors_of(pass, product, region, sources);
        prnn_target target = {.out = place(pass, out, region),
                              .stride = (size_t)out->stride,
                              .add = place(pass, add, region),
                              .add_stride = add ? (size_t)add->stride : 0,
                              .relu = relu};
        pass->kernels->product(&factors, &target);
    }
}

void prnn_product_lstm(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                       const prnn_lstm *lstm) {
    prnn_source sources[PRNN_MOST_TAPS];
    prnn_factors factors = factors_of(pass, product, region, sources);
    prnn_cells cells = {.hidden = (size_t)lstm->cell->stride,
                        .add = place(pass, lstm->add, region),
                        .cell_before = prnn_map_at(pass, lstm->cell, region.row + lstm->before_row,
                                                   region.first + lstm->before_col),
                        .gates = place(pass, lstm->gates, region),
                        .cell = place(pass, lstm->cell, region),
                        .state = place(pass, lstm->state, region)};
    pass->kernels->product_lstm(&factors, &cells);
}

void prnn_product_lstm_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                                const prnn_lstm *lstm, const prnn_map *add, float *dcell,
                                const prnn_map *dgates) {
    prnn_source sources[PRNN_MOST_TAPS];
    prnn_factors factors = factors_of(pass, product, region, sources);
    prnn_cell_gradients cells = {.hidden = (size_t)lstm->cell->stride,
                                 .ahead = 2 * lstm->before_col * pass->images,
                                 .add = place(pass, add, region),
                                 .gates = place(pass, lstm->gates, region),
                                 .cell_before = prnn_map_at(pass, lstm->cell, region.row + lstm->before_row,
                                                            region.first + lstm->before_col),
                                 .cell = place(pass, lstm->cell, region),
                                 .dcell = dcell,
                                 .dgates = place(pass, dgates, region)};
    pass->kernels->product_lstm_gradient(&factors, &cells);
}

void prnn_product_gradient(const prnn_pass *pass, const prnn_product *product, prnn_region region,
                           const prnn_map *dout) {
    prnn_source sources[PRNN_MOST_TAPS];
    int end = region.row + region.rows;
    region.rows = region.rows > 1 ? rows_at_once(product, region, dout, NULL) : 1;
    for (; region.row < end; region.row += region.rows) {
        prnn_factors factors = factors_of(pass, product, region, sources);
        pass->kernels->product_gradient(&factors, place(pass, dout, region), (size_t)dout->stride,
                                        pass->gradient);
    }
}
