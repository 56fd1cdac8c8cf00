/* Gradients of matrices made orthogonal, on the CPU: a matrix is a piece of work. */

#include "device/cpu.h"

#include "base/parallel.h"

#include <float.h>
#include <math.h>

typedef struct polars {
    const prnn_kernels *kernels;
    const prnn_polar_list *all;
    float keep, scale;
    float *mean, *gradient, *scratch;
} polars;

/* A matrix at work: R x C, padded to r x c. */
typedef struct matrix {
    const prnn_polar *p;
    const uint32_t *open;
    size_t R, C, r, c;
    float *x, *y, *a, *b;
} matrix;

static matrix matrix_of(const polars *all, size_t index) {
    const prnn_polar *p = &all->all->list[index];
    matrix m = {.p = p, .open = all->all->columns + p->open, .R = p->rows, .C = p->columns};
    m.r = prnn_polar_padded(p->rows);
    m.c = prnn_polar_padded(p->columns);
    m.x = all->scratch + p->at;
    m.y = m.x + m.r * m.c;
    m.a = m.y + m.r * m.c;
    m.b = m.a + m.r * m.r;
    return m;
}

/* Which parameter number (row, column) is. */
static size_t parameter_of(const matrix *m, size_t row, size_t column) {
    const prnn_polar *p = m->p;
    return p->first + (p->turned ? column * p->width + m->open[row] : row * p->width + m->open[column]);
}

static void begin(const polars *all, const matrix *m) {
    float keep = all->keep, rest = 1 - keep;
    for (size_t row = 0; row < m->R; row++) {
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

/* y = x' */
static void transpose(const matrix *m) {
    for (size_t column = 0; column < m->C; column++) {
        float *y = m->y + column * m->r;
        for (size_t row = 0; row < m->r; row++) {
            y[row] = row < m->R ? m->x[row * m->c + column] : 0;
        }
    }
}

/* a = x x'; y is overwritten. */
static void square(const polars *all, const matrix *m) {
    transpose(m);
    all->kernels->dense(&(prnn_dense){.rows = m->R,
                                      .columns = m->r,
                                      .depth = m->C,
                                      .left = m->x,
                                      .left_stride = m->c,
                                      .right = m->y,
                                      .right_stride = m->r,
                                      .out = m->a,
                                      .out_stride = m->r});
}

/* So that the sum of the squares of x is 1: then no singular value is larger. */
static void normalise(const matrix *m) {
    float sum = 0;
    for (size_t i = 0; i < m->R; i++) {
        sum += m->a[i * m->r + i];
    }
    float s = sum > 0 && sum <= FLT_MAX ? 1 / sqrtf(sum) : 0;
    for (size_t i = 0; i < m->R * m->c; i++) {
        m->x[i] = s > 0 ? m->x[i] * s : 0;
    }
    for (size_t i = 0; i < m->R * m->r; i++) {
        m->a[i] = s > 0 ? m->a[i] * s * s : 0;
    }
}

/* b = q a + r a a, which a, being symmetric, is its own transpose for; then y = p x + b x, and it is x. */
static void step(const polars *all, matrix *m) {
    all->kernels->dense(&(prnn_dense){.rows = m->R,
                                      .columns = m->r,
                                      .depth = m->R,
                                      .left = m->a,
                                      .left_stride = m->r,
                                      .right = m->a,
                                      .right_stride = m->r,
                                      .add = m->a,
                                      .add_stride = m->r,
                                      .a = PRNN_POLAR_Q,
                                      .b = PRNN_POLAR_R,
                                      .out = m->b,
                                      .out_stride = m->r});
    all->kernels->dense(&(prnn_dense){.rows = m->R,
                                      .columns = m->c,
                                      .depth = m->R,
                                      .left = m->b,
                                      .left_stride = m->r,
                                      .right = m->x,
                                      .right_stride = m->c,
                                      .add = m->x,
                                      .add_stride = m->c,
                                      .a = PRNN_POLAR_P,
                                      .b = 1,
                                      .out = m->y,
                                      .out_stride = m->c});
    float *x = m->x;
    m->x = m->y;
    m->y = x;
}

static void end(const polars *all, const matrix *m) {
    for (size_t row = 0; row < m->R; row++) {
        for (size_t column = 0; column < m->C; column++) {
            size_t i = parameter_of(m, row, column);
            all->gradient[i] = all->mean[i] != 0 ? m->p->factor * m->x[row * m->c + column] : 0;
        }
    }
}

static void orthogonalise(void *arg, size_t index, void *own) {
    (void)own;
    const polars *all = arg;
    matrix m = matrix_of(all, index);
    begin(all, &m);
    for (int i = 0; i < PRNN_POLAR_STEPS; i++) {
        square(all, &m);
        if (i == 0) {
            normalise(&m);
        }
        step(all, &m);
    }
    end(all, &m);
}

void prnn_cpu_polar(prnn_context *ctx, const prnn_polar_list *list, float keep, float scale, prnn_block mean,
                    prnn_block gradient) {
    polars all = {.kernels = prnn_kernels_of(ctx),
                  .all = list,
                  .keep = keep,
                  .scale = scale,
                  .mean = prnn_cpu_floats(mean),
                  .gradient = prnn_cpu_floats(gradient),
                  .scratch = prnn_cpu_floats(list->scratch)};
    prnn_parallel_for(ctx, list->count, orthogonalise, &all);
}
