/* What a request asks for: its JSON text, read and checked, without a network, a file or a model's weights.
 * Whatever the bytes are, they become a request or a sentence. */
#ifndef PIXELRNN_CLI_SERVE_REQUEST_H
#define PIXELRNN_CLI_SERVE_REQUEST_H

#include <pixelrnn/pixelrnn.h>

/* Most images that one request may ask for, or send. */
enum { REQUEST_IMAGES = 256, REQUEST_NAME = 128, REQUEST_WHY = 256 };

typedef enum request_format {
    FORMAT_JSON,   /* one object */
    FORMAT_NPY,    /* an array of levels, or of floats */
    FORMAT_STREAM, /* lines of JSON as the work goes on */
    FORMATS
} request_format;

/* The fields that a request gave, and that an operation knows. */
enum {
    GAVE_MODEL = 1,
    GAVE_IMAGES = 2,
    GAVE_KNOWN = 4,
    GAVE_COUNT = 8,
    GAVE_SEED = 16,
    GAVE_FIRST = 32,
    GAVE_TEMPERATURE = 64,
    GAVE_ROW = 128,
    GAVE_COLUMN = 256,
    GAVE_FORMAT = 512,
    GAVE_RUN = 1024
};

/* As they came; NULL without. */
typedef struct request_bytes {
    uint8_t *list;
    size_t size;
} request_bytes;

typedef struct request {
    unsigned gave;
    char model[REQUEST_NAME]; /* "": the first one */
    request_bytes images, known;
    size_t count;
    uint64_t seed, first;
    double temperature;
    int row, column, run;
    request_format format;
} request;

/* Reads an object whose fields are among `allowed`. False after a sentence in `why`; free with request_free
 * in any case. */
bool request_read(const char *text, size_t size, unsigned allowed, request *r, char why[REQUEST_WHY]);
void request_free(request *r);

/* Whether what was given fits images of this shape: whole images (one, unless `many`), levels that there are,
 * a mask and a place within. */
bool request_fits(const request *r, const prnn_config *config, bool many, char why[REQUEST_WHY]);

#endif
