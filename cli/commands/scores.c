#include "commands/scores.h"

#include "support/memory.h"
#include "support/number.h"
#include "support/output.h"
#include "support/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file that was skipped. */
typedef struct gap {
    const char *path, *why;
} gap;

typedef struct table {
    FILE *stream;
    const session *s;
    const score_column *columns;
    size_t n;
    void (*put_image)(const struct table *t, size_t image);
    void (*put_skipped)(const struct table *t, const gap *file);
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
    const char *name = session_image_name(t->s, image);
    fprintf(t->stream, "%zu,", session_image_number(t->s, image));
    put_cell(t->stream, name ? name : "");
    for (size_t i = 0; i < t->n; i++) {
        char number[32];
        format_double(t->columns[i].values[image * t->columns[i].stride], number);
        fprintf(t->stream, ",%s", number);
    }
    fputs(",\n", t->stream);
}

static void put_csv_skipped(const table *t, const gap *file) {
    fputc(',', t->stream);
    put_cell(t->stream, file->path);
    for (size_t i = 0; i <= t->n; i++) {
        fputc(',', t->stream);
    }
    put_cell(t->stream, file->why);
    fputc('\n', t->stream);
}

/* ---------------------------------------------------------------------------------- JSON lines */

static void put_json_image(const table *t, size_t image) {
    const char *name = session_image_name(t->s, image);
    json j;
    report_json_begin_line(&j, t->stream);
    report_json_uint(&j, "image", session_image_number(t->s, image));
    if (name) {
        report_json_string(&j, "name", name);
    }
    for (size_t i = 0; i < t->n; i++) {
        report_json_double(&j, t->columns[i].name, t->columns[i].values[image * t->columns[i].stride]);
    }
    report_json_end_line(&j);
}

static void put_json_skipped(const table *t, const gap *file) {
    json j;
    report_json_begin_line(&j, t->stream);
    report_json_string(&j, "name", file->path);
    report_json_string(&j, "skipped", file->why);
    report_json_end_line(&j);
}

/* ---------------------------------------------------------------------------------------- rows */

static int by_path(const void *a, const void *b) {
    return strcmp(((const gap *)a)->path, ((const gap *)b)->path);
}

static int sort_gaps(session *s, gap **gaps) {
    gap *all = session_allocate(s, s->missing.count, sizeof *all);
    size_t at = 0, n = 0;
    int code;
    TRY(check_memory(all));
    while (n < s->missing.count && skipped_next(&s->missing, &at, &all[n].path, &all[n].why)) {
        n++;
    }
    qsort(all, n, sizeof *all, by_path);
    *gaps = all;
done:
    return code;
}

/* The images are in the order of their paths already. */
static void put_rows(const table *t, const gap *gaps, size_t gap_count) {
    size_t next = 0, count = session_image_count(t->s);
    for (size_t image = 0; image < count; image++) {
        const char *name = session_image_name(t->s, image);
        while (name && next < gap_count && strcmp(gaps[next].path, name) < 0) {
            t->put_skipped(t, &gaps[next++]);
        }
        t->put_image(t, image);
    }
    while (next < gap_count) {
        t->put_skipped(t, &gaps[next++]);
    }
}

static bool is_csv(const char *path) {
    return path[strlen(path) - 1] != 'l' && path[strlen(path) - 1] != 'L';
}

static void put_table(const session *s, const char *path, const gap *gaps, table *t) {
    if (is_csv(path)) {
        t->put_image = put_csv_image;
        t->put_skipped = put_csv_skipped;
        put_csv_head(t);
    } else {
        t->put_image = put_json_image;
        t->put_skipped = put_json_skipped;
    }
    put_rows(t, gaps, s->missing.count);
}

int scores_check(const char *path) {
    output_kind kind;
    return path ? output_check("scores", path, ALLOW_CSV | ALLOW_JSONL, &kind) : EXIT_OK;
}

int scores_write(session *s, const char *path, const score_column *columns, size_t n) {
    char *text = NULL;
    size_t size = 0;
    gap *gaps = NULL;
    int code;
    table t = {.stream = open_memstream(&text, &size), .s = s, .columns = columns, .n = n};
    TRY(t.stream && !s->missing.lost ? EXIT_OK : fail_memory());
    TRY(sort_gaps(s, &gaps));
    put_table(s, path, gaps, &t);
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
