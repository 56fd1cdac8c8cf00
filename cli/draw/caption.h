/* Words below images. */
#ifndef PIXELRNN_CLI_DRAW_CAPTION_H
#define PIXELRNN_CLI_DRAW_CAPTION_H

#include "draw/canvas.h"

typedef struct caption {
    char label[32]; /* a line; short enough to stand as it is */
    char name[64];  /* another; "": none */
} caption;

/* `name` becomes that of the caption: each character beyond ASCII a '?', and shortened in its middle. */
void caption_set_name(caption *c, const char *name);

/* How the captions of a picture are set: below each image, whose width is `image`, in the middle of `width`.
 */
typedef struct caption_layout {
    int zoom, letters; /* side of a letter's pixel; letters in a line */
    int width, height;
} caption_layout;

/* `letters`: no line has less room. */
caption_layout caption_place(const caption *captions, size_t count, int image, int letters);
void caption_draw(canvas *c, const caption_layout *l, int top, int left, const caption *text);

#endif
