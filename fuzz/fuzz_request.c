/* A request's body must be refused with a sentence or read, whatever its bytes; what is read fits the image
 * that it claims to. */
#include "serve/request.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static volatile uint8_t sink;

/* What a worker would read of a request that fits. */
static void use(const request *r, const prnn_config *config) {
    size_t area = (size_t)config->height * (size_t)config->width, one = area * (size_t)config->channels;
    uint8_t sum = 0;
    for (size_t i = 0; (r->gave & GAVE_IMAGES) && i < one; i++) {
        if (r->images.list[i] >= config->levels) {
            __builtin_trap();
        }
        sum ^= r->images.list[i];
    }
    for (size_t i = 0; (r->gave & GAVE_KNOWN) && i < area; i++) {
        sum ^= r->known.list[i];
    }
    sink = sum;
    if (r->row >= config->height || r->column >= config->width || r->count < 1 || r->count > REQUEST_IMAGES ||
        !(r->temperature > 0) || strlen(r->model) >= REQUEST_NAME) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    prnn_config config = PRNN_CONFIG_INIT;
    char why[REQUEST_WHY] = "";
    request r;
    config.height = 2;
    config.width = 3;
    config.levels = 4;
    bool ok =
        request_read((const char *)bytes, size, ~0u, &r, why) && request_fits(&r, &config, size % 2, why);
    if (ok) {
        use(&r, &config);
    } else if (!*why) {
        __builtin_trap();
    }
    request_free(&r);
    return 0;
}
