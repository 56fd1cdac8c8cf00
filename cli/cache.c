/* pixelrnn train --cache: a data set that is converted once. */
#include "conversion.h"
#include "output.h"
#include "report.h"
#include "train.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int make_cache(prnn_context *ctx, const train_settings *s) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.height = s->height;
    options.width = s->width;
    options.channels = s->channels;
    options.fit = (prnn_fit)s->data.fit;
    skipped missing = {0};
    int code = convert_data(ctx, &s->common, s->data.path, &options, s->cache, &missing);
    skipped_free(&missing);
    return code;
}

/* A cache that was made with other settings is not what this run asks for. */
static int check_cache(prnn_context *ctx, const train_settings *s) {
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.memory_limit = 0;
    prnn_data *set;
    if (prnn_data_open(ctx, s->cache, &options, &set) != PRNN_OK) {
        return fail_with(ctx);
    }
    int height = prnn_data_height(set), width = prnn_data_width(set), channels = prnn_data_channels(set);
    prnn_data_free(set);
    int h = s->height ? s->height : height, w = s->width ? s->width : width;
    int c = s->channels ? s->channels : channels;
    if (height != h || width != w || channels != c) {
        return fail(
            "--cache %s holds images of %d x %d x %d, and %d x %d x %d are asked for: remove it, so that "
            "it is made anew, or name another file",
            s->cache, height, width, channels, h, w, c);
    }
    return 0;
}

int train_use_cache(prnn_context *ctx, train_settings *s) {
    if (!s->cache) {
        return 0;
    }
    output_kind kind;
    int code = output_check("cache", s->cache, ALLOW_NPY, &kind);
    bool there = access(s->cache, F_OK) == 0;
    if (!code && !there && errno != ENOENT) {
        code = fail("--cache %s: nobody can tell whether it is there: %s", s->cache, strerror(errno));
    }
    if (!code && !there) {
        code = make_cache(ctx, s);
    }
    code = code ? code : check_cache(ctx, s);
    if (!code && there && !s->common.quiet) {
        fprintf(stderr, "%s: is there, and used in place of %s\n", s->cache, s->data.path);
    }
    s->data.path = s->cache;
    return code;
}
