/* pixelrnn train --cache: a set that is converted once. Beside the file lies a note of what it was made from,
 * and it is used only where the note is, to the byte, the one that would be written now. */
#include "commands/train.h"

#include "support/data.h"
#include "support/memory.h"
#include "support/output.h"
#include "support/place.h"
#include "support/ranks.h"
#include "support/text.h"
#include "support/tree.h"
#include "support/try.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_LIMIT = 1 << 16 };

static const char maker[] = "pixelrnn train --cache";

typedef struct cache {
    const session *s;
    const train_settings *want;
    char *note_path;
    place data;
    tree source;
    char *note; /* what it is now, or NULL */
} cache;

/* ----------------------------------------------------------------------------------------- note */

static void put_time(json *j, const char *key, const struct timespec *time) {
    char text[48];
    snprintf(text, sizeof text, "%" PRId64 ".%09ld", (int64_t)time->tv_sec, time->tv_nsec);
    report_json_string(j, key, text);
}

/* All that `make` hands on to the conversion. */
static void put_options(json *j, const arguments *args) {
    static const char *const names[] = {"fit",   "height",         "width", "channels",
                                        "alpha", "no-orientation", "array"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char value[1024];
        int row = option_find(args->command, names[i], strlen(names[i]));
        option_format(&args->command->options[row], args->settings, value, sizeof value);
        report_json_string(j, names[i], value);
    }
}

/* The note of the cache as it is on disk, if it is of the data and options of this run; to be freed. */
static int write_note(const cache *c, char **text, size_t *size) {
    tree file;
    int why = tree_measure(c->want->cache, &file);
    if (why) {
        return fail("--cache %s: cannot be looked at: %s", c->want->cache, strerror(why));
    }
    FILE *stream = open_memstream(text, size);
    if (!stream) {
        return fail_memory();
    }
    json j;
    report_json_begin(&j, stream);
    report_json_string(&j, "made_by", maker);
    report_json_string(&j, "version", prnn_version());
    report_json_string(&j, "data", c->data.end);
    report_json_uint(&j, "data_files", c->source.files);
    report_json_uint(&j, "data_bytes", c->source.bytes);
    put_time(&j, "data_changed", &c->source.newest);
    put_options(&j, c->s->args);
    report_json_uint(&j, "cache_bytes", file.bytes);
    put_time(&j, "cache_changed", &file.newest);
    report_json_end(&j);
    bool whole = !ferror(stream);
    whole = fclose(stream) == 0 && whole;
    return whole ? EXIT_OK : fail_memory();
}

/* A file without a note may be anything, and so may a note of nobody: they are not written over. */
static int read_note(cache *c, bool there) {
    if (access(c->note_path, F_OK) != 0) {
        return !there ? EXIT_OK
                      : fail("--cache %s: is there, without the note that says what it was made from (%s): "
                             "remove it, so that it is made anew, or name another file",
                             c->want->cache, c->note_path);
    }
    c->note = text_read(c->note_path, NOTE_LIMIT, "the note of a cache");
    if (!c->note) {
        return EXIT_FAILED;
    }
    return strstr(c->note, maker) ? EXIT_OK
                                  : fail("--cache %s: %s would hold the note of what it is made from, and is "
                                         "another file: name another cache",
                                         c->want->cache, c->note_path);
}

/* ---------------------------------------------------------------------------------------- cache */

static int make(const cache *c) {
    const train_settings *want = c->want;
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    options.height = want->height;
    options.width = want->width;
    options.channels = want->channels;
    skipped missing = {0};
    char *text = NULL;
    size_t size = 0;
    int code;
    TRY(data_options_read_pictures(&want->data, &options));
    TRY(data_convert(c->s->ctx, c->s->common->quiet, want->data.path, &options, want->cache, &missing));
    TRY(write_note(c, &text, &size));
    TRY(output_write(c->note_path, text, size));
done:
    free(text);
    skipped_free(&missing);
    return code;
}

static int measure_source(cache *c, bool there) {
    const train_settings *want = c->want;
    struct stat st;
    if (stat(want->data.path, &st) == 0 && S_ISFIFO(st.st_mode)) {
        return usage_error(
            "--cache: --data %s is a pipe, and nobody can tell whether it brings the same again: "
            "write it into a file first",
            want->data.path);
    }
    int why = tree_measure(want->data.path, &c->source);
    if (why && there) {
        return fail(
            "--data %s: %s, so nobody can tell whether --cache %s is of it; to train from that alone, "
            "give --data %s without --cache",
            want->data.path, strerror(why), want->cache, want->cache);
    }
    return EXIT_OK; /* what is not there cannot be converted, and that says it */
}

/* The key of the first line in which two notes differ, in *key; its length. */
static int find_difference(const char *a, const char *b, const char **key) {
    size_t line = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
        line = a[i] == '\n' ? i + 1 : line;
    }
    *key = a + line + strspn(a + line, " \"");
    return (int)strcspn(*key, "\"\n");
}

/* The cache that is there is used, or made anew. */
static int check(cache *c) {
    const train_settings *want = c->want;
    char *text = NULL;
    size_t size = 0;
    int code;
    TRY(write_note(c, &text, &size));
    if (strcmp(text, c->note) != 0) {
        const char *key;
        int length = find_difference(text, c->note, &key);
        note("--cache %s: was made from other data, with other options or by another version than now (%.*s "
             "differs): it is made anew from %s",
             want->cache, length, key, want->data.path);
        TRY(make(c));
    } else if (!want->common.quiet) {
        note("%s: is of %s as it is now, and used in its place", want->cache, want->data.path);
    }
done:
    free(text);
    return code;
}

/* There it would be a part of the data. */
static int check_outside(const cache *c) {
    place at = {0};
    int code;
    TRY(place_find(c->want->cache, &at));
    if (place_holds(&c->data, &at)) {
        code = usage_error("--cache %s lies in --data %s: name a file outside that folder", c->want->cache,
                           c->want->data.path);
    }
done:
    place_free(&at);
    return code;
}

static int use(cache *c) {
    train_settings *want = c->s->settings;
    output_kind kind;
    int code;
    TRY(output_check("cache", want->cache, ALLOW_NPY, &kind));
    TRY(place_find(want->data.path, &c->data));
    TRY(check_outside(c));
    bool there = access(want->cache, F_OK) == 0;
    if (!there && errno != ENOENT) {
        return fail("--cache %s: nobody can tell whether it is there: %s", want->cache, strerror(errno));
    }
    TRY(read_note(c, there));
    TRY(measure_source(c, there));
    TRY(there ? check(c) : make(c));
    want->data.path = want->cache;
done:
    return code;
}

int train_use_cache(session *s) {
    const train_settings *want = s->settings;
    size_t room = strlen(want->cache) + sizeof ".json";
    cache c = {.s = s, .want = want, .note_path = allocate(room, 1)};
    int code = check_memory(c.note_path);
    if (code == EXIT_OK && ranks_first()) {
        snprintf(c.note_path, room, "%s.json", want->cache);
        code = use(&c);
    }
    code = ranks_agree(s->ctx, code);
    if (code == EXIT_OK && !ranks_first()) { /* it was made meanwhile */
        ((train_settings *)s->settings)->data.path = want->cache;
    }
    free(c.note_path);
    free(c.note);
    place_free(&c.data);
    return code;
}
