/* Gradients of matrices made orthogonal, on the CPU: some rows of a matrix are a piece of work. */

#include "device/cpu.h"

#include "base/parallel.h"

#include <math.h>

/* Rows of a piece: some tiles of a product. */
enum { ROWS = 48 };

/* A matrix at work: R x C, padded to r x c; and rows from .. to - 1 of it. */
typedef struct matrix {
    const prnn_polar *p;
    const uint32_t *columns;
    size_t R, C, r, c;
    float *x, *y, *a, *b;
    size_t from, to;
} matrix;

typedef struct polars {
    const prnn_kernels *kernels;
    const prnn_polar_list *all;
    float keep, scale;
    float *mean, *gradient, *scratch;
    bool turned; /* x and y are where the other was */
    void (*phase)(const struct polars *all, const matrix *m);
} polars;

static matrix matrix_of(const polars *all, const prnn_polar *p) {
    matrix m = {.p = p, .columns = all->all->columns + p->first_column, .R = p->rows, .C = p->columns};
    m.r = prnn_polar_padded(p->rows);
    m.c = prnn_polar_padded(p->columns);
    float *begin = all->scratch + (size_t)p->at * PRNN_POLAR_UNIT;
    m.x = begin + (all->turned ? m.r * m.c : 0);
    m.y = begin + (all->turned ? 0 : m.r * m.c);
    m.a = begin + 2 * m.r * m.c;
    m.b = m.a + m.r * m.r;
    return m;
}

static size_t pieces_of(const prnn_polar *p) {
    return (p->rows + ROWS - 1) / ROWS;
}

static void do_piece(void *arg, size_t index, void *own) {
    (void)own;
    const polars *all = arg;
    const prnn_polar *p = all->all->list;
    while (index >= pieces_of(p)) {
        index -= pieces_of(p++);
    }
    matrix m = matrix_of(all, p);
    m.from = index * ROWS;
    m.to = m.R - m.from < ROWS ? m.R : m.from + ROWS;
    all->phase(all, &m);
}

/* Which parameter number (row, column) is. */
static size_t parameter_of(const matrix *m, size_t row, size_t column) {
    const prnn_polar *p = m->p;
    return p->first + (p->turned ? column * p->width + m->columns[row] : row * p->width + m->columns[column]);
}

static void begin(const polars *all, const matrix *m) {
    float keep = all->keep, rest = 1 - keep;
    for (size_t row = m->from; row < m->to; row++) {
        float *x = m->x + row * m->c;
        for (size_t column = 0; column < m->C; column++) {
            size_t i = parameter_of(m, row, column);
            float g = rest * (all->gradient[i] * all->scale);
            float mean = keep * all->mean[i] + g;
            all->mean[i] = mean;
            x[column] = keep * mean + g;
        }
        for (size_t column = m->C; column < m->c; column++) {
            x[column] = 0;
        }
    }
}

/* to = from' */
static void turn(const float *from, size_t from_stride, size_t rows, size_t columns, float *to,
                 size_t to_stride) {
    for (size_t column = 0; column < columns; column++) {
        for (size_t row = 0; row < rows; row++) {
            to[column * to_stride + row] = from[row * from_stride + column];
        }
    }
}

/* Rows of x are columns of y, which then is x'; the last piece does the padding too. */
static void transpose(const polars *all, const matrix *m) {
    (void)all;
    turn(m->x + m->from * m->c, m->c, m->to - m->from, m->C, m->y + m->from, m->r);
    for (size_t column = 0; column < m->C && m->to == m->R; column++) {
        for (size_t row = m->R; row < m->r; row++) {
            m->y[column * m->r + row] = 0;
        }
    }
}

/* Of a symmetric R x R matrix, whose rows have what is on and behind the diagonal's piece: the same below it,
 * in the rows of other pieces, which leave it alone. */
static void mirror(const matrix *m, float *out) {
    turn(out + m->from * m->r + m->to, m->r, m->to - m->from, m->R - m->to, out + m->to * m->r + m->from,
         m->r);
}

/* a = x x', a number and that across the diagonal from the same products in the same order */
static void square(const polars *all, const matrix *m) {
    all->kernels->dense(&(prnn_dense){.rows = m->to - m->from,
                                      .columns = m->r - m->from,
                                      .depth = m->C,
                                      .left = m->x + m->from * m->c,
                                      .left_stride = m->c,
                                      .right = m->y + m->from,
                                      .right_stride = m->r,
                                      .out = m->a + m->from * m->r + m->from,
                                      .out_stride = m->r});
    mirror(m, m->a);
}

/* To the first number of b, which nobody needs yet: what makes the sum of the squares of x, which is that of
 * the diagonal of a, 1. Then no singular value is larger. */
static void measure(const polars *all, const matrix *m) {
    (void)all;
    float sum = 0;
    for (size_t i = 0; i < m->R && m->from == 0; i++) {
        sum += m->a[i * m->r + i];
    }
    if (m->from == 0) {
        m->b[0] = 1 / (sqrtf(sum) + PRNN_POLAR_EPSILON);
    }
}

/* Squares of large numbers have no sum: s is 0. */
static void normalise(const polars *all, const matrix *m) {
    (void)all;
    float s = m->b[0];
    for (size_t i = m->from * m->c; i < m->to * m->c; i++) {
        m->x[i] = s > 0 ? m->x[i] * s : 0;
    }
    for (size_t i = m->from * m->r; i < m->to * m->r; i++) {
        m->a[i] = s > 0 ? m->a[i] * s * s : 0;
    }
}

/* out = before * right + now * left * right, of the columns `first` .. width - 1. */
static void add_product(const polars *all, const matrix *m, const float *left, const float *right,
                        size_t first, size_t width, float before, float now, float *out) {
    all->kernels->dense(&(prnn_dense){.rows = m->to - m->from,
                                      .columns = width - first,
                                      .depth = m->R,
                                      .left = left + m->from * m->r,
                                      .left_stride = m->r,
                                      .right = right + first,
                                      .right_stride = width,
                                      .add = right + m->from * width + first,
                                      .add_stride = width,
                                      .a = before,
                                      .b = now,
                                      .out = out + m->from * width + first,
                                      .out_stride = width});
}

/* b = q a + r a a, as symmetric as a */
static void polynomial(const polars *all, const matrix *m) {
    add_product(all, m, m->a, m->a, m->from, m->r, PRNN_POLAR_Q, PRNN_POLAR_R, m->b);
    mirror(m, m->b);
}

/* y = p x + b x */
static void apply(const polars *all, const matrix *m) {
    add_product(all, m, m->b, m->x, 0, m->c, PRNN_POLAR_P, 1, m->y);
}

static void end(const polars *all, const matrix *m) {
    for (size_t row = m->from; row < m->to; row++) {
        for (size_t column = 0; column < m->C; column++) {
            size_t i = parameter_of(m, row, column);
            all->gradient[i] = all->mean[i] != 0 ? m->p->factor * m->x[row * m->c + column] : 0;
        }
    }
}

void prnn_cpu_polar(prnn_context *ctx, const prnn_polar_list *list, float keep, float scale, prnn_block mean,
                    prnn_block gradient) {
    static void (*const steps[])(const polars *, const matrix *) = {transpose, square,     measure,
                                                                    normalise, polynomial, apply};
    enum { COUNT = sizeof steps / sizeof *steps };
    polars all = {.kernels = prnn_kernels_of(ctx),
                  .all = list,
                  .keep = keep,
                  .scale = scale,
                  .mean = prnn_cpu_floats(mean),
                  .gradient = prnn_cpu_floats(gradient),
                  .scratch = prnn_cpu_floats(list->scratch),
                  .phase = begin};
    size_t pieces = 0;
    for (size_t i = 0; i < list->count; i++) {
        pieces += pieces_of(&list->list[i]);
    }
    prnn_parallel_for(ctx, pieces, do_piece, &all);
    for (int step = 0; step < PRNN_POLAR_STEPS; step++) {
        for (int i = 0; i < COUNT; i++) {
            all.phase = steps[i];
            if (step == 0 || (steps[i] != measure && steps[i] != normalise)) {
                prnn_parallel_for(ctx, pieces, do_piece, &all);
            }
        }
        all.turned = !all.turned;
    }
    all.phase = end;
    prnn_parallel_for(ctx, pieces, do_piece, &all);
}
