/* Models that work together, from small images to large ones: what eval, heat, sample, complete and
 * upscale are given. */
#ifndef PIXELRNN_CLI_CHAIN_H
#define PIXELRNN_CLI_CHAIN_H

#include "json.h"
#include "setup.h"

typedef struct chain {
    size_t count;
    prnn_model **models;
    prnn_config config; /* of the last one, whose images are the result */
    const char *last;   /* its path */
} chain;

/* Loads the operands. Returns 0 or an exit code; close it with chain_close in both cases. */
int chain_open(prnn_context *ctx, const arguments *args, chain *c);
void chain_close(chain *c);

/* "model" or "models" of a report: the operands. */
void chain_name(const arguments *args, json *j);

const prnn_model *chain_last(const chain *c);

/* The config of model k. */
prnn_config chain_config(const chain *c, size_t k);

/* Whether a pixel, row * W + column, is one of the small image that a conditional model is given. */
bool chain_is_given(const prnn_config *c, size_t pixel);

/* Fails unless the first model draws images without being given small ones. */
int chain_check_first(const chain *c, const arguments *args);

/* From images of model k - 1, (count, H, W, C), which it frees, to those of the last model, `samples` times
 * as many: model k draws so many for each, every other one 1. NULL after a message. `how` has the seed. */
uint8_t *chain_upscale(prnn_context *ctx, const chain *c, size_t k, uint8_t *images, size_t count,
                       size_t samples, const prnn_sample_options *how);

/* What is to be completed: images of the last model, (count, H, W, C), whose pixels are known where `known`,
 * (H, W), is not 0; each so many times. */
typedef struct incomplete {
    const uint8_t *images, *known;
    size_t count, samples;
} incomplete;

/* Draws what is not known, of the small images first: (count, samples, H, W, C), or NULL after a message. */
uint8_t *chain_complete(prnn_context *ctx, const chain *c, const incomplete *all,
                        const prnn_sample_options *how);

#endif
