/* Model files: they come back to the last bit; what is refused, and in which words. */
#include "model_files.h"

#include "base/file.h"
#include "base/memory.h"

#include "safetensors/widen.h"

#include <math.h>

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
        assert_memory_equal(model->weights->parameters, again->weights->parameters,
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
        assert_memory_equal(model->weights->parameters, p.model->weights->parameters,
                            prnn_model_parameter_count(model, false) * sizeof(float));
        prnn_model_free(model);
        prnn_model_free(p.model);
    }
}

/* ------------------------------------------------------------------------------------- other types */

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The value of a weight in another type, as bits of that type: of F16 its sign and leading digits only. */
static uint64_t narrow(prnn_dtype dtype, float value) {
    double wide = (double)value;
    uint64_t bits;
    int exponent;
    memcpy(&bits, &wide, sizeof bits);
    if (dtype == PRNN_DTYPE_F64) {
        return bits;
    }
    if (dtype == PRNN_DTYPE_BF16) {
        return bits_of(value) >> 16;
    }
    frexp(wide, &exponent);
    return value == 0 || exponent < -12
               ? 0
               : (bits >> 63) << 15 | (uint64_t)(exponent + 14) << 10 | (bits >> 42 & 0x3ff);
}

/* What those bits mean, by arithmetic. */
static float mean(prnn_dtype dtype, uint64_t bits) {
    double wide;
    memcpy(&wide, &bits, sizeof wide);
    if (dtype == PRNN_DTYPE_F64) {
        return (float)wide;
    }
    int digits = dtype == PRNN_DTYPE_F16 ? 10 : 7, range = dtype == PRNN_DTYPE_F16 ? 31 : 255;
    int fraction = (int)bits & ((1 << digits) - 1), exponent = (int)(bits >> digits) & range;
    double size = exponent == range ? (fraction ? NAN : INFINITY)
                  : exponent        ? ldexp((1 << digits) + fraction, exponent - range / 2 - digits)
                                    : ldexp(fraction, 1 - range / 2 - digits);
    return (float)(bits >> 15 ? -size : size);
}

static void every_half(void **state) {
    (void)state;
    static const prnn_dtype dtypes[] = {PRNN_DTYPE_F16, PRNN_DTYPE_BF16};
    for (int k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < 1 << 16; i++) {
            uint16_t half = (uint16_t)i;
            prnn_safetensors_entry e = {.dtype = dtypes[k], .count = 1, .data = &half};
            float value, needs = mean(dtypes[k], half);
            assert_true(prnn_widen(&e, &value));
            if (isnan(needs) ? !isnan(value) : bits_of(value) != bits_of(needs)) {
                fail_msg("%s %04x is %a, not %a", prnn_dtype_name(dtypes[k]), i, (double)value,
                         (double)needs);
            }
        }
    }
}

static void doubles_are_rounded(void **state) {
    (void)state;
    static const double values[] = {1 + 0x1p-24, 1 + 0x1.8p-24, -0x1p-149,      0x1p-150,
                                    0x1.8p-150,  -0.0,          0x1.ffffffp127, -1e300};
    static const float needs[] = {1, 1 + 0x1p-23f, -0x1p-149f, 0, 0x1p-149f, -0.0f, INFINITY, -INFINITY};
    enum { COUNT = sizeof values / sizeof *values };
    float got[COUNT];
    prnn_safetensors_entry e = {.dtype = PRNN_DTYPE_F64, .count = COUNT, .data = values};
    assert_true(prnn_widen(&e, got));
    assert_memory_equal(got, needs, sizeof needs);
}

/* The weights of `p`, in a type of its own for each tensor or the same for all, and what they are then. */
static void narrow_parts(parts *p, prnn_dtype dtype, bool mixed, uint64_t *data) {
    static const prnn_dtype all[] = {PRNN_DTYPE_F16, PRNN_DTYPE_F64, PRNN_DTYPE_BF16};
    float *weights = p->model->weights->parameters;
    for (size_t i = 0; i < p->count; i++) {
        prnn_tensor t = PRNN_TENSOR_INIT;
        prnn_model_tensor(p->model, i, &t);
        prnn_dtype type = mixed ? all[i % 3] : dtype;
        char *to = (char *)(data + t.offset);
        for (size_t k = 0; k < t.count; k++) {
            uint64_t bits = narrow(type, t.values[k]);
            memcpy(to + k * prnn_dtype_size(type), &bits, prnn_dtype_size(type)); /* little-endian */
            weights[t.offset + k] = mean(type, bits);
        }
        p->entries[i].dtype = type;
        p->entries[i].data = to;
    }
}

static void weights_of_other_types(void **state) {
    (void)state;
    static const prnn_dtype dtypes[] = {PRNN_DTYPE_F16, PRNN_DTYPE_BF16, PRNN_DTYPE_F64};
    for (int i = 0; i < 12; i++) {
        parts p = good_parts((prnn_kind)(i % 3), i % 2 ? 1 : 3);
        size_t n = prnn_model_parameter_count(p.model, false), moved = 0;
        float *before = malloc(n * sizeof *before);
        uint64_t *data = calloc(n, sizeof *data);
        assert_true(before && data);
        memcpy(before, p.model->weights->parameters, n * sizeof *before);
        narrow_parts(&p, dtypes[i / 3 % 3], i >= 9, data);
        prnn_model *model;
        if (load_parts(&p, &model) != PRNN_OK) {
            fail_msg("%s", prnn_message(ctx));
        }
        assert_memory_equal(model->weights->parameters, p.model->weights->parameters, n * sizeof(float));
        for (size_t k = 0; k < n; k++) {
            assert_true(fabsf(model->weights->parameters[k] - before[k]) <=
                        fabsf(before[k]) / 128 + 0x1p-13f);
            moved += model->weights->parameters[k] != before[k];
        }
        assert_true((moved == 0) == (i >= 6 && i < 9));
        free(before);
        free(data);
        prnn_model_free(model);
        prnn_model_free(p.model);
    }
}

static void weights_of_other_types_refused(void **state) {
    (void)state;
    static const struct {
        prnn_dtype dtype;
        uint64_t bits;
        const char *says;
    } bad[] = {
        {PRNN_DTYPE_F16, 0x7c00, "input.bias[4] is inf"},
        {PRNN_DTYPE_F16, 0x7e00, "input.bias[4] is nan"},
        {PRNN_DTYPE_BF16, 0xff80, "input.bias[4] is -inf"},
        {PRNN_DTYPE_BF16, 0x7fc0, "input.bias[4] is nan"},
        {PRNN_DTYPE_F64, 0x7ff8000000000000, "input.bias[4] is nan"},
        {PRNN_DTYPE_F64, 0x47f0000000000000, "input.bias[4] is inf"}, /* 2^128 */
        {PRNN_DTYPE_F64, 0xc7efffffffffffff, "input.bias[4] is -inf"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        parts p = good_parts(PRNN_CNN, 1);
        uint64_t data[6] = {0};
        size_t size = prnn_dtype_size(bad[i].dtype);
        memcpy((char *)data + 4 * size, &bad[i].bits, size);
        for (size_t k = 0; k < p.count; k++) {
            if (!strcmp(p.entries[k].name, "input.bias")) {
                p.entries[k].dtype = bad[i].dtype;
                p.entries[k].data = data;
            }
        }
        assert_refused(&p, bad[i].says);
        assert_says("every weight must be finite");
    }
}

/* ----------------------------------------------------------------------------------- the refused */

static prnn_safetensors_entry *entry_of(parts *p, const char *name) {
    for (size_t i = 0; i < p->count; i++) {
        if (!strcmp(p->entries[i].name, name)) {
            return &p->entries[i];
        }
    }
    fail_msg("no tensor %s", name);
    abort();
}

static void metadata_refused(void **state) {
    (void)state;
    parts p = good_parts(PRNN_ROW, 1);
    p.format = NULL;
    assert_refused(&p, "not a pixelrnn model");
    p = good_parts(PRNN_ROW, 1);
    p.format = "pixelrnn-checkpoint";
    assert_refused(&p, "is a checkpoint without");
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
            parts p = with_field(f, value);
            assert_refused(&p, says);
        }
    }
    parts p = with_field(6, "2");
    assert_refused(&p, "channels is 2");
    p = with_field(7, "1"); /* 3x3 is not 1x1 times a power of 2 */
    assert_refused(&p, "condition_size is 1; it must be");
    p = good_parts(PRNN_ROW, 1);
    edit_config(&p, "\"height\": 3", "\"height\": 4");
    assert_true(strstr(p.config, "\"condition_size\": 0"));
    edit_config(&p, "\"condition_size\": 0", "\"condition_size\": 2");
    assert_refused(&p, "must be square");
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

/* A softmax is not mentioned, so its files are what they were before there was anything else. */
static void outputs(void **state) {
    (void)state;
    parts p = good_parts(PRNN_ROW, 3);
    assert_string_equal(p.config,
                        "{\"kind\": \"row\", \"height\": 3, \"width\": 3, \"channels\": 3, \"levels\": 4, "
                        "\"layers\": 2, \"hidden\": 3, \"head\": 3, \"residual\": true, \"skip\": false, "
                        "\"condition_size\": 0, \"condition_features\": 0}");
    prnn_model *model;
    edit_config(&p, "\"kind\"", "\"output\": \"softmax\", \"components\": 0, \"kind\"");
    assert_int_equal(load_parts(&p, &model), PRNN_OK);
    prnn_model_free(model);
    prnn_model_free(p.model);
    static const char *const bad[][2] = {
        {"\"output\": \"gauss\", ", "config.output: no output \"gauss\"; choose softmax or logistics"},
        {"\"output\": 1, ", "config.output must be \"softmax\" or \"logistics\""},
        {"\"output\": null, ", "config.output must be"},
        {"\"components\": 1, ", "components is 1, but output softmax has none"},
        {"\"output\": \"logistics\", ", "components is 0; it must be 1 to 64"},
        {"\"output\": \"logistics\", \"components\": 65, ", "components is 65; it must be 1 to 64"},
        {"\"output\": \"logistics\", \"components\": 2, ",
         "head.2.weight is [12, 3, 1, 1], the config needs [18,"},
        {"\"output\": \"logistics\", \"components\": \"2\", ",
         "config.components is \"2\"; it must be a whole"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char to[128];
        p = good_parts(PRNN_ROW, 3);
        snprintf(to, sizeof to, "%s\"kind\"", bad[i][0]);
        edit_config(&p, "\"kind\"", to);
        assert_refused(&p, bad[i][1]);
    }
    p = good_parts(PRNN_ROW, 1);
    edit_config(&p, "\"kind\"", "\"output\": \"logistics\", \"components\": 1, \"kind\"");
    assert_refused(&p, "output is logistics and levels is 2");
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
            p.entries[i].dtype = PRNN_DTYPE_I32;
            snprintf(says, sizeof says, "%s is of type I32; save it as F32", name);
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

static void a_prefix_of_all_names(void **state) {
    (void)state;
    static const char *const prefixes[] = {"module.", "model._orig_mod.", "x"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        for (int others = 0; others < 2; others++) {
            static char names[TENSORS][96];
            char says[96];
            parts p = good_parts(PRNN_ROW, 1);
            for (size_t k = 0; k < p.count; k++) {
                snprintf(names[k], sizeof names[k], "%s%s", k == 1 && others ? "" : prefixes[i],
                         p.entries[k].name);
                p.entries[k].name = names[k];
            }
            snprintf(says, sizeof says, "begin with \"%s\"; write them without that", prefixes[i]);
            assert_refused(&p, others ? "is missing; write the file with it" : says);
            assert_says("the tensor input.weight that its config needs is missing");
        }
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
            bool unmasked = !prnn_model_parameter_is_masked(p.model, i);
            if (unmasked) {
                p.model->weights->parameters[i] = bad[i % 4].value;
                assert_refused(&p, bad[i % 4].says);
                assert_says("every weight must be finite");
            } else {
                p.model->weights->parameters[i] = i % 2 ? -1e-30f : NAN;
                assert_refused(&p, i % 2 ? "is -1e-30; it is masked" : "is nan");
            }
        }
    }
    parts p = good_parts(PRNN_CNN, 1);
    prnn_safetensors_entry *input = entry_of(&p, "input.weight"); /* [6, 1, 7, 7], the centre is masked */
    float values[6 * 49];
    memcpy(values, input->data, sizeof values);
    values[2 * 49 + 3 * 7 + 3] = 0.5f;
    input->data = values;
    assert_refused(&p, "input.weight[2, 0, 3, 3] is 0.5; it is masked and must be 0");
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

/* A folder is read as the model.safetensors in it, and messages name that file. */
static void folders(void **state) {
    (void)state;
    char file[160], slash[160];
    snprintf(file, sizeof file, "%s/model.safetensors", folder);
    snprintf(slash, sizeof slash, "%s/", folder);
    prnn_model *model = NULL, *again;
    assert_int_equal(prnn_model_load(ctx, folder, &model), PRNN_ERROR_FILE);
    assert_says("is a folder without a model.safetensors; name a model file");
    assert_null(model);
    model = make_model(PRNN_ROW, 1);
    assert_int_equal(prnn_model_save(ctx, model, file), PRNN_OK);
    prnn_certificate found = PRNN_CERTIFICATE_INIT;
    assert_int_equal(prnn_check(ctx, folder, NULL, &found), PRNN_OK);
    assert_true(found.passed);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(prnn_model_load(ctx, i ? slash : folder, &again), PRNN_OK);
        assert_memory_equal(model->weights->parameters, again->weights->parameters,
                            prnn_model_parameter_count(model, false) * sizeof(float));
        prnn_model_free(again);
    }
    assert_int_equal(prnn_safetensors_write(ctx, file, NULL, 0, NULL, 0), PRNN_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(prnn_model_load(ctx, i ? slash : folder, &again), PRNN_ERROR_FORMAT);
        assert_ptr_equal(strstr(prnn_message(ctx), file), prnn_message(ctx));
    }
    assert_int_equal(prnn_check(ctx, folder, NULL, &found), PRNN_ERROR_FORMAT);
    assert_ptr_equal(strstr(prnn_message(ctx), file), prnn_message(ctx));
    unlink(file);
    prnn_model_free(model);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_back_to_the_last_bit),
        cmocka_unit_test(what_does_not_matter),
        cmocka_unit_test(every_half),
        cmocka_unit_test(doubles_are_rounded),
        cmocka_unit_test(weights_of_other_types),
        cmocka_unit_test(weights_of_other_types_refused),
        cmocka_unit_test(metadata_refused),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(values_of_other_types),
        cmocka_unit_test(outputs),
        cmocka_unit_test(missing_fields),
        cmocka_unit_test(tensors_refused_one_by_one),
        cmocka_unit_test(a_prefix_of_all_names),
        cmocka_unit_test(weights_refused),
        cmocka_unit_test(folders),
        cmocka_unit_test(not_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
