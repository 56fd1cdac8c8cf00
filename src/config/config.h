/* What a network looks like: names of what can be chosen, what is refused, and the config as JSON. */
#ifndef PRNN_CONFIG_CONFIG_H
#define PRNN_CONFIG_CONFIG_H

#include "base/message.h"

/* Most rows, or columns, of a model's images. */
#define PRNN_MODEL_SIDE 4096

/* Most components of a mixture of logistics. */
#define PRNN_MOST_COMPONENTS 64

/* Whether prnn_kind has this number. */
bool prnn_kind_is_known(prnn_kind kind);

/* PRNN_ERROR_ARGUMENT names the field, its value and its range. */
prnn_status prnn_config_check(prnn_context *ctx, const prnn_config *config);

/* Values of an image, H W C, each a byte; and of the small one that a conditional model is given, s s C. */
static inline size_t prnn_config_values(const prnn_config *config) {
    return (size_t)config->height * (size_t)config->width * (size_t)config->channels;
}

static inline size_t prnn_config_small_values(const prnn_config *config) {
    return (size_t)config->condition_size * (size_t)config->condition_size * (size_t)config->channels;
}

/* How many times an image of size `small` is doubled to be one of size `large`; -1: never. */
int prnn_config_stages(int small, int large);

/* The config as a JSON object (docs/formats.md); free with free(). NULL: out of memory. */
char *prnn_config_to_json(const prnn_config *config);

/* The fields of one such object that another one lacks or has another value of, as an object; free with
 * free(). Of what is no object, all of it. NULL: out of memory. */
char *prnn_config_unlike(const char *one, const char *another);

/* The config in a file at `path`; PRNN_ERROR_FORMAT for all that prnn_config_check refuses, too. */
prnn_status prnn_config_from_json(prnn_context *ctx, const char *path, const char *text, prnn_config *config);

#endif
