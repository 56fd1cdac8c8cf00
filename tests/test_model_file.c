/* Model files: what is refused and in which words, and files that are damaged, mutated or too greedy. */
#include "base/file.h"
#include "base/memory.h"
#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { SIDE = 3, TENSORS = 64 };

static prnn_context *ctx;
static char folder[] = "/tmp/prnn_test_model_XXXXXX";
static char path[128];

static int setup(void **state) {
    (void)state;
    ctx = prnn_context_create();
    if (!ctx || !mkdtemp(folder) || prnn_context_set_threads(ctx, 1) != PRNN_OK) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    unlink(path);
    rmdir(folder);
    prnn_context_free(ctx);
    return 0;
}

static prnn_config tiny(prnn_kind kind, int channels) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = kind;
    c.height = c.width = SIDE;
    c.channels = channels;
    c.levels = channels == 1 ? 2 : 4;
    c.layers = 2;
    c.hidden = c.head = 3;
    c.skip = kind == PRNN_CNN;
    return c;
}

static prnn_model *make_model(prnn_kind kind, int channels) {
    prnn_config config = tiny(kind, channels);
    prnn_model *model;
    if (prnn_model_create(ctx, &config, 3, &model) != PRNN_OK) {
        fail_msg("%s", prnn_message(ctx));
    }
    return model;
}

/* ---------------------------------------------------------------------------- files in the making */

/* A good model file, to be spoilt. */
typedef struct parts {
    prnn_model *model;
    prnn_safetensors_entry entries[TENSORS];
    size_t count;
    const char *format, *version;
    char config[1024]; /* "": none */
} parts;

static parts good_parts(prnn_kind kind, int channels) {
    parts p = {.model = make_model(kind, channels), .format = "pixelrnn", .version = "1"};
    p.count = prnn_model_tensor_count(p.model);
    assert_true(p.count < TENSORS);
    for (size_t i = 0; i < p.count; i++) {
        prnn_tensor t;
        prnn_model_tensor(p.model, i, &t);
        p.entries[i] = (prnn_safetensors_entry){
            .name = t.name, .dtype = PRNN_DTYPE_F32, .rank = t.rank, .data = t.values};
        for (int d = 0; d < t.rank; d++) {
            p.entries[i].shape[d] = (size_t)t.shape[d];
        }
    }
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(p.model, &config);
    char *text = prnn_config_to_json(&config);
    snprintf(p.config, sizeof p.config, "%s", text);
    free(text);
    return p;
}

static prnn_safetensors_entry *entry_of(parts *p, const char *name) {
    for (size_t i = 0; i < p->count; i++) {
        if (!strcmp(p->entries[i].name, name)) {
            return &p->entries[i];
        }
    }
    fail_msg("no tensor %s", name);
    abort();
}

/* Writes the parts and loads them. */
static prnn_status load_parts(const parts *p, prnn_model **model) {
    prnn_safetensors_pair metadata[3];
    size_t n = 0;
    if (p->format) {
        metadata[n++] = (prnn_safetensors_pair){"format", p->format};
    }
    if (p->version) {
        metadata[n++] = (prnn_safetensors_pair){"version", p->version};
    }
    if (p->config[0]) {
        metadata[n++] = (prnn_safetensors_pair){"config", p->config};
    }
    assert_int_equal(prnn_safetensors_write(ctx, path, p->entries, p->count, metadata, n), PRNN_OK);
    return prnn_model_load(ctx, path, model);
}

static void assert_says(const char *says) {
    const char *message = prnn_message(ctx);
    assert_null(strchr(message, '\n'));
    if (!strstr(message, says)) {
        fail_msg("should say \"%s\", says \"%s\"", says, message);
    }
}

/* Refused with one sentence that begins with the file and holds `says`; the parts are done with. */
static void assert_refused(parts *p, const char *says) {
    prnn_model *model = p->model;
    assert_int_equal(load_parts(p, &model), PRNN_ERROR_FORMAT);
    assert_null(model);
    assert_ptr_equal(strstr(prnn_message(ctx), path), prnn_message(ctx));
    assert_says(says);
    prnn_model_free(p->model);
}

/* Replaces `from` by `to` in the config. */
static void edit_config(parts *p, const char *from, const char *to) {
    char old[sizeof p->config], *at;
    memcpy(old, p->config, sizeof old);
    at = strstr(old, from);
    if (!at) {
        fail_msg("%s is not in %s", from, old);
        abort();
    }
    snprintf(p->config, sizeof p->config, "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
}

/* --------------------------------------------------------------------------------------- the good */

static void files_come_back_to_the_last_bit(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        prnn_model *model = make_model((prnn_kind)(i % 3), i < 3 ? 1 : 3), *again;
        uint8_t *a, *b;
        size_t a_size, b_size;
        assert_int_equal(prnn_model_save(ctx, model, path), PRNN_OK);
        assert_int_equal(prnn_file_read(ctx, path, 1 << 20, &a, &a_size), PRNN_OK);
        assert_int_equal(prnn_model_load(ctx, path, &again), PRNN_OK);
        assert_memory_equal(model->parameters, again->parameters,
                            prnn_model_parameter_count(model, false) * sizeof(float));
        assert_int_equal(prnn_model_save(ctx, again, path), PRNN_OK);
        assert_int_equal(prnn_file_read(ctx, path, 1 << 20, &b, &b_size), PRNN_OK);
        assert_int_equal(a_size, b_size);
        assert_memory_equal(a, b, a_size);
        prnn_free(a);
        prnn_free(b);
        prnn_model_free(model);
        prnn_model_free(again);
    }
}

static void what_does_not_matter(void **state) {
    (void)state;
    static const char *const edits[][2] = {
        {"\"kind\"", "\"note\": {\"a\": [1, null]}, \"kind\""}, /* fields that we do not know */
        {", \"condition_size\": 0, \"condition_features\": 0", ""},
        {", \"residual\": true", ""},
        {", \"skip\": false", ""},
        {"\"height\": 3", "\"height\": 4096"},
        {"\"width\": 3", "\"width\": 1"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        parts p = good_parts(PRNN_ROW, 1);
        prnn_model *model;
        edit_config(&p, edits[i][0], edits[i][1]);
        for (size_t k = 0; k < p.count / 2; k++) { /* the order of the tensors */
            prnn_safetensors_entry e = p.entries[k];
            p.entries[k] = p.entries[p.count - 1 - k];
            p.entries[p.count - 1 - k] = e;
        }
        if (load_parts(&p, &model) != PRNN_OK) {
            fail_msg("%s", prnn_message(ctx));
        }
        assert_memory_equal(model->parameters, p.model->parameters,
                            prnn_model_parameter_count(model, false) * sizeof(float));
        prnn_model_free(model);
        prnn_model_free(p.model);
    }
}

/* ----------------------------------------------------------------------------------- the refused */

static void metadata_refused(void **state) {
    (void)state;
    parts p = good_parts(PRNN_ROW, 1);
    p.format = NULL;
    assert_refused(&p, "not a pixelrnn model");
    p = good_parts(PRNN_ROW, 1);
    p.format = "pixelrnn-checkpoint";
    assert_refused(&p, "\"pixelrnn-checkpoint\"");
    p = good_parts(PRNN_ROW, 1);
    p.version = NULL;
    assert_refused(&p, "version \"\"");
    p = good_parts(PRNN_ROW, 1);
    p.version = "2";
    assert_refused(&p, "version \"2\"; this program reads version 1");
    p = good_parts(PRNN_ROW, 1);
    p.config[0] = 0;
    assert_refused(&p, "has no config");
    static const char *const texts[] = {"[]", "x", "{", "null", "{\"kind\": \"row\"", " "};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        p = good_parts(PRNN_ROW, 1);
        snprintf(p.config, sizeof p.config, "%s", texts[i]);
        assert_refused(&p, "config is not a JSON object");
    }
    p = good_parts(PRNN_ROW, 1);
    edit_config(&p, "\"height\": 3", "\"height\": 3, \"height\": 3");
    assert_refused(&p, "duplicate");
}

static const struct {
    const char *field, *now;
    int low, high; /* of numbers */
} fields[] = {
    {"height", "3", 1, 4096}, {"width", "3", 1, 4096},       {"levels", "2", 2, 256},
    {"layers", "2", 1, 256},  {"hidden", "3", 1, 4096},      {"head", "3", 1, 8192},
    {"channels", "1", 1, 3},  {"condition_size", "0", 0, 0}, {"condition_features", "0", 0, 0},
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* A config of tiny's row model with another text for a number. */
static parts with_field(int field, const char *value) {
    char from[64], to[128];
    parts p = good_parts(PRNN_ROW, 1);
    snprintf(from, sizeof from, "\"%s\": %s", fields[field].field, fields[field].now);
    snprintf(to, sizeof to, "\"%s\": %s", fields[field].field, value);
    edit_config(&p, from, to);
    return p;
}

static void numbers_out_of_range(void **state) {
    (void)state;
    for (int f = 0; f < FIELDS; f++) {
        const int bad[] = {fields[f].low - 1, fields[f].high + 1, INT32_MIN, INT32_MAX};
        for (int i = 0; i < 4; i++) {
            char value[32], says[128];
            snprintf(value, sizeof value, "%d", bad[i]);
            snprintf(says, sizeof says, "%s is %d", fields[f].field, bad[i]);
            if (!strcmp(fields[f].field, "condition_features")) {
                snprintf(says, sizeof says, "condition_features %d", bad[i]);
            }
            parts p = with_field(f, value);
            assert_refused(&p, says);
        }
    }
    parts p = with_field(6, "2");
    assert_refused(&p, "channels is 2");
    p = with_field(7, "8");
    assert_refused(&p, "not supported yet");
    p = good_parts(PRNN_ROW, 3); /* three colours need three features at least */
    edit_config(&p, "\"hidden\": 3", "\"hidden\": 2");
    assert_refused(&p, "");
}

static void values_of_other_types(void **state) {
    (void)state;
    static const char *const values[] = {"3.0", "\"3\"", "null", "[3]", "true", "{}", "2147483648", "-1e1"};
    for (int f = 0; f < FIELDS; f++) {
        char says[64];
        snprintf(says, sizeof says, "config.%s is ", fields[f].field);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            parts p = with_field(f, values[i]);
            assert_refused(&p, says);
            assert_says("whole number");
        }
        parts p = with_field(f, "99999999999999999999");
        assert_refused(&p, "too big");
    }
    static const char *const flags[] = {"1", "0", "\"true\"", "null", "[]"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char to[64];
        parts p = good_parts(PRNN_ROW, 1);
        snprintf(to, sizeof to, "\"residual\": %s", flags[i]);
        edit_config(&p, "\"residual\": true", to);
        assert_refused(&p, "config.residual must be true or false");
        p = good_parts(PRNN_ROW, 1);
        snprintf(to, sizeof to, "\"skip\": %s", flags[i]);
        edit_config(&p, "\"skip\": false", to);
        assert_refused(&p, "config.skip must be true or false");
    }
    parts p = good_parts(PRNN_ROW, 1);
    edit_config(&p, "\"row\"", "\"lstm\"");
    assert_refused(&p, "lstm");
    p = good_parts(PRNN_ROW, 1);
    edit_config(&p, "\"row\"", "0");
    assert_refused(&p, "kind");
}

static void missing_fields(void **state) {
    (void)state;
    static const char *const needed[] = {"kind",   "height", "width",  "channels",
                                         "levels", "layers", "hidden", "head"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        char from[32], to[32], says[64];
        parts p = good_parts(PRNN_ROW, 1);
        snprintf(from, sizeof from, "\"%s\"", needed[i]);
        snprintf(to, sizeof to, "\"no_%s\"", needed[i]);
        snprintf(says, sizeof says, "config has no \"%s\"", needed[i]);
        edit_config(&p, from, to);
        assert_refused(&p, says);
    }
}

static void tensors_refused_one_by_one(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        parts p = good_parts((prnn_kind)kind, 1);
        size_t count = p.count;
        prnn_model_free(p.model);
        for (size_t i = 0; i < count; i++) {
            char name[64], says[192];
            /* missing */
            p = good_parts((prnn_kind)kind, 1);
            snprintf(name, sizeof name, "%s", p.entries[i].name);
            p.entries[i] = p.entries[--p.count];
            snprintf(says, sizeof says, "the tensor %s that its config needs is missing", name);
            assert_refused(&p, says);
            /* under another name */
            p = good_parts((prnn_kind)kind, 1);
            p.entries[i].name = "somebody";
            assert_refused(&p, says);
            /* of another shape, type, rank */
            p = good_parts((prnn_kind)kind, 1);
            p.entries[i].shape[0]--;
            snprintf(says, sizeof says, "%s is [%zu", name, p.entries[i].shape[0]);
            assert_refused(&p, says);
            assert_says("the config needs [");
            p = good_parts((prnn_kind)kind, 1);
            p.entries[i].dtype = PRNN_DTYPE_BF16;
            snprintf(says, sizeof says, "%s is of type BF16; save it as F32", name);
            assert_refused(&p, says);
            p = good_parts((prnn_kind)kind, 1);
            p.entries[i].shape[p.entries[i].rank++] = 1;
            snprintf(says, sizeof says, "%s is [", name);
            assert_refused(&p, says);
            p = good_parts((prnn_kind)kind, 1);
            p.entries[i].rank = 0;
            snprintf(says, sizeof says, "%s is []", name);
            assert_refused(&p, says);
        }
        /* one more, even an empty one */
        for (size_t size = 0; size < 2; size++) {
            p = good_parts((prnn_kind)kind, 1);
            p.entries[p.count++] = (prnn_safetensors_entry){.name = "layers.9.bias",
                                                            .dtype = PRNN_DTYPE_F32,
                                                            .rank = 1,
                                                            .shape = {size},
                                                            .data = &folder};
            assert_refused(&p, "no place for the tensor layers.9.bias");
        }
        p = good_parts((prnn_kind)kind, 1);
        entry_of(&p, "head.0.weight")->rank = PRNN_SAFETENSORS_RANK; /* the longest shape in a message */
        for (int d = 0; d < PRNN_SAFETENSORS_RANK; d++) {
            entry_of(&p, "head.0.weight")->shape[d] = d ? 1 : 18;
        }
        assert_refused(&p, "head.0.weight is [18, 1, 1, 1, 1, 1, 1, 1]");
    }
}

static void weights_refused(void **state) {
    (void)state;
    static const struct {
        float value;
        const char *says;
    } bad[] = {{NAN, "is nan"}, {INFINITY, "is inf"}, {-INFINITY, "is -inf"}, {-NAN, "nan"}};
    for (int kind = 0; kind < 3; kind++) {
        parts p = good_parts((prnn_kind)kind, 3);
        size_t n = prnn_model_parameter_count(p.model, false);
        prnn_model_free(p.model);
        for (size_t i = 0; i < n; i += 7) {
            p = good_parts((prnn_kind)kind, 3);
            bool open = prnn_model_parameter_is_open(p.model, i);
            if (open) {
                p.model->parameters[i] = bad[i % 4].value;
                assert_refused(&p, bad[i % 4].says);
                assert_says("every weight must be finite");
            } else {
                p.model->parameters[i] = i % 2 ? -1e-30f : NAN;
                assert_refused(&p, i % 2 ? "is -1e-30 where a mask closes it" : "is nan");
            }
        }
    }
    parts p = good_parts(PRNN_CNN, 1);
    prnn_safetensors_entry *input = entry_of(&p, "input.weight"); /* [6, 1, 7, 7], the centre is closed */
    float values[6 * 49];
    memcpy(values, input->data, sizeof values);
    values[2 * 49 + 3 * 7 + 3] = 0.5f;
    input->data = values;
    assert_refused(&p, "input.weight[2, 0, 3, 3] is 0.5 where a mask closes it and must be 0");
    p = good_parts(PRNN_CNN, 1);
    float bias[6] = {[4] = NAN};
    entry_of(&p, "input.bias")->data = bias;
    assert_refused(&p, "input.bias[4] is nan");
    /* -0 is 0 */
    p = good_parts(PRNN_CNN, 1);
    prnn_model *model;
    values[2 * 49 + 3 * 7 + 3] = -0.0f;
    entry_of(&p, "input.weight")->data = values;
    assert_int_equal(load_parts(&p, &model), PRNN_OK);
    prnn_model_free(model);
    prnn_model_free(p.model);
}

static void not_files(void **state) {
    (void)state;
    prnn_model *model = NULL;
    assert_int_equal(prnn_model_load(ctx, "/nonexistent/m", &model), PRNN_ERROR_FILE);
    assert_says("/nonexistent/m: ");
    assert_int_equal(prnn_model_load(ctx, folder, &model), PRNN_ERROR_FILE);
    assert_says(folder);
    assert_int_equal(prnn_model_load(ctx, "/dev/zero", &model), PRNN_ERROR_FILE);
    assert_null(model);
    model = make_model(PRNN_ROW, 1);
    assert_int_equal(prnn_model_save(ctx, model, "/nonexistent/m"), PRNN_ERROR_FILE);
    assert_int_equal(prnn_model_save(ctx, model, folder), PRNN_ERROR_FILE);
    assert_says(folder);
    prnn_model_free(model);
}

/* ------------------------------------------------------------------------------------ the damaged */

static prnn_status load_bytes(const uint8_t *bytes, size_t size, prnn_model **model) {
    prnn_safetensors *st;
    *model = NULL;
    prnn_status status = prnn_safetensors_parse(ctx, "bytes", bytes, size, &st);
    if (status == PRNN_OK) {
        status = prnn_model_from_safetensors(ctx, "bytes", st, model);
        prnn_safetensors_free(st);
    }
    return status;
}

static uint8_t *model_bytes(prnn_kind kind, int channels, size_t *size) {
    prnn_model *model = make_model(kind, channels);
    uint8_t *bytes;
    assert_int_equal(prnn_model_save(ctx, model, path), PRNN_OK);
    assert_int_equal(prnn_file_read(ctx, path, 1 << 20, &bytes, size), PRNN_OK);
    prnn_model_free(model);
    return bytes;
}

static void every_truncation(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = model_bytes(PRNN_ROW, 1, &size);
    prnn_model *model;
    for (size_t n = 0; n < size; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, bytes, n);
        ctx->message[0] = 0;
        assert_int_equal(load_bytes(cut, n, &model), PRNN_ERROR_FORMAT);
        assert_null(model);
        assert_says("bytes: ");
        free(cut);
    }
    assert_int_equal(load_bytes(bytes, size, &model), PRNN_OK);
    prnn_model_free(model);
    prnn_free(bytes);
}

static uint64_t next(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static double largest(const prnn_model *model) {
    double most = 0;
    for (size_t i = 0; i < prnn_model_parameter_count(model, false); i++) {
        most = fmax(most, fabs((double)model->parameters[i]));
    }
    return most;
}

/* A model that was read is one that works: its likelihoods are numbers, unless a weight is out of all reason,
 * and then they are still given without harm. */
static void use(const prnn_model *model) {
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model_config(model, &c);
    size_t n = (size_t)c.height * (size_t)c.width * (size_t)c.channels;
    uint8_t *image = calloc(n, 1);
    assert_non_null(image);
    double nats;
    assert_int_equal(prnn_evaluate(ctx, model, image, 1, &nats, NULL), PRNN_OK);
    if (largest(model) < 100) {
        assert_true(isfinite(nats) && nats >= 0);
    }
    free(image);
}

static void mutate(uint8_t *bytes, size_t from, size_t size, uint64_t *seed) {
    static const char alphabet[] = "{}[]\",:0123456789-eFU._ abcdhlnrstuw";
    for (uint64_t edits = 1 + next(seed) % 3; edits > 0; edits--) {
        size_t at = from + next(seed) % (size - from);
        switch (next(seed) % 3) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << next(seed) % 8);
            break;
        case 1:
            bytes[at] = (uint8_t)alphabet[next(seed) % (sizeof alphabet - 1)];
            break;
        default:
            bytes[at] = bytes[next(seed) % size];
        }
    }
}

static void thousands_of_mutations(void **state) {
    (void)state;
    int read = 0, refused = 0;
    for (int i = 0; i < 6; i++) {
        size_t size;
        uint8_t *bytes = model_bytes((prnn_kind)(i % 3), i < 3 ? 1 : 3, &size);
        uint64_t seed = (uint64_t)i + 1, header;
        memcpy(&header, bytes, 8);
        size_t at = 8;
        while (memcmp(bytes + at, "config", 6) != 0) {
            at++;
        }
        uint8_t *copy = malloc(size);
        for (int k = 0; k < 2000; k++) {
            memcpy(copy, bytes, size);
            switch (k % 4) {
            case 0:
                mutate(copy, 8 + header, size, &seed); /* weights */
                break;
            case 1:
                mutate(copy, at, at + 320, &seed); /* config */
                break;
            case 2:
                mutate(copy, 0, 8 + header, &seed);
                break;
            default:
                mutate(copy, 0, size, &seed);
            }
            ctx->message[0] = 0;
            prnn_model *model;
            if (load_bytes(copy, size, &model) == PRNN_OK) {
                use(model);
                prnn_model_free(model);
                read++;
            } else {
                assert_null(model);
                assert_says("bytes: ");
                refused++;
            }
        }
        free(copy);
        prnn_free(bytes);
    }
    print_message("%d read, %d refused\n", read, refused);
    assert_true(read > 500 && refused > 2000);
}

/* ------------------------------------------------------------------------------------- the greedy */

/* Small files with configs of giants: refused at once, in little memory. */
static void greedy_configs_cost_nothing(void **state) {
    (void)state;
    static const char *const giants[][3] = {{"256", "4096", "8192"},
                                            {"256", "4096", "3"},
                                            {"2", "4096", "3"},
                                            {"2", "3", "8192"},
                                            {"256", "300", "3"}};
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < sizeof giants / sizeof *giants; i++) {
            for (int wide = 0; wide < 2; wide++) {
                parts p = good_parts((prnn_kind)kind, wide ? 3 : 1);
                char to[3][32];
                static const char *const names[] = {"layers", "hidden", "head"};
                for (int f = 0; f < 3; f++) {
                    char from[32];
                    snprintf(from, sizeof from, "\"%s\": %d", names[f], f ? 3 : 2);
                    snprintf(to[f], sizeof to[f], "\"%s\": %s", names[f], giants[i][f]);
                    edit_config(&p, from, to[f]);
                }
                edit_config(&p, wide ? "\"levels\": 4" : "\"levels\": 2", "\"levels\": 256");
                edit_config(&p, "\"height\": 3", "\"height\": 4096");
                edit_config(&p, "\"width\": 3", "\"width\": 4096");
                fflush(stdout);
                pid_t child = fork();
                assert_true(child >= 0);
                if (child == 0) {
                    struct rlimit low = {512 << 20, 512 << 20}, seconds = {5, 5};
                    if (!SANITIZED) { /* which reserves terabytes for itself */
                        setrlimit(RLIMIT_AS, &low);
                    }
                    setrlimit(RLIMIT_CPU, &seconds);
                    prnn_model *model;
                    _exit((int)load_parts(&p, &model));
                }
                int how;
                assert_int_equal(waitpid(child, &how, 0), child);
                if (!WIFEXITED(how) || WEXITSTATUS(how) != PRNN_ERROR_FORMAT) {
                    fail_msg("kind %d, giant %zu: how %x", kind, i, how);
                }
                assert_refused(&p, "");
            }
        }
    }
}

/* Many small tensors, deep JSON, long names. */
static void odd_files(void **state) {
    (void)state;
    enum { MANY = 20000 };
    prnn_safetensors_entry *entries = calloc(MANY, sizeof *entries);
    char(*names)[16] = calloc(MANY, sizeof *names);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        entries[i] = (prnn_safetensors_entry){
            .name = names[i], .dtype = PRNN_DTYPE_F32, .rank = 1, .shape = {0}, .data = NULL};
    }
    parts p = good_parts(PRNN_ROW, 1);
    const prnn_safetensors_pair metadata[] = {{"format", "pixelrnn"}, {"version", "1"}, {"config", p.config}};
    prnn_model *model;
    assert_int_equal(prnn_safetensors_write(ctx, path, entries, MANY, metadata, 3), PRNN_OK);
    assert_int_equal(prnn_model_load(ctx, path, &model), PRNN_ERROR_FORMAT);
    assert_says("is missing");
    free(entries);
    free(names);
    static char name[5000], deep[100000];
    memset(name, 'n', sizeof name - 1);
    p.entries[p.count++] = (prnn_safetensors_entry){.name = name, .dtype = PRNN_DTYPE_F32, .rank = 1};
    assert_refused(&p, "no place for the tensor nnn");
    assert_true(strlen(prnn_message(ctx)) < 400);
    memset(deep, '[', sizeof deep - 1);
    const prnn_safetensors_pair nested[] = {{"format", "pixelrnn"}, {"version", "1"}, {"config", deep}};
    assert_int_equal(prnn_safetensors_write(ctx, path, NULL, 0, nested, 3), PRNN_OK);
    assert_int_equal(prnn_model_load(ctx, path, &model), PRNN_ERROR_FORMAT);
    assert_says("config is not a JSON object");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_back_to_the_last_bit),
        cmocka_unit_test(what_does_not_matter),
        cmocka_unit_test(metadata_refused),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(values_of_other_types),
        cmocka_unit_test(missing_fields),
        cmocka_unit_test(tensors_refused_one_by_one),
        cmocka_unit_test(weights_refused),
        cmocka_unit_test(not_files),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(thousands_of_mutations),
        cmocka_unit_test(greedy_configs_cost_nothing),
        cmocka_unit_test(odd_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
