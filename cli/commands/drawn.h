/* Images that were drawn for the images of a data set, some for each, written one by one. */
#ifndef PIXELRNN_CLI_COMMANDS_DRAWN_H
#define PIXELRNN_CLI_COMMANDS_DRAWN_H

#include "draw/caption.h"
#include "session/session.h"
#include "support/output.h"

/* For a struct with a double temperature. */
#define TEMPERATURE_OPTION(settings, what)                                                                   \
    DOUBLE("temperature", offsetof(settings, temperature), 1e-38, 1000, 0,                                   \
           "log-probabilities are divided by it: below 1 " what " become more alike, 1 is the model itself")

typedef struct drawn {
    session *s;
    const uint8_t *images; /* (count, samples, H, W, C) levels, in the shape of session.config */
    size_t count, samples; /* count: of session.data */
} drawn;

/* Captions of a sheet with a row for each image of the set `path`: the image, its number after `before`; if
 * `given` is not NULL, what it says; then those that were drawn. In memory of the session; NULL: no memory.
 */
caption *drawn_captions(const drawn *d, const char *path, const char *before, const char *given);

/* OUTPUT_NPY: an array of all, (count, samples, H, W, C); OUTPUT_FOLDER: a picture each into a folder, named
 * by the numbers of the images in their set. Returns 0 or an exit code. */
int drawn_write(const drawn *d, output_kind kind, const char *path, int zoom);

#endif
