/* Images that were drawn for the images of a data set, some for each, written one by one. */
#ifndef PIXELRNN_CLI_COMMANDS_DRAWN_H
#define PIXELRNN_CLI_COMMANDS_DRAWN_H

#include "session/session.h"

/* For a struct with a double temperature. */
#define TEMPERATURE_OPTION(settings, what)                                                                   \
    DOUBLE("temperature", offsetof(settings, temperature), 1e-38, 1000, 0,                                   \
           "log-probabilities are divided by it: below 1 " what " become more alike, 1 is the model itself")

typedef struct drawn {
    session *s;
    const uint8_t *images; /* (count, samples, H, W, C) levels, in the shape of session.config */
    size_t count, samples; /* count: of session.data */
} drawn;

/* An array .npy of all, (count, samples, H, W, C). Returns 0 or an exit code, as both here. */
int drawn_write_array(const drawn *d, const char *path);

/* A picture each into a folder, named by the numbers of the images in their set. */
int drawn_write_each(const drawn *d, const char *folder, int zoom);

#endif
