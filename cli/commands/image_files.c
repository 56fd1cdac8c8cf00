#include "commands/image_files.h"

#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct entry {
    char *path;
    uint64_t index;
    bool made; /* its image has another name, or none */
} entry;

static bool is_png(const char *name) {
    size_t n = strlen(name);
    return n > 4 && strcasecmp(name + n - 4, ".png") == 0;
}

static prnn_archive_image image_at(const image_files *f, uint64_t index) {
    prnn_archive_image image = PRNN_ARCHIVE_IMAGE_INIT;
    prnn_archive_image_at(f->archive, index, &image);
    return image;
}

/* So many of the n bytes of a part of a name that it has at most `most`, and ends with a whole character. */
static size_t kept_of(const char *part, size_t n, size_t most) {
    n = n < most ? n : most;
    while (n > 0 && ((unsigned char)part[n] & 0xc0) == 0x80) {
        n--;
    }
    return n;
}

/* Of names that are too long for a file or a folder the beginning is kept. */
static char *path_of(const image_files *f, uint64_t index, bool numbered) {
    enum { MOST = 255 };
    prnn_archive_image image = image_at(f, index);
    size_t n = strlen(f->folder), room = n + strlen(image.name) + 40;
    const char *slash = strrchr(image.name, '/'), *last = slash ? slash + 1 : image.name;
    char *path = malloc(room), ending[32] = ".png";
    if (!path) {
        return NULL;
    }
    if (numbered || !*image.name) {
        snprintf(ending, sizeof ending, "%s%06" PRIu64 ".png", *image.name ? "-" : "", index);
    } else if (is_png(last) && strlen(last) <= MOST) {
        *ending = 0;
    }
    size_t at = (size_t)snprintf(path, room, "%s%s", f->folder, f->folder[n - 1] == '/' ? "" : "/");
    for (const char *part = image.name, *next; part; part = next) {
        size_t length = strcspn(part, "/");
        next = part[length] ? part + length + 1 : NULL;
        size_t kept = kept_of(part, length, next ? MOST : MOST - strlen(ending));
        at += (size_t)snprintf(path + at, room - at, "%.*s%s", (int)kept, part, next ? "/" : ending);
    }
    return path;
}

char *image_files_path(const image_files *f, uint64_t index) {
    return path_of(f, index, f->numbered && f->numbered[index - f->first]);
}

static int by_path(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return strcmp(x->path, y->path);
}

/* Of one path, those whose own name it is come first. */
static int by_right(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = by_path(a, b);
    return order ? order : x->made != y->made ? x->made - y->made : x->index < y->index ? -1 : 1;
}

static int list(const image_files *f, entry *entries) {
    int code = EXIT_OK;
    for (uint64_t i = 0; i < f->count; i++) {
        prnn_archive_image image = image_at(f, f->first + i);
        entries[i] = (entry){path_of(f, f->first + i, false), f->first + i, !is_png(image.name)};
        TRY(check_memory(entries[i].path));
    }
    qsort(entries, (size_t)f->count, sizeof *entries, by_right);
done:
    return code;
}

/* A name with a number could itself be that of another image. */
static int give_number(image_files *f, const entry *entries, const entry *e) {
    entry other = {.path = path_of(f, e->index, true)};
    if (!other.path) {
        return check_memory(NULL);
    }
    bool taken = bsearch(&other, entries, (size_t)f->count, sizeof *entries, by_path) != NULL;
    int code = taken ? fail("%s: image %" PRIu64
                            " and another one would both be in this file: take one by --extract, or all into "
                            "a .npy if they have one size",
                            other.path, e->index)
                     : EXIT_OK;
    f->numbered[e->index - f->first] = true;
    free(other.path);
    return code;
}

/* No file can have the name of a folder that another image's file is in. */
static int number_folders(image_files *f, const entry *entries, char *path) {
    int code = EXIT_OK;
    for (char *slash = strchr(path + strlen(f->folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        const entry *end = entries + f->count, *e;
        *slash = 0;
        e = bsearch(&(entry){.path = path}, entries, (size_t)f->count, sizeof *entries, by_path);
        while (e && e > entries && strcmp(e[-1].path, path) == 0) {
            e--;
        }
        for (; code == EXIT_OK && e && e < end && strcmp(e->path, path) == 0; e++) {
            code = f->numbered[e->index - f->first] ? EXIT_OK : give_number(f, entries, e);
        }
        *slash = '/';
        TRY(code);
    }
done:
    return code;
}

static bool has_names(const image_files *f) {
    for (uint64_t i = 0; i < f->count; i++) {
        if (*image_at(f, f->first + i).name) {
            return true;
        }
    }
    return false;
}

int image_files_begin(image_files *f, const prnn_archive *archive, uint64_t first, uint64_t count,
                      const char *folder) {
    *f = (image_files){folder, archive, first, count, NULL};
    if (!has_names(f)) {
        return EXIT_OK;
    }
    entry *entries = calloc((size_t)count, sizeof *entries);
    int code;
    f->numbered = calloc((size_t)count, sizeof *f->numbered);
    TRY(check_memory(entries));
    TRY(check_memory(f->numbered));
    TRY(list(f, entries));
    for (uint64_t i = 1; i < count; i++) {
        TRY(by_path(&entries[i - 1], &entries[i]) == 0 ? give_number(f, entries, &entries[i]) : EXIT_OK);
    }
    for (uint64_t i = 0; i < count; i++) {
        char *path = strdup(entries[i].path);
        code = path ? number_folders(f, entries, path) : check_memory(NULL);
        free(path);
        TRY(code);
    }
done:
    for (uint64_t i = 0; entries && i < count; i++) {
        free(entries[i].path);
    }
    free(entries);
    return code;
}

uint64_t image_files_numbered(const image_files *f) {
    uint64_t n = 0;
    for (uint64_t i = 0; f->numbered && i < f->count; i++) {
        n += f->numbered[i];
    }
    return n;
}

void image_files_end(image_files *f) {
    free(f->numbered);
    f->numbered = NULL;
}
