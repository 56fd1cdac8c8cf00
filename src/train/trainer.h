/* The steps of a training that prnn_train shares with whoever takes them one by one. */
#ifndef PRNN_TRAIN_TRAINER_H
#define PRNN_TRAIN_TRAINER_H

#include "base/context.h"

/* Does what is due after the present update, unless that was done: validates, logs, saves. If the caller
 * wants to stop in the midst of it, as prnn_trainer_stop. */
prnn_status prnn_trainer_attend(prnn_trainer *trainer);

/* Whether all updates were made, and what was due after them done. */
bool prnn_trainer_is_done(const prnn_trainer *trainer);

/* PRNN_STOPPED, with a checkpoint that the run can be resumed from. */
prnn_status prnn_trainer_stop(prnn_trainer *trainer);

#endif
