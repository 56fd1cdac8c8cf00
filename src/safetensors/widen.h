/* Values of a safetensors file as floats. */
#ifndef PRNN_SAFETENSORS_WIDEN_H
#define PRNN_SAFETENSORS_WIDEN_H

#include "safetensors/safetensors.h"

/* All values of an entry into `to` (entry->count floats): F32, F16 and BF16 exactly, F64 rounded to nearest,
 * which makes infinities of those that no float can hold. False, and nothing done, for other types. */
bool prnn_widen(const prnn_safetensors_entry *entry, float *to);

#endif
