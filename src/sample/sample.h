/* What sampling shares with the tests of it. */
#ifndef PRNN_SAMPLE_SAMPLE_H
#define PRNN_SAMPLE_SAMPLE_H

#include "model/model.h"

/* Number of value `value` of an image among all that are drawn for it, which chooses its random number: no
 * two scales of a chain share one. */
uint64_t prnn_draw_index(const prnn_config *config, size_t value);

#endif
