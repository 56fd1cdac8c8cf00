#include "base/file.h"

#include "base/memory.h"
#include "base/try.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIPE_ROOM = 1 << 16 };

/* Opening a pipe waits for somebody to write, and opening a device may do something to it. */
static prnn_status check_kind(prnn_context *ctx, const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        return prnn_fail_system(ctx, errno, "%s: cannot be opened", path);
    }
    return S_ISREG(st.st_mode) ? PRNN_OK : prnn_fail(ctx, PRNN_ERROR_FILE, "%s: is not a file", path);
}

prnn_status prnn_file_open(prnn_context *ctx, const char *path, int *file, uint64_t *size) {
    prnn_status status = check_kind(ctx, path);
    if (status != PRNN_OK) {
        return status;
    }
    *file = open(path, O_RDONLY | O_CLOEXEC);
    if (*file < 0) {
        return prnn_fail_system(ctx, errno, "%s: cannot be opened", path);
    }
    struct stat st;
    if (fstat(*file, &st) != 0) {
        status = prnn_fail_system(ctx, errno, "%s: cannot be read", path);
        close(*file);
        return status;
    }
    *size = (uint64_t)st.st_size;
    return PRNN_OK;
}

static prnn_status read_bytes(prnn_context *ctx, const char *path, int file, uint8_t *to, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t got = read(file, to + done, n - done);
        if (got < 0 && errno != EINTR) {
            return prnn_fail_system(ctx, errno, "%s: only %zu of %zu bytes could be read", path, done, n);
        }
        if (got == 0) {
            return prnn_fail(ctx, PRNN_ERROR_FILE,
                             "%s: only %zu of %zu bytes could be read: it has become shorter", path, done, n);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return PRNN_OK;
}

prnn_status prnn_file_read(prnn_context *ctx, const char *path, size_t limit, uint8_t **bytes, size_t *size) {
    *bytes = NULL;
    *size = 0;
    int file;
    uint64_t n;
    prnn_status status = prnn_file_open(ctx, path, &file, &n);
    if (status != PRNN_OK) {
        return status;
    }
    uint8_t *memory = NULL;
    if (n > limit) {
        status = prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is too large (%llu bytes, at most %zu are read)",
                           path, (unsigned long long)n, limit);
    } else {
        memory = prnn_alloc(ctx, (size_t)n, 1, path);
        status = memory ? read_bytes(ctx, path, file, memory, (size_t)n) : PRNN_ERROR_MEMORY;
    }
    close(file);
    if (status != PRNN_OK) {
        prnn_free(memory);
        return status;
    }
    *bytes = memory;
    *size = (size_t)n;
    return PRNN_OK;
}

/* What is read of a pipe, so far. */
typedef struct piece {
    uint8_t *bytes;
    size_t size, room;
} piece;

static prnn_status grow(prnn_context *ctx, const char *path, piece *p) {
    size_t room = p->room ? 2 * p->room : PIPE_ROOM;
    uint8_t *larger = prnn_alloc_raw(ctx, room, 1, path);
    if (!larger) {
        return PRNN_ERROR_MEMORY;
    }
    if (p->size) {
        memcpy(larger, p->bytes, p->size);
    }
    prnn_free(p->bytes);
    p->bytes = larger;
    p->room = room;
    return PRNN_OK;
}

static prnn_status read_pipe(prnn_context *ctx, const char *path, int pipe, size_t limit, piece *p) {
    prnn_status status = PRNN_OK;
    for (ssize_t n = 1; n != 0;) {
        TRY(p->size == p->room ? grow(ctx, path, p) : PRNN_OK);
        n = read(pipe, p->bytes + p->size, p->room - p->size);
        if (n < 0 && errno != EINTR) {
            return prnn_fail_system(ctx, errno, "%s: cannot be read", path);
        }
        p->size += n > 0 ? (size_t)n : 0;
        if (p->size > limit) {
            return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is too large (at most %zu bytes are read)", path,
                             limit);
        }
    }
done:
    return status;
}

prnn_status prnn_file_read_any(prnn_context *ctx, const char *path, size_t limit, uint8_t **bytes,
                               size_t *size) {
    struct stat st;
    *bytes = NULL;
    *size = 0;
    if (stat(path, &st) != 0 || !S_ISFIFO(st.st_mode)) {
        return prnn_file_read(ctx, path, limit, bytes, size);
    }
    int pipe = open(path, O_RDONLY | O_CLOEXEC);
    if (pipe < 0) {
        return prnn_fail_system(ctx, errno, "%s: cannot be opened", path);
    }
    piece all = {NULL, 0, 0};
    prnn_status status = read_pipe(ctx, path, pipe, limit, &all);
    close(pipe);
    if (status != PRNN_OK) {
        prnn_free(all.bytes);
        return status;
    }
    *bytes = all.bytes;
    *size = all.size;
    return PRNN_OK;
}

ssize_t prnn_file_read_at(int file, uint64_t at, uint8_t *to, size_t n) {
    size_t done = 0;
    for (ssize_t got = 1; done < n && got != 0;) {
        got = pread(file, to + done, n - done, (off_t)(at + done));
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

prnn_status prnn_file_exists(prnn_context *ctx, const char *path, bool *there) {
    *there = access(path, F_OK) == 0;
    return *there || errno == ENOENT || errno == ENOTDIR
               ? PRNN_OK
               : prnn_fail_system(ctx, errno, "%s: nobody can tell whether it is there", path);
}

bool prnn_file_is_absent(const prnn_context *ctx) {
    static const int absent[] = {ENOENT, ENOTDIR, ELOOP, EACCES, EPERM};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        if (ctx->cause == absent[i]) {
            return true;
        }
    }
    return false;
}

/* Bytes of a path that its temporary file's begins with: a name has 255 at most, what is added included. */
static size_t kept_of(const char *path) {
    enum { MOST = 200 };
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name);
    return (size_t)(name - path) + (n < MOST ? n : MOST);
}

/* The name, into `name`, and the stream of a file that was not there: "a.png.4711-0.tmp". NULL, with errno:
 * it cannot be made. */
static FILE *open_temporary(const char *path, char *name, size_t room) {
    enum { TRIES = 1000 };
    static atomic_uint serial;
    FILE *stream = NULL;
    for (int i = 0; i < TRIES && !stream && (i == 0 || errno == EEXIST); i++) {
        snprintf(name, room, "%.*s.%ld-%u.tmp", (int)kept_of(path), path, (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        stream = fopen(name, "w+bx");
    }
    return stream;
}

/* Whether `name` is what follows the path in such a name: ".4711-0.tmp". */
static bool is_temporary(const char *name) {
    static const char digits[] = "0123456789";
    size_t process = *name == '.' ? strspn(name + 1, digits) : 0;
    const char *rest = process ? name + 1 + process : "";
    size_t number = *rest == '-' ? strspn(rest + 1, digits) : 0;
    return number && strcmp(rest + 1 + number, ".tmp") == 0;
}

prnn_status prnn_file_begin(prnn_context *ctx, const char *path, prnn_file_writer *writer) {
    size_t n = strlen(path);
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode)) {
        return prnn_fail(ctx, PRNN_ERROR_FILE,
                         "%s: is not a file, and would be replaced by one: name another", path);
    }
    *writer = (prnn_file_writer){NULL, malloc(n + 1), malloc(n + 40)};
    if (!writer->path || !writer->temporary) {
        prnn_file_abandon(writer);
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to write it", path);
    }
    memcpy(writer->path, path, n + 1);
    writer->stream = open_temporary(path, writer->temporary, n + 40);
    if (!writer->stream) {
        prnn_status status = prnn_fail_system(ctx, errno, "%s: cannot be written", path);
        free(writer->path);
        free(writer->temporary);
        return status;
    }
    if (there) { /* who could not read what is there cannot read what takes its place */
        (void)fchmod(fileno(writer->stream), st.st_mode & 07777);
    }
    return PRNN_OK;
}

void prnn_file_abandon(prnn_file_writer *writer) {
    if (writer->stream) {
        fclose(writer->stream);
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a stream has a name */
        unlink(writer->temporary);
    }
    free(writer->path);
    free(writer->temporary);
    *writer = (prnn_file_writer){0};
}

/* "folder/" of "folder/name", "./" of "name"; to be freed. NULL: no memory. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
}

/* A new name is in the folder, and the folder is on disk only when it was synced too. Some file systems
 * cannot, and some folders may be written but not read: the file is whole either way. */
static void sync_folder(const char *path) {
    char *name = folder_of(path);
    int folder = name ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder >= 0) {
        (void)fsync(folder);
        close(folder);
    }
    free(name);
}

static prnn_status fail_write(prnn_context *ctx, const char *path, int why) {
    return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: could not be written: %s; nothing was changed", path,
                     why ? strerror(why) : "is the disk full, or a limit reached?");
}

/* Whether all is written; *why: what stopped it, or 0, if that is no longer known. */
static bool flush(FILE *stream, int *why) {
    bool ok = fflush(stream) == 0;
    *why = ok ? 0 : errno;
    return ok && !ferror(stream);
}

prnn_status prnn_file_check(prnn_context *ctx, const prnn_file_writer *writer) {
    int why;
    return flush(writer->stream, &why) ? PRNN_OK : fail_write(ctx, writer->path, why);
}

prnn_status prnn_file_commit(prnn_context *ctx, prnn_file_writer *writer) {
    int why;
    bool ok = flush(writer->stream, &why);
    if (ok && fsync(fileno(writer->stream)) != 0) {
        ok = false;
        why = errno;
    }
    if (fclose(writer->stream) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(writer->temporary, writer->path) != 0) {
        ok = false;
        why = errno;
    }
    prnn_status status = PRNN_OK;
    if (ok) {
        sync_folder(writer->path);
    } else {
        unlink(writer->temporary);
        status = fail_write(ctx, writer->path, why);
    }
    free(writer->path);
    free(writer->temporary);
    *writer = (prnn_file_writer){0};
    return status;
}

void prnn_file_sweep(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = folder_of(path);
    DIR *dir = folder ? opendir(folder) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t own = kept_of(name);
        if (strncmp(entry->d_name, name, own) == 0 && is_temporary(entry->d_name + own)) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(folder);
}
