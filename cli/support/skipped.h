/* Pictures that a data set lacks because they cannot be used. */
#ifndef PIXELRNN_CLI_SUPPORT_SKIPPED_H
#define PIXELRNN_CLI_SUPPORT_SKIPPED_H

#include <pixelrnn/pixelrnn.h>

enum { SKIPPED_SHOWN = 10 };

/* Begin with {0}. */
typedef struct skipped {
    size_t count;
    char *first[SKIPPED_SHOWN]; /* sentences */
    char *all;                  /* if `keep`: paths and sentences in turn, each with its 0 */
    size_t size, room;          /* of them */
    bool keep, lost;            /* lost: there was no memory for one */
} skipped;

/* A prnn_skipped_fn; `user` is a skipped. */
void skipped_note(void *user, const char *path, const char *why);
/* How many, and the first ones, on stderr; nothing if there is none. */
void skipped_print(const skipped *s);
/* The kept ones one by one, where *at begins as 0. False after the last. */
bool skipped_next(const skipped *s, size_t *at, const char **path, const char **why);
/* All of them into a file, a line each. 0 or an exit code. */
int skipped_write(const skipped *s, const char *path);
void skipped_free(skipped *s);

#endif
