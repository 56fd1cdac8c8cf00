/* What pixelrnn compare measured, and how it is told. */
#ifndef PIXELRNN_CLI_COMMANDS_COMPARE_H
#define PIXELRNN_CLI_COMMANDS_COMPARE_H

#include "session/session.h"

typedef struct compare_settings {
    struct common common;
    data_settings data;
    size_t first, limit;
    uint64_t seed;
    bool json;
    const char *scores;
    const char *size;
} compare_settings;

/* A model, an ensemble or a chain. */
typedef struct side {
    const char **operands;
    size_t operand_count;
    const char *name; /* its last file, or the ensemble as it was given */
    const subject *of;
    double *nats; /* of each image */
    double mean;
    size_t wins; /* images that it makes more likely */
} side;

typedef struct comparison {
    session *s;
    const compare_settings *want;
    side a, b;
    size_t count;
    double *differences;      /* A - B of each image, nats */
    double difference, error; /* mean, and its standard error: NaN for one image */
} comparison;

/* On stdout, as --json says. */
void compare_print(const comparison *c);

#endif
