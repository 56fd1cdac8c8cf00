#include "support/npy_labels.h"

#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAGIC = 6, HEAD_LIMIT = 4096 };

static const char magic[MAGIC + 1] = "\x93NUMPY";

bool is_npy(const char *path) {
    char head[MAGIC];
    struct stat st;
    FILE *file = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    bool found = file && fread(head, 1, MAGIC, file) == MAGIC && memcmp(head, magic, MAGIC) == 0;
    if (file) {
        fclose(file);
    }
    return found;
}

/* ------------------------------------------------------------------------------------- header */

typedef struct header {
    char type[8]; /* "|u1" */
    size_t count;
} header;

static int cut_off(const char *path) {
    return fail("%s: is a .npy file that was cut off, or is damaged", path);
}

/* The text of the header, a Python dictionary. */
static int read_head(const char *path, FILE *file, char text[HEAD_LIMIT + 1]) {
    uint8_t head[MAGIC + 6] = {0};
    size_t old = 1;
    if (fread(head, 1, MAGIC + 4, file) != MAGIC + 4) {
        return cut_off(path);
    }
    size_t length = head[MAGIC + 2] | (size_t)head[MAGIC + 3] << 8;
    if (head[MAGIC] != old) { /* versions 2 and 3 have two bytes more */
        if (fread(head + MAGIC + 4, 1, 2, file) != 2) {
            return cut_off(path);
        }
        length |= (size_t)head[MAGIC + 4] << 16 | (size_t)head[MAGIC + 5] << 24;
    }
    if (length > HEAD_LIMIT || fread(text, 1, length, file) != length) {
        return cut_off(path);
    }
    text[length] = 0;
    return EXIT_OK;
}

/* What follows 'key': in the dictionary, without spaces; "" if it is not there. */
static const char *value_of(const char *text, const char *key) {
    char quoted[24];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(text, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : "";
}

static int read_header(const char *path, FILE *file, header *h) {
    char text[HEAD_LIMIT + 1];
    char *end;
    int code;
    TRY(read_head(path, file, text));
    const char *type = value_of(text, "descr"), *shape = value_of(text, "shape");
    size_t n = *type == '\'' ? strcspn(type + 1, "'") : 0;
    if (n == 0 || n >= sizeof h->type || *shape != '(') {
        return fail("%s: is a .npy file of another kind, and labels are (n) whole numbers or bool: save "
                    "numpy.asarray(labels, 'uint8')",
                    path);
    }
    memcpy(h->type, type + 1, n);
    h->type[n] = 0;
    errno = 0;
    h->count = strtoull(shape + 1, &end, 10);
    bool one = strncmp(end, ",)", 2) == 0 || strncmp(end, ", 1)", 4) == 0 || *end == ')';
    if (end == shape + 1 || errno || !one) {
        return fail("%s: is an array of shape %.*s, and labels are one for each image: save labels.ravel()",
                    path, (int)strcspn(shape, ")") + 1, shape);
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------------- values */

/* Bytes of a number, 0 if it is none that is read; in *is_signed whether it can be negative. */
static size_t size_of_type(const char *type, bool *is_signed) {
    static const struct {
        const char *type;
        size_t size;
        bool is_signed;
    } known[] = {{"|b1", 1, false}, {"|u1", 1, false}, {"|i1", 1, true},  {"<u2", 2, false}, {"<i2", 2, true},
                 {"<u4", 4, false}, {"<i4", 4, true},  {"<u8", 8, false}, {"<i8", 8, true}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].type, type) == 0) {
            *is_signed = known[i].is_signed;
            return known[i].size;
        }
    }
    return 0;
}

static int64_t number_of(const uint8_t *bytes, size_t size, bool is_signed) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    unsigned unused = (unsigned)(64 - 8 * size);
    return is_signed ? (int64_t)(value << unused) >> unused : (int64_t)value;
}

static int read_values(const char *path, FILE *file, const header *h, int64_t *values) {
    bool is_signed = false;
    size_t size = size_of_type(h->type, &is_signed);
    uint8_t bytes[8];
    if (!size) {
        return fail("%s: is an array of type '%s', and labels are whole numbers or bool: save "
                    "labels.astype('uint8')",
                    path, h->type);
    }
    for (size_t i = 0; i < h->count; i++) {
        if (fread(bytes, 1, size, file) != size) {
            return cut_off(path);
        }
        values[i] = number_of(bytes, size, is_signed);
    }
    return EXIT_OK;
}

int npy_read_labels(const char *path, int64_t **values, size_t *n) {
    FILE *file = fopen(path, "rb");
    header h = {"", 0};
    struct stat st;
    int code;
    *values = NULL;
    TRY(file ? EXIT_OK : fail("%s: cannot be opened: %s", path, strerror(errno)));
    TRY(read_header(path, file, &h));
    TRY(fstat(fileno(file), &st) == 0 && h.count <= (size_t)st.st_size ? EXIT_OK : cut_off(path));
    *values = allocate(h.count, sizeof **values);
    TRY(check_memory(*values));
    TRY(read_values(path, file, &h, *values));
    *n = h.count;
done:
    if (file) {
        fclose(file);
    }
    if (code != EXIT_OK) {
        free(*values);
        *values = NULL;
    }
    return code;
}
