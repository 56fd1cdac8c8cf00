#include "support/image_set.h"

static prnn_picture_info picture_of(image_set set, size_t image) {
    prnn_picture_info info = PRNN_PICTURE_INFO_INIT;
    prnn_listing_picture(set.listing, image, &info);
    return info;
}

size_t image_set_count(image_set set) {
    return set.listing ? prnn_listing_count(set.listing) : prnn_data_count(set.data);
}

const char *image_set_name(image_set set, size_t image) {
    return set.listing ? picture_of(set, image).name : prnn_data_name(set.data, image);
}

size_t image_set_number(image_set set, size_t image) {
    return set.listing ? picture_of(set, image).number : prnn_data_number(set.data, image);
}
