/* Which file a path means, whatever it is called: links, "..", and another name of the same file lead to the
 * same place. */
#ifndef PIXELRNN_CLI_SUPPORT_PLACE_H
#define PIXELRNN_CLI_SUPPORT_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct place {
    bool there, folder, pipe;
    dev_t device; /* if there */
    ino_t inode;
    char *entry; /* the path without links, but for the last name's own, which a new file would replace */
    char *end;   /* the same with that link followed, if it leads somewhere */
} place;

/* 0 or an exit code. Free with place_free in any case. */
int place_find(const char *path, place *p);
void place_free(place *p);

/* Whether both are one file or folder. */
bool place_same(const place *a, const place *b);

/* Whether `p` lies in a folder, at any depth. */
bool place_holds(const place *folder, const place *p);

#endif
