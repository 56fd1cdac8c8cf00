/* Contact sheets of images in the shape of a session's model. */
#ifndef PIXELRNN_CLI_COMMANDS_SHEETS_H
#define PIXELRNN_CLI_COMMANDS_SHEETS_H

#include "draw/sheet.h"
#include "session/session.h"
#include "support/report.h"

/* Of `count` images, (count, H, W, C) levels in the shape of session.config, in the colours of its palette.
 */
static inline sheet sheet_of(const session *s, const uint8_t *images, size_t count, int columns, int zoom,
                             const caption *captions) {
    const prnn_config *c = &s->config;
    return (sheet){.images = images,
                   .count = count,
                   .height = c->height,
                   .width = c->width,
                   .channels = c->channels,
                   .levels = c->levels,
                   .columns = columns,
                   .zoom = zoom,
                   .captions = captions,
                   .palette = session_palette(s)};
}

/* Refuses, before anything is drawn, a sheet that would be too large; what is no sheet is as large as it is.
 */
static inline int sheet_check_drawn(const session *s, output_kind kind, size_t count, int columns, int zoom) {
    const sheet all = sheet_of(s, NULL, count, columns, zoom, NULL);
    return kind == OUTPUT_PNG ? sheet_check_size(&all) : EXIT_OK;
}

#endif
