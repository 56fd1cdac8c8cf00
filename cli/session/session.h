/* What a command has open while it runs. The command opens what it needs, in this order: context, chain,
 * data; main closes all of it once, whatever happened. What returns int returns 0 or an exit code after a
 * message. */
#ifndef PIXELRNN_CLI_SESSION_SESSION_H
#define PIXELRNN_CLI_SESSION_SESSION_H

#include "options/data_options.h"
#include "options/size_option.h"
#include "session/subject.h"
#include "support/image_set.h"
#include "support/json.h"
#include "support/progress.h"
#include "support/skipped.h"

typedef struct session {
    arguments *args;
    void *settings;              /* of the command; begins with `common` */
    const struct common *common; /* the same */
    prnn_context *ctx;
    subject measured;                /* of the operands */
    subject against;                 /* compare: the second one; score: the background; train: the teacher */
    const prnn_chain *chain, *other; /* those of these two */
    prnn_config config;              /* of the chain's images; PRNN_CONFIG_INIT before there is one */
    prnn_palette palette;            /* of the images, from the chain, a file or the data; count 0: none */
    const char *path;                /* of the chain's last model */
    prnn_model *model;               /* train: the one that is trained; of an archive: that which reads it */
    prnn_archive *archive;           /* the last operand */
    prnn_data *data, *valid;         /* valid: of train; score: what is known to be anomalous */
    prnn_listing *listing;           /* in place of the data: pictures of many sizes */
    skipped missing;                 /* files of the data that cannot be used */
    skipped more_missing;            /* score: of `valid` */
    progress bar;                    /* of the work that goes on */
    struct session_block *blocks;    /* see session_allocate */
} session;

void session_begin(session *s, arguments *args);
void session_close(session *s);

/* The context, as --threads, --cpu, --precision and --device say. */
int session_open(session *s);
/* One more such context, for another thread; to be freed in any case. */
int session_make_context(const session *s, prnn_context **ctx);

/* Loads the operands: one model or, if the command takes these, an ensemble; or several that are a chain. */
int session_open_chain(session *s);
/* The same of some operands; and of what that is compared with. */
int session_open_measured(session *s, const char *const *operands, size_t count);
int session_open_other(session *s, const char *const *operands, size_t count);

/* Opens the last operand, an archive, and the model that reads it: the operand before it, or the one inside.
 * A note says what is damaged. */
int session_open_archive(session *s);

/* Fails unless the chain draws images without being given small ones. */
int session_check_first(const session *s);

/* Whether the chain is one conditional model, without one of its small images. */
bool session_is_conditional_alone(const session *s);

/* That of the images themselves. */
const prnn_model *session_last_model(const session *s);

/* The palette becomes that of the chain, or else of the model, if it has one. */
void session_take_palette(session *s);

/* The palette; NULL: there is none. */
const prnn_palette *session_palette(const session *s);

/* How a palette is found or used: the session's, which is read from --palette-file first. */
int session_use_palette(session *s, const data_settings *data, prnn_data_options *options);

/* Opens the data for a model, whose path is for messages: images of its levels and, unless --fit is exact,
 * made to have its shape, which they must have; at most `limit` (0: all), not those before number `first`. */
int session_open_data(session *s, const data_settings *data, const prnn_config *config, const char *model,
                      size_t first, size_t limit);

/* Which images of a set are opened, and where its files that cannot be used are noted. */
typedef struct selection {
    size_t first, limit;
    skipped *missing;
} selection;

/* The same of any set, which the caller frees. */
int session_open_set(session *s, const data_settings *data, const prnn_config *config, const char *model,
                     const selection *which, prnn_data **set);

/* What is measured is of images of another size from now on: see subject_resize. */
int session_resize(session *s, int height, int width);

/* And what it is compared with, of images of the session's size. */
int session_resize_other(session *s);

/* Opens the data for the session's chain, of which it makes the size that --size asks for; "own" is the one
 * that all images of the data have. */
int session_open_sized(session *s, const data_settings *data, const char *size, size_t first, size_t limit);

/* Opens the data as it is: pictures become s->listing; other data, whose images are of one size, s->data. */
int session_open_own(session *s, const data_settings *data, size_t first, size_t limit);

/* The data or the listing. */
image_set session_images(const session *s);

/* Of them: how many images, files that cannot be used, and of an image its file (or NULL)
 * and its number. */
size_t session_image_count(const session *s);
size_t session_image_skipped(const session *s);
const char *session_image_name(const session *s, size_t image);
size_t session_image_number(const session *s, size_t image);

/* Fails on the first of images from .. from + n - 1 of the data, which is in `path`, whose likelihood
 * nats[image] is not finite. */
int session_check_finite(const session *s, const char *path, const double *nats, size_t from, size_t n);

/* The sentence of it, of any model and data; returns EXIT_FAILED. */
int fail_not_finite(const char *model, size_t image, const char *data);

/* Reads all images of the data, (count, H, W, C) levels, into memory of the session. */
int session_read_all(session *s, uint64_t seed, uint8_t **images);

/* a x b bytes, which session_close frees, or NULL: too many or no memory. */
void *session_allocate(session *s, size_t a, size_t b);

/* Memory for images of the shape of session.config; else an exit code, after a message that says which
 * options, `fewer`, would need less. */
int session_allocate_images(session *s, size_t count, const char *fewer, uint8_t **images);

/* How images are drawn, with progress on the session's bar: progress_begin before, progress_end after. */
prnn_sample_options session_sample_options(session *s, uint64_t seed, double temperature);

/* "model", "models" (of a chain) or "ensemble" of a report: the files. */
void session_name_models(const session *s, json *j);

/* Bytes of an image. */
size_t image_size(const prnn_config *config);

#endif
