#include "data/zip.h"

#ifdef PRNN_HAVE_LIBZIP

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

prnn_status prnn_zip_fail(prnn_context *ctx, const char *name, zip_error_t *error) {
    int type = zip_error_system_type(error), inner = zip_error_code_system(error);
    if (errno == ENOMEM || zip_error_code_zip(error) == ZIP_ER_MEMORY ||
        (type == ZIP_ET_ZLIB && inner == Z_MEM_ERROR)) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory to unpack it", name);
    }
    if (type == ZIP_ET_SYS && inner) {
        return prnn_fail_system(ctx, inner, "%s: cannot be read", name);
    }
    return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: cannot be unpacked (%s): fetch or make it anew", name,
                     zip_error_strerror(error));
}

/* What came from a pipe has no name, and libzip closes what it reads. */
static zip_source_t *open_piped(const prnn_input *input, zip_error_t *error) {
    int file = fcntl(fileno(input->file), F_DUPFD_CLOEXEC, 0);
    FILE *copy = file < 0 ? NULL : fdopen(file, "rb");
    zip_source_t *source = copy ? zip_source_filep_create(copy, 0, -1, error) : NULL;
    if (!copy) {
        zip_error_set(error, ZIP_ER_OPEN, errno);
    }
    if (copy && !source) {
        fclose(copy);
    } else if (!copy && file >= 0) {
        close(file);
    }
    return source;
}

static zip_source_t *open_source(const prnn_input *input, zip_error_t *error) {
    if (!input->file) {
        return zip_source_buffer_create(input->memory, input->size, 0, error);
    }
    return input->piped ? open_piped(input, error) : zip_source_file_create(input->name, 0, -1, error);
}

prnn_status prnn_zip_open(prnn_context *ctx, const prnn_input *input, zip_t **zip) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = open_source(input, &error);
    *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    prnn_status status = *zip ? PRNN_OK : prnn_zip_fail(ctx, input->name, &error);
    if (!*zip && source) {
        zip_source_free(source);
    }
    zip_error_fini(&error);
    return status;
}

static prnn_status entry_read(prnn_context *ctx, prnn_stream *s, void *to, size_t n, size_t *got) {
    prnn_zip_entry *e = s->state;
    *got = 0;
    errno = 0;
    while (*got < n) {
        zip_int64_t more = zip_fread(e->file, (char *)to + *got, n - *got);
        if (more < 0) {
            return prnn_zip_fail(ctx, s->name, zip_file_get_error(e->file));
        }
        if (more == 0) {
            break;
        }
        *got += (size_t)more;
    }
    return PRNN_OK;
}

prnn_status prnn_zip_entry_open(prnn_context *ctx, zip_t *zip, const prnn_input *input, zip_uint64_t index,
                                prnn_zip_entry *e) {
    zip_stat_t st;
    zip_stat_init(&st);
    errno = 0;
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(zip, index, 0, &st) != 0 || (st.valid & needed) != needed) {
        return prnn_zip_fail(ctx, input->name, zip_get_error(zip));
    }
    snprintf(e->name, sizeof e->name, "%s: %s", input->name, st.name);
    if (st.comp_method != ZIP_CM_STORE && st.comp_method != ZIP_CM_DEFLATE) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: is packed by method %d, and NumPy's two are read: write it with numpy.savez",
                         e->name, st.comp_method);
    }
    if (st.size > PRNN_UNPACKED_LIMIT || st.comp_size > input->size ||
        st.size / PRNN_DEFLATE_RATIO > st.comp_size) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: says that its %llu bytes are packed into %llu, which cannot be (or is beyond the 16 "
            "GiB that are read): make it anew, or use .npy",
            e->name, (unsigned long long)st.size, (unsigned long long)st.comp_size);
    }
    e->file = zip_fopen_index(zip, index, 0);
    if (!e->file) {
        return prnn_zip_fail(ctx, e->name, zip_get_error(zip));
    }
    e->stream =
        (prnn_stream){.name = e->name, .left = st.size, .exact = true, .read = entry_read, .state = e};
    return PRNN_OK;
}

#endif
