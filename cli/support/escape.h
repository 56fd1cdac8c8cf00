/* File names, and words of other people's files, may hold any bytes: where people read them, those that would
 * steer a terminal or break a line are written as they are in C. */
#ifndef PIXELRNN_CLI_SUPPORT_ESCAPE_H
#define PIXELRNN_CLI_SUPPORT_ESCAPE_H

#include <stdio.h>

/* Writes `text` with control characters, and bytes that are no UTF-8, as \n, \t, \r or \x1b. */
void put_escaped(FILE *stream, const char *text);

#endif
