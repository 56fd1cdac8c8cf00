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
    const score_set *set; /* at hand */
    size_t before;        /* images of the sets before it */
    const score_column *columns;
    size_t n;
    void (*put_image)(const struct table *t, size_t image);
    void (*put_skipped)(const struct table *t, const gap *file);
} table;

static double cell_of(const table *t, size_t column, size_t image) {
    return t->columns[column].values[(t->before + image) * t->columns[column].stride];
}

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
    const char *name = image_set_name(t->set->images, image);
    fprintf(t->stream, "%zu,", image_set_number(t->set->images, image));
    put_cell(t->stream, name ? name : "");
    for (size_t i = 0; i < t->n; i++) {
        char number[32];
        format_double(cell_of(t, i, image), number);
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
    const char *name = image_set_name(t->set->images, image);
    json j;
    report_json_begin_line(&j, t->stream);
    report_json_uint(&j, "image", image_set_number(t->set->images, image));
    if (name) {
        report_json_string(&j, "name", name);
    }
    for (size_t i = 0; i < t->n; i++) {
        report_json_double(&j, t->columns[i].name, cell_of(t, i, image));
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

static int sort_gaps(session *s, const skipped *missing, gap **gaps) {
    gap *all = session_allocate(s, missing->count, sizeof *all);
    size_t at = 0, n = 0;
    int code;
    TRY(check_memory(all));
    while (n < missing->count && skipped_next(missing, &at, &all[n].path, &all[n].why)) {
        n++;
    }
    qsort(all, n, sizeof *all, by_path);
    *gaps = all;
done:
    return code;
}

/* The images are in the order of their paths already. */
static void put_rows(const table *t, const gap *gaps, size_t gap_count) {
    size_t next = 0, count = image_set_count(t->set->images);
    for (size_t image = 0; image < count; image++) {
        const char *name = image_set_name(t->set->images, image);
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

static void begin_table(const char *path, table *t) {
    if (is_csv(path)) {
        t->put_image = put_csv_image;
        t->put_skipped = put_csv_skipped;
        put_csv_head(t);
    } else {
        t->put_image = put_json_image;
        t->put_skipped = put_json_skipped;
    }
}

static int put_sets(session *s, const score_set *sets, size_t count, table *t) {
    gap *gaps = NULL;
    int code = EXIT_OK;
    for (size_t i = 0; i < count; i++) {
        TRY(sets[i].missing->lost ? fail_memory() : EXIT_OK);
        TRY(sort_gaps(s, sets[i].missing, &gaps));
        t->set = &sets[i];
        put_rows(t, gaps, sets[i].missing->count);
        t->before += image_set_count(t->set->images);
    }
done:
    return code;
}

int scores_check(const char *path) {
    output_kind kind;
    return path ? output_check("scores", path, ALLOW_CSV | ALLOW_JSONL, &kind) : EXIT_OK;
}

int scores_write_sets(session *s, const char *path, const score_set *sets, size_t count,
                      const score_column *columns, size_t n) {
    char *text = NULL;
    size_t size = 0;
    int code;
    table t = {.stream = open_memstream(&text, &size), .columns = columns, .n = n};
    TRY(t.stream ? EXIT_OK : fail_memory());
    begin_table(path, &t);
    TRY(put_sets(s, sets, count, &t));
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

int scores_write(session *s, const char *path, const score_column *columns, size_t n) {
    const score_set set = {session_images(s), &s->missing};
    return scores_write_sets(s, path, &set, 1, columns, n);
}
