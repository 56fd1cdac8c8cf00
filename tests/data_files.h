/* Files of every format that is read, made in memory or in a folder of their own. For tests only. */
#ifndef PRNN_TESTS_DATA_FILES_H
#define PRNN_TESTS_DATA_FILES_H

#include "image/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef PRNN_HAVE_TURBOJPEG
#include <turbojpeg.h>
#endif
#ifdef PRNN_HAVE_LIBZIP
#include <zip.h>
#endif
#include <zlib.h>

#define UNUSED __attribute__((unused))

typedef struct bytes {
    uint8_t *p;
    size_t n;
} bytes;

static UNUSED void add(bytes *b, const void *p, size_t n) {
    b->p = realloc(b->p, b->n + n + 1);
    assert_non_null(b->p);
    if (n) {
        memcpy(b->p + b->n, p, n);
    }
    b->n += n;
}

/* A byte that differs from its neighbours: fixtures are filled with value_at(0..n-1). */
static UNUSED uint8_t value_at(size_t i) {
    return (uint8_t)((i * 2654435761u) >> 7);
}

static UNUSED void add_values(bytes *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t v = value_at(i);
        add(b, &v, 1);
    }
}

/* The first bytes of every fixture. */
static UNUSED const uint8_t *values(void) {
    static uint8_t v[20000];
    for (size_t i = 0; i < sizeof v; i++) {
        v[i] = value_at(i);
    }
    return v;
}

/* ------------------------------------------------------------------------------------ formats */

static UNUSED bytes make_idx(int rank, const uint32_t *sizes) {
    bytes b = {0};
    add(&b, (uint8_t[]){0, 0, 8, (uint8_t)rank}, 4);
    size_t n = 1;
    for (int i = 0; i < rank; i++) {
        uint32_t s = sizes[i];
        add(&b, (uint8_t[]){(uint8_t)(s >> 24), (uint8_t)(s >> 16), (uint8_t)(s >> 8), (uint8_t)s}, 4);
        n *= s;
    }
    add_values(&b, n);
    return b;
}

static UNUSED bytes make_gz(bytes from) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    bytes b = {malloc(from.n + 1024), from.n + 1024};
    z.next_in = from.p;
    z.avail_in = (uInt)from.n;
    z.next_out = b.p;
    z.avail_out = (uInt)b.n;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    b.n -= z.avail_out;
    deflateEnd(&z);
    return b;
}

/* A .npy file of `n` values (0, 1, 2, ... through value_at) with the dictionary `dict`. */
static UNUSED bytes make_npy(int version, const char *dict, size_t n) {
    bytes b = {0};
    size_t length = strlen(dict) + 1;
    add(&b, "\x93NUMPY", 6);
    add(&b, (uint8_t[]){(uint8_t)version, 0, (uint8_t)length, (uint8_t)(length >> 8), 0, 0},
        version == 1 ? 4 : 6);
    add(&b, dict, length - 1);
    add(&b, "\n", 1);
    add_values(&b, n);
    return b;
}

#define NPY_DICT(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }"

/* `count` records with `labels` label bytes. */
static UNUSED bytes make_cifar(size_t labels, size_t count) {
    bytes b = {malloc(count * (labels + 3072)), count * (labels + 3072)};
    for (size_t i = 0; i < count; i++) {
        uint8_t *record = b.p + i * (labels + 3072);
        memcpy(record, (uint8_t[]){(uint8_t)(i % 10), (uint8_t)(i % 100)}, labels);
        for (size_t j = 0; j < 3072; j++) {
            record[labels + j] = value_at(i * 3072 + j);
        }
    }
    return b;
}

/* A PNG of the given type; `raw` are its rows, `n` bytes. */
static UNUSED bytes make_png(uint32_t height, uint32_t width, uint8_t type, uint8_t depth, int interlaced,
                             const uint8_t *raw, size_t n) {
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr header = {width, height, depth, type, 0, 0, (uint8_t)interlaced};
    assert_int_equal(spng_set_ihdr(png, &header), 0);
    if (type == SPNG_COLOR_TYPE_INDEXED) {
        static struct spng_plte palette = {
            .n_entries = 4, .entries = {{10, 20, 30, 0}, {40, 50, 60, 0}, {70, 80, 90, 0}, {255, 0, 128, 0}}};
        assert_int_equal(spng_set_plte(png, &palette), 0);
    }
    assert_int_equal(spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1), 0);
    assert_int_equal(spng_encode_image(png, raw, n, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
    bytes b = {0};
    int error;
    b.p = spng_get_png_buffer(png, &b.n, &error);
    assert_non_null(b.p);
    spng_ctx_free(png);
    return b;
}

#ifdef PRNN_HAVE_TURBOJPEG
/* A JPEG of slopes, which it keeps well, in 1 or 3 channels, or 4 for CMYK. `flags`: TJFLAG_PROGRESSIVE. */
static UNUSED bytes make_jpeg(int height, int width, int channels, int flags) {
    const int format = channels == 1 ? TJPF_GRAY : channels == 3 ? TJPF_RGB : TJPF_CMYK;
    uint8_t *raw = malloc((size_t)(height * width * channels));
    for (int i = 0; i < height * width; i++) {
        for (int c = 0; c < channels; c++) {
            int v = 40 + 3 * (i / width) + 2 * (i % width) + 40 * c;
            raw[i * channels + c] = (uint8_t)(v < 255 ? v : 255);
        }
    }
    tjhandle jpeg = tjInitCompress();
    unsigned char *packed = NULL;
    unsigned long n = 0;
    assert_int_equal(tjCompress2(jpeg, raw, width, 0, height, format, &packed, &n,
                                 channels == 1 ? TJSAMP_GRAY : TJSAMP_444, 100, flags),
                     0);
    bytes b = {0};
    add(&b, packed, n);
    tjFree(packed);
    tjDestroy(jpeg);
    free(raw);
    return b;
}
#endif

/* Where chunks may be put into a PNG: after the header, and before the last bytes. */
enum { AFTER_IHDR = 8 + 25, IEND = 12 };

/* The PNG `b` with a chunk put in at `at`. */
static UNUSED bytes with_chunk(bytes b, size_t at, const char *type, const void *values, size_t n) {
    bytes chunk = {0}, with = {0};
    add(&chunk, (uint8_t[]){(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, 4);
    add(&chunk, type, 4);
    add(&chunk, values, n);
    uint32_t crc = (uint32_t)crc32(0, chunk.p + 4, (uInt)(n + 4));
    add(&chunk, (uint8_t[]){(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc},
        4);
    add(&with, b.p, at);
    add(&with, chunk.p, chunk.n);
    add(&with, b.p + at, b.n - at);
    free(chunk.p);
    return with;
}

/* EXIF that notes `orientation`, after another entry. */
static UNUSED bytes make_exif(bool little, uint8_t orientation) {
    bytes b = {0};
    add(&b,
        little ? "II*\0\x8\0\0\0\2\0\x0f\1\2\0\2\0\0\0x\0\0\0\x12\1\3\0\1\0\0\0"
               : "MM\0*\0\0\0\x8\0\2\1\x0f\0\2\0\0\0\2x\0\0\0\1\x12\0\3\0\0\0\1",
        30);
    add(&b, (uint8_t[]){little ? orientation : 0, little ? 0 : orientation, 0, 0, 0, 0, 0, 0}, 8);
    return b;
}

/* The 2 x 3 pixels 1 2 3, 4 5 6 as viewers show them, by orientation. */
static UNUSED const uint8_t turned[9][6] = {{0},
                                            {1, 2, 3, 4, 5, 6},
                                            {3, 2, 1, 6, 5, 4},
                                            {6, 5, 4, 3, 2, 1},
                                            {4, 5, 6, 1, 2, 3},
                                            {1, 4, 2, 5, 3, 6},
                                            {4, 1, 5, 2, 6, 3},
                                            {6, 3, 5, 2, 4, 1},
                                            {3, 6, 2, 5, 1, 4}};

/* ------------------------------------------------------------------------------------ folders */

static char test_folder[64];

static UNUSED int make_test_folder(void **state) {
    (void)state;
    strcpy(test_folder, "/tmp/prnn-test-XXXXXX");
    return mkdtemp(test_folder) ? 0 : -1;
}

static UNUSED void remove_all(const char *path) {
    DIR *d = opendir(path);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
            char below[1024];
            snprintf(below, sizeof below, "%s/%s", path, e->d_name);
            remove_all(below);
        }
    }
    if (d) {
        closedir(d);
    }
    remove(path);
}

static UNUSED int remove_test_folder(void **state) {
    (void)state;
    remove_all(test_folder);
    return 0;
}

/* The path of `name` in the test folder; valid until the 8th call after this. */
static UNUSED const char *at(const char *name) {
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    return path;
}

static UNUSED const char *write_file(const char *name, bytes b) {
    const char *path = at(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static UNUSED bytes read_file(const char *path) {
    bytes b = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;) {
        add(&b, piece, n);
    }
    fclose(f);
    return b;
}

static UNUSED size_t count_files(const char *path) {
    size_t n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

#ifdef PRNN_HAVE_LIBZIP
/* `n` entries of an archive; the bytes must outlive the call only. */
static UNUSED bytes make_npz(const char *const *names, const bytes *contents, size_t n, int method) {
    const char *path = at("made.npz");
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(zip);
    for (size_t i = 0; i < n; i++) {
        zip_source_t *source = zip_source_buffer(zip, contents[i].p, contents[i].n, 0);
        zip_int64_t entry = zip_file_add(zip, names[i], source, 0);
        assert_true(entry >= 0);
        assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)entry, method, 0), 0);
    }
    assert_int_equal(zip_close(zip), 0);
    bytes b = read_file(path);
    remove(path);
    return b;
}
#endif

/* Asserts that the message contains `part`, and shows it if not. */
static UNUSED void assert_message(prnn_context *ctx, const char *part) {
    if (!strstr(prnn_message(ctx), part)) {
        fail_msg("\"%s\" does not contain \"%s\"", prnn_message(ctx), part);
    }
}

#endif
