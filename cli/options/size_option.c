#include "options/size_option.h"

#include "support/number.h"
#include "support/report.h"

#include <string.h>

enum { MODEL_SIDE = 4096 };

/* The number in text[0..n-1]; false: there is none. */
static bool read_side(const char *text, size_t n, int *side) {
    char digits[8] = "";
    if (n == 0 || n >= sizeof digits || strspn(text, "0123456789") < n) {
        return false;
    }
    memcpy(digits, text, n);
    return parse_int(digits, side);
}

static int read_size(const char *text, const char *or_own, wanted_size *size) {
    *size = (wanted_size){.own = text && strcmp(text, "own") == 0};
    if (!text || size->own) {
        return EXIT_OK;
    }
    size_t n = strcspn(text, "xX");
    const char *width = text + n + (text[n] != 0);
    if (!text[n] || !read_side(text, n, &size->height) || !read_side(width, strlen(width), &size->width)) {
        return usage_error("--size %s: write height and width, such as 64x96%s", text, or_own);
    }
    if (size->height < 1 || size->height > MODEL_SIDE || size->width < 1 || size->width > MODEL_SIDE) {
        return usage_error("--size %s: height and width are 1 to %d pixels", text, MODEL_SIDE);
    }
    return EXIT_OK;
}

int size_option_read(const char *text, wanted_size *size) {
    return read_size(text, ", or own", size);
}

int size_option_read_plain(const char *text, wanted_size *size) {
    int code = read_size(text, "", size);
    return size->own ? usage_error("--size own is for images that are there: write height and width, such as "
                                   "64x96")
                     : code;
}
