#include "support/csv.h"

#include <stdbool.h>
#include <string.h>

size_t csv_count(const char *text, char byte) {
    size_t n = 0;
    for (; *text; text++) {
        n += *text == byte;
    }
    return n;
}

/* The bytes of a cell in quotes, with them; 0: it is not quoted from end to end. */
static size_t measure_quoted(const char *cell) {
    if (*cell != '"') {
        return 0;
    }
    size_t n = 1;
    while (cell[n] && (cell[n] != '"' || cell[n + 1] == '"')) {
        n += cell[n] == '"' ? 2 : 1;
    }
    bool closed = cell[n] && (!cell[n + 1] || strchr(",\r\n", cell[n + 1]));
    return closed ? n + 1 : 0;
}

/* To its end, which is none inside of a cell in quotes. */
static size_t length_of_line(const char *line) {
    size_t n = 0;
    for (;;) {
        size_t quoted = measure_quoted(line + n);
        n += quoted ? quoted : strcspn(line + n, ",\n");
        n += strspn(line + n, "\r");
        if (line[n] != ',') {
            return n + strcspn(line + n, "\n");
        }
        n++;
    }
}

char *csv_line(char **rest) {
    char *line = *rest;
    if (!*line) {
        return NULL;
    }
    size_t n = length_of_line(line);
    *rest = line + n + (line[n] == '\n');
    line[n] = 0;
    if (n > 0 && line[n - 1] == '\r') {
        line[n - 1] = 0;
    }
    return line;
}

/* In place, a cell of n bytes in quotes. */
static void unquote(char *cell, size_t n) {
    char *to = cell;
    for (size_t i = 1; i < n - 1; i++) {
        i += cell[i] == '"'; /* the first of two */
        *to++ = cell[i];
    }
    *to = 0;
}

/* Cuts the cell at *rest, moves *rest behind it and takes off quotes; NULL behind the last. */
static char *next_cell(char **rest) {
    char *cell = *rest;
    if (cell) {
        size_t quoted = measure_quoted(cell), n = quoted ? quoted : strcspn(cell, ",");
        *rest = cell[n] ? cell + n + 1 : NULL;
        cell[n] = 0;
        if (quoted) {
            unquote(cell, n);
        }
    }
    return cell;
}

size_t csv_cells(char *line, char **cells, size_t most) {
    size_t n = 0;
    for (char *cell; (cell = next_cell(&line)); n++) {
        if (n < most) {
            cells[n] = cell;
        }
    }
    return n;
}
