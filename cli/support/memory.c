#include "support/memory.h"

#include "support/report.h"

#include <stdint.h>
#include <stdlib.h>

void *allocate(size_t a, size_t b) {
    bool too_many = b && a > (SIZE_MAX - 1) / b;
    return too_many ? NULL : malloc(a * b + 1); /* never a NULL for 0 bytes */
}

int check_memory(const void *memory) {
    return memory ? EXIT_OK : fail_memory();
}
