#include "data/input.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: ends after %llu bytes, where more should follow",
                         input->name, (unsigned long long)input->size);
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
