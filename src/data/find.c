#include "data/find.h"

#include "base/file.h"
#include "base/try.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ----------------------------------------------------------------------------------------- lists */

/* Forgets all but the first `count`. */
static void cut(prnn_names *l, size_t count) {
    while (l->count > count) {
        free(l->name[--l->count]);
    }
}

static void drop(prnn_names *l) {
    cut(l, 0);
    free(l->name);
    *l = (prnn_names){0};
}

/* Makes room for `more`. */
static bool grow(prnn_names *l, size_t more) {
    if (l->room - l->count >= more) {
        return true;
    }
    size_t room = 2 * l->room > l->count + more ? 2 * l->room : l->count + more + 32;
    char **name = realloc(l->name, room * sizeof *name);
    if (!name) {
        return false;
    }
    l->name = name;
    l->room = room;
    return true;
}

/* "folder/name", or the name alone. */
static bool add(prnn_names *l, const char *folder, const char *name) {
    size_t n = (folder ? strlen(folder) + 1 : 0) + strlen(name) + 1;
    char *path = grow(l, 1) ? malloc(n) : NULL;
    if (!path) {
        return false;
    }
    snprintf(path, n, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
    l->name[l->count++] = path;
    return true;
}

static prnn_status fail_memory(prnn_context *ctx, const char *folder) {
    return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory for the names of its files", folder);
}

prnn_status prnn_names_move(prnn_context *ctx, prnn_names *to, prnn_names *from) {
    if (!from->count) {
        return PRNN_OK;
    }
    if (!grow(to, from->count)) {
        return fail_memory(ctx, from->name[0]);
    }
    memcpy(to->name + to->count, from->name, from->count * sizeof *from->name);
    to->count += from->count;
    from->count = 0;
    return PRNN_OK;
}

void prnn_files_free(prnn_files *found) {
    for (int kind = 0; kind < PRNN_FILE_KINDS; kind++) {
        drop(&found->paths[kind]);
    }
    drop(&found->unreadable);
    drop(&found->reasons);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Digits count as numbers: batch_2 before batch_10. */
static int by_number(const void *first, const void *second) {
    const char *a = *(char *const *)first, *b = *(char *const *)second;
    static const char digits[] = "0123456789";
    while (*a && *b) {
        size_t n = strspn(a, digits), m = strspn(b, digits);
        if (n && m) {
            size_t zeros = strspn(a, "0"), other = strspn(b, "0");
            int order = n - zeros != m - other ? (n - zeros < m - other ? -1 : 1)
                                               : strncmp(a + zeros, b + other, n - zeros);
            if (order) {
                return order;
            }
            a += n;
            b += m;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    int order = (int)(unsigned char)*a - (int)(unsigned char)*b;
    return order ? order : by_name(first, second);
}

void prnn_names_sort(prnn_names *names, bool numbers) {
    if (names->count) {
        qsort(names->name, names->count, sizeof *names->name, numbers ? by_number : by_name);
    }
}

/* ----------------------------------------------------------------------------------------- kinds */

static bool ends_with(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcasecmp(name + n - m, ending) == 0;
}

static bool begins_with(const char *name, const char *beginning) {
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

static bool ends_with_one(const char *name, const char *const *endings) {
    while (*endings && !ends_with(name, *endings)) {
        endings++;
    }
    return *endings != NULL;
}

static const char *const picture_endings[] = {".png",  ".jpg", ".jpeg", ".jpe", ".jfif",
                                              ".webp", ".tif", ".tiff", NULL};
static const char *const other_endings[] = {".gif", ".bmp", ".dib", ".apng", ".avif", ".heic", ".heif",
                                            ".jxl", ".jp2", ".j2k", ".jpx",  ".ppm",  ".pgm",  ".pbm",
                                            ".pnm", ".pam", ".tga", ".ico",  ".pcx",  ".svg",  ".psd",
                                            ".exr", ".hdr", ".dng", ".cr2",  ".nef",  ".arw",  NULL};

static bool is_cifar10(const char *name) {
    return begins_with(name, "data_batch_") && strlen(name) > 15 && ends_with(name, ".bin");
}

static bool is_pickle(const char *name) {
    return (begins_with(name, "data_batch_") || strcmp(name, "test_batch") == 0) && !strchr(name, '.');
}

/* Names that begin with a dot are not images but what systems leave behind ("._1.png"). */
static prnn_file_kind tell(const char *name) {
    const struct {
        prnn_file_kind kind;
        bool is;
    } kinds[] = {
        {PRNN_FILE_KINDS, name[0] == '.'},
        {PRNN_FILE_PICTURE, ends_with_one(name, picture_endings)},
        {PRNN_FILE_OTHER_PICTURE, ends_with_one(name, other_endings)},
        {PRNN_FILE_CIFAR10, is_cifar10(name)},
        {PRNN_FILE_CIFAR100, strcmp(name, "train.bin") == 0},
        {PRNN_FILE_CIFAR_TEST, strcmp(name, "test_batch.bin") == 0 || strcmp(name, "test.bin") == 0},
        {PRNN_FILE_TRAIN_NPZ, begins_with(name, "train_data_batch") && ends_with(name, ".npz")},
        {PRNN_FILE_NPZ, ends_with(name, ".npz")},
        {PRNN_FILE_NPY, ends_with(name, ".npy")},
        {PRNN_FILE_IDX, strstr(name, "idx3-ubyte") != NULL},
        {PRNN_FILE_PICKLE, is_pickle(name)},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].is) {
            return kinds[i].kind;
        }
    }
    return PRNN_FILE_KINDS;
}

/* --------------------------------------------------------------------------------------- walking */

/* A folder, by whatever path. */
typedef struct place {
    dev_t device;
    ino_t number;
} place;

/* Whether the entry is a folder, or a file. A link that leads nowhere is a file that will turn out to be
 * unreadable; pipes and devices are neither. 0 or an errno: who cannot be asked may be a folder of pictures.
 */
static int tell_kind(int folder, const struct dirent *e, bool *is_folder, bool *is_file) {
    struct stat st;
    *is_file = e->d_type == DT_REG;
    *is_folder = e->d_type == DT_DIR;
    if (*is_file || *is_folder) {
        return 0;
    }
    if (fstatat(folder, e->d_name, &st, 0) == 0) {
        *is_file = S_ISREG(st.st_mode);
        *is_folder = S_ISDIR(st.st_mode);
        return 0;
    }
    *is_file = true;
    return errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == EACCES ? 0 : errno;
}

static prnn_status fail_read(prnn_context *ctx, const char *folder, int why) {
    return prnn_fail_system(ctx, why, "%s: the folder cannot be read", folder);
}

typedef struct search {
    prnn_context *ctx;
    prnn_files *found;
    void *seen; /* a tree of places, for tsearch */
} search;

static int by_place(const void *first, const void *second) {
    const place *a = first, *b = second;
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return (a->number > b->number) - (a->number < b->number);
}

/* Links can lead to a folder by many paths, and back to one above: it is searched once, by the first. */
static prnn_status see(search *s, const char *folder, const struct stat *st, bool *again) {
    place *here = malloc(sizeof *here);
    if (here) {
        *here = (place){st->st_dev, st->st_ino};
    }
    place **node = here ? tsearch(here, &s->seen, by_place) : NULL;
    *again = node && *node != here;
    if (!node || *again) {
        free(here);
    }
    return node ? PRNN_OK : fail_memory(s->ctx, folder);
}

static void forget(search *s) {
    while (s->seen) {
        place *p = *(place **)s->seen;
        tdelete(p, &s->seen, by_place);
        free(p);
    }
}

/* Puts an entry where it belongs; folders go into `below`. false: no memory. */
static bool sort_entry(const search *s, const char *folder, bool top, const char *name, bool is_folder,
                       prnn_names *below) {
    if (is_folder) {
        return name[0] == '.' || add(below, folder, name);
    }
    prnn_file_kind kind = tell(name);
    bool wanted = kind < PRNN_FILE_KINDS && (top || kind <= PRNN_FILE_OTHER_PICTURE);
    return !wanted || add(&s->found->paths[kind], folder, name);
}

static prnn_status list_entries(search *s, DIR *d, const char *folder, bool top, prnn_names *below) {
    struct stat st;
    bool again;
    if (fstat(dirfd(d), &st) != 0) {
        return fail_read(s->ctx, folder, errno);
    }
    prnn_status status = see(s, folder, &st, &again);
    if (status != PRNN_OK || again) {
        return status;
    }
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e) {
            return errno ? fail_read(s->ctx, folder, errno) : PRNN_OK;
        }
        bool is_folder, is_file;
        int why = tell_kind(dirfd(d), e, &is_folder, &is_file);
        if (why) {
            return fail_read(s->ctx, folder, why);
        }
        if ((is_folder || is_file) && !sort_entry(s, folder, top, e->d_name, is_folder, below)) {
            return fail_memory(s->ctx, folder);
        }
    }
}

/* A folder below that may not be read is as a picture that may not: the others are used. */
static prnn_status leave_unreadable(const search *s, const char *folder) {
    return add(&s->found->unreadable, NULL, folder) && add(&s->found->reasons, NULL, prnn_message(s->ctx))
               ? PRNN_OK
               : fail_memory(s->ctx, folder);
}

static prnn_status list_folder(search *s, const char *folder, bool top, prnn_names *below) {
    DIR *d = opendir(folder);
    if (!d) {
        prnn_status status = fail_read(s->ctx, folder, errno);
        return !top && prnn_file_is_absent(s->ctx) ? leave_unreadable(s, folder) : status;
    }
    prnn_status status = list_entries(s, d, folder, top, below);
    closedir(d);
    return status;
}

static prnn_status find_below(search *s, const char *folder, bool top) {
    prnn_names below = {0};
    prnn_status status;
    TRY(list_folder(s, folder, top, &below));
    prnn_names_sort(&below, false);
    for (size_t i = 0; i < below.count; i++) {
        TRY(find_below(s, below.name[i], false));
    }
done:
    drop(&below);
    return status;
}

prnn_status prnn_find(prnn_context *ctx, const char *folder, prnn_files *found) {
    search s = {.ctx = ctx, .found = found};
    prnn_status status = find_below(&s, folder, true);
    forget(&s);
    return status;
}
