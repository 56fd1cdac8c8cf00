/* TIFF: what is read of all that there is, and what is refused. */
#include "data_sets.h"

#include "base/budget.h"

#ifdef PRNN_HAVE_TIFF
#include <tiffio.h>

enum { NO_EXTRA = -1 };

/* A page. */
typedef struct page {
    uint32_t height, width;
    unsigned bits, samples, photometric;
    const void *raw; /* rows of all samples; with `planes`, of one sample after the other */
    int extra;       /* the kind of the last sample, or NO_EXTRA */
    unsigned format, compression, orientation, tile, rows;
    bool planes;
} page;

static page make_page(uint32_t height, uint32_t width, unsigned bits, unsigned samples, unsigned photometric,
                      const void *raw) {
    return (page){height,
                  width,
                  bits,
                  samples,
                  photometric,
                  raw,
                  NO_EXTRA,
                  SAMPLEFORMAT_UINT,
                  COMPRESSION_NONE,
                  ORIENTATION_TOPLEFT,
                  0,
                  1,
                  false};
}

static page with_extra(page p, int kind) {
    p.extra = kind;
    return p;
}

static void write_tiles(TIFF *tiff, const page *p, unsigned plane, const uint8_t *raw, size_t pixel) {
    uint8_t *tile = malloc(p->tile * p->tile * pixel);
    for (uint32_t top = 0; top < p->height; top += p->tile) {
        for (uint32_t left = 0; left < p->width; left += p->tile) {
            memset(tile, 77, p->tile * p->tile * pixel); /* beyond the picture there may be anything */
            for (uint32_t y = top; y < p->height && y < top + p->tile; y++) {
                uint32_t n = p->width - left < p->tile ? p->width - left : p->tile;
                memcpy(tile + (y - top) * p->tile * pixel, raw + (y * p->width + left) * pixel, n * pixel);
            }
            assert_true(TIFFWriteTile(tiff, tile, left, top, 0, (uint16_t)plane) > 0);
        }
    }
    free(tile);
}

static void write_page(TIFF *tiff, const page *p) {
    size_t samples = p->planes ? 1 : p->samples, row = (p->width * samples * p->bits + 7) / 8;
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, p->height);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, p->width);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, p->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, p->samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, p->photometric);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, p->format);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, p->compression);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, p->orientation);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, p->planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (p->extra != NO_EXTRA) {
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, (uint16_t[]){(uint16_t)p->extra});
    }
    if (p->photometric == PHOTOMETRIC_PALETTE) {
        static uint16_t colours[3][256] = {{10 << 8, 40 << 8}, {20 << 8, 50 << 8}, {30 << 8, 60 << 8}};
        TIFFSetField(tiff, TIFFTAG_COLORMAP, colours[0], colours[1], colours[2]);
    }
    if (p->tile) {
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, p->tile);
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, p->tile);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, p->rows);
    }
    const uint8_t *raw = p->raw;
    for (unsigned plane = 0; plane < (p->planes ? p->samples : 1); plane++, raw += p->height * row) {
        if (p->tile) {
            write_tiles(tiff, p, plane, raw, samples * p->bits / 8);
        }
        for (uint32_t y = 0; y < p->height && !p->tile; y++) {
            uint8_t copy[256]; /* which libtiff may change */
            memcpy(copy, raw + y * row, row);
            assert_int_equal(TIFFWriteScanline(tiff, copy, y, (uint16_t)plane), 1);
        }
    }
    assert_int_equal(TIFFWriteDirectory(tiff), 1);
}

/* Nothing is printed of what is read. */
static void unheard(const char *module, const char *format, va_list args) {
    (void)module;
    (void)args;
    fail_msg("libtiff speaks: %s", format);
}

/* `mode`: w, with b for big-endian, 8 for offsets of 8 bytes. */
static bytes make_tiff(const char *mode, const page *pages, size_t n) {
    TIFFSetWarningHandler(NULL);
    TIFF *tiff = TIFFOpen(at("made.tif"), mode);
    assert_non_null(tiff);
    for (size_t i = 0; i < n; i++) {
        write_page(tiff, &pages[i]);
    }
    TIFFClose(tiff);
    TIFFSetWarningHandler(unheard);
    TIFFSetErrorHandler(unheard);
    bytes b = read_file(at("made.tif"));
    remove(at("made.tif"));
    return b;
}

static prnn_status decode(bytes b, const prnn_look *look, prnn_image *image, prnn_found *found) {
    return prnn_picture_decode(ctx, "x.tif", b.p, b.n, look, image, found);
}

/* In both byte orders, with short and long offsets, compressed in every way that is read, in strips of one
 * row and of all rows. */
static void check_page(page p, int channels, bool transparent, const uint8_t *expected) {
    static const char *const modes[] = {"wl", "wb", "w8"};
    static const unsigned compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                            COMPRESSION_DEFLATE, COMPRESSION_PACKBITS};
    for (size_t i = 0; i < 30; i++) {
        p.compression = compressions[i / 6];
        p.rows = i & 1 ? 1 : p.height;
        bytes b = make_tiff(modes[i % 3], &p, 1);
        prnn_image image;
        prnn_found found;
        if (decode(b, NULL, &image, &found) != PRNN_OK) {
            fail_msg("%s", prnn_message(ctx));
        }
        assert_int_equal(image.height, p.height);
        assert_int_equal(image.width, p.width);
        assert_int_equal(image.channels, channels);
        assert_int_equal(found.transparent, transparent);
        assert_false(found.more_pages);
        assert_memory_equal(image.values, expected, p.height * p.width * (size_t)channels);
        prnn_image_free(&image);
        free(b.p);
    }
}

static void test_types(void **state) {
    (void)state;
    static const uint8_t six[] = {1, 2, 3, 4, 5, 6};
    static const uint16_t deep[] = {0x12ff, 0xfe00, 0x00ff, 0x0100, 0xffff, 0};
    check_page(make_page(2, 3, 8, 1, PHOTOMETRIC_MINISBLACK, six), 1, false, six);
    check_page(make_page(2, 3, 8, 1, PHOTOMETRIC_MINISWHITE, six), 1, false,
               (uint8_t[]){254, 253, 252, 251, 250, 249});
    check_page(make_page(2, 3, 16, 1, PHOTOMETRIC_MINISBLACK, deep), 1, false,
               (uint8_t[]){0x12, 0xfe, 0, 1, 255, 0});
    check_page(make_page(2, 1, 8, 3, PHOTOMETRIC_RGB, six), 3, false, six);
    check_page(make_page(2, 1, 16, 3, PHOTOMETRIC_RGB, deep), 3, false,
               (uint8_t[]){0x12, 0xfe, 0, 1, 255, 0});
    check_page(make_page(2, 3, 1, 1, PHOTOMETRIC_MINISBLACK, "\xa0\x40"), 1, false,
               (uint8_t[]){255, 0, 255, 0, 255, 0});
    check_page(make_page(1, 4, 2, 1, PHOTOMETRIC_MINISBLACK, "\x1b"), 1, false, (uint8_t[]){0, 85, 170, 255});
    check_page(make_page(2, 1, 4, 1, PHOTOMETRIC_MINISWHITE, "\x0f\x80"), 1, false, (uint8_t[]){255, 119});
    check_page(make_page(1, 3, 8, 1, PHOTOMETRIC_PALETTE, "\1\0\1"), 3, false,
               (uint8_t[]){40, 50, 60, 10, 20, 30, 40, 50, 60});
    check_page(make_page(1, 3, 4, 1, PHOTOMETRIC_PALETTE, "\x10\x10"), 3, false,
               (uint8_t[]){40, 50, 60, 10, 20, 30, 40, 50, 60});
}

static void test_alpha(void **state) {
    (void)state;
    static const uint8_t grey[] = {100, 128, 7, 255}, colour[] = {100, 200, 255, 51, 1, 2, 3, 255},
                         multiplied[] = {20, 40, 51, 51, 9, 9, 9, 0};
    static const uint16_t deep[] = {0x64ff, 0xc800, 0xffff, 0x3300, 0x0100, 0x0200, 0x0300, 0xff00};
    page p = with_extra(make_page(1, 2, 8, 2, PHOTOMETRIC_MINISBLACK, grey), EXTRASAMPLE_UNASSALPHA);
    check_page(p, 1, true, (uint8_t[]){50, 7});
    check_page(with_extra(make_page(1, 2, 8, 4, PHOTOMETRIC_RGB, colour), EXTRASAMPLE_UNASSALPHA), 3, true,
               (uint8_t[]){20, 40, 51, 1, 2, 3});
    check_page(with_extra(make_page(1, 2, 16, 4, PHOTOMETRIC_RGB, deep), EXTRASAMPLE_UNASSALPHA), 3, true,
               (uint8_t[]){20, 40, 51, 1, 2, 3});
    p = with_extra(make_page(1, 2, 8, 4, PHOTOMETRIC_RGB, multiplied), EXTRASAMPLE_ASSOCALPHA);
    check_page(p, 3, true, (uint8_t[]){20, 40, 51, 0, 0, 0});
    bytes b = make_tiff("w", &p, 1);
    const prnn_look looks[] = {{.background = {200, 100, 50}}, {.alpha = PRNN_ALPHA_DROP}};
    const uint8_t expected[][6] = {{180, 120, 91, 200, 100, 50}, {100, 200, 255, 0, 0, 0}};
    for (size_t i = 0; i < 2; i++) {
        prnn_image image;
        assert_int_equal(decode(b, &looks[i], &image, NULL), PRNN_OK);
        assert_memory_equal(image.values, expected[i], 6);
        prnn_image_free(&image);
    }
    free(b.p);
}

/* Samples one by one or plane by plane, in tiles that do not fit. */
static void test_planes_and_tiles(void **state) {
    (void)state;
    enum { H = 19, W = 35 };
    static uint8_t planes[4 * H * W];
    for (size_t i = 0; i < H * W; i++) {
        for (size_t c = 0; c < 3; c++) {
            planes[c * H * W + i] = values()[3 * i + c];
        }
        planes[3 * H * W + i] = 255;
    }
    page p = make_page(H, W, 8, 3, PHOTOMETRIC_RGB, values());
    p.tile = 16;
    check_page(p, 3, false, values());
    p.planes = true;
    p.raw = planes;
    check_page(p, 3, false, values());
    p.tile = 0;
    check_page(p, 3, false, values());
    p.samples = 4;
    p.extra = EXTRASAMPLE_UNASSALPHA;
    check_page(p, 3, false, values());
    page grey = make_page(H, W, 8, 1, PHOTOMETRIC_MINISBLACK, values());
    grey.tile = 32;
    check_page(grey, 1, false, values());
}

static void test_orientation(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 8; i++) {
        page p = make_page(2, 3, 8, 1, PHOTOMETRIC_MINISBLACK, turned[1]);
        p.orientation = i;
        bytes b = make_tiff("w", &p, 1);
        const prnn_look stored = {.as_stored = true};
        prnn_image image;
        assert_int_equal(decode(b, NULL, &image, NULL), PRNN_OK);
        assert_int_equal(image.height, i < 5 ? 2 : 3);
        assert_memory_equal(image.values, turned[i], 6);
        prnn_image_free(&image);
        assert_int_equal(decode(b, &stored, &image, NULL), PRNN_OK);
        assert_memory_equal(image.values, turned[1], 6);
        prnn_image_free(&image);
        free(b.p);
    }
}

static void keep_sentence(void *user, const char *sentence) {
    size_t used = strlen(user);
    snprintf((char *)user + used, 1024 - used, "%s\n", sentence);
}

/* The first page is read, and a note says that there are more. */
static void test_pages(void **state) {
    (void)state;
    const page pages[] = {make_page(1, 2, 8, 1, PHOTOMETRIC_MINISBLACK, "\1\2"),
                          make_page(1, 1, 8, 1, PHOTOMETRIC_MINISBLACK, "\3")};
    char note[1024] = "";
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.note = keep_sentence;
    o.user = note;
    mkdir(at("t"), 0777);
    bytes b = make_tiff("w", pages, 2);
    assert_int_equal(open_data(write_file("t/a.TIF", b), &o), PRNN_OK);
    assert_int_equal(prnn_data_width(data), 2);
    assert_non_null(strstr(note, "t/a.TIF: has several pages or frames, of which the first was read"));
    write_file("t/b.tiff", b);
    free(b.p);
    assert_int_equal(open_data(at("t"), &o), PRNN_OK);
    assert_int_equal(prnn_data_count(data), 2);
    assert_non_null(strstr(note, "/t: 2 of 2 pictures have several pages or frames"));
}

static void refuse(bytes b, const char *part) {
    prnn_image image;
    assert_int_equal(decode(b, NULL, &image, NULL), PRNN_ERROR_FORMAT);
    assert_null(image.values);
    assert_message(ctx, "x.tif: ");
    assert_message(ctx, part);
}

static void refuse_page(page p, const char *part) {
    bytes b = make_tiff("w", &p, 1);
    refuse(b, part);
    free(b.p);
}

static void test_refused(void **state) {
    (void)state;
    static const uint8_t zeros[256] = {0};
    page p = make_page(1, 2, 32, 1, PHOTOMETRIC_MINISBLACK, zeros);
    refuse_page(p, "its samples are of 32 bits");
    p.format = SAMPLEFORMAT_IEEEFP;
    refuse_page(p, "its samples are floating-point of 32 bits");
    p.format = SAMPLEFORMAT_INT;
    p.bits = 16;
    refuse_page(p, "its samples are signed of 16 bits");
    refuse_page(make_page(1, 2, 2, 3, PHOTOMETRIC_RGB, zeros), "its samples are of 2 bits");
    refuse_page(make_page(1, 2, 8, 4, PHOTOMETRIC_SEPARATED, zeros),
                "photometric interpretation 5, 4 samples");
    refuse_page(make_page(1, 2, 8, 2, PHOTOMETRIC_MINISBLACK, zeros),
                "a pixel has 2 samples, and as grey it would have 1");
    refuse_page(with_extra(make_page(1, 2, 8, 4, PHOTOMETRIC_RGB, zeros), EXTRASAMPLE_UNSPECIFIED),
                "a pixel has 4 samples, and as RGB it would have 3");
    p = make_page(1, 8, 1, 1, PHOTOMETRIC_MINISBLACK, zeros);
    p.compression = COMPRESSION_CCITTFAX4;
    refuse_page(p, "is compressed in a way (number 4) that is not read");
    refuse((bytes){(uint8_t *)"II*\0", 4}, "is not a valid TIFF file");
    refuse((bytes){(uint8_t *)"II*\0\xff\xff\xff\xff", 8}, "is not a valid TIFF file");
}

/* Where the entry of `tag` in the first directory, of a little-endian file, has its value. */
static uint8_t *value_of(bytes b, unsigned tag) {
    size_t at_directory = b.p[4] | (size_t)b.p[5] << 8, n = b.p[at_directory];
    for (size_t i = 0; i < n; i++) {
        uint8_t *entry = b.p + at_directory + 2 + 12 * i;
        if ((entry[0] | (unsigned)entry[1] << 8) == tag) {
            return entry + 8;
        }
    }
    fail();
    return NULL;
}

/* Some programs leave out what the colours are. */
static void test_unsaid(void **state) {
    (void)state;
    static const uint8_t six[] = {1, 2, 3, 4, 5, 6};
    const page pages[] = {make_page(2, 3, 8, 1, PHOTOMETRIC_MINISBLACK, six),
                          make_page(2, 1, 8, 3, PHOTOMETRIC_RGB, six)};
    for (size_t i = 0; i < 2; i++) {
        bytes b = make_tiff("wl", &pages[i], 1);
        value_of(b, TIFFTAG_PHOTOMETRIC)[-8] = TIFFTAG_THRESHHOLDING & 255;
        prnn_image image;
        assert_int_equal(decode(b, NULL, &image, NULL), PRNN_OK);
        assert_int_equal(image.channels, i ? 3 : 1);
        assert_memory_equal(image.values, six, 6);
        prnn_image_free(&image);
        free(b.p);
    }
}

/* Small files that ask for much. */
static void test_hostile(void **state) {
    (void)state;
    page p = make_page(64, 64, 8, 1, PHOTOMETRIC_MINISBLACK, values());
    p.compression = COMPRESSION_LZW;
    bytes b = make_tiff("wl", &p, 1);
    memcpy(value_of(b, TIFFTAG_IMAGEWIDTH), "\xff\xff\0\0", 4);
    refuse(b, "its header says 64 x 65535 pixels (height x width), which is more than");
    memcpy(value_of(b, TIFFTAG_IMAGEWIDTH), "\0\0\0\0", 4);
    refuse(b, "is not a valid TIFF file");
    free(b.p);
    p.tile = 64;
    b = make_tiff("wl", &p, 1);
    memcpy(value_of(b, TIFFTAG_TILEWIDTH), "\xf0\xff\0\0", 4);
    memcpy(value_of(b, TIFFTAG_TILELENGTH), "\xf0\xff\0\0", 4);
    refuse(b, "in tiles of 65520 x 65520, which its");
    memcpy(value_of(b, TIFFTAG_TILEWIDTH), "\0\0\0\0", 4);
    refuse(b, "is not a valid TIFF file");
    free(b.p);
}

static void test_cut_and_mutated(void **state) {
    (void)state;
    page pages[] = {make_page(8, 9, 8, 3, PHOTOMETRIC_RGB, values()),
                    make_page(8, 9, 8, 1, PHOTOMETRIC_PALETTE, "")};
    pages[0].compression = COMPRESSION_LZW;
    pages[1].raw = calloc(72, 1);
    pages[1].compression = COMPRESSION_ADOBE_DEFLATE;
    pages[1].tile = 16;
    for (size_t f = 0; f < 2; f++) {
        bytes b = make_tiff("wl", &pages[f], 1);
        for (size_t n = 4; n < b.n; n++) {
            uint8_t *exact = malloc(n); /* so that a read beyond it is seen */
            memcpy(exact, b.p, n);
            refuse((bytes){exact, n}, "is not a valid TIFF file");
            free(exact);
        }
        decode_changed("x.tif", b, 4000);
        free(b.p);
    }
    free((void *)pages[1].raw);
}

static void test_budget(void **state) {
    (void)state;
    page p = make_page(64, 32, 8, 3, PHOTOMETRIC_RGB, values());
    p.orientation = 6;
    p.rows = 16;
    bytes b = make_tiff("w", &p, 1);
    prnn_budget budget;
    prnn_budget_init(&budget, (size_t)1 << 40);
    prnn_context own = {.budget = &budget};
    prnn_image image;
    assert_int_equal(prnn_picture_decode(&own, "x", b.p, b.n, NULL, &image, NULL), PRNN_OK);
    prnn_image_free(&image);
    assert_int_equal(budget.taken, 2 * 64 * 32 * 3 + 16 * 32 * 3 + 2 * b.n);
    budget.bytes = budget.taken - 1;
    prnn_budget_give(&own);
    assert_int_equal(prnn_picture_decode(&own, "x", b.p, b.n, NULL, &image, NULL), PRNN_ERROR_MEMORY);
    assert_message(&own, "x: takes ");
    prnn_budget_destroy(&budget);
    free(b.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_types),           TEST(test_alpha),   TEST(test_planes_and_tiles), TEST(test_orientation),
        TEST(test_pages),           TEST(test_refused), TEST(test_hostile),          TEST(test_unsaid),
        TEST(test_cut_and_mutated), TEST(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void test_without(void **state) {
    (void)state;
    assert_int_equal(open_data(write_file("x.tif", (bytes){(uint8_t *)"II*\0\0\0\0\0", 8}), NULL),
                     PRNN_ERROR_FORMAT);
    assert_message(ctx, "x.tif: this build of pixelrnn has no libtiff and reads no TIFF: ");
    assert_message(ctx, "(Debian: libtiff-dev)");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_without, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
