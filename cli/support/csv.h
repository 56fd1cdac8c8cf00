/* Lines and cells of CSV (RFC 4180), cut in place. */
#ifndef PIXELRNN_CLI_SUPPORT_CSV_H
#define PIXELRNN_CLI_SUPPORT_CSV_H

#include <stddef.h>

/* How often a byte is in a text. */
size_t csv_count(const char *text, char byte);

/* Cuts the line at *rest, which has line breaks in cells in quotes, and moves *rest behind it; NULL at the
 * end. */
char *csv_line(char **rest);

/* Puts the first `most` cells of a line into `cells`, without their quotes; how many there are. */
size_t csv_cells(char *line, char **cells, size_t most);

#endif
