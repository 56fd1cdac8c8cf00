/* idx files, plain and in gzip. */
#include "open.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    bool packed = size > 1 && bytes[0] == 0x1f && bytes[1] == 0x8b;
    fuzz_open(packed ? prnn_idx_gz_open : prnn_idx_open, bytes, size);
    return 0;
}
