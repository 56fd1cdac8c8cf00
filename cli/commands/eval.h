/* What pixelrnn eval measured, and how it is told. */
#ifndef PIXELRNN_CLI_COMMANDS_EVAL_H
#define PIXELRNN_CLI_COMMANDS_EVAL_H

#include "commands/ranking.h"

typedef struct eval_settings {
    struct common common;
    data_settings data;
    size_t first, limit;
    uint64_t seed;
    bool json;
    const char *per_image, *per_value, *scores;
    list_settings list;
    const char *size;
    int tile;
} eval_settings;

/* Of images of sizes of their own, what they have each for itself. */
typedef struct eval_sizes {
    double *heights, *widths, *values; /* count; values: H W C */
    size_t different;                  /* sizes */
    double total;                      /* values of all images */
    double bits, bits_error;           /* bits of all values, divided by their number */
    double mean_bits;                  /* mean over the images of their bits/dim */
} eval_sizes;

/* A model of an ensemble: the mean of its own nats of the images, with the error. */
typedef struct eval_member {
    double mean, error;
} eval_member;

/* What an ensemble is worth. */
typedef struct eval_ensemble {
    eval_member *members;
    size_t best;             /* the member of the lowest mean */
    double gain, gain_error; /* nats of that one less those of the ensemble, image by image */
    double whole; /* mean nats if probabilities of whole images were averaged, not those of values */
} eval_ensemble;

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
    double *part_nats; /* (count, parts): under each model of an ensemble; of a chain, if --scores wants them,
                          those of each scale; else NULL */
    size_t parts;      /* models */
    eval_ensemble *mixed; /* NULL: no ensemble of several models */
    ranking ranking;      /* the least likely first, or the most likely */
    uint8_t *images;      /* of a chunk */
    float *scratch;       /* its values, if they are needed and nobody keeps them; else NULL */
    eval_sizes *own;      /* NULL: all have the model's size */
} evaluation;

/* Bits per dimension of image i that costs so many nats. */
double eval_bits(const evaluation *e, size_t i, double nats);

/* The same of the mean over all images. */
double eval_mean_bits(const evaluation *e, double nats);

/* Room for the nats of each model, if they are wanted. 0 or an exit code. */
int eval_allocate_parts(evaluation *e);

/* Of an ensemble (eval_ensemble.c): what it and its models are worth, from the nats of all images; and how it
 * is told. 0 or an exit code. */
int eval_sum_up_ensemble(evaluation *e);
void eval_say_ensemble(const evaluation *e);
void eval_ensemble_json(const evaluation *e, json *j);

/* Images of sizes of their own, or in tiles (eval_sizes.c), in steps: opens them; measures them all; sums up.
 * 0 or an exit code after a message. */
int eval_open_own(evaluation *e);
int eval_own(evaluation *e);
void eval_sum_up_own(evaluation *e);

/* On stdout, as --json says. */
void eval_print(const evaluation *e);

/* The files that options name. 0 or an exit code. */
int eval_write(const evaluation *e);

#endif
