#include "layers/product.h"

#include <string.h>

/* The features that are the columns of a product's panels, and those that are its rows, of one term. */
static prnn_features columns_of(const prnn_product *product) {
    const prnn_conv *first = &product->conv[0];
    return product->transposed ? first->in : first->out;
}

static prnn_features rows_of(const prnn_product *product, int term) {
    const prnn_conv *conv = &product->conv[term];
    return product->transposed ? conv->out : conv->in;
}

/* The columns of a panel: numbers of their features, -1 for padding, and their colour groups. */
typedef struct panel_columns {
    int number[PRNN_PANEL], group[PRNN_PANEL];
    int low, high;   /* of the groups; high -1: all is padding */
    unsigned groups; /* bit b: there is a feature of colour group b */
} panel_columns;

static panel_columns panel_at(prnn_features features, size_t column) {
    panel_columns p = {.low = features.groups, .high = -1};
    for (int i = 0; i < PRNN_PANEL; i++) {
        p.number[i] = prnn_features_number(features, (int)column + i);
        p.group[i] = prnn_features_group(features, (int)column + i);
        if (p.number[i] >= 0) {
            p.low = p.group[i] < p.low ? p.group[i] : p.low;
            p.high = p.group[i] > p.high ? p.group[i] : p.high;
            p.groups |= 1u << p.group[i];
        }
    }
    return p;
}

/* ------------------------------------------------------------------------- what a panel reads */

/* A product in the making. */
typedef struct builder {
    prnn_plan *plan;
    prnn_product *product;
    prnn_packing *packing;
    int segments, segment_capacity; /* of all strips so far, and room for the present panel's after them */
    int runs;                       /* of the present panel: the segments after those */
} builder;

/* The first feature of a block that is not of a group before `group`. */
static int begin_of_group(prnn_features f, int group) {
    int first = (group * f.size + f.groups - 1) / f.groups;
    return group <= 0 ? 0 : first < f.size ? first : f.size;
}

/* The features of a block of a tap that some column of a panel reads: a run, as groups ascend. */
static prnn_segment unmasked_run(const prnn_product *product, int term, const prnn_conv_tap *tap,
                                 const panel_columns *p, int block) {
    const prnn_conv *conv = &product->conv[term];
    prnn_features rows = rows_of(product, term);
    int first = 0, end = rows.size, column = block * rows.stride;
    bool masked = tap->centre && conv->mask != PRNN_MASK_NONE;
    if (masked && rows.group_by_block) {
        int group = prnn_features_group(rows, column);
        bool read = product->transposed ? prnn_conv_lets(conv, tap, p->low, group)
                                        : prnn_conv_lets(conv, tap, group, p->high);
        end = read ? end : 0;
    } else if (masked && product->transposed) {
        first = begin_of_group(rows, p->low + (conv->mask == PRNN_MASK_A));
    } else if (masked) {
        end = begin_of_group(rows, p->high + (conv->mask == PRNN_MASK_B));
    }
    return (prnn_segment){.first = (uint32_t)(column + first), .count = (uint32_t)(end - first)};
}

/* Room for one more segment. */
static bool grow_segments(builder *b) {
    prnn_matrix *matrix = &b->product->matrix;
    int used = b->segments + b->runs;
    if (used < b->segment_capacity) {
        return true;
    }
    int capacity = b->segment_capacity ? 2 * b->segment_capacity : 32;
    prnn_segment *grown = prnn_plan_alloc(b->plan, (size_t)capacity, sizeof *grown);
    if (!grown) {
        return false;
    }
    if (used) {
        memcpy(grown, matrix->segments, (size_t)used * sizeof *grown);
    }
    matrix->segments = grown;
    b->segment_capacity = capacity;
    return true;
}

/* One more run of the present panel; one that goes on where the last one ended makes that longer. */
static void add_run(builder *b, prnn_segment run) {
    prnn_matrix *matrix = &b->product->matrix;
    prnn_segment *last = b->runs ? &matrix->segments[b->segments + b->runs - 1] : NULL;
    if (run.count == 0) {
        return;
    }
    if (last && last->tap == run.tap && last->first + last->count == run.first) {
        last->count += run.count;
    } else if (grow_segments(b)) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): grown */
        matrix->segments[b->segments + b->runs++] = run;
    }
}

/* Lists what the panel reads, tap by tap. */
static void list_runs(builder *b, const panel_columns *p) {
    const prnn_product *product = b->product;
    uint32_t number = 0; /* of the tap, among those of all terms */
    b->runs = 0;
    for (int t = 0; t < product->terms && p->high >= 0; t++) {
        for (int n = 0; n < product->conv[t].taps; n++, number++) {
            for (int block = 0; block < rows_of(product, t).blocks; block++) {
                prnn_segment run = unmasked_run(product, t, &product->conv[t].tap[n], p, block);
                run.tap = number;
                add_run(b, run);
            }
        }
    }
}

/* --------------------------------------------------------------------------- panels to strips */

/* Panel p of those of a product, in the order in which they are packed: as they lie, but for gates, whose
 * four blocks take turns, so that a strip has the gates of the same hidden features. */
static size_t panel_column(prnn_features features, size_t p) {
    size_t width = (size_t)prnn_features_width(features), blocks = (size_t)features.blocks;
    if (blocks != PRNN_GATES || features.group_by_block) {
        return p * PRNN_PANEL;
    }
    return p % blocks * (width / blocks) + p / blocks * PRNN_PANEL;
}

/* Whether the present panel belongs to the last strip: it reads the same, is needed for the same colours, and
 * lies as far from the panel before as that from the one before it. */
static bool belongs(const builder *b, const panel_columns *p, size_t column) {
    const prnn_matrix *matrix = &b->product->matrix;
    if (matrix->strip_count == 0) {
        return false;
    }
    const prnn_strip *strip = &matrix->strips[matrix->strip_count - 1];
    size_t last = strip->column + (strip->panels - 1) * strip->step;
    size_t runs = (size_t)b->runs * sizeof *matrix->segments;
    return strip->panels < PRNN_STRIP && column > last &&
           (strip->panels == 1 || column - last == strip->step) &&
           panel_at(columns_of(b->product), strip->column).groups == p->groups &&
           strip->segments == (uint32_t)b->runs &&
           (runs == 0 ||
            memcmp(matrix->segments + strip->first_segment, matrix->segments + b->segments, runs) == 0);
}

/* Its segments are the present panel's. */
static void begin_strip(builder *b, size_t column) {
    prnn_matrix *matrix = &b->product->matrix;
    prnn_strip *strip = &matrix->strips[matrix->strip_count++];
    *strip = (prnn_strip){.first_segment = (uint32_t)b->segments,
                          .segments = (uint32_t)b->runs,
                          .panels = 1,
                          .column = column,
                          .step = PRNN_PANEL};
    for (int i = 0; i < b->runs; i++) {
        strip->depth += matrix->segments[b->segments + i].count;
    }
    strip->size = (1 + (size_t)strip->depth) * PRNN_PANEL;
    strip->at = b->packing->count;
    b->segments += b->runs;
}

static void build_strips(builder *b) {
    prnn_matrix *matrix = &b->product->matrix;
    prnn_features features = columns_of(b->product);
    size_t panels = ((size_t)prnn_features_width(features) + PRNN_PANEL - 1) / PRNN_PANEL;
    matrix->strips = prnn_plan_alloc(b->plan, panels, sizeof *matrix->strips);
    for (size_t i = 0; i < panels && b->plan->status == PRNN_OK; i++) {
        size_t column = panel_column(features, i);
        panel_columns p = panel_at(features, column);
        list_runs(b, &p);
        if (belongs(b, &p, column)) {
            prnn_strip *strip = &matrix->strips[matrix->strip_count - 1];
            strip->step = (column - strip->column) / strip->panels;
            strip->panels++;
        } else {
            begin_strip(b, column);
        }
        const prnn_strip *strip = &matrix->strips[matrix->strip_count - 1];
        prnn_packing_reserve(b->packing, strip->size);
        matrix->weights += strip->depth;
    }
}

/* The strips that hold a feature of a colour group, or (-1) all. */
static prnn_strip_list list_strips(builder *b, int group) {
    const prnn_matrix *matrix = &b->product->matrix;
    int *list = prnn_plan_alloc(b->plan, (size_t)matrix->strip_count, sizeof *list);
    int count = 0;
    for (int s = 0; s < matrix->strip_count && list; s++) {
        panel_columns p = panel_at(columns_of(b->product), matrix->strips[s].column);
        if (group < 0 || p.groups >> group & 1) {
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
        product->matrix.biased |= !product->transposed && term[t].conv->bias >= 0;
    }
    product->matrix.taps = product->taps;
    product->tap = prnn_plan_alloc(b->plan, (size_t)product->taps, sizeof *product->tap);
    product->matrix.features = prnn_plan_alloc(b->plan, (size_t)product->taps, sizeof(uint32_t));
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
    if (plan->status != PRNN_OK) {
        return NULL;
    }
    build_strips(&b);
    count_features(&product->matrix);
    prnn_plan_list_product(plan, product);
    for (int group = -1; group < columns_of(product).groups; group++) {
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

/* Of feature k of a tap, for the columns of a panel. */
static void row_indices(const prnn_plan *plan, const prnn_product *product, int term,
                        const prnn_conv_tap *tap, const panel_columns *p, int k, int32_t *index) {
    const prnn_conv *conv = &product->conv[term];
    prnn_features rows = rows_of(product, term);
    int number = prnn_features_number(rows, k), group = prnn_features_group(rows, k);
    for (int i = 0; i < PRNN_PANEL; i++) {
        bool unmasked = product->transposed ? prnn_conv_lets(conv, tap, p->group[i], group)
                                            : prnn_conv_lets(conv, tap, group, p->group[i]);
        index[i] = p->number[i] < 0 || !unmasked ? -1
                   : product->transposed         ? prnn_conv_weight(plan, conv, tap, p->number[i], number)
                                                 : prnn_conv_weight(plan, conv, tap, number, p->number[i]);
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
