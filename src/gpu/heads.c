/* Levels, likelihoods and draws on a GPU. */

#include "gpu/pass.h"

#include "base/memory.h"
#include "base/real.h"

#include <string.h>

/* The table of scaled levels is a network's: it is there since the last call, but for the first one. */
static void bring_scaled(prnn_gpu_pass *own, const float *scaled) {
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c): bits are compared */
    if (memcmp(own->scaled_now, scaled, sizeof own->scaled_now) != 0) {
        memcpy(own->scaled_now, scaled, sizeof own->scaled_now);
        prnn_gpu_upload(own->state, own->scaled, 0, own->scaled_now, sizeof own->scaled_now);
    }
}

void prnn_gpu_show(const prnn_pass *pass) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    const prnn_pictures *p = &pass->pictures;
    size_t pixels = (size_t)p->height * (size_t)p->width;
    prnn_gpu_upload(own->state, own->levels, 0, p->levels,
                    (size_t)pass->images * pixels * (size_t)p->channels);
    if (p->soft) {
        prnn_gpu_upload(own->state, own->soft, 0, p->soft,
                        (size_t)pass->images * own->image_soft * sizeof(float));
    }
}

/* Whole rows of images of a size. */
static prnn_gpu_pixels pixels_of(const prnn_pass *pass, int height, int width, int row, int rows) {
    uint32_t run = (uint32_t)(width * pass->images);
    return (prnn_gpu_pixels){.rows = (uint32_t)rows * run,
                             .run = run,
                             .images = (uint32_t)pass->images,
                             .row = (uint32_t)row,
                             .height = (uint32_t)height,
                             .width = (uint32_t)width,
                             .channels = (uint32_t)pass->pictures.channels};
}

static void run_load(prnn_gpu_pass *own, const prnn_gpu_load *l, prnn_gpu_block *levels) {
    size_t values = (size_t)l->p.rows * l->p.channels;
    PRNN_GPU_RUN(own->state, PRNN_GPU_load_levels, prnn_gpu_groups(values, 256), 1, {l, sizeof *l},
                 PRNN_GPU_BLOCK(levels), PRNN_GPU_BLOCK(own->scaled), PRNN_GPU_BLOCK(own->memory));
}

void prnn_gpu_load_map(const prnn_pass *pass, const prnn_map *map, const float *scaled, prnn_region rows,
                       int step) {
    prnn_gpu_pass *own = pass->own;
    const prnn_pictures *p = &pass->pictures;
    int end = rows.row + rows.rows;
    bring_scaled(own, scaled);
    for (; rows.row < end; rows.row += rows.rows) {
        rows.rows = prnn_gpu_rows(map, rows.row, end - rows.row);
        prnn_gpu_load l = {.p = pixels_of(pass, p->height / step, p->width / step, rows.row, rows.rows),
                           .values = prnn_gpu_place_of(pass, map, rows.row, 0),
                           .step = (uint32_t)step};
        run_load(own, &l, own->levels);
    }
}

/* One value of each image: pictures of one value, whose positions are the images. */
static prnn_gpu_pixels one_value(const prnn_pass *pass) {
    uint32_t images = (uint32_t)pass->images;
    return (prnn_gpu_pixels){
        .rows = images, .run = images, .images = images, .height = 1, .width = 1, .channels = 1};
}

void prnn_gpu_put(const prnn_pass *pass, const prnn_map *map, const float *scaled, int row, int col,
                  int channel, const uint8_t *levels, size_t distance) {
    prnn_gpu_pass *own = pass->own;
    size_t images = (size_t)pass->images;
    for (size_t i = 0; i < images; i++) {
        own->bytes_of_draw[i] = levels[i * distance];
    }
    bring_scaled(own, scaled);
    prnn_gpu_upload(own->state, own->drawn, 0, own->bytes_of_draw, images);
    prnn_gpu_load l = {.p = one_value(pass), .values = prnn_gpu_place_of(pass, map, row, col), .step = 1};
    l.values.at += (uint32_t)channel;
    run_load(own, &l, own->drawn);
}

/* ---------------------------------------------------------------------------------- likelihood */

/* Distance of the channels' logits. */
static uint32_t block_stride(const prnn_head *head) {
    return (uint32_t)(prnn_features_width(head->features) / head->features.groups);
}

static float log_scale_of(const prnn_head *head) {
    return -(float)prnn_log(2.0 * head->features.size);
}

/* Adds what the kernel found out, in the order of the CPU: by pixel, image and channel. */
static void add_nats(const prnn_pass *pass, const prnn_gpu_pixels *p, const float *nats,
                     const prnn_score *score) {
    size_t images = p->images, channels = p->channels;
    for (size_t m = 0; m < p->rows; m++) {
        size_t row = p->row + m / p->run, col = m % p->run / images, image = m % images;
        size_t at = ((image * (size_t)pass->pictures.height + row) * p->width + col) * channels;
        for (size_t k = 0; k < channels; k++) {
            float x = nats[m * channels + k];
            score->nats[image] += (double)x;
            if (score->values) {
                score->values[at + k] = x;
            }
        }
    }
}

void prnn_gpu_head_nll(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits, prnn_region rows,
                       const prnn_score *score) {
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    const prnn_pictures *p = &pass->pictures;
    bool bernoulli = head->kind == &prnn_bernoulli, softmax = head->kind == &prnn_softmax;
    prnn_gpu_kernel_number kernel = bernoulli ? PRNN_GPU_bernoulli_nll
                                    : softmax ? PRNN_GPU_softmax_nll
                                              : PRNN_GPU_logistics_nll;
    prnn_gpu_block *soft = own->soft ? own->soft : own->nats; /* what is there, where nobody reads it */
    int end = rows.row + rows.rows;
    for (; rows.row < end; rows.row += rows.rows) {
        rows.rows = prnn_gpu_rows(logits, rows.row, end - rows.row);
        prnn_gpu_nll l = {.p = pixels_of(pass, p->height, p->width, rows.row, rows.rows),
                          .logits = prnn_gpu_place_of(pass, logits, rows.row, 0),
                          .levels = (uint32_t)head->levels,
                          .block_stride = bernoulli ? (uint32_t)logits->stride : block_stride(head),
                          .components = (uint32_t)head->features.size,
                          .given = (uint32_t)score->given,
                          .scale = score->scale,
                          .log_scale = log_scale_of(head),
                          .soft = p->soft ? (uint32_t)head->per_value : 0};
        l.dlogits = l.logits;
        size_t values = (size_t)l.p.rows * l.p.channels;
        PRNN_GPU_RUN(own->state, kernel, prnn_gpu_groups(values, bernoulli ? 128 : 8), 1, PRNN_GPU_VALUE(l),
                     PRNN_GPU_BLOCK(own->levels), PRNN_GPU_BLOCK(soft), PRNN_GPU_BLOCK(own->memory),
                     PRNN_GPU_BLOCK(own->nats));
        prnn_gpu_download(own->state, own->nats, 0, own->numbers, values * sizeof(float));
        add_nats(pass, &l.p, own->numbers, score);
    }
}

/* --------------------------------------------------------------------------------------- draws */

bool prnn_gpu_head_draw(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                        const prnn_draw *draw) {
    enum { FLAG = sizeof(uint32_t) }; /* of logits that are not finite, in front of the levels */
    const prnn_gpu_pass *own = prnn_gpu_pass_of(pass);
    bool bernoulli = head->kind == &prnn_bernoulli;
    size_t images = (size_t)pass->images, channel = (size_t)draw->channel;
    uint32_t failed = 0;
    prnn_gpu_draw l = {.p = one_value(pass),
                       .logits = prnn_gpu_place_of(pass, logits, draw->row, draw->col),
                       .values = {.at = PRNN_GPU_NONE},
                       .levels = (uint32_t)head->levels,
                       .block_stride = bernoulli ? 1 : block_stride(head),
                       .components = (uint32_t)head->features.size,
                       .channel = (uint32_t)channel,
                       .sharpness = (float)(1 / draw->temperature),
                       .log_scale = log_scale_of(head),
                       .temperature = draw->temperature};
    l.p.row = FLAG; /* value i of the kernel is FLAG + channel + i */
    prnn_gpu_upload(own->state, own->drawn, 0, &failed, sizeof failed);
    prnn_gpu_upload(own->state, own->uniforms, (FLAG + channel) * sizeof(double), draw->uniforms,
                    images * sizeof(double));
    PRNN_GPU_RUN(own->state,
                 bernoulli                     ? PRNN_GPU_bernoulli_draw
                 : head->kind == &prnn_softmax ? PRNN_GPU_softmax_draw
                                               : PRNN_GPU_logistics_draw,
                 prnn_gpu_groups(images, 8), 1, PRNN_GPU_VALUE(l), PRNN_GPU_BLOCK(own->uniforms),
                 PRNN_GPU_BLOCK(own->drawn), PRNN_GPU_BLOCK(own->scaled), PRNN_GPU_BLOCK(own->drawn),
                 PRNN_GPU_BLOCK(own->drawn), PRNN_GPU_BLOCK(own->memory));
    prnn_gpu_download(own->state, own->drawn, 0, own->bytes_of_draw, FLAG + channel + images);
    memcpy(&failed, own->bytes_of_draw, sizeof failed);
    for (size_t i = 0; i < images; i++) {
        draw->levels[i * draw->distance] = own->bytes_of_draw[FLAG + channel + i];
    }
    return failed == 0;
}

/* -------------------------------------------------------------------------------------- logits */

/* The host's copy of a row of pixels of all images; NULL: there is no memory. */
static const float *row_of_logits(prnn_gpu_pass *own, prnn_gpu_place at, size_t floats) {
    if (own->logits_count < floats) {
        prnn_free(own->logits);
        own->logits = prnn_alloc_raw(own->state->ctx, floats, sizeof(float), "logits");
        own->logits_count = own->logits ? floats : 0;
        prnn_gpu_note(own->state, own->logits ? PRNN_OK : PRNN_ERROR_MEMORY);
    }
    if (own->logits) {
        prnn_gpu_download(own->state, own->memory, at.at * sizeof(float), own->logits,
                          floats * sizeof(float));
    }
    return own->logits;
}

/* The host leaves out the padding. The map has no margins. */
void prnn_gpu_read_logits(const prnn_pass *pass, const prnn_head *head, const prnn_map *logits,
                          prnn_region region, int channel, float *to, size_t distance) {
    int all = head->features.blocks * head->features.size;
    int first = channel < 0 ? 0 : channel * head->per_value, count = channel < 0 ? all : head->per_value;
    size_t images = (size_t)pass->images, stride = (size_t)logits->stride, next = 0;
    for (int row = region.row; row < region.row + region.rows; row++) {
        const float *from = row_of_logits(pass->own, prnn_gpu_place_of(pass, logits, row, region.first),
                                          (size_t)region.count * images * stride);
        for (int col = 0; from && col < region.count; col++, next += (size_t)count) {
            for (size_t i = 0; i < images; i++, from += stride) {
                for (int n = 0; n < count; n++) {
                    to[i * distance + next + (size_t)n] =
                        from[prnn_features_column(head->features, first + n)];
                }
            }
        }
    }
}
