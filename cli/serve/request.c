#include "serve/request.h"

#include "serve/base64.h"
#include "support/number.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool refuse(char why[REQUEST_WHY], const char *format, ...) {
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is two lines above */
    vsnprintf(why, REQUEST_WHY, format, args);
    va_end(args);
    return false;
}

/* -------------------------------------------------------------------------------------- values */

static bool read_name(const json_t *value, void *to, const char *name, char why[REQUEST_WHY]) {
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) >= REQUEST_NAME) {
        return refuse(why, "%s: a name of at most %d bytes is needed", name, REQUEST_NAME - 1);
    }
    snprintf(to, REQUEST_NAME, "%s", text);
    return true;
}

static bool read_numbers(const json_t *array, request_bytes *to, const char *name, char why[REQUEST_WHY]) {
    size_t n = json_array_size(array);
    to->list = malloc(n + 1);
    if (!to->list) {
        return refuse(why, "%s: not enough memory", name);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, i);
        json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
        if (number < 0 || number > 255) {
            return refuse(why, "%s: element %zu is not a whole number from 0 to 255", name, i);
        }
        to->list[i] = (uint8_t)number;
    }
    to->size = n;
    return true;
}

/* A list of numbers, or base64. */
static bool read_bytes(const json_t *value, request_bytes *to, const char *name, char why[REQUEST_WHY]) {
    if (json_is_array(value)) {
        return read_numbers(value, to, name, why);
    }
    size_t length = json_string_length(value);
    to->list = json_is_string(value) ? malloc(base64_most(length) + 1) : NULL;
    if (json_is_string(value) && !to->list) {
        return refuse(why, "%s: not enough memory", name);
    }
    if (!to->list || !base64_read(json_string_value(value), length, to->list, &to->size)) {
        return refuse(why, "%s: a list of numbers, or bytes in base64, is needed", name);
    }
    return true;
}

/* JavaScript's numbers end at 2^53, so that larger ones come as text. */
static bool read_uint64(const json_t *value, uint64_t *to, const char *name, char why[REQUEST_WHY]) {
    bool number = json_is_integer(value) && json_integer_value(value) >= 0;
    if (number) {
        *to = (uint64_t)json_integer_value(value);
    }
    if (!number && !(json_is_string(value) && parse_uint64(json_string_value(value), to))) {
        return refuse(why, "%s: a whole number from 0 to %llu is needed (above 2^53 as text)", name,
                      (unsigned long long)UINT64_MAX);
    }
    return true;
}

static bool read_within(const json_t *value, int minimum, int maximum, int *to, const char *name,
                        char why[REQUEST_WHY]) {
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < minimum || number > maximum) {
        return refuse(why, "%s: a whole number from %d to %d is needed", name, minimum, maximum);
    }
    *to = (int)number;
    return true;
}

static bool read_temperature(const json_t *value, double *to, char why[REQUEST_WHY]) {
    *to = json_number_value(value);
    if (!json_is_number(value) || !(*to >= 1e-38 && *to <= 1000)) {
        return refuse(why, "temperature: a number from 1e-38 to 1000 is needed");
    }
    return true;
}

static bool read_format(const json_t *value, request_format *to, char why[REQUEST_WHY]) {
    static const char *const names[FORMATS] = {"json", "npy", "stream"};
    const char *text = json_string_value(value);
    for (int i = 0; text && i < FORMATS; i++) {
        if (strcmp(text, names[i]) == 0) {
            *to = (request_format)i;
            return true;
        }
    }
    return refuse(why, "format: one of json, npy and stream is needed");
}

/* --------------------------------------------------------------------------------------- fields */

static const struct {
    const char *name;
    unsigned bit;
} fields[] = {{"model", GAVE_MODEL},   {"image", GAVE_IMAGES},
              {"images", GAVE_IMAGES}, {"known", GAVE_KNOWN},
              {"count", GAVE_COUNT},   {"seed", GAVE_SEED},
              {"first", GAVE_FIRST},   {"temperature", GAVE_TEMPERATURE},
              {"row", GAVE_ROW},       {"column", GAVE_COLUMN},
              {"format", GAVE_FORMAT}, {"run", GAVE_RUN}};

static unsigned find_field(const char *name) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return fields[i].bit;
        }
    }
    return 0;
}

static bool read_count(const json_t *value, request *r, const char *name, char why[REQUEST_WHY]) {
    int count = 0;
    bool ok = read_within(value, 1, REQUEST_IMAGES, &count, name, why);
    r->count = (size_t)count;
    return ok;
}

static bool read_field(request *r, unsigned field, const char *name, const json_t *value,
                       char why[REQUEST_WHY]) {
    switch (field) {
    case GAVE_MODEL:
        return read_name(value, r->model, name, why);
    case GAVE_IMAGES:
        return read_bytes(value, &r->images, name, why);
    case GAVE_KNOWN:
        return read_bytes(value, &r->known, name, why);
    case GAVE_COUNT:
        return read_count(value, r, name, why);
    case GAVE_SEED:
        return read_uint64(value, &r->seed, name, why);
    case GAVE_FIRST:
        return read_uint64(value, &r->first, name, why);
    case GAVE_TEMPERATURE:
        return read_temperature(value, &r->temperature, why);
    case GAVE_ROW:
        return read_within(value, 0, 4095, &r->row, name, why);
    case GAVE_COLUMN:
        return read_within(value, 0, 4095, &r->column, name, why);
    case GAVE_RUN:
        return read_within(value, 0, 1, &r->run, name, why);
    default:
        return read_format(value, &r->format, why);
    }
}

static bool read_object(json_t *object, unsigned allowed, request *r, char why[REQUEST_WHY]) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        unsigned field = find_field(name);
        if (!(field & allowed)) {
            return refuse(why, "'%.40s' is not a field of this request", name);
        }
        if (r->gave & field) {
            return refuse(why, "image and images are the same: leave one out");
        }
        r->gave |= field;
        if (!read_field(r, field, name, value, why)) {
            return false;
        }
    }
    return true;
}

bool request_read(const char *text, size_t size, unsigned allowed, request *r, char why[REQUEST_WHY]) {
    json_error_t error;
    *r = (request){.count = 8, .temperature = 1};
    if (size == 0) {
        return refuse(why, "the body is empty: send a JSON object, {} for all defaults");
    }
    json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!object) {
        bool large = json_error_code(&error) == json_error_numeric_overflow;
        return refuse(why, "the body %s: line %d, column %d: %.100s%s",
                      large ? "has too large a number" : "is not JSON", error.line, error.column, error.text,
                      large ? " (a seed above 2^53 is given as text)" : "");
    }
    bool ok = json_is_object(object) ? read_object(object, allowed, r, why)
                                     : refuse(why, "the body is not a JSON object");
    json_decref(object);
    return ok;
}

void request_free(request *r) {
    free(r->images.list);
    free(r->known.list);
    r->images.list = r->known.list = NULL;
}

/* --------------------------------------------------------------------------------- and its shape */

static bool check_images(const request *r, const prnn_config *c, bool many, char why[REQUEST_WHY]) {
    size_t one = (size_t)c->height * (size_t)c->width * (size_t)c->channels;
    size_t n = r->images.size / one;
    if (n * one != r->images.size || n == 0 || n > (many ? REQUEST_IMAGES : 1)) {
        return refuse(why, "%s: has %zu values; %s of %d x %d x %d = %zu is needed",
                      many ? "images" : "image", r->images.size,
                      many ? "a number of images (at most 256), each" : "one image", c->height, c->width,
                      c->channels, one);
    }
    for (size_t i = 0; i < r->images.size; i++) {
        if (r->images.list[i] >= c->levels) {
            return refuse(why, "image: value %zu is %d; the model knows levels 0 to %d", i, r->images.list[i],
                          c->levels - 1);
        }
    }
    return true;
}

bool request_fits(const request *r, const prnn_config *c, bool many, char why[REQUEST_WHY]) {
    size_t area = (size_t)c->height * (size_t)c->width;
    if ((r->gave & GAVE_IMAGES) && !check_images(r, c, many, why)) {
        return false;
    }
    if ((r->gave & GAVE_KNOWN) && r->known.size != area) {
        return refuse(why, "known: has %zu values; the mask of an image of %d x %d has %zu", r->known.size,
                      c->height, c->width, area);
    }
    if (r->row >= c->height || r->column >= c->width) {
        return refuse(why, "row %d, column %d is outside of an image of %d x %d", r->row, r->column,
                      c->height, c->width);
    }
    return true;
}
