/* What is in a folder, or a file, in a few numbers that change when it does. */
#ifndef PIXELRNN_CLI_SUPPORT_TREE_H
#define PIXELRNN_CLI_SUPPORT_TREE_H

#include <stdint.h>
#include <time.h>

typedef struct tree {
    uint64_t files, bytes;
    struct timespec newest; /* last change of a file, or of what a folder holds */
} tree;

/* Follows links, as data sets do. 0, or errno. */
int tree_measure(const char *path, tree *t);

#endif
