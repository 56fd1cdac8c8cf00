/* What pixelrnn heat draws, and how it is told. */
#ifndef PIXELRNN_CLI_COMMANDS_HEAT_H
#define PIXELRNN_CLI_COMMANDS_HEAT_H

#include "draw/heat.h"
#include "session/session.h"

typedef struct heat_settings {
    struct common common;
    data_settings data;
    size_t first;
    int count, worst;
    uint64_t seed;
    int unit;
    double max;
    int columns, zoom;
    bool no_bar, captions;
    const char *out;
    bool json;
    const char *size;
} heat_settings;

typedef struct heat_work {
    session *s;
    const heat_settings *want;
    heat h;
    size_t area;     /* pixels of an image */
    uint8_t *images; /* (count, H, W, C) */
    float *pixels;   /* (count, H, W) */
    double *nats;    /* count */
    size_t *indices; /* count: of these images in the data */
    size_t above;    /* pixels beyond the maximum */
} heat_work;

/* Captions of the images: number, score and file. 0 or an exit code. */
int heat_name_images(heat_work *w);

/* On stdout, as --json says. */
void heat_print(const heat_work *w);

#endif
