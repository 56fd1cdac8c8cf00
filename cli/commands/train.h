/* pixelrnn train: its settings, shared by its options, its data and its work. */
#ifndef PIXELRNN_CLI_COMMANDS_TRAIN_H
#define PIXELRNN_CLI_COMMANDS_TRAIN_H

#include "session/session.h"

typedef struct train_settings {
    struct common common;
    data_settings data;
    int height, width, channels;
    size_t limit;
    const char *cache;
    const char *valid, *valid_array;
    size_t valid_last, valid_limit;
    double valid_fraction;
    uint64_t shuffle_split;
    prnn_config config;
    bool no_residual;
    const char *init, *teacher;
    prnn_train_options train;
    const char *preset, *file;
    bool list_presets;
    const char *show_preset;
} train_settings;

/* Prints presets, or reads those and the config file into the settings. */
int train_prepare(arguments *args, bool *served);
int train_run(session *s);

/* Whether images of --data validate. */
static inline bool train_holds_out(const train_settings *s) {
    return s->valid_last || s->valid_fraction > 0;
}

/* Options that exclude, need or override each other; settles --epochs and --steps. 0 or an exit code. */
int train_settle(const arguments *args, train_settings *s);

/* Opens the sets: session.data to train on, and session.valid, or NULL. 0 or an exit code. */
int train_open_data(session *s, train_settings *want);

/* Makes the file of --cache from the data, unless it is there and of them; then it is the data. 0 or an exit
 * code. */
int train_use_cache(session *s);

/* Options that say what a network looks like agree with the model that --init names. */
int train_check_init(const arguments *args, const train_settings *s, const prnn_config *model);

#endif
