#include "gpu/cache.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Two FNV-1a hashes with different beginnings. A text's end counts, so that texts do not run together. */
prnn_gpu_cache_key prnn_gpu_cache_key_of(const char *const *texts, int count) {
    prnn_gpu_cache_key key = {{14695981039346656037u, 0x9e3779b97f4a7c15u}};
    for (int t = 0; t < count; t++) {
        const char *c = texts[t];
        do {
            for (int h = 0; h < 2; h++) {
                key.hash[h] = (key.hash[h] ^ (uint8_t)*c) * 1099511628211u;
            }
        } while (*c++);
    }
    return key;
}

/* The path of a program, and with `make` the folders that lead there. */
static bool path_of(prnn_gpu_cache_key key, bool make, char path[4096]) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool own = !cache || cache[0] != '/';
    if (own && (!home || home[0] != '/')) {
        return false;
    }
    int n = own ? snprintf(path, 4000, "%s/.cache", home) : snprintf(path, 4000, "%s", cache);
    if (n < 0 || n >= 4000) {
        return false;
    }
    if (make) {
        mkdir(path, 0700);
    }
    n += snprintf(path + n, 4096 - (size_t)n, "/pixelrnn");
    if (make) {
        mkdir(path, 0700);
    }
    snprintf(path + n, 4096 - (size_t)n, "/%016llx%016llx.gpu", (unsigned long long)key.hash[0],
             (unsigned long long)key.hash[1]);
    return true;
}

/* In front of the program: its length and a checksum, so that a damaged file is as none. */
typedef struct header {
    char magic[8];
    uint64_t size, sum;
} header;

static header header_of(const uint8_t *bytes, size_t size) {
    header h = {"prnngpu", size, 14695981039346656037u};
    for (size_t i = 0; i < size; i++) {
        h.sum = (h.sum ^ bytes[i]) * 1099511628211u;
    }
    return h;
}

uint8_t *prnn_gpu_cache_get(prnn_gpu_cache_key key, size_t *size) {
    char path[4096];
    uint8_t *file = NULL, *program = NULL;
    size_t bytes = 0;
    if (!path_of(key, false, path) ||
        prnn_file_read(NULL, path, (size_t)256 << 20, &file, &bytes) != PRNN_OK) {
        return NULL;
    }
    if (bytes > sizeof(header)) {
        header expected = header_of(file + sizeof(header), bytes - sizeof(header));
        bool whole = memcmp(&expected, file, sizeof(header)) == 0;
        program = whole ? prnn_alloc(NULL, bytes - sizeof(header), 1, "a program") : NULL;
    }
    if (program) {
        *size = bytes - sizeof(header);
        memcpy(program, file + sizeof(header), *size);
    }
    prnn_free(file);
    return program;
}

void prnn_gpu_cache_put(prnn_gpu_cache_key key, const void *bytes, size_t size) {
    char path[4096];
    prnn_file_writer writer;
    header h = header_of(bytes, size);
    if (!path_of(key, true, path) || prnn_file_begin(NULL, path, &writer) != PRNN_OK) {
        return;
    }
    if (fwrite(&h, sizeof h, 1, writer.stream) == 1 && fwrite(bytes, 1, size, writer.stream) == size) {
        (void)prnn_file_commit(NULL, &writer);
    } else {
        prnn_file_abandon(&writer);
    }
}
