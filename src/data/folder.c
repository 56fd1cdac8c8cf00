/* Folders: of pictures, of CIFAR's training files, or of .npz files. Which of them one is. */
#include "base/memory.h"
#include "base/try.h"
#include "data/data.h"
#include "data/find.h"

#include <string.h>

bool prnn_folder_probe(const prnn_probe *probe) {
    return probe->is_folder;
}

/* --------------------------------------------------------------------------------------- pictures */

/* The folder above a path, and its number among those that were met. */
typedef struct place {
    const char *path;
    size_t length;
    uint32_t number;
} place;

static bool lies_below(const char *path, const place *p) {
    return strncmp(path, p->path, p->length) == 0 && path[p->length] == '/';
}

static size_t depth_of(const prnn_names *paths) {
    size_t deepest = 0;
    for (size_t i = 0; i < paths->count; i++) {
        size_t depth = 0;
        for (const char *c = paths->name[i]; *c; c++) {
            depth += *c == '/';
        }
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

/* Numbers the folders that the sorted paths lie in. All that is below a folder is in one piece, so those that
 * the present path lies below are enough to know again. */
static prnn_status number_folders(prnn_builder *b, const prnn_names *paths) {
    place *open = prnn_alloc(b->ctx, depth_of(paths) + 1, sizeof *open, "the names of folders");
    b->folders = prnn_alloc(b->ctx, paths->count, sizeof *b->folders, "the numbers of folders");
    size_t depth = 0;
    uint32_t met = 0;
    if (!open || !b->folders) {
        prnn_free(open);
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->name[i];
        size_t length = (size_t)(strrchr(path, '/') - path);
        while (depth && !lies_below(path, &open[depth - 1])) {
            depth--;
        }
        if (!depth || open[depth - 1].length != length) {
            open[depth++] = (place){path, length, met++};
        }
        b->folders[i] = open[depth - 1].number;
    }
    prnn_free(open);
    return PRNN_OK;
}

/* All of them in the order of their paths; tells of the folders that cannot be read. */
static prnn_status gather_pictures(prnn_builder *b, prnn_files *found) {
    prnn_names *all = &found->paths[PRNN_FILE_PICTURE];
    prnn_status status = prnn_names_move(b->ctx, all, &found->paths[PRNN_FILE_OTHER_PICTURE]);
    if (status == PRNN_OK) {
        prnn_names_sort(all, false);
    }
    for (size_t i = 0; i < found->unreadable.count && status == PRNN_OK; i++) {
        prnn_builder_leave(b, found->unreadable.name[i], found->reasons.name[i]);
    }
    return status;
}

prnn_status prnn_folder_put_pictures(prnn_builder *b, const prnn_names *paths) {
    prnn_status status = number_folders(b, paths);
    return status == PRNN_OK ? prnn_pictures_put(b, paths->name, paths->count) : status;
}

/* ----------------------------------------------------------------------------------- other kinds */

/* "a.npz", or "a.npz and 3 more"; `text` has room for 300 bytes. */
static const char *list_names(const prnn_names *names, char *text) {
    int n = snprintf(text, 240, "%s", names->name[0]);
    if (names->count > 1) {
        size_t used = n < 240 ? (size_t)n : 239;
        snprintf(text + used, 300 - used, " and %zu more", names->count - 1);
    }
    return text;
}

/* Says which data is left where another kind is taken, and how it would be read. */
static void note_left(prnn_builder *b, prnn_files *found, prnn_file_kind kind, const char *taken) {
    static const prnn_file_kind kinds[] = {PRNN_FILE_CIFAR_TEST, PRNN_FILE_NPZ, PRNN_FILE_NPY, PRNN_FILE_IDX};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        prnn_names *left = &found->paths[kinds[i]];
        char text[300];
        if (left->count && kinds[i] != kind) {
            prnn_names_sort(left, false);
            prnn_builder_note(b, "%s: %s are read, and not %s: name it to read that", b->name, taken,
                              list_names(left, text));
        }
    }
}

static prnn_status put_cifar(prnn_builder *b, prnn_files *found, prnn_file_kind kind) {
    prnn_names *files = &found->paths[kind];
    bool ten = kind == PRNN_FILE_CIFAR10;
    note_left(b, found, kind,
              ten ? "the training images, data_batch_*.bin," : "the training images, train.bin,");
    prnn_names_sort(files, false);
    return prnn_cifar_put_files(b, files->name, files->count, ten ? 1 : 2);
}

static prnn_status put_npz(prnn_builder *b, prnn_files *found, prnn_file_kind kind) {
    prnn_names *files = &found->paths[kind];
    note_left(b, found, kind, kind == PRNN_FILE_NPZ ? "its .npz files" : "the files train_data_batch_*.npz");
    prnn_names_sort(files, true);
    return prnn_npz_put_files(b, files->name, files->count);
}

/* ---------------------------------------------------------------------------------------- choosing */

static prnn_status fail_two(prnn_builder *b, prnn_names *pictures, prnn_names *others) {
    char some[300], other[300];
    prnn_names_sort(pictures, false);
    prnn_names_sort(others, false);
    return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                     "%s: holds pictures (%s) and other data (%s), and either may be meant: move one of them "
                     "into another folder, or name a file",
                     b->name, list_names(pictures, some), list_names(others, other));
}

/* What there is instead, if it is known by its name. */
static prnn_status fail_empty(prnn_builder *b, prnn_files *found) {
    prnn_names *of = found->paths;
    char text[300];
    if (of[PRNN_FILE_CIFAR_TEST].count) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                         "%s: only test images are in this folder: name %s to read them", b->name,
                         of[PRNN_FILE_CIFAR_TEST].name[0]);
    }
    if (of[PRNN_FILE_PICKLE].count) {
        prnn_names_sort(&of[PRNN_FILE_PICKLE], false);
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                         "%s: holds CIFAR-10 for Python (%s), and its binary version is read: fetch "
                         "cifar-10-binary.tar.gz from the same page",
                         b->name, list_names(&of[PRNN_FILE_PICKLE], text));
    }
    for (prnn_file_kind kind = PRNN_FILE_NPY; kind <= PRNN_FILE_IDX; kind++) {
        if (of[kind].count) { /* MNIST's training images come last */
            prnn_names_sort(&of[kind], false);
            return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                             "%s: the folder holds no pictures, but %s: name one of its files, such as %s",
                             b->name, kind == PRNN_FILE_IDX ? "idx files" : ".npy files",
                             of[kind].name[of[kind].count - 1]);
        }
    }
    if (found->unreadable.count) {
        return prnn_fail(b->ctx, PRNN_ERROR_FILE, "%s: the folder holds no images that can be read: %s",
                         b->name, found->reasons.name[0]);
    }
    return prnn_fail(
        b->ctx, PRNN_ERROR_FORMAT,
        "%s: the folder holds no images: looked for *.png, *.jpg, *.jpeg and the like, also in folders below "
        "it, and for *.npz, data_batch_*.bin (CIFAR-10) and train.bin (CIFAR-100)",
        b->name);
}

/* Files with names of their own are sure to be data, and a picture beside them may be anything. One .npz
 * beside many pictures is of them (labels, statistics); beside as few it may be either. */
static prnn_status choose(prnn_builder *b, prnn_files *found, prnn_file_kind *kind) {
    static const prnn_file_kind sure[] = {PRNN_FILE_CIFAR10, PRNN_FILE_CIFAR100, PRNN_FILE_TRAIN_NPZ};
    prnn_names *of = found->paths;
    size_t pictures = of[PRNN_FILE_PICTURE].count;
    for (size_t i = 0; i < sizeof sure / sizeof *sure; i++) {
        if (of[sure[i]].count && pictures) {
            return fail_two(b, &of[PRNN_FILE_PICTURE], &of[sure[i]]);
        }
        if (of[sure[i]].count) {
            *kind = sure[i];
            return PRNN_OK;
        }
    }
    *kind = PRNN_FILE_NPZ;
    if (of[PRNN_FILE_NPZ].count && !pictures) {
        return PRNN_OK;
    }
    if (of[PRNN_FILE_NPZ].count >= pictures && pictures) {
        return fail_two(b, &of[PRNN_FILE_PICTURE], &of[PRNN_FILE_NPZ]);
    }
    if (pictures) {
        note_left(b, found, PRNN_FILE_PICTURE, "its pictures");
    }
    *kind = PRNN_FILE_PICTURE;
    return pictures || of[PRNN_FILE_OTHER_PICTURE].count ? PRNN_OK : fail_empty(b, found);
}

prnn_status prnn_folder_open(prnn_builder *b, prnn_input *input) {
    prnn_files found = {0};
    prnn_file_kind kind;
    prnn_status status;
    TRY(prnn_find(b->ctx, input->name, &found));
    TRY(choose(b, &found, &kind));
    if (kind == PRNN_FILE_PICTURE) {
        TRY(gather_pictures(b, &found));
        TRY(prnn_folder_put_pictures(b, &found.paths[kind]));
    } else if (kind == PRNN_FILE_NPZ || kind == PRNN_FILE_TRAIN_NPZ) {
        TRY(put_npz(b, &found, kind));
    } else {
        TRY(put_cifar(b, &found, kind));
    }
done:
    prnn_files_free(&found);
    return status;
}

prnn_status prnn_folder_list(prnn_builder *b, prnn_files *found) {
    prnn_file_kind kind;
    prnn_status status;
    char text[300];
    TRY(prnn_find(b->ctx, b->name, found));
    TRY(choose(b, found, &kind));
    if (kind == PRNN_FILE_PICTURE) {
        return gather_pictures(b, found);
    }
    status = prnn_fail(b->ctx, PRNN_ERROR_ARGUMENT,
                       "%s: the folder holds no pictures, but %s, whose images are of one size: read it as a "
                       "data set",
                       b->name, list_names(&found->paths[kind], text));
done:
    return status;
}
