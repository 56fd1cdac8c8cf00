/* The orientation that a camera notes: a number 1..8 of the EXIF standard. */
#ifndef PRNN_IMAGE_ORIENTATION_H
#define PRNN_IMAGE_ORIENTATION_H

#include "image/image.h"

/* The orientation noted in `n` bytes of EXIF, either byte order; 1, as stored, if it is malformed or silent.
 */
int prnn_exif_orientation(const uint8_t *p, size_t n);

/* Bytes that prnn_image_turn takes beside an image of so many bytes. */
size_t prnn_turn_bytes(size_t image, int orientation);

/* Turns the image as a viewer does: 2 mirrored, 3 by half a turn, 4 upside down, 5 transposed, 6 a quarter
 * turn clockwise, 7 transposed the other way, 8 a quarter turn the other way. Its values are then others,
 * from prnn_alloc_raw; a failure leaves it as it was. */
prnn_status prnn_image_turn(prnn_context *ctx, const char *name, prnn_image *image, int orientation);

#endif
