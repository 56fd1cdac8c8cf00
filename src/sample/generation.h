/* Autoregressive generation: images that come into being value by value, on one thread: the body of sampling,
 * completion and stepping. Everything above and to the left of a value is final and kept, so all values of an
 * image cost the arithmetic of one forward pass (paper section 3.6 needs one pass per value). */
#ifndef PRNN_SAMPLE_GENERATION_H
#define PRNN_SAMPLE_GENERATION_H

#include "model/model.h"

/* Most images that are generated together on the CPU, enough for products at matrix speed, and on any device.
 */
enum { PRNN_GENERATION_IMAGES = 32, PRNN_GENERATION_MOST = PRNN_MOST_APART };

typedef struct prnn_generation {
    const prnn_network *network;
    const prnn_pass *pass;
    uint8_t *images; /* (n, H, W, C) */
    size_t fed;      /* values before it are input of the network */
    size_t pixel;    /* pixels before it went forward */
    int groups;      /* and of that pixel so many colour groups, with their logits */
} prnn_generation;

/* Begins n images, at most the capacity of the pass and PRNN_GENERATION_MOST. What the small image of a
 * conditional network gives must be in them. */
prnn_generation prnn_generation_begin(const prnn_network *network, prnn_pass *pass, int n, uint8_t *images);

/* Brings the pass to the logits of a value: number (row * W + col) * C + channel, not before that of the last
 * call. All values before it must be in the images. */
void prnn_generation_advance(prnn_generation *generation, size_t value);

/* Where value number `value` of an image is. */
typedef struct prnn_place {
    int row, col, channel;
} prnn_place;

prnn_place prnn_place_of(const prnn_config *config, size_t value);

/* How levels are drawn: with random numbers of images first, first + 1, ... */
typedef struct prnn_draws {
    uint64_t seed, first;
    double temperature;
} prnn_draws;

/* Refuses temperatures that the kernels cannot have. */
prnn_status prnn_draws_check(prnn_context *ctx, const prnn_draws *draws);

/* Advances to the value and draws it in all images. False: some logits are not finite; those images have 0.
 */
bool prnn_generation_draw(prnn_generation *generation, size_t value, const prnn_draws *draws);

/* Number of value `value` of an image among all that are drawn for it, which chooses its random number: no
 * two scales of a chain share one. */
uint64_t prnn_draw_index(const prnn_config *config, size_t value);

/* Puts the pixels of a small image into a large one. */
void prnn_place_small(const prnn_config *config, const uint8_t *small, uint8_t *large);

#endif
