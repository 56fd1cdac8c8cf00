/* Small letters for pictures of pixels. */
#ifndef PIXELRNN_CLI_DRAW_FONT_H
#define PIXELRNN_CLI_DRAW_FONT_H

enum { FONT_HEIGHT = 7, FONT_WIDTH = 5 };

/* Rows of a letter from the top, the highest of FONT_WIDTH bits at the left. Printable ASCII; all else is a
 * '?'.
 */
const unsigned char *font_letter(char letter);

#endif
