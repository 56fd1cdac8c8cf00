/* Images in an order that is a function of a seed and of their number: the same on every machine, and
 * wherever they are. */
#ifndef PRNN_DATA_SHUFFLE_H
#define PRNN_DATA_SHUFFLE_H

#include "data/set.h"

#include <stdio.h>

/* Of a set, which nobody else may be using. */
prnn_status prnn_shuffle_set(prnn_context *ctx, prnn_data *data, uint64_t seed);

/* The same of the images of that set, one behind the other from `offset` on in a file that can be read and
 * written; `path` is for messages. */
prnn_status prnn_shuffle_file(prnn_context *ctx, const prnn_data *data, FILE *stream, const char *path,
                              off_t offset, uint64_t seed);

#endif
