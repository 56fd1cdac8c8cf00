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

/* A product in the making. */
typedef struct builder {
    prnn_plan *plan;
    prnn_product *product;
    prnn_packing *packing;
    int segments, segment_capacity;
} builder;

/* The features that are the columns of its panels, and those that are its rows, of one term. */
static prnn_features columns_of(const prnn_product *product) {
    const prnn_conv *first = &product->conv[0];
    return product->transposed ? first->in : first->out;
}

static prnn_features rows_of(const prnn_product *product, int term) {
    const prnn_conv *conv = &product->conv[term];
    return product->transposed ? conv->out : conv->in;
}

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

/* The columns of a panel: numbers of their features, -1 for padding, and their colour groups. */
typedef struct panel_columns {
    int number[PRNN_PANEL], group[PRNN_PANEL];
    int low, high; /* of the groups */
} panel_columns;

static panel_columns panel_at(prnn_features features, size_t column) {
    panel_columns p = {.low = features.groups, .high = -1};
    for (int i = 0; i < PRNN_PANEL; i++) {
        p.number[i] = prnn_features_number(features, (int)column + i);
        p.group[i] = prnn_features_group(features, (int)column + i);
        if (p.number[i] >= 0) {
            p.low = p.group[i] < p.low ? p.group[i] : p.low;
            p.high = p.group[i] > p.high ? p.group[i] : p.high;
        }
    }
    return p;
}

/* Whether a tap lets an input of group a through to an output of group b. */
static bool is_open(const prnn_conv *conv, const prnn_conv_tap *tap, int a, int b) {
    bool masked = tap->centre && conv->mask != PRNN_MASK_NONE;
    return !masked || (conv->mask == PRNN_MASK_A ? a < b : a <= b);
}

/* The first feature of a block that is not of a group before `group`. */
static int begin_of_group(prnn_features f, int group) {
    int first = (group * f.size + f.groups - 1) / f.groups;
    return group <= 0 ? 0 : first < f.size ? first : f.size;
}

/* The features of a block of a tap that some column of a panel is open to: a run, as groups ascend. */
static prnn_segment open_run(const prnn_product *product, int term, const prnn_conv_tap *tap,
                             const panel_columns *p, int block) {
    const prnn_conv *conv = &product->conv[term];
    prnn_features rows = rows_of(product, term);
    int first = 0, end = rows.size, column = block * rows.stride;
    if (tap->centre && conv->mask != PRNN_MASK_NONE && rows.group_by_block) {
        int group = prnn_features_group(rows, column);
        bool open =
            product->transposed ? is_open(conv, tap, p->low, group) : is_open(conv, tap, group, p->high);
        end = open ? end : 0;
    } else if (tap->centre && conv->mask != PRNN_MASK_NONE && product->transposed) {
        first = begin_of_group(rows, p->low + (conv->mask == PRNN_MASK_A));
    } else if (tap->centre && conv->mask != PRNN_MASK_NONE) {
        end = begin_of_group(rows, p->high + (conv->mask == PRNN_MASK_B));
    }
    return (prnn_segment){.first = (uint32_t)(column + first), .count = (uint32_t)(end - first)};
}

/* A run of features of tap `tap` is packed. */
static void add_run(builder *b, prnn_strip *strip, int tap, prnn_segment run) {
    prnn_matrix *matrix = &b->product->matrix;
    prnn_segment *last = strip->segments ? &matrix->segments[b->segments - 1] : NULL;
    if (run.count == 0) {
        return;
    }
    if (last && last->tap == (uint32_t)tap && last->first + last->count == run.first) {
        last->count += run.count;
    } else if (grow_segments(b)) {
        run.tap = (uint32_t)tap;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): grown */
        matrix->segments[b->segments++] = run;
        strip->segments++;
    }
    strip->depth += run.count;
    matrix->weights += run.count;
}

/* The columns from `column` on, as a strip of one panel. */
static prnn_strip build_panel(builder *b, int column) {
    const prnn_product *product = b->product;
    panel_columns p = panel_at(columns_of(product), (size_t)column);
    prnn_strip strip = {
        .first_segment = (uint32_t)b->segments, .panels = 1, .column = (size_t)column, .step = PRNN_PANEL};
    int number = 0;
    for (int t = 0; t < product->terms; t++) {
        const prnn_conv *conv = &product->conv[t];
        b->product->matrix.biased |= !product->transposed && conv->bias >= 0;
        for (int n = 0; n < conv->taps; n++, number++) {
            for (int block = 0; block < rows_of(product, t).blocks && p.high >= 0; block++) {
                add_run(b, &strip, number, open_run(product, t, &conv->tap[n], &p, block));
            }
        }
    }
    strip.size = (1 + (size_t)strip.depth) * PRNN_PANEL;
    strip.at = prnn_packing_reserve(b->packing, strip.size);
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
    prnn_features features = columns_of(b->product);
    size_t step = panel->column - strip->column - (strip->panels - 1) * strip->step;
    if (strip->panels == PRNN_STRIP || strip->segments != panel->segments || panel->column < strip->column ||
        (strip->panels > 1 && step != strip->step) ||
        groups_of(features, strip->column) != groups_of(features, panel->column) ||
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
    prnn_features features = columns_of(b->product);
    int panels = (prnn_features_width(features) + PRNN_PANEL - 1) / PRNN_PANEL;
    matrix->strips = prnn_plan_alloc(b->plan, (size_t)panels, sizeof *matrix->strips);
    for (int p = 0; p < panels && b->plan->status == PRNN_OK; p++) {
        prnn_strip panel = build_panel(b, panel_column(features, p));
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
        if (group < 0 || groups_of(columns_of(b->product), matrix->strips[s].column) >> group & 1) {
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

/* Its terms, which outlive the caller's, and their taps. */
static void copy_terms(builder *b, int terms, const prnn_term *term) {
    prnn_product *product = b->product;
    product->terms = terms;
    product->conv = prnn_plan_alloc(b->plan, (size_t)terms, sizeof *product->conv);
    for (int t = 0; t < terms; t++) {
        product->taps += term[t].conv->taps;
    }
    product->tap = prnn_plan_alloc(b->plan, (size_t)product->taps, sizeof *product->tap);
    int number = 0, sign = product->transposed ? -1 : 1;
    for (int t = 0; t < terms && b->plan->status == PRNN_OK; t++) {
        product->conv[t] = *term[t].conv;
        for (int n = 0; n < term[t].conv->taps; n++, number++) {
            const prnn_conv_tap *tap = &term[t].conv->tap[n];
            product->tap[number] = (prnn_product_tap){term[t].map, sign * tap->row, sign * tap->col};
        }
    }
}

static prnn_product *build(prnn_plan *plan, int terms, const prnn_term *term, bool transposed) {
    prnn_product *product = prnn_plan_alloc(plan, 1, sizeof *product);
    if (!product) {
        return NULL;
    }
    builder b = {.plan = plan, .product = product, .packing = transposed ? &plan->backward : &plan->forward};
    product->transposed = transposed;
    copy_terms(&b, terms, term);
    product->matrix.taps = product->taps;
    product->matrix.features = prnn_plan_alloc(plan, (size_t)product->taps, sizeof(uint32_t));
    if (plan->status != PRNN_OK) {
        return NULL;
    }
    build_strips(&b);
    count_features(&product->matrix);
    prnn_plan_list_product(plan, product);
    int groups = columns_of(product).groups;
    for (int group = -1; group < groups; group++) {
        product->strips[group + 1] = list_strips(&b, group);
    }
    return plan->status == PRNN_OK ? product : NULL;
}

prnn_product *prnn_plan_product(prnn_plan *plan, int terms, const prnn_term *term) {
    return build(plan, terms, term, false);
}

prnn_product *prnn_plan_transposed(prnn_plan *plan, int terms, const prnn_term *term) {
    return plan->training ? build(plan, terms, term, true) : NULL;
}

/* --------------------------------------------------------------------- which parameter is where */

static int32_t weight_index(const prnn_plan *plan, const prnn_conv *conv, const prnn_conv_tap *tap, int in,
                            int out) {
    size_t inputs = (size_t)conv->in.blocks * (size_t)conv->in.size;
    size_t outputs = (size_t)conv->out.blocks * (size_t)conv->out.size;
    size_t pair = conv->in_first ? (size_t)in * outputs + (size_t)out : (size_t)out * inputs + (size_t)in;
    size_t element = pair * (size_t)conv->kernel_size + (size_t)tap->kernel;
    return (int32_t)(plan->parameters[conv->weight].offset + element);
}

/* Of feature k of a tap, for the columns of a panel. */
static void row_indices(const prnn_plan *plan, const prnn_product *product, int term,
                        const prnn_conv_tap *tap, const panel_columns *p, int k, int32_t *index) {
    const prnn_conv *conv = &product->conv[term];
    prnn_features rows = rows_of(product, term);
    int number = prnn_features_number(rows, k), group = prnn_features_group(rows, k);
    for (int i = 0; i < PRNN_PANEL; i++) {
        bool open = product->transposed ? is_open(conv, tap, p->group[i], group)
                                        : is_open(conv, tap, group, p->group[i]);
        index[i] = p->number[i] < 0 || !open ? -1
                   : product->transposed     ? weight_index(plan, conv, tap, p->number[i], number)
                                             : weight_index(plan, conv, tap, number, p->number[i]);
    }
}

static void bias_indices(const prnn_plan *plan, const prnn_product *product, const panel_columns *p,
                         int32_t *index) {
    int bias = -1;
    for (int t = 0; t < product->terms && bias < 0 && !product->transposed; t++) {
        bias = product->conv[t].bias;
    }
    for (int i = 0; i < PRNN_PANEL; i++) {
        bool there = bias >= 0 && p->number[i] >= 0;
        index[i] = there ? (int32_t)plan->parameters[bias].offset + p->number[i] : -1;
    }
}

/* One panel of a strip, which is packed from `at` on. */
static void panel_indices(const prnn_plan *plan, const prnn_product *product, const prnn_strip *strip,
                          size_t column, size_t at, const prnn_packed_visitor *visitor) {
    panel_columns p = panel_at(columns_of(product), column);
    int32_t index[PRNN_PANEL];
    bias_indices(plan, product, &p, index);
    visitor->visit(visitor->user, at, index, PRNN_PANEL);
    int term = 0, before = 0; /* taps of the terms before */
    for (uint32_t i = 0; i < strip->segments; i++) {
        const prnn_segment *segment = &product->matrix.segments[strip->first_segment + i];
        for (; (int)segment->tap >= before + product->conv[term].taps; term++) {
            before += product->conv[term].taps;
        }
        const prnn_conv_tap *tap = &product->conv[term].tap[(int)segment->tap - before];
        for (uint32_t k = segment->first; k < segment->first + segment->count; k++) {
            row_indices(plan, product, term, tap, &p, (int)k, index);
            visitor->visit(visitor->user, at += PRNN_PANEL, index, PRNN_PANEL);
        }
    }
}

void prnn_product_visit(const prnn_plan *plan, const prnn_product *product,
                        const prnn_packed_visitor *visitor) {
    for (int s = 0; s < product->matrix.strip_count; s++) {
        const prnn_strip *strip = &product->matrix.strips[s];
        for (size_t panel = 0; panel < strip->panels; panel++) {
            panel_indices(plan, product, strip, strip->column + panel * strip->step,
                          strip->at + panel * strip->size, visitor);
        }
    }
}

/* ----------------------------------------------------------------------------------------- run */

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
