/* pixelrnn train: the sets to train on and to validate on, and --cache, a set that is converted once. */
#include "commands/train.h"

#include "support/data.h"
#include "support/output.h"
#include "support/try.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------------- cache */

static int make_cache(const session *s, const train_settings *want) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.height = want->height;
    options.width = want->width;
    options.channels = want->channels;
    options.fit = (prnn_fit)want->data.fit;
    skipped missing = {0};
    int code = data_convert(s->ctx, s->common->quiet, want->data.path, &options, want->cache, &missing);
    skipped_free(&missing);
    return code;
}

/* A cache that was made with other settings is not what this run asks for. */
static int check_cache(const session *s, const train_settings *want) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.memory_limit = 0;
    prnn_data *set;
    if (prnn_data_open(s->ctx, want->cache, &options, &set) != PRNN_OK) {
        return fail_with(s->ctx);
    }
    int height = prnn_data_height(set), width = prnn_data_width(set), channels = prnn_data_channels(set);
    prnn_data_free(set);
    int h = want->height ? want->height : height, w = want->width ? want->width : width;
    int c = want->channels ? want->channels : channels;
    if (height != h || width != w || channels != c) {
        return fail(
            "--cache %s holds images of %d x %d x %d, and %d x %d x %d are asked for: remove it, so that "
            "it is made anew, or name another file",
            want->cache, height, width, channels, h, w, c);
    }
    return 0;
}

static int use_cache(const session *s, train_settings *want) {
    output_kind kind;
    int code;
    TRY(output_check("cache", want->cache, ALLOW_NPY, &kind));
    bool there = access(want->cache, F_OK) == 0;
    if (!there && errno != ENOENT) {
        return fail("--cache %s: nobody can tell whether it is there: %s", want->cache, strerror(errno));
    }
    if (!there) {
        TRY(make_cache(s, want));
    }
    TRY(check_cache(s, want));
    if (there && !want->common.quiet) {
        note("%s: is there, and used in place of %s", want->cache, want->data.path);
    }
    want->data.path = want->cache;
done:
    return code;
}

/* ----------------------------------------------------------------------------------------- sets */

static int open_set(const session *s, const train_settings *want, const char *path, size_t limit,
                    prnn_data **set) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    int code;
    TRY(data_options_read(&want->data, want->config.levels, &options));
    options.height = want->height;
    options.width = want->width;
    options.channels = want->channels;
    options.limit = limit;
    if (path == want->cache) { /* it was fitted when it was made; --valid was not */
        options.fit = PRNN_FIT_EXACT;
    }
    TRY(data_open(s->ctx, s->common->quiet, path, &options, set));
done:
    return code;
}

static int cut(const session *s, prnn_data *set, size_t limit) {
    bool fits = !limit || limit >= prnn_data_count(set);
    return fits ? 0 : exit_code(s->ctx, prnn_data_split(s->ctx, set, limit, NULL));
}

/* The last images of --data validate. */
static int split_data(session *s, const train_settings *want) {
    int code;
    TRY(open_set(s, want, want->data.path, 0, &s->data));
    size_t count = prnn_data_count(s->data);
    if (want->valid_last >= count) {
        return fail("--valid-last %zu leaves nothing to train on: %s holds %zu image%s", want->valid_last,
                    want->data.path, count, plural(count));
    }
    TRY(exit_code(s->ctx, prnn_data_split(s->ctx, s->data, count - want->valid_last, &s->valid)));
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
        TRY(use_cache(s, want));
    }
    if (want->valid_last) {
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
