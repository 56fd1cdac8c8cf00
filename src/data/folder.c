/* Folders: of pictures, of CIFAR's training files, or of .npz files. */
#include "data/data.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct list {
    char **paths;
    size_t count, room;
} list;

/* Forgets all but the first `count`. */
static void list_cut(list *l, size_t count) {
    while (l->count > count) {
        free(l->paths[--l->count]);
    }
}

static void list_free(list *l) {
    list_cut(l, 0);
    free(l->paths);
}

static bool list_add(list *l, const char *folder, const char *name) {
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        char **paths = realloc(l->paths, room * sizeof *paths);
        if (!paths) {
            return false;
        }
        l->paths = paths;
        l->room = room;
    }
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (!path) {
        return false;
    }
    snprintf(path, n, "%s/%s", folder, name);
    l->paths[l->count++] = path;
    return true;
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

static bool ends_with(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcasecmp(name + n - m, ending) == 0;
}

/* Names that begin with a dot are not images but what systems leave behind ("._1.png"). */
static bool is_picture(const char *name) {
    return name[0] != '.' &&
           (ends_with(name, ".png") || ends_with(name, ".jpg") || ends_with(name, ".jpeg") ||
            ends_with(name, ".webp") || ends_with(name, ".tif") || ends_with(name, ".tiff"));
}

static bool is_cifar10(const char *name) {
    size_t n = strlen(name);
    return n > 15 && strncmp(name, "data_batch_", 11) == 0 && strcmp(name + n - 4, ".bin") == 0;
}

static bool is_cifar100(const char *name) {
    return strcmp(name, "train.bin") == 0;
}

static bool is_cifar_test(const char *name) {
    return strcmp(name, "test_batch.bin") == 0 || strcmp(name, "test.bin") == 0;
}

static bool is_train_npz(const char *name) {
    return strncmp(name, "train_data_batch", 16) == 0 && ends_with(name, ".npz");
}

static bool is_npz(const char *name) {
    return name[0] != '.' && ends_with(name, ".npz");
}

/* ---------------------------------------------------------------------------------------- finding */

/* A folder on the way from the top to where the search is. */
typedef struct place {
    const struct place *above;
    dev_t device;
    ino_t number;
} place;

typedef struct search {
    prnn_context *ctx;
    bool (*wanted)(const char *name);
    bool deep; /* also in folders below */
    list *found;
} search;

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

/* The entries of one folder: what is wanted is found, folders go into `below`. */
static prnn_status list_folder(const search *s, const char *folder, place *here, list *below) {
    DIR *d = opendir(folder);
    struct stat st;
    if (!d) {
        return fail_read(s->ctx, folder, errno);
    }
    bool enough = true;
    int why = fstat(dirfd(d), &st) == 0 ? 0 : errno;
    here->device = st.st_dev;
    here->number = st.st_ino;
    while (!why && enough) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e) {
            why = errno;
            break;
        }
        bool is_folder, is_file;
        why = tell_kind(dirfd(d), e, &is_folder, &is_file);
        if (is_folder && s->deep && e->d_name[0] != '.') {
            enough = list_add(below, folder, e->d_name);
        } else if (is_file && s->wanted(e->d_name)) {
            enough = list_add(s->found, folder, e->d_name);
        }
    }
    closedir(d);
    if (!enough) {
        return prnn_fail(s->ctx, PRNN_ERROR_MEMORY, "%s: not enough memory for the names of its files",
                         folder);
    }
    return why ? fail_read(s->ctx, folder, why) : PRNN_OK;
}

/* A link can lead back to a folder above it. */
static bool is_round(const place *here) {
    for (const place *p = here->above; p; p = p->above) {
        if (p->device == here->device && p->number == here->number) {
            return true;
        }
    }
    return false;
}

static prnn_status find_below(const search *s, const char *folder, const place *above) {
    place here = {.above = above};
    list below = {0};
    size_t before = s->found->count;
    prnn_status status = list_folder(s, folder, &here, &below);
    if (status == PRNN_OK && is_round(&here)) {
        list_cut(s->found, before);
        list_cut(&below, 0);
    }
    for (size_t i = 0; i < below.count && status == PRNN_OK; i++) {
        status = find_below(s, below.paths[i], &here);
    }
    list_free(&below);
    return status;
}

/* ----------------------------------------------------------------------------------------- kinds */

static prnn_status put_pictures(prnn_builder *b, const list *l) {
    return prnn_pictures_put(b, l->paths, l->count);
}

static prnn_status put_cifar10(prnn_builder *b, const list *l) {
    return prnn_cifar_put_files(b, l->paths, l->count, 1);
}

static prnn_status put_cifar100(prnn_builder *b, const list *l) {
    return prnn_cifar_put_files(b, l->paths, l->count, 2);
}

static prnn_status put_npz(prnn_builder *b, const list *l) {
    return prnn_npz_put_files(b, l->paths, l->count);
}

static prnn_status fail_empty(prnn_builder *b, const list *l) {
    (void)l;
    return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                     "%s: only test images are in this folder: name test_batch.bin or test.bin itself",
                     b->name);
}

bool prnn_folder_probe(const prnn_probe *probe) {
    return probe->is_folder;
}

/* The first kind of which there is a file is taken. */
static const struct {
    bool (*wanted)(const char *name);
    bool deep;
    int (*order)(const void *a, const void *b);
    prnn_status (*put)(prnn_builder *b, const list *l);
} kinds[] = {
    {is_cifar10, false, by_name, put_cifar10},   {is_cifar100, false, by_name, put_cifar100},
    {is_train_npz, false, by_number, put_npz},   {is_npz, false, by_number, put_npz},
    {is_cifar_test, false, by_name, fail_empty}, {is_picture, true, by_name, put_pictures},
};

prnn_status prnn_folder_open(prnn_builder *b, prnn_input *input) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        list l = {0};
        const search s = {b->ctx, kinds[i].wanted, kinds[i].deep, &l};
        prnn_status status = find_below(&s, input->name, NULL);
        bool found = l.count > 0;
        if (status == PRNN_OK && found) {
            qsort(l.paths, l.count, sizeof *l.paths, kinds[i].order);
            status = kinds[i].put(b, &l);
        }
        list_free(&l);
        if (status != PRNN_OK || found) {
            return status;
        }
    }
    return prnn_fail(
        b->ctx, PRNN_ERROR_FORMAT,
        "%s: the folder holds no images: looked for *.png, *.jpg, *.jpeg and the like, also in folders "
        "below it, and for *.npz, data_batch_*.bin (CIFAR-10) and train.bin (CIFAR-100)",
        input->name);
}
