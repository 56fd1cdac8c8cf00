/* When a run does what: a function of its options, the size of its set, and the step. */
#ifndef PRNN_TRAIN_TIMETABLE_H
#define PRNN_TRAIN_TIMETABLE_H

#include "base/context.h"

/* All in steps, at least 1. */
typedef struct prnn_timetable {
    uint64_t steps; /* of the whole run */
    uint64_t epoch; /* of a pass over the images */
    uint64_t valid_every, log_every;
    bool valid; /* whether there are validations */
} prnn_timetable;

/* `images`: of the training set. */
prnn_timetable prnn_timetable_of(const prnn_train_options *options, size_t images, bool valid);

/* What is to be done after so many updates, in this order. */
typedef struct prnn_due {
    bool validation, line, checkpoint;
    bool result; /* model.safetensors */
} prnn_due;

/* `validated` and `logged`: after how many updates each was done last, so that a run that is stopped in
 * between and resumed does just what is missing. */
prnn_due prnn_timetable_due(const prnn_timetable *table, uint64_t step, uint64_t validated, uint64_t logged);

/* Passes over the images after so many updates, with fraction. */
double prnn_timetable_epoch(const prnn_timetable *table, uint64_t step);

#endif
