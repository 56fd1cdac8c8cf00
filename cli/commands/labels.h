/* Which images are known to belong (0) and which are known not to (1). All functions return 0 or an exit code
 * after a message. */
#ifndef PIXELRNN_CLI_COMMANDS_LABELS_H
#define PIXELRNN_CLI_COMMANDS_LABELS_H

#include "session/session.h"

/* Labels of all images of the session's data, from a file: .npy, text with a label a line in the order of the
 * images, or CSV with a path or number of an image and its label. `whole`: the data are all of the set that
 * they are from, so that a label of something else is refused. */
int labels_read(session *s, const char *path, const char *data, bool whole, uint8_t *labels);

/* 0 for images in the folder `normal` of the folder `data`, 1 for all others; there must be both. */
int labels_from_folder(session *s, const char *data, const char *normal, uint8_t *labels);

/* Refuses labels without a 0, or without a 1. */
int labels_check(const char *source, const uint8_t *labels, size_t count);

#endif
