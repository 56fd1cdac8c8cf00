/* Folders: of .png files in the order of their names, or of CIFAR's training files. */
#include "data/data.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct list {
    char **paths;
    size_t count, room;
} list;

static void list_free(list *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->paths[i]);
    }
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

/* Names that begin with a dot are not images but what systems leave behind ("._1.png"). */
static bool is_png(const char *name) {
    size_t n = strlen(name);
    return n > 4 && name[0] != '.' && strcasecmp(name + n - 4, ".png") == 0;
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

/* The paths of the files in `folder` that `wanted` says yes to, in the order of their names. */
static prnn_status find(prnn_context *ctx, const char *folder, bool (*wanted)(const char *), list *l) {
    DIR *d = opendir(folder);
    if (!d) {
        return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: the folder cannot be read: %s", folder, strerror(errno));
    }
    bool enough = true;
    errno = 0;
    for (struct dirent *e = readdir(d); enough && e; e = readdir(d)) {
        enough = !wanted(e->d_name) || list_add(l, folder, e->d_name);
        errno = 0;
    }
    int why = errno;
    closedir(d);
    if (!enough) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory for the names of its files", folder);
    }
    if (why) {
        return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: the folder cannot be read: %s", folder, strerror(why));
    }
    if (l->count) {
        qsort(l->paths, l->count, sizeof *l->paths, by_name);
    }
    return PRNN_OK;
}

static prnn_status put_png(prnn_builder *b, const char *path) {
    prnn_image image;
    prnn_status status = prnn_png_read(b->ctx, path, &image);
    if (status == PRNN_OK) {
        status = prnn_builder_put(b, path, &image);
        prnn_image_free(&image);
    }
    return status;
}

static prnn_status put_pngs(prnn_builder *b, const list *l) {
    prnn_status status = prnn_builder_slice(b, l->count);
    for (size_t i = 0; status == PRNN_OK && i < b->count; i++) {
        status = put_png(b, l->paths[b->first + i]);
    }
    return status;
}

static prnn_status put_cifar10(prnn_builder *b, const list *l) {
    return prnn_cifar_put_files(b, l->paths, l->count, 1);
}

static prnn_status put_cifar100(prnn_builder *b, const list *l) {
    return prnn_cifar_put_files(b, l->paths, l->count, 2);
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

prnn_status prnn_folder_open(prnn_builder *b, prnn_input *input) {
    static const struct {
        bool (*wanted)(const char *name);
        prnn_status (*put)(prnn_builder *b, const list *l);
    } kinds[] = {{is_cifar10, put_cifar10},
                 {is_cifar100, put_cifar100},
                 {is_png, put_pngs},
                 {is_cifar_test, fail_empty}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        list l = {0};
        prnn_status status = find(b->ctx, input->name, kinds[i].wanted, &l);
        bool found = l.count > 0;
        if (status == PRNN_OK && found) {
            status = kinds[i].put(b, &l);
        }
        list_free(&l);
        if (status != PRNN_OK || found) {
            return status;
        }
    }
    return prnn_fail(
        b->ctx, PRNN_ERROR_FORMAT,
        "%s: the folder holds no images: looked for *.png, data_batch_*.bin (CIFAR-10) and train.bin "
        "(CIFAR-100), not in folders below it",
        input->name);
}

bool prnn_png_probe(const prnn_probe *probe) {
    return probe->head_size >= 8 && memcmp(probe->head, "\x89PNG\r\n\x1a\n", 8) == 0;
}

/* One .png file. */
prnn_status prnn_png_open(prnn_builder *b, prnn_input *input) {
    prnn_status status = prnn_builder_slice(b, 1);
    if (status != PRNN_OK || input->file) {
        return status != PRNN_OK ? status : put_png(b, input->name);
    }
    prnn_image image;
    status = prnn_png_decode(b->ctx, input->name, input->memory, (size_t)input->size, &image);
    if (status == PRNN_OK) {
        status = prnn_builder_put(b, input->name, &image);
        prnn_image_free(&image);
    }
    return status;
}
