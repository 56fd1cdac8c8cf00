/* What commands tell of an archive. */
#ifndef PIXELRNN_CLI_COMMANDS_ARCHIVE_REPORT_H
#define PIXELRNN_CLI_COMMANDS_ARCHIVE_REPORT_H

#include "session/session.h"

/* A few lines: sizes, and what reads it. */
void archive_print(const char *path, const prnn_archive_info *info);
/* The same as fields of an object that is open. */
void archive_report(json *j, const char *path, const prnn_archive_info *info);

/* "cat.png", or "image 12" of one without a name. */
void archive_image_label(uint64_t index, const prnn_archive_image *image, char *text, size_t size);

#endif
