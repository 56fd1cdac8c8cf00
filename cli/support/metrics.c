#include "support/metrics.h"

#include "support/csv.h"
#include "support/memory.h"
#include "support/number.h"
#include "support/report.h"
#include "support/text.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LIMIT = 64 << 20, NO_COLUMN = -1, COLUMNS = 4 };

typedef struct reader {
    const char *path, *x;
    char *text;
    char **cells; /* of the line that is read */
    size_t columns;
    int line;
    int at[COLUMNS];           /* of x, train, valid, and step, which need not be there */
    const char *name[COLUMNS]; /* as in the file */
    metrics *m;
} reader;

/* --------------------------------------------------------------------------------- its columns */

static int find_column(const reader *r, const char *name) {
    for (size_t i = 0; i < r->columns; i++) {
        if (strcmp(r->cells[i], name) == 0) {
            return (int)i;
        }
    }
    return NO_COLUMN;
}

static int read_header(reader *r, char *line) {
    size_t most = csv_count(line, ',') + 1;
    r->cells = allocate(most, sizeof *r->cells);
    if (!r->cells) {
        return fail_memory();
    }
    r->columns = csv_cells(line, r->cells, most);
    r->m->bits = find_column(r, "train_bits_per_dim") >= 0;
    r->name[0] = r->x;
    r->name[1] = r->m->bits ? "train_bits_per_dim" : "train_nats";
    r->name[2] = r->m->bits ? "valid_bits_per_dim" : "valid_nats";
    r->name[3] = "step";
    for (int i = 0; i < COLUMNS; i++) {
        r->at[i] = find_column(r, r->name[i]);
        if (r->at[i] == NO_COLUMN && i < 3) {
            return fail("%s: has no column %s%s; a metrics.csv of 'pixelrnn train' is needed", r->path,
                        r->name[i], i && !r->m->bits ? " (or that in bits_per_dim)" : "");
        }
    }
    return 0;
}

/* A number, or NaN: an empty cell, nan or inf, unless a number is needed. */
static int read_number(const reader *r, int column, const char *cell, double *value) {
    bool number = parse_double(cell, value) && fabs(*value) <= METRICS_LIMIT;
    size_t sign = *cell == '-' || *cell == '+';
    bool none = !*cell || strcasecmp(cell + sign, "nan") == 0 || strcasecmp(cell + sign, "inf") == 0;
    if (!number && none && column > 0) {
        *value = NAN;
        return 0;
    }
    if (!number) {
        char shown[24];
        snprintf(shown, sizeof shown, "%s", cell);
        return fail(
            "%s:%d: '%s' in the column %s is not a number of at most %g; repair the line or cut it off",
            r->path, r->line, shown, r->name[column], METRICS_LIMIT);
    }
    return 0;
}

/* A line of another length has its numbers in other columns: a decimal comma, for one, makes two of one. */
static int read_row(reader *r, char *line) {
    size_t columns = csv_cells(line, r->cells, r->columns);
    if (columns != r->columns) {
        return fail(
            "%s:%d: has %zu column%s, and the header has %zu; repair the line or cut it off, and write "
            "numbers with a decimal point",
            r->path, r->line, columns, plural(columns), r->columns);
    }
    size_t n = r->m->count++;
    double *to[COLUMNS] = {r->m->x + n, r->m->train + n, r->m->valid + n, r->m->step + n};
    int code = 0;
    *to[3] = NAN;
    for (int i = 0; i < COLUMNS; i++) {
        if (r->at[i] != NO_COLUMN) {
            TRY(read_number(r, i, r->cells[r->at[i]], to[i]));
        }
    }
done:
    return code;
}

static int check_numbers(const reader *r) {
    for (size_t i = 0; i < r->m->count; i++) {
        if (!isnan(r->m->train[i]) || !isnan(r->m->valid[i])) {
            return 0;
        }
    }
    return fail("%s: has no numbers yet in %s and %s, there is nothing to draw", r->path, r->name[1],
                r->name[2]);
}

static int read_text(reader *r) {
    char *rest = r->text;
    char *header = csv_line(&rest);
    if (!header) {
        return fail("%s: is empty; a metrics.csv of 'pixelrnn train' is needed", r->path);
    }
    size_t lines = csv_count(rest, '\n') + 1;
    double **const arrays[COLUMNS] = {&r->m->x, &r->m->train, &r->m->valid, &r->m->step};
    int code;
    for (int i = 0; i < COLUMNS; i++) {
        *arrays[i] = allocate(lines, sizeof(double));
        TRY(check_memory(*arrays[i]));
    }
    TRY(read_header(r, header));
    r->line = 1;
    for (char *line; (line = csv_line(&rest));) {
        r->line++;
        if (*line) {
            TRY(read_row(r, line));
        }
    }
    TRY(check_numbers(r));
done:
    return code;
}

int metrics_read(const char *path, const char *x, metrics *m) {
    *m = (metrics){0};
    reader r = {
        .path = path, .x = x, .m = m, .text = text_read(path, LIMIT, "a metrics.csv of 'pixelrnn train'")};
    int code = r.text ? read_text(&r) : EXIT_FAILED;
    free(r.cells);
    free(r.text);
    return code;
}

void metrics_free(metrics *m) {
    free(m->x);
    free(m->train);
    free(m->valid);
    free(m->step);
    *m = (metrics){0};
}

void metrics_merge_short(metrics *m) {
    double before = 0, sum = 0, sum_steps = 0, usual = m->step[m->count - 1] / (double)m->count;
    size_t held = m->count; /* a line whose value waits in sum */
    bool kept = false;
    for (size_t i = 0; usual > 0 && i < m->count; i++) {
        double steps = m->step[i] - before;
        before = m->step[i];
        if (isnan(m->train[i]) || !(steps > 0)) {
            continue;
        }
        sum += steps * m->train[i];
        sum_steps += steps;
        bool enough = sum_steps >= usual / 2;
        m->train[i] = enough ? sum / sum_steps : NAN;
        sum = enough ? 0 : sum;
        sum_steps = enough ? 0 : sum_steps;
        held = enough ? m->count : i;
        kept = kept || enough;
    }
    if (held < m->count && !kept) {
        m->train[held] = sum / sum_steps;
    }
}

bool metrics_best(const metrics *m, size_t *line) {
    bool found = false;
    for (size_t i = 0; i < m->count; i++) {
        if (!isnan(m->valid[i]) && (!found || m->valid[i] < m->valid[*line])) {
            *line = i;
            found = true;
        }
    }
    return found;
}
