/* The folder of a run: its files, and that no two runs are at work in it. */
#ifndef PRNN_TRAIN_FOLDER_H
#define PRNN_TRAIN_FOLDER_H

#include "base/message.h"

typedef struct prnn_run_folder {
    char *path, *model, *checkpoint, *metrics; /* of the folder and of the files in it */
    int lock;                                  /* descriptor; -1: none */
} prnn_run_folder;

/* Makes the folder if it is missing, locks it, and removes what a killed run left half-written; a rank but 0
 * only knows its names. Close it also after a failure. */
prnn_status prnn_run_folder_open(prnn_context *ctx, const char *path, bool rank0, prnn_run_folder *folder);
void prnn_run_folder_close(prnn_run_folder *folder);

/* A new run writes over nothing: refuses a folder in which one of its files is. */
prnn_status prnn_run_folder_check_new(prnn_context *ctx, const prnn_run_folder *folder);

#endif
