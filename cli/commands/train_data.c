/* pixelrnn train: the sets to train on and to validate on. */
#include "commands/train.h"

#include "support/data.h"
#include "support/try.h"

/* ----------------------------------------------------------------------------------------- sets */

static int open_set(session *s, const train_settings *want, const char *path, size_t limit, prnn_data **set) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    int code;
    TRY(data_options_read(&want->data, want->config.levels, &options));
    options.height = want->height;
    options.width = want->width;
    options.channels = want->channels;
    if (want->init) {
        options.array_height = want->config.height;
        options.array_width = want->config.width;
    }
    options.limit = limit;
    if (path == want->cache) { /* it was fitted when it was made; --valid was not */
        options.fit = PRNN_FIT_EXACT;
        options.array = NULL;
    } else if (path == want->valid) {
        options.array = want->valid_array;
    }
    if (train_holds_out(want)) {
        options.shuffle = want->shuffle_split;
    }
    TRY(session_use_palette(s, &want->data, &options));
    TRY(data_open(s->ctx, s->common->quiet, path, &options, set));
done:
    return code;
}

static int cut(const session *s, prnn_data *set, size_t limit) {
    bool fits = !limit || limit >= prnn_data_count(set);
    return fits ? 0 : exit_code(s->ctx, prnn_data_split(s->ctx, set, limit, NULL));
}

/* How many of --data validate. */
static size_t count_held_out(const train_settings *want, size_t count) {
    size_t part = (size_t)(want->valid_fraction * (double)count + 0.5);
    return want->valid_last ? want->valid_last : part ? part : 1;
}

/* Folders are often classes, and come one after the other. */
static int note_folders(const session *s, size_t count, size_t held_out) {
    size_t all = 0, some = 0;
    int code;
    TRY(exit_code(s->ctx, prnn_data_folders(s->ctx, s->data, 0, count, &all)));
    TRY(exit_code(s->ctx, prnn_data_folders(s->ctx, s->data, count - held_out, held_out, &some)));
    if (2 * some < all && !s->common->quiet) {
        note("the last %zu image%s, which validate, lie in %zu of %zu folders: --shuffle-split 1 takes them "
             "from all",
             held_out, plural(held_out), some, all);
    }
done:
    return code;
}

/* The last images of --data validate. */
static int split_data(session *s, const train_settings *want) {
    int code;
    TRY(open_set(s, want, want->data.path, 0, &s->data));
    size_t count = prnn_data_count(s->data), held_out = count_held_out(want, count);
    if (held_out >= count) {
        return fail("--valid-%s leaves nothing to train on: %s holds %zu image%s",
                    want->valid_last ? "last" : "fraction", want->data.path, count, plural(count));
    }
    if (!want->shuffle_split) {
        TRY(note_folders(s, count, held_out));
    }
    TRY(exit_code(s->ctx, prnn_data_split(s->ctx, s->data, count - held_out, &s->valid)));
    TRY(cut(s, s->data, want->limit));
    TRY(cut(s, s->valid, want->valid_limit));
done:
    return code;
}

static int check_same_shape(const session *s, const train_settings *want) {
    const prnn_data *a = s->data, *b = s->valid;
    if (prnn_data_height(a) == prnn_data_height(b) && prnn_data_width(a) == prnn_data_width(b) &&
        prnn_data_channels(a) == prnn_data_channels(b)) {
        return 0;
    }
    return fail("%s holds images of %d x %d x %d, and %s of %d x %d x %d; they must be the same", want->valid,
                prnn_data_height(b), prnn_data_width(b), prnn_data_channels(b), want->data.path,
                prnn_data_height(a), prnn_data_width(a), prnn_data_channels(a));
}

int train_open_data(session *s, train_settings *want) {
    int code;
    if (want->cache) {
        TRY(train_use_cache(s));
    }
    if (train_holds_out(want)) {
        return split_data(s, want);
    }
    TRY(open_set(s, want, want->data.path, want->limit, &s->data));
    if (want->valid) {
        TRY(open_set(s, want, want->valid, want->valid_limit, &s->valid));
        TRY(check_same_shape(s, want));
    }
done:
    return code;
}
