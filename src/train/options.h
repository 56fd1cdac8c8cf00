/* What a training is asked to do. */
#ifndef PRNN_TRAIN_OPTIONS_H
#define PRNN_TRAIN_OPTIONS_H

#include "model/model.h"

/* The options of the caller (NULL: none) over the defaults, those of the optimizer included; refuses what is
 * out of range. */
prnn_status prnn_train_options_read(prnn_context *ctx, const prnn_train_options *given,
                                    prnn_train_options *options);

/* Refuses what does not fit a model's images, and whether some of them validate. */
prnn_status prnn_train_options_check_set(prnn_context *ctx, const prnn_train_options *options,
                                         const prnn_config *config, bool valid);

/* Refuses images that are not the model's; `what` says which, "training". */
prnn_status prnn_train_data_check(prnn_context *ctx, const prnn_model *model, const prnn_data *data,
                                  const char *what);

#endif
