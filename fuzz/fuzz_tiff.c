/* TIFF files. */
#include "open.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_open(prnn_picture_open, bytes, size);
    return 0;
}
