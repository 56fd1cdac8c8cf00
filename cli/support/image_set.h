/* The images of a data set, or of a listing: how many, and of each its file and its number. */
#ifndef PIXELRNN_CLI_SUPPORT_IMAGE_SET_H
#define PIXELRNN_CLI_SUPPORT_IMAGE_SET_H

#include <pixelrnn/pixelrnn.h>

typedef struct image_set {
    const prnn_data *data;
    const prnn_listing *listing; /* in its place, unless NULL: pictures of many sizes */
} image_set;

size_t image_set_count(image_set set);
/* NULL: none. */
const char *image_set_name(image_set set, size_t image);
size_t image_set_number(image_set set, size_t image);

#endif
