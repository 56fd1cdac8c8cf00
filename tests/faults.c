/* Loaded before the program (LD_PRELOAD) by test_faults.sh, this makes one of its calls fail.
 *   FAULT_KIND   "memory": calls that allocate; "calls": others that ask the system for something
 *   FAULT_N      the number of the call that fails, from 1; 0: none
 *   FAULT_COUNT  a file that gets the number of such calls at the end, if the program gets that far
 * Needs glibc: its other names for the allocating functions, and where a stream keeps its error. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

typedef enum kind { NOTHING, MEMORY, CALLS } kind;

static kind wanted;
static long failing;
static atomic_long count;

static void find_all(void);

/* Whether this call is the one. Libraries that begin before this one call too, and none of theirs is. */
static bool fails(kind k, int why) {
    if (k == CALLS) {
        find_all();
    }
    if (k != wanted || atomic_fetch_add(&count, 1) + 1 != failing) {
        return false;
    }
    errno = why;
    return true;
}

/* ---------------------------------------------------------------------------------------- memory */

void *malloc(size_t size) {
    return fails(MEMORY, ENOMEM) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return fails(MEMORY, ENOMEM) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size) {
    return size && fails(MEMORY, ENOMEM) ? NULL : __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    return fails(MEMORY, ENOMEM) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

/* ----------------------------------------------------------------------------------------- calls */

/* Stands for one function of the C library. */
#define CALL(type, name, parameters, arguments, why, failed)                                                 \
    static type(*real_##name) parameters;                                                                    \
    type name parameters {                                                                                   \
        return fails(CALLS, why) ? failed : real_##name arguments;                                           \
    }

CALL(FILE *, fopen, (const char *path, const char *mode), (path, mode), EMFILE, NULL)
CALL(FILE *, fdopen, (int file, const char *mode), (file, mode), ENOMEM, NULL)
CALL(int, stat, (const char *path, struct stat *st), (path, st), EIO, -1)
CALL(int, fstat, (int file, struct stat *st), (file, st), EIO, -1)
CALL(int, fstatat, (int folder, const char *path, struct stat *st, int flags), (folder, path, st, flags), EIO,
     -1)
CALL(ssize_t, read, (int file, void *to, size_t n), (file, to, n), EIO, -1)
CALL(ssize_t, pread, (int file, void *to, size_t n, off_t at), (file, to, n, at), EIO, -1)
CALL(ssize_t, pwrite, (int file, const void *from, size_t n, off_t at), (file, from, n, at), ENOSPC, -1)
CALL(int, mkstemp, (char *path), (path), ENOSPC, -1)
CALL(int, fseek, (FILE * stream, long at, int from), (stream, at, from), EIO, -1)
CALL(int, fseeko, (FILE * stream, off_t at, int from), (stream, at, from), EIO, -1)
CALL(long, ftell, (FILE * stream), (stream), EIO, -1)
CALL(int, fsync, (int file), (file), EIO, -1)
CALL(int, rename, (const char *from, const char *to), (from, to), EIO, -1)
CALL(int, access, (const char *path, int how), (path, how), EIO, -1)
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), ENOSPC, -1)
CALL(int, ftruncate, (int file, off_t n), (file, n), EIO, -1)
CALL(DIR *, opendir, (const char *path), (path), EMFILE, NULL)
CALL(struct dirent *, readdir, (DIR * folder), (folder), EIO, NULL)
CALL(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *how, void *(*start)(void *), void *argument),
     (thread, how, start, argument), 0, EAGAIN)

static int (*real_open)(const char *path, int flags, ...);
int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return fails(CALLS, EMFILE) ? -1 : real_open(path, flags, mode);
}

static int (*real_fcntl)(int file, int command, ...);
int fcntl(int file, int command, ...) {
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    return command == F_DUPFD_CLOEXEC && fails(CALLS, EMFILE) ? -1 : real_fcntl(file, command, argument);
}

/* Whether the use of a stream fails; ferror then says so. */
static bool stream_fails(FILE *stream, int why) {
    bool failed = fails(CALLS, why);
    stream->_flags |= failed ? 0x20 : 0; /* _IO_ERR_SEEN */
    return failed;
}

static size_t (*real_fread)(void *to, size_t size, size_t n, FILE *stream);
size_t fread(void *to, size_t size, size_t n, FILE *stream) {
    return stream_fails(stream, EIO) ? 0 : real_fread(to, size, n, stream);
}

/* What the compiler calls instead, with the room behind `to`, where _FORTIFY_SOURCE is set. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
size_t __fread_chk(void *to, size_t room, size_t size, size_t n, FILE *stream) {
    return size && n > room / size ? abort(), 0 : fread(to, size, n, stream);
}

ssize_t __read_chk(int file, void *to, size_t n, size_t room) {
    return n > room ? abort(), 0 : read(file, to, n);
}

ssize_t __pread_chk(int file, void *to, size_t n, off_t at, size_t room) {
    return n > room ? abort(), 0 : pread(file, to, n, at);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static size_t (*real_fwrite)(const void *from, size_t size, size_t n, FILE *stream);
size_t fwrite(const void *from, size_t size, size_t n, FILE *stream) {
    /* What cannot be said cannot be checked. */
    bool failed = stream != stdout && stream != stderr && stream_fails(stream, ENOSPC);
    return failed ? 0 : real_fwrite(from, size, n, stream);
}

static int (*real_fflush)(FILE *stream);
int fflush(FILE *stream) {
    bool failed = stream && stream != stdout && stream != stderr && stream_fails(stream, ENOSPC);
    return failed ? EOF : real_fflush(stream);
}

static int (*real_fclose)(FILE *stream);
int fclose(FILE *stream) {
    bool failed = fails(CALLS, EIO);
    int why = errno, result = real_fclose(stream); /* it is closed in any case */
    errno = why;
    return failed ? EOF : result;
}

/* ---------------------------------------------------------------------------------- begin and end */

#define FIND(name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

static void find_all(void) {
    static bool found;
    if (found) {
        return;
    }
    found = true;
    FIND(fopen), FIND(fdopen), FIND(stat), FIND(fstat), FIND(fstatat), FIND(read), FIND(pread), FIND(fseek);
    FIND(fseeko), FIND(ftell), FIND(fsync), FIND(rename), FIND(access), FIND(mkdir), FIND(ftruncate);
    FIND(opendir), FIND(readdir), FIND(pthread_create), FIND(open), FIND(fcntl), FIND(fread), FIND(fwrite);
    FIND(fflush), FIND(fclose), FIND(pwrite), FIND(mkstemp);
}

__attribute__((constructor)) static void begin(void) {
    find_all();
    const char *n = getenv("FAULT_N"), *k = getenv("FAULT_KIND");
    failing = n ? atol(n) : 0;
    wanted = !k ? NOTHING : strcmp(k, "memory") == 0 ? MEMORY : CALLS;
}

__attribute__((destructor)) static void end(void) {
    long total = atomic_load(&count);
    wanted = NOTHING;
    const char *path = getenv("FAULT_COUNT");
    FILE *f = path ? real_fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%ld\n", total);
        real_fclose(f);
    }
}
