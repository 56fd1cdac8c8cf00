/* How a builder ends: whether its images can be what was meant, and the set of them. */
#ifndef PRNN_DATA_FINISH_H
#define PRNN_DATA_FINISH_H

#include "data/builder.h"

/* `status` says how it went so far; *data is set with PRNN_OK only. */
prnn_status prnn_builder_finish(prnn_builder *b, prnn_status status, prnn_data **data);

/* The same where nobody keeps a set: the checks alone. */
prnn_status prnn_builder_end(prnn_builder *b, prnn_status status);

#endif
