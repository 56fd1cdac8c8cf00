/* A model: a config and its weights, ready to evaluate. */
#ifndef PRNN_MODEL_MODEL_H
#define PRNN_MODEL_MODEL_H

#include "model/metadata.h"
#include "model/weights.h"
#include "safetensors/safetensors.h"

struct prnn_model {
    prnn_network *network; /* for streaming */
    prnn_weights *weights;
    prnn_metadata metadata;
    prnn_palette *palette; /* as they say; NULL: nothing */
};

/* Sets one of the metadata; not what a file says of its own in their place. */
prnn_status prnn_model_set_entry(prnn_context *ctx, prnn_model *model, const char *key, const char *value);
/* The one that says the palette. */
prnn_status prnn_model_set_palette(prnn_context *ctx, prnn_model *model, const prnn_palette *palette);
/* Removes all. */
void prnn_model_clear_entries(prnn_model *model);

/* A model that has no weights yet; refused if it would have more than `limit`. */
prnn_status prnn_model_create_empty(prnn_context *ctx, const prnn_config *config, size_t limit,
                                    prnn_model **model);

/* *weights: the present weights, which stay until the model is changed or freed. */
prnn_status prnn_model_packed(prnn_context *ctx, const prnn_model *model, float **weights);

/* Replaces all weights; `source` begins the messages. Refuses values that are not finite, and weights that
 * are masked and not zero. */
prnn_status prnn_model_assign(prnn_context *ctx, prnn_model *model, const float *values, const char *source);

/* The same; with PRNN_OK the model owns `values`, which prnn_alloc gave. */
prnn_status prnn_model_adopt(prnn_context *ctx, prnn_model *model, float *values, const char *source);

/* Passes of a model (prnn_passes_open). */
prnn_status prnn_model_passes(prnn_context *ctx, const prnn_model *model, int images, int count,
                              prnn_passes *passes);

/* Refuses images (count, H, W, C) with a value that is no level of the model. */
prnn_status prnn_model_check_images(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                    size_t count);

/* The same for the small images (count, s, s, C) of a conditional model. */
prnn_status prnn_model_check_small(prnn_context *ctx, const prnn_model *model, const uint8_t *small,
                                   size_t count);
/* Of options, where they may be NULL, and must be for an unconditional model. */
prnn_status prnn_model_check_given_small(prnn_context *ctx, const prnn_model *model, const uint8_t *small,
                                         size_t count);

/* What is asked of `count` images (count, H, W, C). */
typedef struct prnn_evaluation {
    const uint8_t *images;
    const uint8_t
        *small; /* conditional models: (count, s, s, C) levels; NULL: those that the images contain */
    size_t count;
    bool new_only;                /* values that the small image gives count 0 nats */
    double *nats;                 /* (count) */
    float *values, *logits;       /* (count, H, W, C), (count, H, W, C, M), or NULL */
    float *entropies, *variances; /* (count, H, W, C), or NULL */
    prnn_progress_fn progress;
    void *user;
} prnn_evaluation;

/* Most images of an evaluation that go through a network together. */
enum { PRNN_EVALUATION_SHARD = 8 };

/* Likelihoods may turn out not to be finite. PRNN_STOPPED: the callback said so. */
prnn_status prnn_model_evaluate(prnn_context *ctx, const prnn_model *model, const prnn_evaluation *asked);

/* PRNN_ERROR_FORMAT, naming the image, if one of `count` likelihoods is not finite. */
prnn_status prnn_model_check_finite(prnn_context *ctx, const double *nats, size_t count);

/* logs[K]: logarithms of the probabilities of the levels of a value, from its M logits, which are finite. */
void prnn_model_log_probabilities(const prnn_model *model, const prnn_kernels *kernels, const float *logits,
                                  double *logs);

/* Reads the file of a model: `path`, or the model.safetensors in the folder `path`. *file becomes the path of
 * what was read, for messages (free with prnn_free), and *st its content; on failure both are NULL. */
prnn_status prnn_model_open(prnn_context *ctx, const char *path, char **file, prnn_safetensors **st);

/* A model without weights, of the network that a file describes, and the weights that it holds, as they are
 * (free with prnn_free): prnn_model_assign says whether a model may have them. */
prnn_status prnn_model_read(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                            prnn_model **model, float **values);

/* Before the keys of the model's metadata in those of a checkpoint, which has others of its own. */
#define PRNN_CHECKPOINT_ENTRY "model."

/* The metadata become those of the file. */
prnn_status prnn_model_read_metadata(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                                     prnn_model *model);

/* The bytes of the file that prnn_model_save writes; free with prnn_free. */
prnn_status prnn_model_to_bytes(prnn_context *ctx, const prnn_model *model, uint8_t **bytes, size_t *n);

/* "head.0.weight[3, 1, 0, 0]": parameter number `index`, for messages. */
void prnn_model_describe_parameter(const prnn_model *model, size_t index, char *text, size_t size);

/* A new model from an open file whose metadata and tensors are a model's. */
prnn_status prnn_model_from_safetensors(prnn_context *ctx, const char *path, const prnn_safetensors *st,
                                        prnn_model **model);

#endif
