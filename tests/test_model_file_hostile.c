/* Model files that are damaged, mutated or too greedy. */
#include "model_files.h"
#include "mutate.h"

#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <sys/resource.h>
#include <sys/wait.h>

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

static double largest(const prnn_model *model) {
    double most = 0;
    for (size_t i = 0; i < prnn_model_parameter_count(model, false); i++) {
        most = fmax(most, fabs((double)model->weights->parameters[i]));
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
    assert_int_equal(prnn_evaluate(ctx, model, image, 1, NULL, &nats, NULL), PRNN_OK);
    if (largest(model) < 100) {
        assert_true(isfinite(nats) && nats >= 0);
    }
    free(image);
}

static const char alphabet[] = "{}[]\",:0123456789-eFU._ abcdhlnrstuw";

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
                mutate(copy, 8 + header, size, 3, alphabet, &seed); /* weights */
                break;
            case 1:
                mutate(copy, at, at + 320, 3, alphabet, &seed); /* config */
                break;
            case 2:
                mutate(copy, 0, 8 + header, 3, alphabet, &seed);
                break;
            default:
                mutate(copy, 0, size, 3, alphabet, &seed);
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
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(thousands_of_mutations),
        cmocka_unit_test(greedy_configs_cost_nothing),
        cmocka_unit_test(odd_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
