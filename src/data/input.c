#include "data/input.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------ pipes */

static const uint64_t pipe_limit = (uint64_t)64 << 30; /* a pipe need not end */
enum { PIECE = 1 << 16 };

/* A file that is gone when it is closed, whatever happens. */
static prnn_status open_nameless(prnn_context *ctx, const char *name, FILE **to) {
    const char *folder = getenv("TMPDIR");
    char path[4096];
    errno = ENAMETOOLONG;
    int length = snprintf(path, sizeof path, "%s/pixelrnn-XXXXXX", folder && *folder ? folder : "/tmp");
    int file = length > 0 && (size_t)length < sizeof path ? mkstemp(path) : -1;
    if (file < 0) {
        return prnn_fail_system(ctx, errno, "%s: is a pipe, and a temporary file for it cannot be made (%s)",
                                name, path);
    }
    unlink(path);
    (void)fcntl(file, F_SETFD, FD_CLOEXEC);
    *to = fdopen(file, "w+b");
    if (!*to) {
        prnn_status status =
            prnn_fail_system(ctx, errno, "%s: a temporary file for it cannot be opened", name);
        close(file);
        return status;
    }
    return PRNN_OK;
}

/* Counts what it copies in input->size. */
static prnn_status copy_pipe(prnn_context *ctx, int from, prnn_input *input, uint8_t *piece) {
    for (;;) {
        ssize_t n = read(from, piece, PIECE);
        if (n < 0 && errno != EINTR) {
            return prnn_fail_system(ctx, errno, "%s: cannot be read", input->name);
        }
        if (n == 0) {
            return fflush(input->file) == 0
                       ? PRNN_OK
                       : prnn_fail_system(ctx, errno, "%s: cannot be copied into a temporary file",
                                          input->name);
        }
        input->size += n > 0 ? (uint64_t)n : 0;
        if (input->size > pipe_limit) {
            return prnn_fail(ctx, PRNN_ERROR_FILE,
                             "%s: is a pipe of more than %llu GiB: write it into a file first", input->name,
                             (unsigned long long)(pipe_limit >> 30));
        }
        if (n > 0 && fwrite(piece, 1, (size_t)n, input->file) != (size_t)n) {
            return prnn_fail_system(ctx, errno, "%s: cannot be copied into a temporary file", input->name);
        }
    }
}

static prnn_status open_pipe(prnn_context *ctx, const char *path, prnn_input *input) {
    uint8_t *piece = NULL;
    prnn_status status;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return prnn_fail_system(ctx, errno, "%s: cannot be opened", path);
    }
    input->piped = true;
    TRY(open_nameless(ctx, path, &input->file));
    piece = prnn_alloc_raw(ctx, PIECE, 1, "a pipe");
    TRY(piece ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(copy_pipe(ctx, from, input, piece));
    rewind(input->file);
done:
    close(from);
    prnn_free(piece);
    if (status != PRNN_OK) {
        prnn_input_close(input);
    }
    return status;
}

/* ----------------------------------------------------------------------------------------- files */

prnn_status prnn_input_open(prnn_context *ctx, const char *path, prnn_input *input) {
    *input = (prnn_input){.name = path};
    struct stat st;
    if (stat(path, &st) != 0) {
        return prnn_fail_system(ctx, errno, "%s: cannot be opened", path);
    }
    if (S_ISDIR(st.st_mode)) {
        input->is_folder = true;
        return PRNN_OK;
    }
    if (!S_ISREG(st.st_mode)) {
        return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: is neither a file nor a folder", path);
    }
    int file;
    prnn_status status = prnn_file_open(ctx, path, &file, &input->size);
    if (status != PRNN_OK) {
        return status;
    }
    input->file = fdopen(file, "rb");
    if (!input->file) {
        status = prnn_fail_system(ctx, errno, "%s: cannot be opened", path);
        close(file);
    }
    return status;
}

prnn_status prnn_input_open_any(prnn_context *ctx, const char *path, prnn_input *input) {
    struct stat st;
    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode)) {
        *input = (prnn_input){.name = path};
        return open_pipe(ctx, path, input);
    }
    return prnn_input_open(ctx, path, input);
}

prnn_input prnn_input_memory(const char *name, const uint8_t *bytes, size_t size) {
    return (prnn_input){.name = name, .size = size, .memory = bytes};
}

void prnn_input_close(prnn_input *input) {
    if (input->file) {
        fclose(input->file);
    }
    *input = (prnn_input){0};
}

prnn_status prnn_input_read(prnn_context *ctx, prnn_input *input, uint64_t offset, void *to, size_t n) {
    if (offset > input->size || n > input->size - offset) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: ends after %llu byte%s, where more should follow",
                         input->name, (unsigned long long)input->size, prnn_plural(input->size));
    }
    if (!input->file) {
        if (n) {
            memcpy(to, input->memory + offset, n);
        }
        return PRNN_OK;
    }
    /* A seek throws the buffer away, so only where it is needed. */
    if (offset != input->at && fseeko(input->file, (off_t)offset, SEEK_SET) != 0) {
        return prnn_fail_system(ctx, errno, "%s: cannot be read", input->name);
    }
    size_t got = fread(to, 1, n, input->file);
    input->at = offset + got;
    if (got != n && ferror(input->file)) {
        return prnn_fail_system(ctx, errno, "%s: cannot be read", input->name);
    }
    if (got != n) {
        return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: cannot be read: it has become shorter", input->name);
    }
    return PRNN_OK;
}

prnn_status prnn_input_take(prnn_context *ctx, prnn_input *input, size_t limit, uint8_t **bytes) {
    *bytes = NULL;
    if (input->size > limit) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is too large (%llu bytes, at most %zu are read)",
                         input->name, (unsigned long long)input->size, limit);
    }
    uint8_t *taken = prnn_alloc_raw(ctx, (size_t)input->size, 1, input->name);
    prnn_status status =
        taken ? prnn_input_read(ctx, input, 0, taken, (size_t)input->size) : PRNN_ERROR_MEMORY;
    if (status == PRNN_OK) {
        *bytes = taken;
    } else {
        prnn_free(taken);
    }
    return status;
}
