#include "commands/labels.h"

#include "support/csv.h"
#include "support/memory.h"
#include "support/npy_labels.h"
#include "support/number.h"
#include "support/text.h"
#include "support/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_LABEL = 2, LIMIT = 256 << 20, NO_COLUMN = -1 };

typedef struct named {
    const char *name;
    size_t image;
} named;

typedef struct reader {
    session *s;
    const char *path, *data;
    bool whole;
    uint8_t *labels; /* NO_LABEL: not yet */
    size_t count;
    named *names; /* of the images that have one, ascending */
    size_t name_count;
    int line;
    int at_name, at_image, at_label; /* columns of CSV */
    size_t columns;
    char **cells;
} reader;

/* ------------------------------------------------------------------------------ in their order */

/* So many labels an unfiltered list may have: files that are skipped have numbers too, but for those behind
 * the last image nobody knows whether they were counted. */
static int check_length(const reader *r, size_t n) {
    const session *s = r->s;
    size_t least = prnn_data_number(s->data, r->count - 1) + 1;
    size_t most = prnn_data_number(s->data, 0) + r->count + prnn_data_skipped(s->data);
    if (n < least || (r->whole && n > (most > least ? most : least))) {
        return fail("%s: has %zu label%s, and %s has %zu image%s%s: give one for each, in their order",
                    r->path, n, plural(n), r->data, r->whole ? r->count : least, plural(r->count),
                    r->whole ? "" : " or more");
    }
    return EXIT_OK;
}

static int bad_label(const reader *r, size_t line, const char *label) {
    return fail("%s:%zu: '%.40s' is no label: write 0 for what belongs and 1 for what does not", r->path,
                line, label);
}

static int take_npy(const reader *r) {
    int64_t *values = NULL;
    size_t n = 0;
    int code;
    TRY(npy_read_labels(r->path, &values, &n));
    TRY(check_length(r, n));
    for (size_t i = 0; i < r->count; i++) {
        size_t number = prnn_data_number(r->s->data, i);
        if (values[number] != 0 && values[number] != 1) {
            code = fail("%s: label %zu is %lld: write 0 for what belongs and 1 for what does not", r->path,
                        number, (long long)values[number]);
            goto done;
        }
        r->labels[i] = (uint8_t)values[number];
    }
done:
    free(values);
    return code;
}

static bool read_label(const char *text, uint8_t *label) {
    bool known = (text[0] == '0' || text[0] == '1') && !text[1];
    *label = (uint8_t)(known && text[0] == '1');
    return known;
}

/* A label a line; empty ones at the end do not count. */
static int take_list(const reader *r, char *text) {
    size_t lines = csv_count(text, '\n') + 1, n = 0, number = 0, image = 0;
    uint8_t *all = session_allocate(r->s, lines, 1);
    int code;
    TRY(check_memory(all));
    for (char *line; (line = csv_line(&text));) {
        number++;
        if (*line && !read_label(line, &all[n++])) {
            return bad_label(r, number, line);
        }
    }
    TRY(check_length(r, n));
    for (; image < r->count; image++) {
        r->labels[image] = all[prnn_data_number(r->s->data, image)];
    }
done:
    return code;
}

/* --------------------------------------------------------------------------------- by their names */

static int by_name(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* From the folder of the data on; `path` itself, if it is none of it. */
static const char *within(const reader *r, const char *path) {
    size_t n = strlen(r->data);
    bool inside = strncmp(path, r->data, n) == 0 && (path[n] == '/' || (n && r->data[n - 1] == '/'));
    return inside ? path + n + strspn(path + n, "/") : path;
}

static int sort_names(reader *r) {
    int code;
    r->names = session_allocate(r->s, r->count, sizeof *r->names);
    TRY(check_memory(r->names));
    for (size_t i = 0; i < r->count; i++) {
        const char *name = prnn_data_name(r->s->data, i);
        if (name) {
            r->names[r->name_count++] = (named){within(r, name), i};
        }
    }
    qsort(r->names, r->name_count, sizeof *r->names, by_name);
done:
    return code;
}

static bool find_within(const reader *r, const char *name, size_t *image) {
    const named key = {name, 0};
    const named *found = bsearch(&key, r->names, r->name_count, sizeof key, by_name);
    *image = found ? found->image : 0;
    return found;
}

/* A path from the folder of the data on, or as --scores has it. */
static bool find_name(const reader *r, const char *path, size_t *image) {
    return find_within(r, path, image) || find_within(r, within(r, path), image);
}

static bool was_skipped(const reader *r, const char *path) {
    const char *name, *why;
    for (size_t at = 0; skipped_next(&r->s->missing, &at, &name, &why);) {
        if (strcmp(within(r, name), path) == 0 || strcmp(within(r, name), within(r, path)) == 0) {
            return true;
        }
    }
    return false;
}

static bool find_number(const reader *r, const char *text, size_t *image) {
    uint64_t number;
    if (!parse_uint64(text, &number)) {
        return false;
    }
    size_t low = 0, high = r->count; /* numbers ascend */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (prnn_data_number(r->s->data, middle) < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *image = low;
    return low < r->count && prnn_data_number(r->s->data, low) == number;
}

/* The image of a row; *there is false for one that is left out. */
static int find_image(const reader *r, size_t *image, bool *there) {
    const char *name = r->at_name != NO_COLUMN ? r->cells[r->at_name] : "";
    const char *number = r->at_image != NO_COLUMN ? r->cells[r->at_image] : "";
    *there = *name ? find_name(r, name, image) : find_number(r, number, image);
    if (*there || !r->whole || (*name && was_skipped(r, name))) {
        return EXIT_OK;
    }
    return fail(
        "%s:%d: '%s' is no image of %s: name files as --scores does, or from its folder on, and other "
        "images by their numbers",
        r->path, r->line, *name ? name : number, r->data);
}

static int take_row(const reader *r, char *line) {
    size_t columns = csv_cells(line, r->cells, r->columns), image = 0;
    uint8_t label;
    bool there = false;
    int code;
    if (columns != r->columns) {
        return fail(
            "%s:%d: has %zu column%s, and those before it have %zu: write the path or number of an image "
            "and its label, with a comma between them",
            r->path, r->line, columns, plural(columns), r->columns);
    }
    const char *text = r->cells[r->at_label],
               *number = r->at_image != NO_COLUMN ? r->cells[r->at_image] : "0";
    if (!*text && !*number) {
        return EXIT_OK; /* of --scores: a file that was skipped */
    }
    if (!read_label(text, &label)) {
        return bad_label(r, (size_t)r->line, text);
    }
    TRY(find_image(r, &image, &there));
    if (there && r->labels[image] != NO_LABEL) {
        return fail("%s:%d: image %zu of %s has a label already", r->path, r->line,
                    prnn_data_number(r->s->data, image), r->data);
    }
    if (there) {
        r->labels[image] = label;
    }
done:
    return code;
}

static int column_of(const reader *r, const char *name) {
    for (size_t i = 0; i < r->columns; i++) {
        if (strcmp(r->cells[i], name) == 0) {
            return (int)i;
        }
    }
    return NO_COLUMN;
}

/* Columns by their names; without a line of names a path and its label. *names: this was such a line. */
static int find_columns(reader *r, const char *first, bool *names) {
    char *line = session_allocate(r->s, strlen(first) + 1, 1);
    int code;
    TRY(check_memory(line));
    r->columns = csv_count(first, ',') + 1;
    r->cells = session_allocate(r->s, r->columns, sizeof *r->cells);
    TRY(check_memory(r->cells));
    r->columns = csv_cells(strcpy(line, first), r->cells, r->columns);
    r->at_label = column_of(r, "label");
    r->at_name = column_of(r, "name");
    r->at_image = column_of(r, "image");
    *names = r->at_label != NO_COLUMN;
    if (*names && r->at_name == NO_COLUMN && r->at_image == NO_COLUMN) {
        return fail(
            "%s: has a column label, and none that says of which image: call one name (of its file) or "
            "image (its number)",
            r->path);
    }
    if (!*names && r->columns != 2) {
        return fail(
            "%s: is read as lines of 0 and 1, as CSV with columns name or image and label, or as lines "
            "of a path, a comma and a label, and its first line is none of these",
            r->path);
    }
    if (!*names) {
        r->at_name = 0;
        r->at_image = NO_COLUMN;
        r->at_label = 1;
    }
done:
    return code;
}

static int take_table(reader *r, char *text) {
    bool names = false;
    size_t length = strcspn(text, "\r\n");
    char *first = session_allocate(r->s, length + 1, 1);
    int code;
    TRY(check_memory(first));
    memcpy(first, text, length);
    first[length] = 0;
    TRY(sort_names(r));
    TRY(find_columns(r, first, &names));
    for (char *line; (line = csv_line(&text));) {
        size_t inside = csv_count(line, '\n');
        r->line++;
        if (*line && !(names && r->line == 1)) {
            TRY(take_row(r, line));
        }
        r->line += (int)inside;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (r->labels[i] == NO_LABEL) {
            const char *name = prnn_data_name(r->s->data, i);
            return fail("%s: image %zu of %s%s%s%s has no label there", r->path,
                        prnn_data_number(r->s->data, i), r->data, name ? " (" : "", name ? name : "",
                        name ? ")" : "");
        }
    }
done:
    return code;
}

/* ------------------------------------------------------------------------------------------ all */

/* Whether the first line is one label, and nothing else. */
static bool is_list(const char *text) {
    size_t n = strcspn(text, "\r\n");
    return n > 0 && !memchr(text, ',', n) && n < 3;
}

int labels_read(session *s, const char *path, const char *data, bool whole, uint8_t *labels) {
    reader r = {.s = s,
                .path = path,
                .data = data,
                .whole = whole,
                .labels = labels,
                .count = prnn_data_count(s->data)};
    char *text = NULL;
    int code;
    memset(labels, NO_LABEL, r.count);
    if (is_npy(path)) {
        return take_npy(&r);
    }
    text = text_read(path, LIMIT, "a file of labels");
    TRY(text ? EXIT_OK : EXIT_FAILED);
    TRY(is_list(text) ? take_list(&r, text) : take_table(&r, text));
done:
    free(text);
    return code;
}

int labels_from_folder(session *s, const char *data, const char *normal, uint8_t *labels) {
    size_t n = strlen(data), length = strlen(normal), count = prnn_data_count(s->data), inside = 0;
    while (length > 1 && normal[length - 1] == '/') {
        length--;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = prnn_data_name(s->data, i);
        if (!name || strncmp(name, data, n) != 0) {
            return usage_error("--normal names a folder in a folder of pictures, and %s is none", data);
        }
        name += n + strspn(name + n, "/");
        labels[i] = !(strncmp(name, normal, length) == 0 && name[length] == '/');
        inside += !labels[i];
    }
    return inside ? EXIT_OK
                  : fail("--normal %s: no picture of %s lies in a folder of that name in it", normal, data);
}

int labels_check(const char *source, const uint8_t *labels, size_t count) {
    size_t ones = 0;
    for (size_t i = 0; i < count; i++) {
        ones += labels[i];
    }
    return ones && ones < count
               ? EXIT_OK
               : fail("%s: all images %s: what tells two kinds apart needs some of each", source,
                      ones ? "are labelled as not belonging" : "are labelled as belonging");
}
