#include "commands/scores.h"

#include "support/number.h"
#include "support/output.h"
#include "support/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    FILE *stream;
    const prnn_data *data;
    const score_column *columns;
    size_t n;
    void (*put_image)(const struct table *t, size_t image);
    void (*put_skipped)(const struct table *t, const char *path, const char *why);
} table;

/* ----------------------------------------------------------------------------------------- CSV */

/* The bytes are those of the file's name, so that it can be found by them. */
static void put_cell(FILE *stream, const char *text) {
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        fputs(*text == '"' ? "\"" : "", stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

static void put_csv_head(const table *t) {
    fputs("image,name", t->stream);
    for (size_t i = 0; i < t->n; i++) {
        fprintf(t->stream, ",%s", t->columns[i].name);
    }
    fputs(",skipped\n", t->stream);
}

static void put_csv_image(const table *t, size_t image) {
    const char *name = prnn_data_name(t->data, image);
    fprintf(t->stream, "%zu,", prnn_data_number(t->data, image));
    put_cell(t->stream, name ? name : "");
    for (size_t i = 0; i < t->n; i++) {
        char number[32];
        format_double(t->columns[i].values[image * t->columns[i].stride], number);
        fprintf(t->stream, ",%s", number);
    }
    fputs(",\n", t->stream);
}

static void put_csv_skipped(const table *t, const char *path, const char *why) {
    fputc(',', t->stream);
    put_cell(t->stream, path);
    for (size_t i = 0; i <= t->n; i++) {
        fputc(',', t->stream);
    }
    put_cell(t->stream, why);
    fputc('\n', t->stream);
}

/* ---------------------------------------------------------------------------------- JSON lines */

static void put_json_image(const table *t, size_t image) {
    const char *name = prnn_data_name(t->data, image);
    json j;
    report_json_begin_line(&j, t->stream);
    report_json_uint(&j, "image", prnn_data_number(t->data, image));
    if (name) {
        report_json_string(&j, "name", name);
    }
    for (size_t i = 0; i < t->n; i++) {
        report_json_double(&j, t->columns[i].name, t->columns[i].values[image * t->columns[i].stride]);
    }
    report_json_end_line(&j);
}

static void put_json_skipped(const table *t, const char *path, const char *why) {
    json j;
    report_json_begin_line(&j, t->stream);
    report_json_string(&j, "name", path);
    report_json_string(&j, "skipped", why);
    report_json_end_line(&j);
}

/* ---------------------------------------------------------------------------------------- rows */

/* Images and skipped files come each in the order of their paths. */
static void put_rows(const table *t, const skipped *missing) {
    const char *path, *why;
    size_t at = 0, count = prnn_data_count(t->data);
    bool more = skipped_next(missing, &at, &path, &why);
    for (size_t image = 0; image < count || more;) {
        const char *name = image < count ? prnn_data_name(t->data, image) : NULL;
        if (more && (image == count || (name && strcmp(path, name) < 0))) {
            t->put_skipped(t, path, why);
            more = skipped_next(missing, &at, &path, &why);
        } else {
            t->put_image(t, image++);
        }
    }
}

static bool is_csv(const char *path) {
    return path[strlen(path) - 1] != 'l' && path[strlen(path) - 1] != 'L';
}

static void put_table(const session *s, const char *path, table *t) {
    if (is_csv(path)) {
        t->put_image = put_csv_image;
        t->put_skipped = put_csv_skipped;
        put_csv_head(t);
    } else {
        t->put_image = put_json_image;
        t->put_skipped = put_json_skipped;
    }
    put_rows(t, &s->missing);
}

int scores_check(const char *path) {
    output_kind kind;
    return path ? output_check("scores", path, ALLOW_CSV | ALLOW_JSONL, &kind) : EXIT_OK;
}

int scores_write(const session *s, const char *path, const score_column *columns, size_t n) {
    char *text = NULL;
    size_t size = 0;
    int code;
    table t = {.stream = open_memstream(&text, &size), .data = s->data, .columns = columns, .n = n};
    TRY(t.stream && !s->missing.lost ? EXIT_OK : fail_memory());
    put_table(s, path, &t);
    bool whole = !ferror(t.stream);
    whole = fclose(t.stream) == 0 && whole;
    t.stream = NULL;
    TRY(whole ? EXIT_OK : fail_memory());
    TRY(output_write(path, text, size));
done:
    if (t.stream) {
        fclose(t.stream);
    }
    free(text);
    return code;
}
