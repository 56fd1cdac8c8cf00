/* What pixelrnn score measured, and how it is told. */
#ifndef PIXELRNN_CLI_COMMANDS_SCORE_H
#define PIXELRNN_CLI_COMMANDS_SCORE_H

#include "commands/ranking.h"
#include "support/statistics.h"

#include <pixelrnn/io.h>

/* Of an image, or of a group of images. The larger, the less it belongs. */
typedef enum score_kind {
    SCORE_NATS,
    SCORE_RATIO,      /* nats less those of the background */
    SCORE_TYPICALITY, /* distance of nats from their mean in the typical set, in standard deviations */
    SCORE_COMPLEXITY, /* nats less the length of a lossless file */
    SCORE_SURPRISE,   /* nats less what the model expected of the values */
    SCORE_SURPRISE_Z, /* the same, in standard deviations of what the model expected */
    SCORES
} score_kind;

enum { COMPLEXITY_NONE, COMPLEXITY_PNG, COMPLEXITY_WEBP };

typedef struct score_settings {
    struct common common;
    data_settings data;
    size_t first, limit;
    uint64_t seed;
    const char *background, *typical;
    int complexity;
    bool surprise;
    size_t typical_limit, group;
    bool group_folders;
    const char *labels, *normal, *anomalous, *calibrate;
    double false_alarms;
    int by; /* 0: chosen; else 1 + a score_kind */
    bool json;
    const char *scores, *sheet;
    list_settings list;
    int columns, zoom;
    const char *size;
} score_settings;

/* Numbers of each image, in nats; NULL: not wanted. */
typedef struct measured {
    size_t count;
    double *nats, *background, *compressed, *expected, *variance;
} measured;

/* What is judged: images, or groups of them. */
typedef struct units {
    size_t count;
    size_t *of;             /* of each image its unit; NULL: each is its own */
    size_t *first, *images; /* of each group the first image, and how many they are */
    double *scores[SCORES]; /* NULL: not wanted */
} units;

/* The likelihoods of the typical set. */
typedef struct typical_set {
    size_t images;
    double mean, deviation;
} typical_set;

/* How a score does. */
typedef struct judgement {
    double mean, deviation; /* of all units */
    separation apart;       /* with labels */
    double threshold;       /* with --false-alarms, as all below */
    size_t above;           /* units */
    double false_alarms;    /* with labels: share of those that belong which are above */
    double detected;        /* and of those that do not */
    double *p;              /* with --calibrate: of each unit */
} judgement;

typedef struct scoring {
    session *s;
    const score_settings *want;
    size_t data_count; /* images of the data; those of --anomalous follow */
    measured m;
    units u;
    uint8_t *labels; /* of each unit; NULL: none are known */
    size_t normal;   /* of them 0 */
    typical_set typical;
    size_t calibration; /* units of it */
    judgement judged[SCORES];
    score_kind by;
    ranking ranking; /* of units */
    double seconds;
} scoring;

/* "nats", "ratio", ... */
extern const char *const score_names[SCORES];

/* Measures all images of the session's sets, and those of the typical set. All here return 0 or an exit code.
 */
int score_measure(scoring *w);

/* The images of the calibration set, into units of their own. */
int score_measure_calibration(scoring *w, units *u);

/* Makes the units of sets one after the other, and their scores. */
int score_units(const scoring *w, const prnn_data *const *sets, size_t count, const measured *m, units *u);

/* Labels of the units, from those of images. */
int score_label(scoring *w);

/* p-values, thresholds, and how the labels come out. */
int score_judge(scoring *w);

/* The set that an image is of, and its number in that. */
const prnn_data *score_set_of(const scoring *w, size_t *image);

/* On stdout, as --json says. */
void score_print(const scoring *w);

/* The files that options name. */
int score_write(scoring *w);

#endif
