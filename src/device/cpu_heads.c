/* Levels, likelihoods and draws on the CPU. Pictures are images one after the other; a row of a map has a
 * pixel of all images, then the next pixel. */

#include "device/cpu.h"

#include <string.h>

/* Pixel (row, col) of image i. */
static const uint8_t *picture_at(const prnn_pictures *p, int i, int row, int col) {
    size_t pixel = ((size_t)i * (size_t)p->height + (size_t)row) * (size_t)p->width + (size_t)col;
    return p->levels + pixel * (size_t)p->channels;
}

void prnn_cpu_load(const prnn_pass *pass, const prnn_map *map, const float *scaled, prnn_region rows,
                   int step) {
    for (int row = rows.row; row < rows.row + rows.rows; row++) {
        for (int col = 0; col < map->width; col++) {
            float *to = prnn_map_at(pass, map, row, col);
            for (int i = 0; i < pass->images; i++, to += map->stride) {
                const uint8_t *from = picture_at(&pass->pictures, i, row * step, col * step);
                for (int c = 0; c < pass->pictures.channels; c++) {
                    to[c] = scaled[from[c]];
                }
            }
        }
    }
}

void prnn_cpu_put(const prnn_pass *pass, const prnn_map *map, const float *scaled, int row, int col,
                  int channel, const uint8_t *levels, size_t distance) {
    float *to = prnn_map_at(pass, map, row, col) + channel;
    for (size_t i = 0; i < (size_t)pass->images; i++, to += map->stride) {
        *to = scaled[levels[i * distance]];
    }
}

/* The levels of a row in the order of a map: (W, n, C). */
static void gather_row(const prnn_pass *pass, int row) {
    const prnn_pictures *p = &pass->pictures;
    uint8_t *to = prnn_cpu_of(pass)->levels;
    for (int col = 0; col < p->width; col++) {
        for (int i = 0; i < pass->images; i++, to += p->channels) {
            memcpy(to, picture_at(p, i, row, col), (size_t)p->channels);
        }
    }
}

/* Turns the gradient by the logits of a row, which is towards the levels, into that towards soft targets. */
static void soften(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits, int row,
                   float scale) {
    const prnn_pictures *p = &pass->pictures;
    int blocks = head->features.blocks, size = head->features.size;
    float *to = prnn_map_at(pass, logits, row, 0);
    for (int col = 0; col < p->width; col++) {
        for (int i = 0; i < pass->images; i++, to += logits->stride) {
            const float *from = p->soft + (picture_at(p, i, row, col) - p->levels) * head->per_value;
            for (int b = 0; b < blocks; b++, from += size) {
                for (int k = 0; k < size; k++) {
                    to[b * head->features.stride + k] -= scale * from[k];
                }
            }
        }
    }
}

/* What is given costs nothing, and has no gradient. */
static void forget_given(const prnn_pass *pass, const prnn_map *logits, int row, const prnn_score *score) {
    size_t numbers = (size_t)pass->images * (size_t)pass->pictures.channels;
    for (int col = 0; col < logits->width && row % score->given == 0; col += score->given) {
        memset(prnn_cpu_of(pass)->nats + (size_t)col * numbers, 0, numbers * sizeof(float));
        if (score->scale != 0) {
            memset(prnn_map_at(pass, logits, row, col), 0, prnn_map_floats(pass, logits, 1) * sizeof(float));
        }
    }
}

static void copy_values(const prnn_pass *pass, int row, float *values) {
    const prnn_pictures *p = &pass->pictures;
    const float *from = prnn_cpu_of(pass)->nats;
    size_t channels = (size_t)p->channels;
    for (int col = 0; col < p->width; col++) {
        for (int i = 0; i < pass->images; i++, from += channels) {
            float *to = values + (picture_at(p, i, row, col) - p->levels);
            memcpy(to, from, channels * sizeof *to);
        }
    }
}

void prnn_cpu_nll(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits, prnn_region rows,
                  const prnn_score *score) {
    const prnn_cpu_pass *own = prnn_cpu_of(pass);
    size_t images = (size_t)pass->images, channels = (size_t)pass->pictures.channels;
    size_t positions = (size_t)logits->width * images;
    for (int row = rows.row; row < rows.row + rows.rows; row++) {
        gather_row(pass, row);
        head->kind->nll(own->kernels, head, prnn_map_at(pass, logits, row, 0), positions, own->levels,
                        score->scale, own->nats);
        if (pass->pictures.soft && score->scale != 0) {
            soften(pass, head, logits, row, score->scale);
        }
        if (score->given) {
            forget_given(pass, logits, row, score);
        }
        for (size_t m = 0; m < positions; m++) {
            for (size_t k = 0; k < channels; k++) {
                score->nats[m % images] += (double)own->nats[m * channels + k];
            }
        }
        if (score->values) {
            copy_values(pass, row, score->values);
        }
    }
}

bool prnn_cpu_draw(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                   const prnn_draw *draw) {
    return head->kind->draw(prnn_cpu_of(pass)->kernels, head, prnn_map_at(pass, logits, draw->row, draw->col),
                            pass->images, draw);
}

/* Of a pixel: numbers first .. first + count - 1. Between blocks lies padding. */
static void read_pixel(const prnn_head *head, const float *from, int first, int count, float *to) {
    prnn_features f = head->features;
    for (int n = 0, run; n < count; n += run) {
        int left = f.size - (first + n) % f.size;
        run = left < count - n ? left : count - n;
        memcpy(to + n, from + prnn_features_column(f, first + n), (size_t)run * sizeof *to);
    }
}

void prnn_cpu_read_logits(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                          prnn_region region, int channel, float *to, size_t distance) {
    int all = head->features.blocks * head->features.size;
    int first = channel < 0 ? 0 : channel * head->per_value, count = channel < 0 ? all : head->per_value;
    for (int i = 0; i < pass->images; i++) {
        float *next = to + (size_t)i * distance;
        for (int row = region.row; row < region.row + region.rows; row++) {
            for (int col = region.first; col < region.first + region.count; col++, next += count) {
                const float *from = prnn_map_at(pass, logits, row, col) + i * logits->stride;
                read_pixel(head, from, first, count, next);
            }
        }
    }
}
