/* Optimizers and learning-rate schedules. Weights, gradients and moments are blocks of the same layout. */
#ifndef PRNN_TRAIN_OPTIMIZER_H
#define PRNN_TRAIN_OPTIMIZER_H

#include "layers/plan.h"

/* Name of an optimizer in messages and checkpoints, "rmsprop", ... */
const char *prnn_optimizer_name(prnn_optimizer optimizer);
const char *prnn_schedule_name(prnn_schedule schedule);

/* Fills in the defaults of beta1 and beta2 that depend on the optimizer. */
void prnn_optimizer_defaults(prnn_train_options *options);

/* Rate of step `step` (from 0) of `steps`, at `epoch` passes over the data. */
double prnn_learning_rate(const prnn_train_options *options, uint64_t step, uint64_t steps, double epoch);

/* Update number `step` of all weights by `scale` times the gradient, and of their moving average, without its
 * blocks:
 *   rmsprop  v = beta2 v + (1 - beta2) g^2;  m = beta1 m + g / (sqrt(v) + epsilon);  w -= rate m
 *            (Tieleman & Hinton 2012, in PyTorch's form; the paper's optimizer)
 *   adam     Kingma & Ba 2015, with bias correction
 *   sgd      m = beta1 m + g;  w -= rate m
 *   muon     of matrices of the layers (train/muon.h), of R rows and C unmasked columns:
 *            m = beta1 m + (1 - beta1) g;  w -= rate 0.2 sqrt(max(R, C)) polar(beta1 m + (1 - beta1) g)
 *            (Jordan et al. 2024, at the scale of Liu et al. 2025); of everything else adam's
 *
 * moment1 (m) and moment2 (v) begin at zero and are read only where the formula has them. With an average:
 * ema = d ema + (1 - d) w, d = prnn_ema_keep(). With decay, w -= rate decay w comes first, whatever the
 * optimizer (Loshchilov & Hutter 2019). A device does all of it, but what makes steps orthogonal, in one
 * pass. */
prnn_update prnn_optimizer_step(const prnn_train_options *options, double rate, uint64_t step, double scale);

/* Does it: to all parameters of a plan, of which `update` has the blocks, and `matrices` is muon's. Biases
 * and initial states, which are vectors, do not decay. The gradient is overwritten. */
void prnn_optimizer_update(prnn_context *ctx, const prnn_device *device, const prnn_plan *plan,
                           const prnn_polar_list *matrices, const prnn_update *update);

/* What an average keeps at step `step`: min(decay, (1 + step) / (10 + step)), so that early averages follow.
 */
float prnn_ema_keep(double decay, uint64_t step);

#endif
