/* The page: files of cli/serve/page and docs/openapi.json, which the build puts into the program. */
#ifndef PIXELRNN_CLI_SERVE_ASSETS_H
#define PIXELRNN_CLI_SERVE_ASSETS_H

#include <stddef.h>

typedef struct asset {
    const char *path, *type; /* "/studio.css", "text/css"; text is UTF-8 */
    const unsigned char *bytes;
    size_t size;
} asset;

/* Ends with a path NULL. */
extern const asset assets[];

#endif
