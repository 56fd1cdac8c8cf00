/* Palettes: found, given and refused; of sets in memory, on disk, of folders and converted; in models and
 * trainings; as text; and as PNG. */
#include "data_sets.h"

#include "model/model.h"

#include <pixelrnn/io.h>

enum { SIDE = 4, PIXELS = SIDE * SIDE, IMAGES = 300 /* more than are decoded in one round */ };

static void ok(prnn_status status) {
    if (status != PRNN_OK) {
        fail_msg("%d: %s", (int)status, prnn_message(ctx));
    }
}

static prnn_data_options paletted(void) {
    prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
    o.paletted = true;
    return o;
}

/* Of `count` different colours, in an order that is not that of their luma. */
static void put_colour(uint8_t *pixel, size_t i, size_t count) {
    size_t k = i * 7 % count;
    pixel[0] = (uint8_t)(k * 37);
    pixel[1] = (uint8_t)(255 - k % 16 * 16);
    pixel[2] = (uint8_t)(k / 16 * 16);
}

/* `n` images of SIDE x SIDE pixels. */
static uint8_t *make_colours(size_t n, size_t count) {
    uint8_t *images = malloc(n * PIXELS * 3);
    assert_non_null(images);
    for (size_t i = 0; i < n * PIXELS; i++) {
        put_colour(images + i * 3, i, count);
    }
    return images;
}

static void open_memory(const uint8_t *images, size_t n, const prnn_data_options *o) {
    prnn_data_free(data);
    ok(prnn_data_from_memory(ctx, images, n, SIDE, SIDE, 3, o, &data));
}

/* The set has the colours of these images, and says so by its palette. */
static void assert_colours(const uint8_t *images, size_t n) {
    const prnn_palette *p = prnn_data_palette(data);
    assert_non_null(p);
    assert_int_equal(prnn_data_count(data), n);
    assert_int_equal(prnn_data_levels(data), p->count);
    assert_int_equal(prnn_data_channels(data), 1);
    for (size_t i = 0; i < n; i++) {
        uint8_t levels[PIXELS];
        ok(prnn_data_read(ctx, data, &i, 1, 0, 0, levels));
        for (size_t k = 0; k < PIXELS; k++) {
            assert_true(levels[k] < p->count);
            assert_memory_equal(p->colours[levels[k]], images + (i * PIXELS + k) * 3, 3);
        }
    }
}

static int luma(const uint8_t *c) {
    return 299 * c[0] + 587 * c[1] + 114 * c[2];
}

static void assert_sorted(const prnn_palette *p) {
    for (int k = 1; k < p->count; k++) {
        int before = luma(p->colours[k - 1]), now = luma(p->colours[k]);
        assert_true(before < now || (before == now && memcmp(p->colours[k - 1], p->colours[k], 3) < 0));
    }
}

/* ----------------------------------------------------------------------------------------- found */

static void colours_are_found(void **state) {
    (void)state;
    const size_t counts[] = {2, 3, 16, 255, 256};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint8_t *images = make_colours(IMAGES, counts[i]);
        prnn_palette used = {0};
        prnn_data_options o = paletted();
        o.palette_used = &used;
        open_memory(images, IMAGES, &o);
        assert_int_equal(prnn_data_palette(data)->count, counts[i]);
        assert_memory_equal(&used, prnn_data_palette(data), sizeof(int) + counts[i] * 3);
        assert_sorted(&used);
        assert_colours(images, IMAGES);
        free(images);
    }
}

static void write_folder(const uint8_t *images, size_t n, bool backwards) {
    mkdir(at("set"), 0777);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "set/%03zu.png", backwards ? n - 1 - i : i);
        ok(prnn_write_png(ctx, at(name), images + i * PIXELS * 3, 1, SIDE, SIDE, 3, 256, 1));
    }
}

/* The palette is that of the colours, whatever the threads and the order of the files. */
static void folders_are_as_memory(void **state) {
    (void)state;
    uint8_t *images = make_colours(IMAGES, 200);
    const prnn_data_options o = paletted();
    write_folder(images, IMAGES, true);
    ok(open_data(at("set"), &o));
    const prnn_palette backwards = *prnn_data_palette(data);
    write_folder(images, IMAGES, false);
    for (int threads = 1; threads <= 3; threads++) {
        ok(prnn_context_set_threads(ctx, threads));
        ok(open_data(at("set"), &o));
        assert_colours(images, IMAGES);
        assert_memory_equal(prnn_data_palette(data), &backwards, sizeof backwards);
    }
    remove_all(at("set"));
    free(images);
}

/* A set in its file, and what is converted, in any order, are the same. */
static void files_are_as_memory(void **state) {
    (void)state;
    uint8_t *images = make_colours(IMAGES, 100);
    const size_t shape[] = {IMAGES, SIDE, SIDE, 3};
    ok(prnn_write_npy(ctx, at("rgb.npy"), PRNN_U8, 4, shape, images));
    prnn_data_options o = paletted();
    uint64_t prints[3];
    for (int disk = 0; disk < 2; disk++) {
        o.memory_limit = disk ? 0 : (size_t)1 << 30;
        ok(open_data(at("rgb.npy"), &o));
        assert_int_equal(disk, data->disk != NULL);
        assert_sorted(prnn_data_palette(data));
        assert_colours(images, IMAGES);
        ok(prnn_data_fingerprint(ctx, data, &prints[disk]));
    }
    prnn_palette used = {0};
    o.palette_used = &used;
    ok(prnn_data_convert(ctx, at("rgb.npy"), &o, at("levels.npy"), NULL, NULL));
    prnn_data_options given = paletted();
    given.palette = &used;
    given.values = PRNN_VALUES_LEVELS;
    ok(open_data(at("levels.npy"), &given));
    assert_colours(images, IMAGES);
    ok(prnn_data_fingerprint(ctx, data, &prints[2]));
    assert_true(prints[0] == prints[1] && prints[0] == prints[2]);
    used.colours[7][0] ^= 1;
    ok(open_data(at("levels.npy"), &given));
    ok(prnn_data_fingerprint(ctx, data, &prints[2]));
    assert_true(prints[0] != prints[2]); /* other colours, with the same numbers */

    o.shuffle = 3;
    ok(prnn_data_convert(ctx, at("rgb.npy"), &o, at("levels.npy"), NULL, NULL));
    prnn_data *shuffled;
    ok(prnn_data_open(ctx, at("rgb.npy"), &o, &shuffled));
    ok(open_data(at("levels.npy"), &given));
    for (size_t i = 0; i < IMAGES; i++) {
        uint8_t a[PIXELS], b[PIXELS];
        ok(prnn_data_read(ctx, data, &i, 1, 0, 0, a));
        ok(prnn_data_read(ctx, shuffled, &i, 1, 0, 0, b));
        assert_memory_equal(a, b, PIXELS);
    }
    prnn_data_free(shuffled);
    free(images);
}

static void parts_keep_the_palette(void **state) {
    (void)state;
    uint8_t *images = make_colours(8, 20);
    const prnn_data_options o = paletted();
    prnn_data *rest;
    open_memory(images, 8, &o);
    const prnn_palette whole = *prnn_data_palette(data);
    ok(prnn_data_split(ctx, data, 3, &rest));
    assert_colours(images, 3);
    prnn_data_free(data);
    data = rest;
    assert_colours(images + (size_t)3 * PIXELS * 3, 5);
    assert_memory_equal(prnn_data_palette(data), &whole, sizeof whole);
    free(images);
}

/* Whatever a picture is, and whatever is behind it: its colours are those that it has without a palette. */
static void pictures_keep_their_colours(void **state) {
    (void)state;
    DIR *d = opendir(PRNN_SOURCE_DIR "/fuzz/corpus/png");
    assert_non_null(d);
    int alike = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[512];
        snprintf(path, sizeof path, PRNN_SOURCE_DIR "/fuzz/corpus/png/%s", e->d_name);
        for (int alpha = 0; alpha < 2; alpha++) {
            prnn_data_options o = PRNN_DATA_OPTIONS_INIT;
            o.channels = 3;
            o.alpha = alpha ? PRNN_ALPHA_DROP : PRNN_ALPHA_OVER;
            o.background[1] = 200;
            prnn_data *plain;
            if (e->d_name[0] == '.' || prnn_data_open(ctx, path, &o, &plain) != PRNN_OK) {
                continue;
            }
            o.channels = 0;
            o.paletted = true;
            size_t n = (size_t)(prnn_data_height(plain) * prnn_data_width(plain)), first = 0;
            uint8_t *colours = malloc(n * 3), *levels = malloc(n);
            if (open_data(path, &o) == PRNN_OK) {
                ok(prnn_data_read(ctx, plain, &first, 1, 0, 0, colours));
                ok(prnn_data_read(ctx, data, &first, 1, 0, 0, levels));
                for (size_t i = 0; i < n; i++) {
                    assert_memory_equal(prnn_data_palette(data)->colours[levels[i]], colours + i * 3, 3);
                }
                alike++;
            }
            free(colours);
            free(levels);
            prnn_data_free(plain);
        }
    }
    closedir(d);
    assert_true(alike > 10);
}

/* ----------------------------------------------------------------------------------------- given */

static const prnn_palette three = {3, {{255, 255, 255}, {10, 20, 30}, {90, 90, 90}}};

static prnn_status open_pixels(const uint8_t *pixels, int channels, prnn_data_options *o) {
    prnn_data_free(data);
    return prnn_data_from_memory(ctx, pixels, 1, SIDE, SIDE, channels, o, &data);
}

/* Its own order counts, and places in messages are those of the picture. */
static void given_palettes_are_used(void **state) {
    (void)state;
    uint8_t pixels[PIXELS * 3], grey[PIXELS], levels[PIXELS];
    prnn_data_options o = paletted();
    size_t first = 0;
    o.palette = &three;
    for (size_t i = 0; i < PIXELS; i++) {
        memcpy(pixels + i * 3, three.colours[i % 3], 3);
        grey[i] = i % 3 ? 90 : 255;
    }
    ok(open_pixels(pixels, 3, &o));
    ok(prnn_data_read(ctx, data, &first, 1, 0, 0, levels));
    for (size_t i = 0; i < PIXELS; i++) {
        assert_int_equal(levels[i], i % 3);
    }
    ok(open_pixels(grey, 1, &o));
    ok(prnn_data_read(ctx, data, &first, 1, 0, 0, levels));
    for (size_t i = 0; i < PIXELS; i++) {
        assert_int_equal(levels[i], i % 3 ? 2 : 0);
    }
    pixels[(1 * SIDE + 2) * 3] = 254;
    assert_int_equal(open_pixels(pixels, 3, &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "images in memory: the pixel in row 1, column 2 of image 0 is #fe");
    assert_message(ctx, "none of the palette's 3 colours");
    o.fit = PRNN_FIT_CROP;
    o.height = o.width = 2;
    assert_int_equal(open_pixels(pixels, 3, &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "row 1, column 2");
    o.fit = PRNN_FIT_SUBSAMPLE; /* takes the even rows and columns alone */
    ok(open_pixels(pixels, 3, &o));
    ok(prnn_data_read(ctx, data, &first, 1, 0, 0, levels));
    assert_memory_equal(levels, ((uint8_t[]){0, 2, 2, 1}), 4);
    o.fit = PRNN_FIT_EXACT;
    o.height = o.width = 0;
    grey[5] = 3;
    assert_int_equal(open_pixels(grey, 1, &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "is #030303");
    assert_message(ctx, "or values levels, if the file holds numbers of colours");
    for (size_t i = 0; i < PIXELS; i++) {
        grey[i] = (uint8_t)(i % 3);
    }
    o.values = PRNN_VALUES_LEVELS;
    ok(open_pixels(grey, 1, &o));
    grey[5] = 3;
    assert_int_equal(open_pixels(grey, 1, &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "holds the value 3, and 3 levels are 0..2");
    assert_int_equal(open_pixels(pixels, 3, &o), PRNN_ERROR_FORMAT);
    assert_message(ctx, "holds colours, and values levels says that it holds their numbers");
}

/* --------------------------------------------------------------------------------------- refused */

/* A model whose metadata are as many as may be keeps to what it had. */
static void a_palette_and_its_text_change_together(void **state) {
    (void)state;
    static const char text[] = "#000000 #ffffff";
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model *model;
    char key[16];
    c.levels = 2;
    c.layers = 1;
    c.hidden = c.head = 4;
    ok(prnn_model_create(ctx, &c, 1, &model));
    prnn_status status = PRNN_OK;
    for (int i = 0; status == PRNN_OK && i < 100000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        status = prnn_model_set_metadata(ctx, model, key, "v");
    }
    assert_int_equal(status, PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_model_set_metadata(ctx, model, "palette", text), PRNN_ERROR_ARGUMENT);
    assert_null(prnn_model_palette(model));
    assert_null(prnn_model_metadata(model, "palette"));
    ok(prnn_model_set_metadata(ctx, model, "k0", NULL));
    ok(prnn_model_set_metadata(ctx, model, "palette", text));
    assert_int_equal(prnn_model_palette(model)->count, 2);
    assert_string_equal(prnn_model_metadata(model, "palette"), text);
    prnn_model_free(model);
}

static void too_many_colours_are_counted(void **state) {
    (void)state;
    uint8_t *images = malloc((size_t)40 * PIXELS * 3);
    const prnn_data_options o = paletted();
    for (size_t i = 0; i < 40 * PIXELS; i++) { /* 16 new ones an image */
        memcpy(images + i * 3, ((uint8_t[]){(uint8_t)i, (uint8_t)(i >> 8), 9}), 3);
    }
    for (int threads = 1; threads <= 3; threads += 2) {
        ok(prnn_context_set_threads(ctx, threads));
        write_folder(images, 40, false);
        assert_int_equal(open_data(at("set"), &o), PRNN_ERROR_FORMAT);
        assert_message(ctx,
                       "set/016.png: with image 16 there are 272 colours, and a palette has at most 256");
        remove_all(at("set"));
    }
    open_memory(images, 16, &o);
    assert_int_equal(prnn_data_levels(data), 256);
    prnn_data *none;
    assert_int_equal(prnn_data_from_memory(ctx, images, 1, SIDE * 10, SIDE * 4, 3, &o, &none),
                     PRNN_ERROR_FORMAT);
    assert_message(ctx, "with image 0 there are 640 colours");
    memset(images, 7, PIXELS * 3);
    assert_int_equal(prnn_data_from_memory(ctx, images, 1, SIDE, SIDE, 3, &o, &none), PRNN_ERROR_FORMAT);
    assert_message(ctx, "has the one colour #070707");
    free(images);
}

static void what_does_not_go_with_palettes_is_refused(void **state) {
    (void)state;
    const prnn_palette doubled = {3, {{1, 1, 1}, {2, 2, 2}, {1, 1, 1}}}, lonely = {1, {{1, 1, 1}}};
    prnn_palette large = three;
    large.count = 257;
    uint8_t *images = make_colours(2, 5);
    prnn_data_options o[8];
    const char *const sentences[8] = {"cannot be binarized",
                                      "cannot be 3 channels",
                                      "cannot be averaged, as fit resize does: choose crop or subsample",
                                      "holds numbers of colours: give their palette",
                                      "a palette is given for images that are not paletted",
                                      "the colours 0 and 2 of the palette are both #010101",
                                      "a palette of 1 colour: choose 2 to 256",
                                      "a palette of 257 colours: choose 2 to 256"};
    for (int i = 0; i < 8; i++) {
        o[i] = paletted();
    }
    o[0].binarize_sample = true;
    o[0].levels = 2;
    o[1].channels = 3;
    o[2].fit = PRNN_FIT_RESIZE;
    o[3].values = PRNN_VALUES_LEVELS;
    o[4].paletted = false;
    o[4].palette = &three;
    o[5].palette = &doubled;
    o[6].palette = &lonely;
    o[7].palette = &large;
    for (int i = 0; i < 8; i++) {
        prnn_data *none;
        assert_int_equal(prnn_data_from_memory(ctx, images, 2, SIDE, SIDE, 3, &o[i], &none),
                         PRNN_ERROR_ARGUMENT);
        assert_message(ctx, sentences[i]);
        assert_null(none);
    }
    free(images);
}

/* ------------------------------------------------------------------------------------------- text */

static prnn_status read_text(const char *text, prnn_palette *palette) {
    const bytes b = {(uint8_t *)(uintptr_t)text, strlen(text)};
    return prnn_read_palette(ctx, write_file("p.hex", b), palette);
}

static void palettes_are_text(void **state) {
    (void)state;
    prnn_palette read;
    const char *const good[] = {"ffffff\n0a141e\n5a5a5a\n", "#FFFFFF #0A141E\t#5a5A5a",
                                "\r\nffffff\r\n0a141e\r\n\r\n5a5a5a"};
    for (size_t i = 0; i < 3; i++) {
        memset(&read, 0, sizeof read);
        ok(read_text(good[i], &read));
        assert_memory_equal(&read, &three, sizeof(int) + 9);
    }
    const char *const bad[][2] = {
        {"", "a palette of 0 colours"},
        {"ffffff", "a palette of 1 colour"},
        {"ffffff fffffg", "p.hex: word 2 is no colour like ff8000"},
        {"ffffff fffff", "word 2 is no colour"},
        {"ffffff #", "word 2 is no colour"},
        {"ffffff 0ffffff", "word 2 is no colour"},
        {"ffffff 000000 #FFFFFF", "the colours 0 and 2 of the palette are both #ffffff"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_text(bad[i][0], &read), PRNN_ERROR_FORMAT);
        assert_message(ctx, bad[i][1]);
        assert_int_equal(read.count, 3); /* left as it was */
    }
    char many[257 * 7 + 1];
    for (size_t i = 0; i < 257; i++) {
        snprintf(many + i * 7, 8, "%06x ", (unsigned)i);
    }
    assert_int_equal(read_text(many, &read), PRNN_ERROR_FORMAT);
    assert_message(ctx, "has more than the 256 colours of a palette");
    many[256 * 7] = 0;
    ok(read_text(many, &read));
    assert_int_equal(read.count, 256);
    ok(prnn_write_palette(ctx, at("q.hex"), &three));
    bytes b = read_file(at("q.hex"));
    assert_int_equal(b.n, 21);
    assert_memory_equal(b.p, "ffffff\n0a141e\n5a5a5a\n", 21);
    free(b.p);
}

/* -------------------------------------------------------------------------------------------- PNG */

/* What is written comes back, with gaps of grey where there is room for it. */
static void sheets_have_their_colours(void **state) {
    (void)state;
    for (int count = 255; count <= 256; count++) {
        prnn_palette p = {.count = count};
        uint8_t images[2 * PIXELS];
        for (int k = 0; k < count; k++) { /* no grey but #7d7d7d */
            p.colours[k][0] = (uint8_t)k;
            p.colours[k][1] = (uint8_t)(k == 125 ? 125 : k / 2);
            p.colours[k][2] = (uint8_t)(k == 125 ? 125 : 255 - k);
        }
        for (size_t i = 0; i < sizeof images; i++) {
            images[i] = (uint8_t)((i * 8 + 7) % 255);
        }
        ok(prnn_write_palette_png(ctx, at("sheet.png"), images, 2, SIDE, SIDE, &p, 2));
        prnn_image image;
        ok(prnn_picture_read(ctx, at("sheet.png"), NULL, &image, NULL));
        assert_true(image.height == SIDE && image.width == 2 * SIDE + 1 && image.channels == 3);
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < 2 * SIDE + 1; x++) {
                static const uint8_t grey[3] = {128, 128, 128}, nearest[3] = {125, 125, 125};
                int of = x > SIDE, at_x = of ? x - SIDE - 1 : x;
                const uint8_t *gap = count < 256 ? grey : nearest;
                const uint8_t *colour = p.colours[images[of * PIXELS + y * SIDE + at_x % SIDE]];
                assert_memory_equal(image.values + (y * image.width + x) * 3, x == SIDE ? gap : colour, 3);
            }
        }
        prnn_image_free(&image);
    }
    const uint8_t beyond[PIXELS] = {3};
    assert_int_equal(prnn_write_palette_png(ctx, at("no.png"), beyond, 1, SIDE, SIDE, &three, 1),
                     PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "image 0 holds the value 3, and 3 levels are 0..2");
}

/* ----------------------------------------------------------------------------------------- models */

static prnn_model *make_model(int levels, int channels, int small) {
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model *model;
    c.kind = PRNN_ROW;
    c.height = c.width = small ? 2 * small : SIDE;
    c.condition_size = small;
    c.condition_features = small ? 2 : 0;
    c.layers = 1;
    c.hidden = c.head = 3;
    c.levels = levels;
    c.channels = channels;
    ok(prnn_model_create(ctx, &c, 1, &model));
    return model;
}

static void models_have_palettes(void **state) {
    (void)state;
    const char text[] = "#ffffff #0a141e #5a5a5a";
    prnn_model *model = make_model(3, 1, 0), *colours = make_model(3, 3, 0), *loaded;
    assert_null(prnn_model_palette(model));
    assert_int_equal(prnn_model_set_metadata(ctx, model, "palette", "#ffffff #000000"), PRNN_ERROR_ARGUMENT);
    assert_message(ctx,
                   "a palette of 2 colours is of as many levels of one channel, and the model has 3 levels");
    assert_int_equal(prnn_model_set_metadata(ctx, model, "palette", "red"), PRNN_ERROR_ARGUMENT);
    assert_int_equal(prnn_model_set_metadata(ctx, colours, "palette", text), PRNN_ERROR_ARGUMENT);
    assert_null(prnn_model_palette(model));
    ok(prnn_model_set_metadata(ctx, model, "palette", text));
    ok(prnn_model_save(ctx, model, at("m.safetensors")));
    ok(prnn_model_load(ctx, at("m.safetensors"), &loaded));
    assert_memory_equal(prnn_model_palette(loaded), &three, sizeof(int) + 9);
    ok(prnn_model_set_metadata(ctx, loaded, "palette", NULL));
    assert_null(prnn_model_palette(loaded));
    prnn_model_free(loaded);
    prnn_model_free(model);
    prnn_model_free(colours);
}

static void chains_have_one_palette(void **state) {
    (void)state;
    prnn_model *small = make_model(3, 1, 0), *large = make_model(3, 1, SIDE);
    const prnn_model *const models[] = {small, large};
    const char *const palettes[][2] = {{NULL, NULL},
                                       {"#000000 #111111 #222222", "#000000 #111111 #222222"},
                                       {"#000000 #111111 #222222", NULL},
                                       {NULL, "#000000 #111111 #222222"},
                                       {"#000000 #111111 #222222", "#000000 #111111 #222223"}};
    for (size_t i = 0; i < sizeof palettes / sizeof *palettes; i++) {
        prnn_chain *chain;
        ok(prnn_model_set_metadata(ctx, small, "palette", palettes[i][0]));
        ok(prnn_model_set_metadata(ctx, large, "palette", palettes[i][1]));
        prnn_status status = prnn_chain_create(ctx, models, 2, &chain);
        assert_int_equal(status, i < 2 ? PRNN_OK : PRNN_ERROR_ARGUMENT);
        if (status != PRNN_OK) {
            assert_message(ctx, "do not have the same palette");
        }
        prnn_chain_free(chain);
    }
    prnn_model_free(small);
    prnn_model_free(large);
}

static prnn_status train(prnn_model *model, const prnn_data *images, const prnn_data *valid, bool resume) {
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    o.steps = resume ? 2 : 1;
    o.out = at("run");
    o.resume = resume;
    return prnn_train(ctx, model, images, valid, &o);
}

static void trainings_keep_palettes(void **state) {
    (void)state;
    uint8_t *images = make_colours(6, 3);
    prnn_data_options o = paletted();
    prnn_model *model = make_model(3, 1, 0), *loaded;
    open_memory(images, 6, &o);
    ok(train(model, data, data, false));
    assert_memory_equal(prnn_model_palette(model), prnn_data_palette(data), sizeof(prnn_palette));
    const char *const files[] = {"run/model.safetensors", "run/checkpoint.safetensors"};
    for (int i = 0; i < 2; i++) {
        ok(prnn_model_load(ctx, at(files[i]), &loaded));
        assert_memory_equal(prnn_model_palette(loaded), prnn_data_palette(data), sizeof(prnn_palette));
        prnn_model_free(loaded);
    }

    prnn_data *other;
    prnn_palette changed = *prnn_data_palette(data);
    for (size_t i = 0; i < 6 * PIXELS * 3; i += 3) {
        images[i] ^= images[i] == changed.colours[2][0];
    }
    changed.colours[2][0] ^= 1;
    o.palette = &changed;
    ok(prnn_data_from_memory(ctx, images, 6, SIDE, SIDE, 3, &o, &other));
    prnn_model *fresh = make_model(3, 1, 0);
    assert_int_equal(train(fresh, other, NULL, true), PRNN_ERROR_ARGUMENT); /* of another palette */
    remove_all(at("run"));
    assert_int_equal(train(model, other, NULL, false), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "the training images have another palette than the model");
    assert_int_equal(train(model, data, other, false), PRNN_ERROR_ARGUMENT);
    assert_message(ctx, "the validation images have another palette");
    prnn_data_free(other);
    prnn_model_free(fresh);
    prnn_model_free(model);
    free(images);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_are_found),
        cmocka_unit_test(folders_are_as_memory),
        cmocka_unit_test(files_are_as_memory),
        cmocka_unit_test(parts_keep_the_palette),
        cmocka_unit_test(pictures_keep_their_colours),
        cmocka_unit_test(given_palettes_are_used),
        cmocka_unit_test(a_palette_and_its_text_change_together),
        cmocka_unit_test(too_many_colours_are_counted),
        cmocka_unit_test(what_does_not_go_with_palettes_is_refused),
        cmocka_unit_test(palettes_are_text),
        cmocka_unit_test(sheets_have_their_colours),
        cmocka_unit_test(models_have_palettes),
        cmocka_unit_test(chains_have_one_palette),
        cmocka_unit_test(trainings_keep_palettes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
