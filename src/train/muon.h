/* Muon (Jordan et al. 2024): the step of a matrix of the layers is its mean gradient with all singular values
 * brought near 1, so that it goes as far in directions that have small gradients. */
#ifndef PRNN_TRAIN_MUON_H
#define PRNN_TRAIN_MUON_H

#include "layers/plan.h"

/* Whether a parameter is such a matrix: a weight of a layer, layers.N.input_to_state, state_to_state, reduce,
 * conv, output, condition and skip. The first convolution, the head and the upsampler of a small image are
 * not, as the authors advise, nor are vectors (biases, initial states). */
bool prnn_muon_takes(const prnn_parameter *parameter);

/* Those of a plan, of which unmasked[i] says whether parameter i can be other than zero. Free also after a
 * failure. */
prnn_status prnn_muon_create(prnn_context *ctx, const prnn_device *device, const prnn_plan *plan,
                             const uint8_t *unmasked, prnn_polar_list *list);
void prnn_muon_free(const prnn_device *device, prnn_polar_list *list);

/* Floats of its memory on the device, at most. */
size_t prnn_muon_floats(const prnn_plan *plan);

#endif
