/* Pictures of many sizes: a list of them, and a data set for each size. */
#include "base/call.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/try.h"
#include "data/data.h"
#include "data/finish.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROUND = 256 };

typedef struct picture {
    char *path; /* malloc */
    size_t number, group;
    int height, width, channels, transparent, deep, more_pages;
} picture;

/* Pictures members[first] .. members[first + count - 1] have one size. */
typedef struct size_group {
    size_t first, count;
} size_group;

struct prnn_listing {
    char *name; /* malloc */
    prnn_data_options options;
    prnn_palette palette; /* of the options */
    picture *pictures;
    size_t count, skipped;
    int highest; /* byte of them all */
    size_group *groups;
    size_t group_count;
    size_t *members;
    bool of_folder;
};

void prnn_listing_free(prnn_listing *listing) {
    if (!listing) {
        return;
    }
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->pictures[i].path);
    }
    prnn_free(listing->pictures);
    prnn_free(listing->groups);
    prnn_free(listing->members);
    free(listing->name);
    prnn_free(listing);
}

/* --------------------------------------------------------------------------------------- reading */

/* What a round finds out. */
typedef struct looking {
    prnn_listing *listing;
    const prnn_data_options *options;
    picture seen[ROUND];
    int highest[ROUND];
} looking;

static prnn_status check_levels(prnn_context *ctx, const prnn_data_options *o, const char *path,
                                int highest) {
    if (o->values == PRNN_VALUES_LEVELS && highest >= o->levels) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: holds the value %d, and %d levels are 0..%d: choose more levels, or values "
                         "8bit if these are bytes to be divided into levels",
                         path, highest, o->levels, o->levels - 1);
    }
    return PRNN_OK;
}

static prnn_status take(void *user, prnn_context *ctx, size_t place, const char *path, size_t number,
                        const prnn_image *image, bool *unusable) {
    looking *l = user;
    size_t n = (size_t)image->height * (size_t)image->width * (size_t)image->channels;
    int highest = 0;
    for (size_t i = 0; i < n; i++) {
        highest = image->values[i] > highest ? image->values[i] : highest;
    }
    *unusable = false;
    l->highest[place] = highest;
    l->seen[place] = (picture){
        .number = number, .height = image->height, .width = image->width, .channels = image->channels};
    return check_levels(ctx, l->options, path, highest);
}

static prnn_status keep(void *user, prnn_builder *b, size_t place, const char *path,
                        const prnn_found *found) {
    looking *l = user;
    picture *p = &l->listing->pictures[l->listing->count];
    *p = l->seen[place];
    p->path = strdup(path);
    if (!p->path) {
        return prnn_fail(b->ctx, PRNN_ERROR_MEMORY, "%s: not enough memory for the names of its files",
                         b->name);
    }
    p->transparent = found->transparent;
    p->deep = found->deep;
    p->more_pages = found->more_pages;
    b->highest = l->highest[place] > b->highest ? l->highest[place] : b->highest;
    l->listing->count++;
    return prnn_builder_count(b);
}

static prnn_status look_at(prnn_builder *b, prnn_listing *listing, char *const *paths, size_t count) {
    looking *l = NULL;
    prnn_status status;
    TRY(prnn_builder_slice(b, count));
    listing->pictures = prnn_alloc(b->ctx, b->count, sizeof *listing->pictures, "a list of pictures");
    l = prnn_alloc(b->ctx, 1, sizeof *l, "a list of pictures");
    TRY(listing->pictures && l ? PRNN_OK : PRNN_ERROR_MEMORY);
    l->listing = listing;
    l->options = &b->options;
    TRY(prnn_pictures_take(b, paths + b->first,
                           &(prnn_taker){.take = take, .keep = keep, .user = l, .round = ROUND}));
    prnn_pictures_note_found(b);
done:
    prnn_free(l);
    return status;
}

/* Before a pipe is read: its bytes come once. */
static prnn_status check_kind(prnn_context *ctx, const char *path) {
    struct stat st;
    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s: is a pipe, and not listed: read it as a data set",
                         path);
    }
    return PRNN_OK;
}

static prnn_status check_picture(prnn_context *ctx, prnn_input *input) {
    uint8_t head[16] = {0};
    size_t n = input->size < sizeof head ? (size_t)input->size : sizeof head;
    prnn_status status = prnn_input_read(ctx, input, 0, head, n);
    if (status == PRNN_OK && !prnn_is_picture(head, n)) {
        status = prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                           "%s: is neither a folder nor a picture, and not listed: read it as a data set",
                           input->name);
    }
    return status;
}

static prnn_status read_all(prnn_builder *b, prnn_listing *listing) {
    prnn_input input = {0};
    prnn_files found = {0};
    prnn_status status;
    TRY(check_kind(b->ctx, b->name));
    TRY(prnn_input_open(b->ctx, b->name, &input));
    listing->of_folder = input.is_folder;
    if (input.is_folder) {
        TRY(prnn_folder_list(b, &found));
        prnn_names *all = &found.paths[PRNN_FILE_PICTURE];
        TRY(look_at(b, listing, all->name, all->count));
    } else {
        TRY(check_picture(b->ctx, &input));
        TRY(look_at(b, listing, &listing->name, 1));
    }
done:
    prnn_input_close(&input);
    prnn_files_free(&found);
    return status;
}

/* --------------------------------------------------------------------------------------- groups */

static int by_size(const void *a, const void *b) {
    const picture *const *x = a, *const *y = b;
    const picture *p = *x, *q = *y;
    if (p->height != q->height) {
        return p->height < q->height ? -1 : 1;
    }
    if (p->width != q->width) {
        return p->width < q->width ? -1 : 1;
    }
    return (p > q) - (p < q);
}

/* Those of one size are numbered alike: by the first of them. */
static void mark_first(prnn_listing *l, const picture **sorted) {
    for (size_t i = 0, first = 0; i < l->count; i++) {
        if (sorted[i]->height != sorted[first]->height || sorted[i]->width != sorted[first]->width) {
            first = i;
        }
        l->pictures[sorted[i] - l->pictures].group = (size_t)(sorted[first] - l->pictures);
    }
}

/* Groups in the order of their first pictures, and their members in theirs. */
static void number_groups(prnn_listing *l) {
    for (size_t i = 0; i < l->count; i++) {
        picture *p = &l->pictures[i];
        p->group = p->group == i ? l->group_count++ : l->pictures[p->group].group;
        l->groups[p->group].count++;
    }
    for (size_t g = 1; g < l->group_count; g++) {
        l->groups[g].first = l->groups[g - 1].first + l->groups[g - 1].count;
    }
    for (size_t g = 0; g < l->group_count; g++) {
        l->groups[g].count = 0;
    }
    for (size_t i = 0; i < l->count; i++) {
        size_group *g = &l->groups[l->pictures[i].group];
        l->members[g->first + g->count++] = i;
    }
}

static prnn_status make_groups(prnn_context *ctx, prnn_listing *l) {
    const picture **sorted = prnn_alloc(ctx, l->count, sizeof *sorted, "a list of pictures");
    l->groups = prnn_alloc(ctx, l->count, sizeof *l->groups, "a list of pictures");
    l->members = prnn_alloc(ctx, l->count, sizeof *l->members, "a list of pictures");
    prnn_status status = sorted && l->groups && l->members ? PRNN_OK : PRNN_ERROR_MEMORY;
    if (status == PRNN_OK) {
        for (size_t i = 0; i < l->count; i++) {
            sorted[i] = &l->pictures[i];
        }
        qsort(sorted, l->count, sizeof *sorted, by_size);
        mark_first(l, sorted);
        number_groups(l);
    }
    prnn_free(sorted);
    return status;
}

/* --------------------------------------------------------------------------------------- opening */

static prnn_status check(prnn_context *ctx, const prnn_data_options *o) {
    if (o->paletted && !o->palette) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "pictures of a list are not looked through for a palette: give one");
    }
    if (o->fit != PRNN_FIT_EXACT || o->height || o->width) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "pictures of a list keep their sizes: leave out height, width and fit");
    }
    if (o->binarize_sample || o->shuffle || o->array) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "pictures of a list are as they are, in their order: leave out %s",
                         o->array             ? "the name of an array"
                         : o->binarize_sample ? "binarizing by sampling"
                                              : "the shuffling");
    }
    return PRNN_OK;
}

prnn_status prnn_listing_open(prnn_context *ctx, const char *path, const prnn_data_options *options,
                              prnn_listing **listing) {
    PRNN_NOTHING_YET(listing);
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(listing));
    prnn_builder b;
    prnn_listing *l = NULL;
    prnn_status status;
    TRY(prnn_builder_init(&b, ctx, path, options));
    TRY(check(ctx, &b.options));
    l = prnn_alloc(ctx, 1, sizeof *l, "a list of pictures");
    TRY(l ? PRNN_OK : PRNN_ERROR_MEMORY);
    l->name = strdup(path);
    TRY(l->name ? PRNN_OK : prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for a name"));
    TRY(prnn_builder_end(&b, read_all(&b, l)));
    TRY(make_groups(ctx, l));
    l->skipped = b.skipped + b.left;
    l->highest = b.highest;
    l->options = b.options;
    l->options.progress = NULL;
    l->options.skipped = NULL;
    l->options.note = NULL;
    l->options.palette_used = NULL;
    l->options.first = l->options.limit = 0;
    if (l->options.palette) {
        l->palette = *l->options.palette;
        l->options.palette = &l->palette;
    }
    *listing = l;
    l = NULL;
done:
    prnn_listing_free(l);
    return status;
}

/* --------------------------------------------------------------------------------- what is listed */

size_t prnn_listing_count(const prnn_listing *listing) {
    return listing->count;
}

size_t prnn_listing_skipped(const prnn_listing *listing) {
    return listing->skipped;
}

void prnn_listing_picture(const prnn_listing *listing, size_t i, prnn_picture_info *info) {
    const picture *p = &listing->pictures[i];
    const prnn_picture_info full = {.name = p->path,
                                    .number = p->number,
                                    .group = p->group,
                                    .height = p->height,
                                    .width = p->width,
                                    .channels = p->channels,
                                    .transparent = p->transparent,
                                    .deep = p->deep,
                                    .more_pages = p->more_pages};
    prnn_fields_copy(&prnn_picture_info_fields, info->size, info, &full);
}

size_t prnn_listing_group_count(const prnn_listing *listing) {
    return listing->group_count;
}

const size_t *prnn_listing_group(const prnn_listing *listing, size_t group, size_t *count) {
    *count = listing->groups[group].count;
    return listing->members + listing->groups[group].first;
}

/* ------------------------------------------------------------------------------------ its images */

/* Of n pictures, with their numbers. */
static prnn_status put_members(prnn_builder *b, const prnn_listing *l, const size_t *members, size_t n) {
    char **paths = prnn_alloc(b->ctx, n, sizeof *paths, "the names of files");
    size_t *numbers = prnn_alloc(b->ctx, n, sizeof *numbers, "the numbers of files");
    prnn_names names = {paths, n, n};
    prnn_status status;
    TRY(paths && numbers ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = 0; i < n; i++) {
        paths[i] = l->pictures[members[i]].path;
        numbers[i] = l->pictures[members[i]].number;
    }
    b->numbers = numbers;
    TRY(l->of_folder ? prnn_folder_put_pictures(b, &names) : prnn_pictures_put(b, paths, n));
done:
    b->numbers = NULL;
    prnn_free(paths);
    prnn_free(numbers);
    return status;
}

/* Whether they are as they were. */
static prnn_status check_members(prnn_builder *b, const picture *first) {
    const prnn_data *d = b->data;
    if (b->skipped) {
        return prnn_fail(b->ctx, PRNN_ERROR_FILE, "%s: has changed since it was listed: %s", b->name,
                         b->reason);
    }
    if (d->height != first->height || d->width != first->width) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FILE,
            "%s: has changed since it was listed: it was %d x %d (height x width), and is %d x %d",
            first->path, first->height, first->width, d->height, d->width);
    }
    return PRNN_OK;
}

prnn_status prnn_listing_data(prnn_context *ctx, const prnn_listing *listing, size_t group, size_t first,
                              size_t limit, prnn_data **data) {
    PRNN_NOTHING_YET(data);
    PRNN_ENTER(ctx, PRNN_GIVEN(listing), PRNN_GIVEN(data));
    if (group >= listing->group_count || first >= listing->groups[group].count) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "picture %zu of group %zu: the list has %zu groups, and this one %zu pictures",
                         first, group, listing->group_count,
                         group < listing->group_count ? listing->groups[group].count : 0);
    }
    const size_t *members = listing->members + listing->groups[group].first + first;
    size_t left = listing->groups[group].count - first, n = limit && limit < left ? limit : left;
    prnn_builder b;
    prnn_status status = prnn_builder_init(&b, ctx, listing->name, &listing->options);
    if (status != PRNN_OK) {
        return status;
    }
    b.highest = listing->highest; /* some may be dark where not all are */
    status = put_members(&b, listing, members, n);
    if (status == PRNN_OK) {
        status = check_members(&b, &listing->pictures[members[0]]);
    }
    return prnn_builder_finish(&b, status, data);
}
