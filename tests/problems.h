/* Random products for the tests of kernels: structures with odd sizes, and factors with canaries around them.
 */
#ifndef TESTS_PROBLEMS_H
#define TESTS_PROBLEMS_H

#include "kernels.h"

/* ------------------------------------------------------------------------------- random products */

enum { MAX_STRIPS = 5, MAX_SEGMENTS = 4, MAX_TAPS = 3 };

/* Where the panels of strips are: side by side, those of a strip in a row (4, 3, 2, 1 of them in turn); or
 * spread, so that the strips take turns, as gates do; or spread with a panel that belongs to none. */
typedef enum layout { SIDE_BY_SIDE, IN_TURNS, WITH_GAPS, LAYOUTS } layout;

typedef struct problem_shape {
    size_t rows;
    int strips, panels; /* of the widest strip */
    layout layout;
    size_t depth; /* of the sources, at most; 0: no segments */
    bool whole;   /* one segment, all of tap 0, instead of random ones */
} problem_shape;

/* Strips with segments of odd beginnings and lengths over a few taps; some or all of them are listed. */
typedef struct problem {
    prnn_matrix matrix;
    prnn_factors factors;
    prnn_strip strips[MAX_STRIPS];
    prnn_segment segments[MAX_STRIPS * MAX_SEGMENTS];
    uint32_t features[MAX_TAPS];
    prnn_source taps[MAX_TAPS];
    int list[MAX_STRIPS];
    guarded sources[MAX_TAPS], packed, prepared, scratch;
    size_t rows, columns, depth;
} problem;

static UNUSED size_t random_rows(size_t i) {
    static const size_t more[] = {31, 64, 100, 131, 300};
    return i < 27 ? i + 1 : more[i - 27];
}
enum { RANDOM_ROWS = 27 + 5 };

/* Leaves of each float what a bf16 has of it. */
static void round_to_bf16(const prnn_kernels *kernels, size_t n, float *x) {
    for (size_t i = 0; i < n && kernels->prepare; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0xffff0000u;
        memcpy(&x[i], &bits, sizeof bits);
    }
}

static void add_segments(problem *p, prnn_strip *strip, const problem_shape *shape) {
    static const prnn_segment none = {0};
    prnn_segment *to = &p->segments[strip->first_segment];
    strip->segments = p->depth == 0 ? 0 : shape->whole ? 1 : (uint32_t)random_below(MAX_SEGMENTS + 1);
    for (uint32_t s = 0; s < strip->segments; s++) {
        to[s] = none;
        if (!shape->whole) {
            to[s].tap = (uint32_t)random_below(MAX_TAPS);
            to[s].first = (uint32_t)random_below(p->depth);
        }
        uint32_t left = (uint32_t)p->depth - to[s].first, *features = &p->features[to[s].tap];
        to[s].count = shape->whole ? left : 1 + (uint32_t)random_below(left);
        uint32_t end = to[s].first + to[s].count;
        *features = end > *features ? end : *features;
        strip->depth += to[s].count;
    }
}

/* Returns the packed floats of all. */
static size_t add_strips(problem *p, const problem_shape *shape) {
    size_t at = random_below(2) * PRNN_PANEL, panels = (size_t)shape->panels;
    size_t step = (size_t)(shape->strips + (shape->layout == WITH_GAPS)) * PRNN_PANEL;
    for (int i = 0; i < shape->strips; i++) {
        prnn_strip *strip = &p->strips[i];
        strip->first_segment = (uint32_t)i * MAX_SEGMENTS;
        if (shape->layout == SIDE_BY_SIDE) {
            strip->panels = (uint32_t)(panels - (size_t)i % panels);
            strip->column = p->columns;
            strip->step = PRNN_PANEL;
            p->columns += strip->panels * PRNN_PANEL;
        } else {
            strip->panels = (uint32_t)panels;
            strip->column = (size_t)i * PRNN_PANEL;
            strip->step = step;
            p->columns = panels * step;
        }
        add_segments(p, strip, shape);
        strip->size = (1 + (size_t)strip->depth) * PRNN_PANEL;
        strip->at = at;
        at += strip->panels * strip->size + random_below(2) * PRNN_PANEL;
        p->matrix.weights += (size_t)strip->panels * strip->depth;
    }
    return at;
}

/* Weights and, if there are any, biases; as they are, and prepared for the kernels. */
static void add_weights(problem *p, const prnn_kernels *kernels, size_t n) {
    p->packed = guarded_new(n, 1);
    for (int i = 0; i < p->matrix.strip_count; i++) {
        for (uint32_t v = 0; v < p->strips[i].panels; v++) {
            float *block = p->packed.at + p->strips[i].at + v * p->strips[i].size;
            round_to_bf16(kernels, p->strips[i].depth * PRNN_PANEL, block + PRNN_PANEL);
            for (size_t c = 0; c < PRNN_PANEL && !p->matrix.biased; c++) {
                block[c] = 0;
            }
        }
    }
    p->prepared = guarded_copy(&p->packed);
    if (kernels->prepare) {
        kernels->prepare(&p->matrix, p->prepared.at);
    }
}

static UNUSED problem *problem_new(const prnn_kernels *kernels, problem_shape shape, bool biased, bool all) {
    problem *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->rows = shape.rows;
    p->depth = shape.depth ? 1 + random_below(shape.depth) : 0;
    p->matrix = (prnn_matrix){.strips = p->strips,
                              .strip_count = shape.strips,
                              .segments = p->segments,
                              .biased = biased,
                              .taps = MAX_TAPS,
                              .features = p->features};
    add_weights(p, kernels, add_strips(p, &shape));
    for (int t = 0; t < MAX_TAPS; t++) {
        size_t stride = p->depth + random_below(2) * random_below(9);
        p->sources[t] = guarded_new((p->rows - 1) * stride + p->depth, 1);
        round_to_bf16(kernels, p->sources[t].n, p->sources[t].at);
        p->taps[t] = (prnn_source){p->sources[t].at, stride};
    }
    p->scratch = guarded_new(kernels->prepare ? prnn_scratch_floats(&p->matrix) : 0, 1);
    int count = 0;
    for (int i = 0; i < shape.strips; i++) {
        if (all || random_below(2)) {
            p->list[count++] = i;
        }
    }
    p->factors = (prnn_factors){.matrix = &p->matrix,
                                .packed = p->prepared.at,
                                .taps = p->taps,
                                .rows = p->rows,
                                .strips = {p->list, count},
                                .scratch = kernels->prepare ? p->scratch.at : NULL};
    return p;
}

static UNUSED void problem_free(problem *p) {
    guarded_free_all(p->sources, MAX_TAPS);
    guarded_free(&p->packed);
    guarded_free(&p->prepared);
    guarded_free(&p->scratch);
    free(p);
}

#endif
