#include "base/file.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

prnn_status prnn_file_read(prnn_context *ctx, const char *path, size_t limit, uint8_t **bytes, size_t *size) {
    *bytes = NULL;
    *size = 0;
    FILE *f = fopen(path, "rb");
    if (!f) {
        return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    }
    struct stat st;
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        fclose(f);
        return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: is not a file", path);
    }
    if ((uint64_t)st.st_size > limit) {
        fclose(f);
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is too large (%lld bytes, at most %zu are read)", path,
                         (long long)st.st_size, limit);
    }
    size_t n = (size_t)st.st_size;
    uint8_t *memory = prnn_alloc(ctx, n, 1, path);
    if (!memory) {
        fclose(f);
        return PRNN_ERROR_MEMORY;
    }
    size_t got = fread(memory, 1, n, f);
    int failed = ferror(f);
    fclose(f);
    if (got != n) {
        prnn_free(memory);
        return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: only %zu of %zu bytes could be read%s%s", path, got, n,
                         failed ? ": " : "", failed ? strerror(errno) : "");
    }
    *bytes = memory;
    *size = n;
    return PRNN_OK;
}

prnn_status prnn_file_begin(prnn_context *ctx, const char *path, prnn_file_writer *writer) {
    size_t n = strlen(path);
    *writer = (prnn_file_writer){NULL, malloc(n + 1), malloc(n + 40)};
    if (!writer->path || !writer->temporary) {
        prnn_file_abandon(writer);
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to write it", path);
    }
    memcpy(writer->path, path, n + 1);
    static atomic_uint serial;
    snprintf(writer->temporary, n + 40, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&serial, 1));
    writer->stream = fopen(writer->temporary, "wb");
    if (!writer->stream) {
        prnn_status status =
            prnn_fail(ctx, PRNN_ERROR_FILE, "%s: cannot be written: %s", path, strerror(errno));
        free(writer->path);
        free(writer->temporary);
        return status;
    }
    return PRNN_OK;
}

void prnn_file_abandon(prnn_file_writer *writer) {
    if (writer->stream) {
        fclose(writer->stream);
        unlink(writer->temporary);
    }
    free(writer->path);
    free(writer->temporary);
    *writer = (prnn_file_writer){0};
}

prnn_status prnn_file_commit(prnn_context *ctx, prnn_file_writer *writer) {
    /* What stopped an earlier write is no longer known. */
    bool ok = !ferror(writer->stream);
    int why = 0;
    if (ok && (fflush(writer->stream) != 0 || fsync(fileno(writer->stream)) != 0)) {
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
    if (!ok) {
        unlink(writer->temporary);
        status = prnn_fail(ctx, PRNN_ERROR_FILE, "%s: could not be written: %s; nothing was changed",
                           writer->path, why ? strerror(why) : "is the disk full, or a limit reached?");
    }
    free(writer->path);
    free(writer->temporary);
    *writer = (prnn_file_writer){0};
    return status;
}

void prnn_file_sweep(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
    DIR *dir = folder ? opendir(folder) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t n = strlen(entry->d_name), own = strlen(name);
        bool ours = n > own + 4 && strncmp(entry->d_name, name, own) == 0 && entry->d_name[own] == '.' &&
                    strcmp(entry->d_name + n - 4, ".tmp") == 0;
        if (ours) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(folder);
}
