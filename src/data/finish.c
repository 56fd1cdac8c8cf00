#include "data/finish.h"

#include "base/memory.h"
#include "base/try.h"
#include "data/shuffle.h"

#include <string.h>

enum { FOUR_BITS = 16 };

/* Whether so far all bytes become level 0; or, where that says nothing, have four bits. */
static bool is_dark(const prnn_builder *b) {
    int levels = b->options.levels;
    bool drawn = b->options.binarize_sample; /* then a dark byte may become a 1 too */
    return levels == 256 ? b->highest < FOUR_BITS : b->highest < (drawn ? levels : (255 + levels) / levels);
}

/* Images on disk: as many as it takes to see a bright one. */
static prnn_status look_for_bright(prnn_builder *b) {
    prnn_data *d = b->data;
    uint8_t *image = prnn_alloc(b->ctx, prnn_data_size(d), 1, "an image");
    prnn_status status = image ? PRNN_OK : PRNN_ERROR_MEMORY;
    for (size_t i = 0; i < b->count && is_dark(b) && status == PRNN_OK; i++) {
        status = prnn_data_load(b->ctx, d, i, image, &b->highest);
    }
    prnn_free(image);
    return status;
}

/* Files of 16 bits whose values have 12, say, as cameras write them. */
static prnn_status tell_of_deep(prnn_builder *b) {
    static const char sentence[] =
        "%s: no value is above %d of 255, since of 16 bits the high 8 are read, and "
        "these are small numbers: scale them to 0..65535, or to 8 bits";
    if (b->options.levels == 256) {
        prnn_builder_note(b, sentence, b->name, b->highest);
        return PRNN_OK;
    }
    return prnn_fail(b->ctx, PRNN_ERROR_FORMAT, sentence, b->name, b->highest);
}

/* Images of levels, read as bytes, would all be black without a word. */
static prnn_status check_scale(prnn_builder *b) {
    const prnn_data_options *o = &b->options;
    if (o->values != PRNN_VALUES_8BIT || o->paletted) {
        return PRNN_OK;
    }
    prnn_status status = b->data && b->data->disk ? look_for_bright(b) : PRNN_OK;
    if (status != PRNN_OK || b->highest == 0 || !is_dark(b)) {
        return status;
    }
    if (b->deep && b->deep == b->done) {
        return tell_of_deep(b);
    }
    if (o->levels == 256) {
        prnn_builder_note(b,
                          "%s: no value is above %d: if these are levels and not bytes, say so with values "
                          "levels and %d levels",
                          b->name, b->highest,
                          b->highest < 2   ? 2
                          : b->highest < 4 ? 4
                                           : FOUR_BITS);
        return PRNN_OK;
    }
    return prnn_fail(
        b->ctx, PRNN_ERROR_FORMAT,
        "%s: no value is above %d, so as 8-bit values all become level 0 of %d: if these are levels, "
        "say values levels and at least %d levels",
        b->name, b->highest, o->levels, b->highest + 1);
}

/* Whether the bytes are one byte repeated. */
static bool all_equal(const uint8_t *bytes, size_t n) {
    return n < 2 || memcmp(bytes, bytes + 1, n - 1) == 0;
}

/* Whether all images are of one value; of a set on disk, as many are read as it takes to see another. */
static prnn_status look_for_another(const prnn_builder *b, bool *equal) {
    prnn_data *d = b->data;
    size_t size = prnn_data_size(d);
    if (!d->disk) {
        *equal = all_equal(d->values, size * b->done);
        return PRNN_OK;
    }
    uint8_t *two = prnn_alloc(b->ctx, 2, size, "an image");
    prnn_status status = two ? prnn_data_stored(b->ctx, d, 0, two) : PRNN_ERROR_MEMORY;
    *equal = true;
    for (size_t i = 0; i < b->done && *equal && status == PRNN_OK; i++) {
        status = prnn_data_stored(b->ctx, d, i, two + size);
        *equal = all_equal(two, 2 * size);
    }
    prnn_free(two);
    return status;
}

/* Nothing can be learned from such a set, but images may well be blank. */
static prnn_status look_for_one_value(prnn_builder *b) {
    prnn_status status = PRNN_OK;
    if (!b->out && b->done > 1) {
        TRY(look_for_another(b, &b->data->one_value));
    }
    if (b->data->one_value) {
        prnn_builder_note(b, "%s: all values of its %zu images are the same", b->name, b->done);
    }
done:
    return status;
}

/* Where the colours were found while the images were stored: in a file, their numbers are still to be
 * changed.
 */
static prnn_status number_colours(prnn_builder *b) {
    prnn_data *d = b->data;
    prnn_status status;
    TRY(prnn_builder_number(b));
    for (size_t i = 0; d->values && i < b->done * prnn_data_size(d); i++) {
        d->values[i] = b->renumbered[d->values[i]];
    }
done:
    return status;
}

static prnn_status check_images(prnn_builder *b) {
    prnn_status status = check_scale(b);
    return status == PRNN_OK && b->from_file ? look_for_one_value(b) : status;
}

static prnn_status fail_none(prnn_builder *b) {
    if (b->skipped == 1) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: its picture cannot be used: %s", b->name, b->reason);
    }
    return prnn_fail(b->ctx, PRNN_ERROR_FORMAT, "%s: none of its %zu pictures can be used; the first: %s",
                     b->name, b->skipped, b->reason);
}

static prnn_status complete(prnn_builder *b) {
    prnn_data *d = b->data;
    d->skipped = b->skipped + b->left;
    d->folders = b->folders;
    b->folders = NULL;
    if (b->options.palette_used && d->colours) {
        *b->options.palette_used = d->colours->palette;
    }
    prnn_status status;
    TRY(b->from_file && !b->piped ? prnn_data_set_source(b->ctx, d, b->name) : PRNN_OK);
    TRY(b->out || !b->options.shuffle ? PRNN_OK : prnn_shuffle_set(b->ctx, d, b->options.shuffle));
done:
    return status;
}

prnn_status prnn_builder_finish(prnn_builder *b, prnn_status status, prnn_data **data) {
    if (!b->data) {
        status = status == PRNN_OK ? fail_none(b) : status;
        goto done;
    }
    b->data->count = b->done; /* also where it is freed: it has that many names */
    b->data->first = b->first;
    TRY(status);
    TRY(b->done ? PRNN_OK : fail_none(b));
    TRY(b->found ? number_colours(b) : PRNN_OK);
    TRY(check_images(b));
    TRY(complete(b));
    *data = b->data;
    b->data = NULL;
done:
    prnn_data_free(b->data);
    prnn_free(b->one);
    prnn_free(b->found);
    prnn_free(b->folders);
    b->one = NULL;
    b->found = NULL;
    b->data = NULL;
    b->folders = NULL;
    return status;
}

prnn_status prnn_builder_end(prnn_builder *b, prnn_status status) {
    if (status == PRNN_OK) {
        status = b->done ? check_scale(b) : fail_none(b);
    }
    prnn_free(b->folders);
    b->folders = NULL;
    return status;
}
