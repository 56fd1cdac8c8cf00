/* Images cut into tiles, each of which counts as an image of its own: side x side from the upper left corner
 * on, those at the right and below smaller. */
#ifndef PIXELRNN_CLI_COMMANDS_TILES_H
#define PIXELRNN_CLI_COMMANDS_TILES_H

#include "session/session.h"

/* Images in memory, (count, height, width, channels). */
typedef struct pictures {
    const uint8_t *levels;
    size_t count;
    int height, width, channels;
} pictures;

/* nats[i]: of image i under models of any size, whole where `tile` is 0, else the sum over its tiles of at
 * most tile x tile; member_nats (count, prnn_ensemble_count), unless NULL: under each of the models. They may
 * turn out not to be finite. 0 or an exit code after a message. */
int tiles_evaluate(prnn_context *ctx, const prnn_ensemble *models, const pictures *all, int tile,
                   double *nats, double *member_nats);

#endif
