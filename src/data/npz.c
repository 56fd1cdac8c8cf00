/* NumPy's .npz: a zip archive of .npy files. */
#include "data/data.h"
#include "data/npy.h"

#include <string.h>

bool prnn_npz_probe(const prnn_probe *probe) {
    return probe->head_size >= 4 &&
           (memcmp(probe->head, "PK\3\4", 4) == 0 || memcmp(probe->head, "PK\5\6", 4) == 0);
}

#ifndef PRNN_HAVE_LIBZIP

static prnn_status fail_without(prnn_builder *b, const char *name) {
    return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                     "%s: this build of pixelrnn has no libzip and reads no .npz: save the array as .npy "
                     "(numpy.save), or build with libzip",
                     name);
}

prnn_status prnn_npz_open(prnn_builder *b, prnn_input *input) {
    return fail_without(b, input->name);
}

prnn_status prnn_npz_put_files(prnn_builder *b, char *const *paths, size_t count) {
    (void)count;
    return fail_without(b, paths[0]);
}

#else

#include "base/try.h"
#include "data/zip.h"

#include <errno.h>
#include <stdio.h>

enum { ENTRY_LIMIT = 10000 };

static bool is_npy(const char *name) {
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".npy") == 0;
}

/* The header of an entry, of rank 0 if it is none that is understood: what else may be there (labels, damage)
 * is none of our business. */
static prnn_status read_header(prnn_context *ctx, zip_t *zip, const prnn_input *input, zip_uint64_t index,
                               prnn_npy *npy) {
    prnn_zip_entry e = {.file = NULL};
    prnn_status status;
    TRY(prnn_zip_entry_open(ctx, zip, input, index, &e));
    TRY(prnn_npy_read_header(ctx, &e.stream, npy));
done:
    if (e.file) {
        zip_fclose(e.file);
    }
    if (status == PRNN_ERROR_FORMAT) {
        *npy = (prnn_npy){0};
        status = PRNN_OK;
    }
    return status;
}

/* The arrays of an archive that may be images. */
typedef struct choices {
    size_t sure, all;  /* how many are images beyond doubt, or may be */
    zip_int64_t first; /* of those beyond doubt */
    char names[512];   /* "train (5, 4, 3), test (1, 2, 3)" of `all` */
} choices;

static prnn_status list_choices(prnn_context *ctx, zip_t *zip, const prnn_input *input, choices *c) {
    zip_int64_t entries = zip_get_num_entries(zip, 0);
    size_t used = 0;
    *c = (choices){.first = -1};
    for (zip_int64_t i = 0; i < entries && i < ENTRY_LIMIT; i++) {
        const char *name = zip_get_name(zip, (zip_uint64_t)i, 0);
        prnn_npy npy = {.rank = 0};
        char shape[PRNN_NPY_SHAPE];
        if (!name) {
            return prnn_zip_fail(ctx, input->name, zip_get_error(zip));
        }
        prnn_status status = is_npy(name) ? read_header(ctx, zip, input, (zip_uint64_t)i, &npy) : PRNN_OK;
        if (status != PRNN_OK) {
            return status;
        }
        if (!prnn_npy_may_be_images(&npy)) {
            continue;
        }
        if (used < sizeof c->names) {
            used += (size_t)snprintf(c->names + used, sizeof c->names - used, "%s%.*s %s", c->all ? ", " : "",
                                     (int)(strlen(name) - 4), name, prnn_npy_shape(&npy, shape));
        }
        c->all++;
        if (prnn_npy_is_images(&npy) && !c->sure++) {
            c->first = i;
        }
    }
    return PRNN_OK;
}

static prnn_status fail_none(prnn_context *ctx, zip_t *zip, const prnn_input *input) {
    long long entries = zip_get_num_entries(zip, 0);
    return prnn_fail(
        ctx, PRNN_ERROR_FORMAT,
        "%s: none of its %lld array%s is of images, (n, height, width) or (n, height, width, channels) of "
        "uint8 in C order: save one that is",
        input->name, entries, prnn_plural((uint64_t)entries));
}

/* The only array of images among the entries. */
static prnn_status choose_only(prnn_context *ctx, zip_t *zip, const prnn_input *input, zip_int64_t *chosen) {
    choices c;
    prnn_status status = list_choices(ctx, zip, input, &c);
    *chosen = c.first;
    if (status != PRNN_OK || c.sure == 1) {
        return status;
    }
    return c.all ? prnn_fail(ctx, PRNN_ERROR_FORMAT,
                             "%s: holds %zu array%s that may be of images, none named images, data or arr_0: "
                             "say array NAME for %s%s",
                             input->name, c.all, prnn_plural(c.all), c.all > 1 ? "one of " : "", c.names)
                 : fail_none(ctx, zip, input);
}

/* The entry of that name; *index < 0: there is none. */
static prnn_status locate(prnn_context *ctx, zip_t *zip, const prnn_input *input, const char *name,
                          zip_int64_t *index) {
    *index = zip_name_locate(zip, name, 0);
    return *index >= 0 || zip_error_code_zip(zip_get_error(zip)) == ZIP_ER_NOENT
               ? PRNN_OK
               : prnn_zip_fail(ctx, input->name, zip_get_error(zip));
}

static prnn_status choose_named(prnn_builder *b, zip_t *zip, const prnn_input *input, zip_int64_t *chosen) {
    const char *array = b->options.array;
    char name[512];
    choices c;
    prnn_status status;
    b->named = true;
    snprintf(name, sizeof name, "%s%s", array, is_npy(array) ? "" : ".npy");
    TRY(locate(b->ctx, zip, input, name, chosen));
    if (*chosen < 0) {
        TRY(list_choices(b->ctx, zip, input, &c));
        TRY(!c.all ? fail_none(b->ctx, zip, input)
                   : prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: holds no array %s: choose %s%s", input->name,
                               array, c.all > 1 ? "one of " : "", c.names));
    }
done:
    return status;
}

static prnn_status choose(prnn_builder *b, zip_t *zip, const prnn_input *input, zip_int64_t *chosen) {
    static const char *const preferred[] = {"images.npy", "data.npy", "arr_0.npy"};
    if (b->options.array) {
        return choose_named(b, zip, input, chosen);
    }
    for (size_t i = 0; i < sizeof preferred / sizeof *preferred; i++) {
        prnn_status status = locate(b->ctx, zip, input, preferred[i], chosen);
        if (status != PRNN_OK || *chosen >= 0) {
            return status;
        }
    }
    return choose_only(b->ctx, zip, input, chosen);
}

/* An archive whose array of images is open, at its first value. */
typedef struct archive {
    zip_t *zip;
    prnn_zip_entry images;
    prnn_array array;
} archive;

static void archive_close(archive *a) {
    if (a->images.file) {
        zip_fclose(a->images.file);
    }
    if (a->zip) {
        zip_discard(a->zip);
    }
    *a = (archive){0};
}

static prnn_status archive_open(prnn_builder *b, const prnn_input *input, archive *a) {
    prnn_context *ctx = b->ctx;
    *a = (archive){0};
    errno = 0;
    zip_int64_t chosen;
    const char *name;
    prnn_status status;
    TRY(prnn_zip_open(ctx, input, &a->zip));
    TRY(choose(b, a->zip, input, &chosen));
    TRY(prnn_zip_entry_open(ctx, a->zip, input, (zip_uint64_t)chosen, &a->images));
    name = zip_get_name(a->zip, (zip_uint64_t)chosen, 0);
    TRY(name ? prnn_npy_read_array(b, &a->images.stream, strcmp(name, "data.npy") == 0, &a->array)
             : prnn_zip_fail(ctx, input->name, zip_get_error(a->zip)));
done:
    if (status != PRNN_OK) {
        archive_close(a);
    }
    return status;
}

prnn_status prnn_npz_open(prnn_builder *b, prnn_input *input) {
    archive a;
    prnn_status status = archive_open(b, input, &a);
    if (status == PRNN_OK) {
        status = prnn_array_put(b, &a.images.stream, &a.array);
        archive_close(&a);
    }
    return status;
}

/* -------------------------------------------------------------------------------- several archives */

/* Opens the archive of that path, whose header must be true. */
static prnn_status file_open(prnn_builder *b, const char *path, prnn_input *input, archive *a) {
    prnn_status status = prnn_input_open(b->ctx, path, input);
    if (status != PRNN_OK) {
        return status;
    }
    *a = (archive){0};
    TRY(input->is_folder ? prnn_fail(b->ctx, PRNN_ERROR_FILE, "%s: is a folder, not a .npz file", path)
                         : archive_open(b, input, a));
    TRY(prnn_array_check(b, &a->images.stream, &a->array));
done:
    if (status != PRNN_OK) {
        archive_close(a);
        prnn_input_close(input);
    }
    return status;
}

/* prnn_visit_fn */
static prnn_status visit(prnn_builder *b, const char *path, const void *user, const uint64_t *before,
                         uint64_t *has) {
    prnn_input input;
    archive a;
    uint64_t from, n;
    (void)user;
    prnn_status status = file_open(b, path, &input, &a);
    if (status != PRNN_OK) {
        return status;
    }
    *has = a.array.count;
    if (before && prnn_builder_wants(b, *before, *has, &from, &n)) {
        status = prnn_array_put_part(b, &a.images.stream, &a.array, from, (size_t)n);
    }
    archive_close(&a);
    prnn_input_close(&input);
    return status;
}

prnn_status prnn_npz_put_files(prnn_builder *b, char *const *paths, size_t count) {
    return prnn_builder_put_files(b, paths, count, visit, NULL);
}

#endif
