#include "train/run.h"

#include "base/clock.h"
#include "base/try.h"
#include "data/data.h"
#include "train/need.h"

#include <math.h>

/* The likelihoods of images first..first+n-1. */
static prnn_status evaluate_piece(prnn_trainer *t, size_t first, size_t n, double *nats) {
    prnn_evaluation piece = {.images = t->images, .count = n, .new_only = true, .nats = nats};
    prnn_status status;
    for (size_t i = 0; i < n; i++) {
        t->indices[i] = first + i;
    }
    TRY(prnn_data_read(t->ctx, t->valid, t->indices, n, t->options.seed, 0, t->images));
    TRY(prnn_model_evaluate(t->ctx, t->model, &piece));
done:
    return status;
}

/* Each rank evaluates a piece of images first..first+n-1; to *total, on all, go the likelihoods of all. */
static prnn_status add_pieces(prnn_trainer *t, size_t first, size_t n, double *total) {
    prnn_share mine = prnn_share_mine(t->ctx, n);
    const prnn_results all = {t->nats, sizeof *t->nats};
    prnn_status status = evaluate_piece(t, first + mine.first, mine.count, t->nats + mine.first);
    TRY(prnn_ranks_collect(t->ctx, status, first, n, &all, 1));
    for (size_t i = 0; i < n; i++) {
        *total += t->nats[i];
    }
done:
    return status;
}

/* PRNN_STOPPED: somebody wants to stop. */
static prnn_status tell(const prnn_trainer *t, size_t done, size_t count, double began) {
    double seconds = prnn_clock() - began, speed = seconds > 0 ? (double)done / seconds : 0;
    unsigned wishes = prnn_run_tell(t, "validate", done, count, seconds, speed) ? 0 : PRNN_WISH_STOP;
    prnn_status status;
    TRY(prnn_ranks_vote(t->ctx, PRNN_OK, &wishes, done));
    TRY(wishes & PRNN_WISH_STOP ? PRNN_STOPPED : PRNN_OK);
done:
    return status;
}

/* *nats: the mean. */
static prnn_status evaluate(prnn_trainer *t, double *nats) {
    size_t count = prnn_data_count(t->valid), round = prnn_trainer_nats(t->ctx), n;
    double total = 0, began = prnn_clock();
    prnn_status status;
    TRY(prnn_run_check_weights(t));
    TRY(prnn_run_assign(t, prnn_run_result(t)));
    for (size_t first = 0; first < count; first += n) {
        n = count - first < round ? count - first : round;
        TRY(add_pieces(t, first, n, &total));
        TRY(tell(t, first + n, count, began));
    }
    *nats = total / (double)count;
done:
    return status;
}

/* What was evaluated is not what model.safetensors holds, unless it is the best. */
static prnn_status give_back_best(prnn_trainer *t) {
    return isnan(t->state.best_nats) || t->state.best_step == t->state.step ? PRNN_OK
                                                                            : prnn_run_assign(t, t->best);
}

/* What this validation says beside the ones before: read before they are forgotten. */
static void compare(prnn_train_state *s, double nats) {
    double trained = s->between_images > 0 ? s->between_sum / s->between_images : NAN;
    bool overfits = nats > s->valid_nats && trained < s->between_nats;
    bool lower = isnan(s->best_nats) || nats < s->best_nats;
    s->overfitted = overfits ? s->overfitted + 1 : 0;
    s->not_lower = lower ? 0 : s->not_lower + 1;
    s->between_nats = trained;
    s->between_sum = s->between_images = 0;
}

static prnn_status run(prnn_trainer *t) {
    prnn_train_state *s = &t->state;
    double nats = NAN;
    prnn_status status;
    TRY(evaluate(t, &nats));
    TRY(isfinite(nats) ? PRNN_OK : prnn_run_diverged(t, "the validation NLL", nats, s->step));
    compare(s, nats);
    s->valid_nats = nats;
    s->validated = s->step;
    if (s->not_lower == 0) {
        s->best_nats = nats;
        s->best_step = s->step;
        t->device->copy_block(prnn_run_result(t), t->best);
        TRY(prnn_provenance_set(t, s->step, nats));
    }
done:
    return status;
}

prnn_status prnn_validation_run(prnn_trainer *t) {
    t->busy = true;
    prnn_status status = run(t);
    t->busy = false;
    prnn_status back = give_back_best(t);
    return status == PRNN_OK || status == PRNN_STOPPED ? (back == PRNN_OK ? status : back) : status;
}
