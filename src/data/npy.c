/* NumPy's .npy: "\x93NUMPY", version, length of the header, the header as a Python dictionary, the values. */
#include "data/npy.h"

#include "base/memory.h"
#include "base/try.h"
#include "data/data.h"

#include <stdio.h>
#include <string.h>

enum { HEADER_LIMIT = 65536, SQUARE_SIDE_LIMIT = 4096, PICTURE_SIDE = 16 };

/* What is left of the header's text. */
typedef struct text {
    const char *p, *end;
} text;

static void skip_space(text *t) {
    while (t->p < t->end && (*t->p == ' ' || *t->p == '\t' || *t->p == '\n' || *t->p == '\r')) {
        t->p++;
    }
}

/* Takes the character `c`, if it comes next. */
static bool take(text *t, char c) {
    skip_space(t);
    if (t->p < t->end && *t->p == c) {
        t->p++;
        return true;
    }
    return false;
}

static bool take_word(text *t, const char *word) {
    skip_space(t);
    size_t n = strlen(word);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0) {
        return false;
    }
    t->p += n;
    return true;
}

static bool take_string(text *t, char *to, size_t room) {
    char quote = take(t, '\'') ? '\'' : '"';
    if (quote == '"' && !take(t, '"')) {
        return false;
    }
    size_t n = 0;
    for (; t->p < t->end && *t->p != quote; t->p++) {
        if (n + 1 >= room || *t->p < ' ' || *t->p > '~' || *t->p == '\\') {
            return false;
        }
        to[n++] = *t->p;
    }
    to[n] = '\0';
    return take(t, quote);
}

static bool take_number(text *t, uint64_t *number) {
    skip_space(t);
    const char *begin = t->p;
    *number = 0;
    for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++) {
        if (__builtin_mul_overflow(*number, 10u, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*t->p - '0'), number)) {
            return false;
        }
    }
    bool any = t->p > begin;
    take(t, 'L'); /* written by Python 2 */
    return any;
}

static bool take_shape(text *t, prnn_npy *npy) {
    if (!take(t, '(')) {
        return false;
    }
    while (!take(t, ')')) {
        if (npy->rank == PRNN_NPY_RANK_LIMIT || !take_number(t, &npy->shape[npy->rank++])) {
            return false;
        }
        skip_space(t);
        if (!take(t, ',') && !(t->p < t->end && *t->p == ')')) {
            return false;
        }
    }
    return true;
}

static bool take_header(text *t, prnn_npy *npy) {
    bool has_type = false, has_order = false, has_shape = false;
    if (!take(t, '{')) {
        return false;
    }
    while (!take(t, '}')) {
        char key[32];
        if (!take_string(t, key, sizeof key) || !take(t, ':')) {
            return false;
        }
        if (strcmp(key, "descr") == 0 && !has_type) {
            has_type = take_string(t, npy->type, sizeof npy->type);
        } else if (strcmp(key, "fortran_order") == 0 && !has_order) {
            npy->fortran_order = take_word(t, "True");
            has_order = npy->fortran_order || take_word(t, "False");
        } else if (strcmp(key, "shape") == 0 && !has_shape) {
            has_shape = take_shape(t, npy);
        } else {
            return false;
        }
        skip_space(t);
        if (!take(t, ',') && !(t->p < t->end && *t->p == '}')) {
            return false;
        }
    }
    skip_space(t);
    return has_type && has_order && has_shape && t->p == t->end;
}

/* Length of the header's text, which the stream then is at. */
static prnn_status read_preamble(prnn_context *ctx, prnn_stream *s, size_t *length) {
    uint8_t head[12];
    prnn_status status = prnn_stream_read(ctx, s, head, 10);
    if (status != PRNN_OK) {
        return status;
    }
    if (memcmp(head, "\x93NUMPY", 6) != 0) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is not a .npy file (it does not begin with \\x93NUMPY)",
                         s->name);
    }
    if (head[6] < 1 || head[6] > 3) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: is .npy version %d.%d, and versions 1 to 3 are read",
                         s->name, head[6], head[7]);
    }
    *length = (size_t)(head[8] | head[9] << 8);
    if (head[6] > 1) {
        status = prnn_stream_read(ctx, s, head + 10, 2);
        *length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    if (status == PRNN_OK && (*length > HEADER_LIMIT || *length > s->left)) {
        status = prnn_fail(ctx, PRNN_ERROR_FORMAT,
                           "%s: says that its .npy header has %zu byte%s: it is cut off or damaged", s->name,
                           *length, prnn_plural(*length));
    }
    return status;
}

prnn_status prnn_npy_read_header(prnn_context *ctx, prnn_stream *s, prnn_npy *npy) {
    *npy = (prnn_npy){0};
    size_t length = 0;
    prnn_status status = read_preamble(ctx, s, &length);
    if (status != PRNN_OK) {
        return status;
    }
    char *header = prnn_alloc(ctx, length, 1, "a .npy header");
    if (!header) {
        return PRNN_ERROR_MEMORY;
    }
    status = prnn_stream_read(ctx, s, header, length);
    text t = {header, header + length};
    if (status == PRNN_OK && !take_header(&t, npy)) {
        status =
            prnn_fail(ctx, PRNN_ERROR_FORMAT,
                      "%s: its .npy header is not understood from character %zu: a plain array of uint8 with "
                      "at most %d dimensions is read; save array.astype('uint8')",
                      s->name, (size_t)(t.p - header), PRNN_NPY_RANK_LIMIT);
    }
    prnn_free(header);
    return status;
}

static bool has_type(const prnn_npy *npy, const char *type) {
    const char *p = npy->type;
    return strcmp(p + (*p && strchr("|<>=", *p) ? 1 : 0), type) == 0;
}

bool prnn_npy_is_uint8(const prnn_npy *npy) {
    return has_type(npy, "u1") || has_type(npy, "uint8");
}

bool prnn_npy_is_bool(const prnn_npy *npy) {
    return has_type(npy, "b1") || has_type(npy, "?") || has_type(npy, "bool");
}

bool prnn_npy_is_images(const prnn_npy *npy) {
    return prnn_npy_is_uint8(npy) && !npy->fortran_order && (npy->rank == 3 || npy->rank == 4);
}

bool prnn_npy_may_be_images(const prnn_npy *npy) {
    bool shape = npy->rank == 3 || npy->rank == 4 || (npy->rank == 2 && npy->shape[1] > 1);
    return (prnn_npy_is_uint8(npy) || prnn_npy_is_bool(npy)) && !npy->fortran_order && shape;
}

const char *prnn_npy_shape(const prnn_npy *npy, char *to) {
    size_t n = (size_t)snprintf(to, PRNN_NPY_SHAPE, "(");
    for (int i = 0; i < npy->rank; i++) {
        n += (size_t)snprintf(to + n, PRNN_NPY_SHAPE - n, "%s%llu", i ? ", " : "",
                              (unsigned long long)npy->shape[i]);
    }
    snprintf(to + n, PRNN_NPY_SHAPE - n, npy->rank == 1 ? ",)" : ")");
    return to;
}

static prnn_status check_values(prnn_context *ctx, const char *name, const prnn_npy *npy) {
    if (!prnn_npy_is_uint8(npy) && !prnn_npy_is_bool(npy)) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: its values are of type '%s', and images are read as uint8: save "
                         "array.astype('uint8'), after scaling to 0..255 or to levels",
                         name, npy->type);
    }
    if (npy->fortran_order) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: is in Fortran order, and C order is read: save numpy.ascontiguousarray(array)",
                         name);
    }
    return PRNN_OK;
}

/* The side of a square that `pixels` fill, or 0. */
static uint64_t side_of(uint64_t pixels) {
    uint64_t side = 1;
    while (side < SQUARE_SIDE_LIMIT && side * side < pixels) {
        side++;
    }
    return side * side == pixels ? side : 0;
}

/* The size that images of `pixels` pixels are said to have; *height 0: none that fits. */
static void said_size(const prnn_data_options *o, uint64_t pixels, uint64_t *height, uint64_t *width) {
    const int said[2][2] = {{o->height, o->width}, {o->array_height, o->array_width}};
    *height = *width = 0;
    for (int i = 0; i < 2 && !*height; i++) {
        if (pixels && (uint64_t)said[i][0] * (uint64_t)said[i][1] == pixels) {
            *height = (uint64_t)said[i][0];
            *width = (uint64_t)said[i][1];
        }
    }
}

/* Rows, each of the three planes of a square image, or of the pixels of a grey one. */
static prnn_status from_rows(prnn_builder *b, const char *name, const prnn_npy *npy, bool planes,
                             prnn_array *array) {
    uint64_t length = npy->shape[1], height, width;
    uint64_t side = length % 3 == 0 ? side_of(length / 3) : 0;
    if (planes && side) {
        *array = (prnn_array){npy->shape[0], side, side, 3, true, prnn_npy_is_bool(npy)};
        return PRNN_OK;
    }
    said_size(&b->options, length, &height, &width);
    if (!height) {
        height = width = length > 1 ? side_of(length) : 0;
    }
    if (!height) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                         "%s: its rows have %llu value%s, which are no square image%s: save array.reshape(n, "
                         "height, width, "
                         "channels), or say height and width where that can be said",
                         name, (unsigned long long)length, prnn_plural(length),
                         planes ? ", nor three planes of one" : "");
    }
    if (!b->noted) {
        prnn_builder_note(
            b, "%s: its rows of %llu values are read as grey images of %llu x %llu (height x width)", name,
            (unsigned long long)length, (unsigned long long)height, (unsigned long long)width);
    }
    *array = (prnn_array){npy->shape[0], height, width, 1, false, prnn_npy_is_bool(npy)};
    return PRNN_OK;
}

/* Of (H, W, 3), which would be many narrow images; who says that they are that narrow is believed. */
static bool is_one_picture(const prnn_builder *b, const prnn_npy *npy) {
    const prnn_data_options *o = &b->options;
    bool said = ((uint64_t)o->height == npy->shape[1] && (uint64_t)o->width == npy->shape[2]) ||
                ((uint64_t)o->array_height == npy->shape[1] && (uint64_t)o->array_width == npy->shape[2]);
    return npy->rank == 3 && (npy->shape[2] == 3 || npy->shape[2] == 4) && npy->shape[0] >= PICTURE_SIDE &&
           npy->shape[1] >= PICTURE_SIDE && !said;
}

static prnn_status from_images(prnn_builder *b, const char *name, const prnn_npy *npy, prnn_array *array) {
    const uint64_t *shape = npy->shape;
    char said[PRNN_NPY_SHAPE];
    if (npy->rank != 3 && npy->rank != 4) {
        return prnn_fail(
            b->ctx, PRNN_ERROR_FORMAT,
            "%s: its array has %d dimension%s, images have 3 (n, height, width) or 4 (n, height, "
            "width, channels): save array.reshape(...)",
            name, npy->rank, prnn_plural((uint64_t)npy->rank));
    }
    if (is_one_picture(b, npy)) {
        return prnn_fail(b->ctx, PRNN_ERROR_FORMAT,
                         "%s: its shape %s is that of one colour picture, and would be %llu grey images of "
                         "%llu x %llu: save array[None, ..., :3], or array[..., None] if they are that",
                         name, prnn_npy_shape(npy, said), (unsigned long long)shape[0],
                         (unsigned long long)shape[1], (unsigned long long)shape[2]);
    }
    *array = (prnn_array){
        shape[0], shape[1], shape[2], npy->rank == 4 ? shape[3] : 1, false, prnn_npy_is_bool(npy)};
    return PRNN_OK;
}

prnn_status prnn_npy_read_array(prnn_builder *b, prnn_stream *s, bool planes, prnn_array *array) {
    prnn_npy npy;
    prnn_status status;
    TRY(prnn_npy_read_header(b->ctx, s, &npy));
    TRY(check_values(b->ctx, s->name, &npy));
    TRY(npy.rank == 2 ? from_rows(b, s->name, &npy, planes, array) : from_images(b, s->name, &npy, array));
    if (array->truth && !b->noted) {
        prnn_builder_note(b, "%s: its values are of type bool, and True is read as %s", s->name,
                          b->options.values == PRNN_VALUES_LEVELS ? "level 1" : "255");
    }
    b->noted = true;
done:
    return status;
}

bool prnn_npy_probe(const prnn_probe *probe) {
    return probe->head_size >= 6 && memcmp(probe->head, "\x93NUMPY", 6) == 0;
}

prnn_status prnn_npy_open(prnn_builder *b, prnn_input *input) {
    prnn_stream stream = prnn_stream_plain(input);
    prnn_array array;
    prnn_status status = prnn_npy_read_array(b, &stream, false, &array);
    return status == PRNN_OK ? prnn_array_put(b, &stream, &array) : status;
}
