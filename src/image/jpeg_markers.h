/* The segments of a JPEG file, found without decoding it. */
#ifndef PRNN_IMAGE_JPEG_MARKERS_H
#define PRNN_IMAGE_JPEG_MARKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the file, which begins as a JPEG should, has the picture in several scans: libjpeg then keeps the
 * coefficients of all of it. */
bool prnn_jpeg_has_scans(const uint8_t *p, size_t n);

/* Copies the file into `to`, room for n + 2 bytes, without what libjpeg only warns about: bytes between
 * segments, an unknown version of JFIF, ranges of coefficients that mean nothing in a sequential file, and,
 * of a picture in one scan, a missing end. Returns the size; *restarts: whether a scan has restart markers.
 */
size_t prnn_jpeg_mend(const uint8_t *p, size_t n, uint8_t *to, bool *restarts);

/* The orientation that the file notes in EXIF; 1, as stored, if it notes none. */
int prnn_jpeg_orientation(const uint8_t *p, size_t n);

#endif
