/* What a command has open while it runs. The command opens what it needs, in this order: context, chain,
 * data; main closes all of it once, whatever happened. What returns int returns 0 or an exit code after a
 * message. */
#ifndef PIXELRNN_CLI_SESSION_SESSION_H
#define PIXELRNN_CLI_SESSION_SESSION_H

#include "options/data_options.h"
#include "support/json.h"
#include "support/progress.h"
#include "support/skipped.h"

typedef struct session {
    arguments *args;
    void *settings;              /* of the command; begins with `common` */
    const struct common *common; /* the same */
    prnn_context *ctx;
    prnn_chain *chain;            /* of the operands */
    prnn_config config;           /* of the chain's images; PRNN_CONFIG_INIT before there is one */
    const char *path;             /* of the chain's last model */
    prnn_chain *other;            /* compare: the second one */
    prnn_model *model;            /* train: the one that is trained */
    prnn_data *data, *valid;      /* valid: of train */
    skipped missing;              /* files of the data that cannot be used */
    progress bar;                 /* of the work that goes on */
    struct session_block *blocks; /* see session_allocate */
} session;

void session_begin(session *s, arguments *args);
void session_close(session *s);

/* The context, as --threads, --cpu and --precision say. */
int session_open(session *s);

/* Loads the operands, one model or several that are a chain. */
int session_open_chain(session *s);

/* Fails unless all ranks, if there are many, have the same models under these paths. */
int session_compare_ranks(const session *s, const prnn_chain *chain, const char *const *paths);

/* Fails unless the chain draws images without being given small ones. */
int session_check_first(const session *s);

/* Whether the chain is one conditional model, without one of its small images. */
bool session_is_conditional_alone(const session *s);

/* That of the images themselves. */
const prnn_model *session_last_model(const session *s);

/* Opens the data for a model, whose path is for messages: images of its levels and, unless --fit is exact,
 * made to have its shape, which they must have; at most `limit` (0: all), not those before number `first`. */
int session_open_data(session *s, const data_settings *data, const prnn_config *config, const char *model,
                      size_t first, size_t limit);

/* Reads all images of the data, (count, H, W, C) levels, into memory of the session. */
int session_read_all(session *s, uint64_t seed, uint8_t **images);

/* a x b bytes, which session_close frees, or NULL: too many or no memory. */
void *session_allocate(session *s, size_t a, size_t b);

/* How images are drawn, with progress on the session's bar: progress_begin before, progress_end after. */
prnn_sample_options session_sample_options(session *s, uint64_t seed, double temperature);

/* "model" or "models" of a report: the operands. */
void session_name_models(const session *s, json *j);

/* Bytes of an image. */
size_t image_size(const prnn_config *config);

#endif
