/* What commands tell of an archive. */
#ifndef PIXELRNN_CLI_COMMANDS_ARCHIVE_REPORT_H
#define PIXELRNN_CLI_COMMANDS_ARCHIVE_REPORT_H

#include "session/session.h"

/* A few lines: sizes, and what reads it. */
void archive_print(const char *path, const prnn_archive_info *info);
/* The same as fields of an object that is open. */
void archive_report(json *j, const char *path, const prnn_archive_info *info);

/* Images that are lost, named one by one; those without names that follow one another, for one reason, at
 * once: "images 2 to 17". Begin with the first two fields, all else 0. */
typedef struct lost_images {
    session *s;
    json *report; /* an array that is open; NULL: none */
    uint64_t count;
    uint64_t first, run; /* those that are not told yet */
    char why[128];
} lost_images;

void lost_images_add(lost_images *l, uint64_t index, const prnn_archive_image *image, const char *why);
void lost_images_end(lost_images *l);

#endif
