/* Captions of the images of a data set. */
#ifndef PIXELRNN_CLI_COMMANDS_CAPTIONS_H
#define PIXELRNN_CLI_COMMANDS_CAPTIONS_H

#include "draw/caption.h"
#include "session/session.h"

/* `before` (such as "original ") and the number of the image, as --first counts; its file in the set `path`.
 */
void caption_image(const session *s, const char *path, size_t image, const char *before, caption *c);

/* The same of any set. */
void caption_image_of(const prnn_data *set, const char *path, size_t image, const char *before, caption *c);

/* The numbers of all images, in memory of the session; NULL: no memory. */
size_t *image_numbers(session *s);

#endif
