/* The files of a folder, told by their names: what may be data, and what looks as if it were. */
#ifndef PRNN_DATA_FIND_H
#define PRNN_DATA_FIND_H

#include "base/message.h"

typedef enum prnn_file_kind {
    PRNN_FILE_PICTURE,       /* in this folder and in those below; the others only in this one */
    PRNN_FILE_OTHER_PICTURE, /* pictures too, but of formats that are seldom read or never */
    PRNN_FILE_CIFAR10,       /* data_batch_*.bin */
    PRNN_FILE_CIFAR100,      /* train.bin */
    PRNN_FILE_CIFAR_TEST,    /* test_batch.bin, test.bin */
    PRNN_FILE_TRAIN_NPZ,     /* train_data_batch_*.npz */
    PRNN_FILE_NPZ,           /* other .npz */
    PRNN_FILE_NPY,
    PRNN_FILE_IDX,    /* *idx3-ubyte*, as MNIST's images are called */
    PRNN_FILE_PICKLE, /* CIFAR for Python: data_batch_1, test_batch, without an ending */
    PRNN_FILE_KINDS
} prnn_file_kind;

typedef struct prnn_names {
    char **name;
    size_t count, room;
} prnn_names;

typedef struct prnn_files {
    prnn_names paths[PRNN_FILE_KINDS];
    prnn_names unreadable, reasons; /* folders below, and a sentence for each */
} prnn_files;

/* Fills *found, which begins with {0}; free it also after a failure. */
prnn_status prnn_find(prnn_context *ctx, const char *folder, prnn_files *found);
void prnn_files_free(prnn_files *found);

/* Moves what is in `from` to the end of `to`. */
prnn_status prnn_names_move(prnn_context *ctx, prnn_names *to, prnn_names *from);

/* Sorts by bytes; or, with `numbers`, digits as numbers, so that batch_2 comes before batch_10. */
void prnn_names_sort(prnn_names *names, bool numbers);

#endif
