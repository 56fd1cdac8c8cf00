/* The steps of a training that prnn_train shares with whoever takes them one by one. */
#ifndef PRNN_TRAIN_TRAINER_H
#define PRNN_TRAIN_TRAINER_H

#include "base/context.h"

/* Does what is due after the present update, unless that was done: validates, logs, saves. If the caller
 * wants to stop in the midst of it, as prnn_trainer_stop. */
prnn_status prnn_trainer_attend(prnn_trainer *trainer);

/* Whether all updates were made, and what was due after them done. */
bool prnn_trainer_is_done(const prnn_trainer *trainer);

/* How a call ends: the other ranks hear of a failure; where one of them is lost, rank 0 saves the last update
 * that all made, and says so. */
prnn_status prnn_trainer_leave(prnn_trainer *trainer, prnn_status status);

/* PRNN_STOPPED, with a checkpoint that the run can be resumed from. */
prnn_status prnn_trainer_stop(prnn_trainer *trainer);

#endif
