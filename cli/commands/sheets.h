/* Contact sheets of images in the shape of a session's model. */
#ifndef PIXELRNN_CLI_COMMANDS_SHEETS_H
#define PIXELRNN_CLI_COMMANDS_SHEETS_H

#include "draw/sheet.h"
#include "session/session.h"

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

#endif
