#include "support/text.h"

#include "support/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Opening a pipe waits for somebody to write. */
static FILE *open_file(const char *path, size_t *size) {
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode)) {
        fail("%s: is not a file", path);
        return NULL;
    }
    FILE *file = there ? fopen(path, "rb") : NULL;
    if (!file) {
        fail("%s: cannot be opened: %s", path, strerror(errno));
    }
    *size = there ? (size_t)st.st_size : 0;
    return file;
}

/* Editors and spreadsheets put a byte order mark in front of UTF-8. */
static void cut_mark(char *text) {
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = strlen(mark);
    if (strncmp(text, mark, n) == 0) {
        memmove(text, text + n, strlen(text + n) + 1);
    }
}

static char *read_stream(const char *path, FILE *file, size_t size, const char *what) {
    char *text = malloc(size + 1);
    size_t n = text ? fread(text, 1, size, file) : 0;
    if (!text) {
        fail_memory();
    } else if (ferror(file)) {
        fail("%s: cannot be read: %s", path, strerror(errno));
    } else if (memchr(text, 0, n)) {
        fail("%s: is not a text file, and %s is needed", path, what);
    } else {
        text[n] = 0;
        cut_mark(text);
        return text;
    }
    free(text);
    return NULL;
}

char *text_read(const char *path, size_t limit, const char *what) {
    size_t size;
    FILE *file = open_file(path, &size);
    char *text = NULL;
    if (file && size > limit) {
        fail("%s: is too large for %s (%zu bytes, at most %zu are read)", path, what, size, limit);
    } else if (file) {
        text = read_stream(path, file, size, what);
    }
    if (file) {
        fclose(file);
    }
    return text;
}
