/* What pixelrnn eval measured, and how it is told. */
#ifndef PIXELRNN_CLI_COMMANDS_EVAL_H
#define PIXELRNN_CLI_COMMANDS_EVAL_H

#include "commands/ranking.h"

enum { SORT_NONE, SORT_WORST, SORT_BEST };

typedef struct eval_settings {
    struct common common;
    data_settings data;
    size_t first, limit;
    uint64_t seed;
    bool json;
    const char *per_image, *per_value, *scores;
    int sort; /* SORT_NONE, ... */
    size_t worst, best;
} eval_settings;

typedef struct evaluation {
    session *s;
    const eval_settings *want;
    bool conditional; /* one model, given small images */
    size_t count;
    double *nats;  /* count */
    float *values; /* count x H x W x C, or NULL */
    double mean, error, seconds;
    double *new_nats; /* one conditional model: of the values that the small images do not give; else NULL */
    double new_mean, new_error;
    double *scale_nats; /* of a chain, if --scores wants them: (count, scales); else NULL */
    size_t scales;
    ranked *ranking; /* of all images; of which the first `listed` are printed */
    size_t listed;
    bool best;       /* the ranking begins with the most likely */
    uint8_t *images; /* of a chunk */
    float *scratch;  /* its values, if they are needed and nobody keeps them; else NULL */
} evaluation;

/* On stdout, as --json says. */
void eval_print(const evaluation *e);

/* The files that options name. 0 or an exit code. */
int eval_write(const evaluation *e);

#endif
