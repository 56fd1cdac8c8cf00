/* A training's options as pairs of texts, for the files that it writes. */
#ifndef PRNN_TRAIN_SETTINGS_H
#define PRNN_TRAIN_SETTINGS_H

#include "safetensors/safetensors.h"

enum { PRNN_PAIR_TEXT = 32, PRNN_PAIRS = 64 };

/* In the making; the texts belong to it. */
typedef struct prnn_pairs {
    prnn_safetensors_pair pair[PRNN_PAIRS];
    char text[PRNN_PAIRS][PRNN_PAIR_TEXT];
    size_t count;
} prnn_pairs;

/* Keys, and the values of the first, must outlast the pairs. */
void prnn_pairs_put(prnn_pairs *p, const char *key, const char *value);
void prnn_pairs_put_u64(prnn_pairs *p, const char *key, uint64_t value);
void prnn_pairs_put_double(prnn_pairs *p, const char *key, double value); /* hexadecimal keeps every bit */
void prnn_pairs_put_readable(prnn_pairs *p, const char *key, double value);

/* What of the options a run's weights depend on, but for its length. `teacher`: prnn_teacher.print. */
void prnn_settings_put(prnn_pairs *p, const prnn_train_options *options, uint64_t teacher);

#endif
