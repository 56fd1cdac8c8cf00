/* NOLINTNEXTLINE(bugprone-reserved-identifier): the name that POSIX gives it */
#define _XOPEN_SOURCE 700 /* nftw */
#include "support/tree.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

enum { DESCRIPTORS = 16 };

static tree *measured; /* nftw takes nothing along */

static int visit(const char *path, const struct stat *st, int type, struct FTW *place) {
    (void)path;
    (void)place;
    if (type == FTW_NS || type == FTW_SLN) {
        return 0; /* nobody can read it */
    }
    if (type == FTW_F) {
        measured->files++;
        measured->bytes += (uint64_t)st->st_size;
    }
    const struct timespec *at = &st->st_mtim, *newest = &measured->newest;
    if (at->tv_sec > newest->tv_sec || (at->tv_sec == newest->tv_sec && at->tv_nsec > newest->tv_nsec)) {
        measured->newest = *at;
    }
    return 0;
}

int tree_measure(const char *path, tree *t) {
    struct stat st;
    *t = (tree){0};
    if (stat(path, &st) != 0) {
        return errno;
    }
    measured = t;
    return nftw(path, visit, DESCRIPTORS, 0) == 0 ? 0 : errno;
}
