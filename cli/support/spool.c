#include "support/spool.h"

#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

/* A descriptor, or -1. */
static int open_nameless(void) {
    const char *folder = getenv("TMPDIR");
    char path[4096];
    errno = ENAMETOOLONG;
    int length = snprintf(path, sizeof path, "%s/pixelrnn-XXXXXX", folder && *folder ? folder : "/tmp");
    int file = length > 0 && (size_t)length < sizeof path ? mkstemp(path) : -1;
    if (file >= 0) {
        unlink(path);
    }
    return file;
}

static bool write_all(int file, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t some = write(file, bytes, n);
        if (some < 0 && errno != EINTR) {
            return false;
        }
        bytes += some > 0 ? some : 0;
        n -= some > 0 ? (size_t)some : 0;
    }
    return true;
}

static int copy(const char *path, int from, int to) {
    char *piece = malloc(PIECE);
    int code;
    TRY(check_memory(piece));
    for (;;) {
        ssize_t n = read(from, piece, PIECE);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            TRY(fail("%s: cannot be read: %s", path, strerror(errno)));
        }
        if (n > 0 && !write_all(to, piece, (size_t)n)) {
            TRY(fail("%s: cannot be copied into a temporary file: %s", path, strerror(errno)));
        }
    }
done:
    free(piece);
    return code;
}

/* The descriptor that a path such as /dev/fd/63 is of, or -1. */
static int descriptor_of(const char *path) {
    static const char folder[] = "/dev/fd/";
    size_t n = strlen(folder);
    if (strcmp(path, "/dev/stdin") == 0) {
        return STDIN_FILENO;
    }
    char *end = NULL;
    long number = strncmp(path, folder, n) == 0 && path[n] ? strtol(path + n, &end, 10) : -1;
    return number >= 0 && number <= INT_MAX && !*end ? (int)number : -1;
}

int spool_pipe(const char *path, char *file, bool *piped) {
    struct stat st;
    int code = EXIT_OK, from = -1, to = -1;
    *piped = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
    if (!*piped) {
        return EXIT_OK;
    }
    from = open(path, O_RDONLY | O_CLOEXEC);
    to = from < 0 ? -1 : open_nameless();
    if (to < 0) {
        code =
            fail("%s: %s: %s", path, from < 0 ? "cannot be opened" : "a temporary file for it cannot be made",
                 strerror(errno));
    }
    TRY(code);
    TRY(copy(path, from, to));
    int place = descriptor_of(path);
    if (place >= 0 && dup2(to, place) == place) {
        close(to);
        to = place;
    }
    snprintf(file, SPOOL_PATH, place == STDIN_FILENO && to == place ? "/dev/stdin" : "/dev/fd/%d", to);
    to = -1;
done:
    if (from >= 0) {
        close(from);
    }
    if (to >= 0) {
        close(to);
    }
    return code;
}
