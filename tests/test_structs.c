/* Structs that begin with their size: programs and libraries of different versions understand each other. And
 * what says which version that is. */
#include "laws.h"

#include <unistd.h>

#include "base/fields.h"

static prnn_context *ctx;

/* ---------------------------------------------------------------------------------------- given */

/* Whatever a caller says that its size is, a field is copied as a whole or not at all; beyond what is known
 * only zeros pass. */
static void check_fields(const prnn_fields *fields) {
    char from[1024], to[1024], untouched[1024];
    size_t size = fields->size;
    assert_true(fields->end[0] == sizeof(size_t) && size + 16 <= sizeof from);
    for (size_t said = 0; said <= size + 16; said++) {
        memset(from, 0x55, sizeof from);
        memset(from + size, 0, sizeof from - size);
        memset(to, 0, sizeof to);
        memset(untouched, 0, sizeof untouched);
        memcpy(from, &said, sizeof said);
        if (said <= sizeof(size_t)) {
            assert_int_equal(prnn_options_read(ctx, to, fields, from), PRNN_ERROR_ARGUMENT);
            assert_non_null(strstr(prnn_message(ctx), "says that its size is"));
            continue;
        }
        assert_ok(ctx, prnn_options_read(ctx, to, fields, from));
        size_t end = 0;
        for (size_t i = 0; i < fields->count; i++) {
            assert_true(i == 0 || fields->end[i] > fields->end[i - 1]);
            end = fields->end[i] <= said ? fields->end[i] : end;
        }
        for (size_t i = sizeof(size_t); i < sizeof to; i++) {
            assert_int_equal(to[i], i < end ? 0x55 : 0);
        }
        memset(to, 0, sizeof to);
        for (size_t i = size; i < said; i++) {
            from[i] = 1;
            assert_int_equal(prnn_options_read(ctx, to, fields, from), PRNN_ERROR_ARGUMENT);
            assert_non_null(strstr(prnn_message(ctx), "take the version that the program was made for"));
            assert_non_null(strstr(prnn_message(ctx), fields->name));
            from[i] = 0;
        }
        assert_memory_equal(to, untouched, sizeof to);
    }
}

static void test_given(void **state) {
    (void)state;
    const prnn_fields *all[] = {&prnn_config_fields,          &prnn_tensor_fields,
                                &prnn_data_options_fields,    &prnn_evaluate_options_fields,
                                &prnn_stepper_options_fields, &prnn_sample_options_fields,
                                &prnn_check_options_fields,   &prnn_train_options_fields,
                                &prnn_certificate_fields,     &prnn_device_info_fields,
                                &prnn_picture_info_fields,    &prnn_ranks_fields,
                                &prnn_archive_options_fields, &prnn_archive_info_fields,
                                &prnn_archive_image_fields,   &prnn_archive_read_options_fields};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        check_fields(all[i]);
    }
}

static prnn_config tiny(void) {
    prnn_config c = PRNN_CONFIG_INIT;
    c.height = c.width = c.levels = 2;
    c.layers = 1;
    c.hidden = c.head = 2;
    return c;
}

/* Every public function that takes one: what a program has that was made for the next version. */
static void test_newer_callers(void **state) {
    (void)state;
    prnn_config c = tiny();
    law_model m = law_open(&c, 1);
    uint8_t images[16] = {0}, out[16];
    prnn_model *model;
    prnn_data *data, *opened;
    prnn_certificate certificate = PRNN_CERTIFICATE_INIT;
    prnn_data_options levels = PRNN_DATA_OPTIONS_INIT;
    levels.levels = 2;
    assert_ok(ctx, prnn_data_from_memory(ctx, images, 4, 2, 2, 1, &levels, &data));
#define newer(type, init, call, zero)                                                                        \
    do {                                                                                                     \
        struct {                                                                                             \
            type now;                                                                                        \
            uint64_t more;                                                                                   \
        } options = {.now = init};                                                                           \
        const type *given = &options.now;                                                                    \
        options.now.size = sizeof options;                                                                   \
        options.more = 1;                                                                                    \
        assert_int_equal((call), PRNN_ERROR_ARGUMENT);                                                       \
        if (!strstr(prnn_message(ctx), #type)) {                                                             \
            fail_msg("%s says \"%s\"", #call, prnn_message(ctx));                                            \
        }                                                                                                    \
        options.more = 0;                                                                                    \
        assert_int_equal((call), zero);                                                                      \
    } while (0)
    newer(prnn_config, PRNN_CONFIG_INIT, prnn_model_create(ctx, given, 0, &model), PRNN_OK);
    prnn_model_free(model);
    double nats[1];
    newer(prnn_evaluate_options, PRNN_EVALUATE_OPTIONS_INIT,
          prnn_evaluate(ctx, m.model, images, 1, given, nats, NULL), PRNN_OK);
    newer(prnn_sample_options, PRNN_SAMPLE_OPTIONS_INIT, prnn_sample(ctx, m.model, 1, given, out), PRNN_OK);
    newer(prnn_sample_options, PRNN_SAMPLE_OPTIONS_INIT,
          prnn_complete(ctx, m.model, images, 1, images, 1, given, out), PRNN_OK);
    prnn_stepper *stepper;
    newer(prnn_stepper_options, PRNN_STEPPER_OPTIONS_INIT,
          prnn_stepper_create(ctx, m.model, 1, given, &stepper), PRNN_OK);
    prnn_stepper_free(stepper);
    prnn_archive_writer *writer;
    newer(prnn_archive_options, PRNN_ARCHIVE_OPTIONS_INIT,
          prnn_archive_writer_create(ctx, m.model, "/nowhere/x", given, &writer), PRNN_ERROR_FILE);
    newer(prnn_check_options, PRNN_CHECK_OPTIONS_INIT, prnn_check(ctx, "/nowhere", given, &certificate),
          PRNN_ERROR_FILE);
    newer(prnn_train_options, PRNN_TRAIN_OPTIONS_INIT, prnn_train(ctx, m.model, data, NULL, given),
          PRNN_ERROR_ARGUMENT); /* no folder */
    newer(prnn_data_options, PRNN_DATA_OPTIONS_INIT, prnn_data_open(ctx, "/nowhere", given, &opened),
          PRNN_ERROR_FILE);
    newer(prnn_data_options, PRNN_DATA_OPTIONS_INIT,
          prnn_data_convert(ctx, "/nowhere", given, "/nowhere/x", NULL, NULL), PRNN_ERROR_FILE);
    prnn_data_free(data);
    law_close(&m);
}

/* ---------------------------------------------------------------------------------------- filled */

/* What is filled is the fields within the size that the caller says; nothing behind it, nor the size. */
#define check_filled(type, call, fields)                                                                     \
    do {                                                                                                     \
        char full[sizeof(type) + 16], before[sizeof full];                                                   \
        _Alignas(max_align_t) char some[sizeof full];                                                        \
        type *const to = (type *)(void *)some;                                                               \
        memset(before, 0x55, sizeof before);                                                                 \
        for (size_t said = sizeof full; said > sizeof(size_t); said--) {                                     \
            memcpy(before, &said, sizeof said);                                                              \
            memcpy(some, before, sizeof some);                                                               \
            call;                                                                                            \
            if (said == sizeof full) {                                                                       \
                memcpy(full, some, sizeof full);                                                             \
                assert_memory_not_equal(some + sizeof(size_t), before + sizeof(size_t), sizeof(int));        \
            }                                                                                                \
            size_t end = prnn_fields_within(fields, said);                                                   \
            assert_memory_equal(some, before, sizeof(size_t));                                               \
            assert_memory_equal(some + sizeof(size_t), full + sizeof(size_t), end - sizeof(size_t));         \
            assert_memory_equal(some + end, before + end, sizeof some - end);                                \
        }                                                                                                    \
    } while (0)

static void test_filled(void **state) {
    (void)state;
    char path[] = "/tmp/prnn_test_structs_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0 && close(file) == 0);
    prnn_config c = tiny();
    law_model m = law_open(&c, 1);
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, path));
    check_filled(prnn_config, prnn_model_config(m.model, to), &prnn_config_fields);
    check_filled(prnn_tensor, prnn_model_tensor(m.model, 0, to), &prnn_tensor_fields);
    check_filled(prnn_certificate, assert_ok(ctx, prnn_check(ctx, path, NULL, to)), &prnn_certificate_fields);
    prnn_certificate without_size = PRNN_CERTIFICATE_INIT;
    without_size.size = 0;
    assert_int_equal(prnn_check(ctx, path, NULL, &without_size), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(ctx), "a prnn_certificate says that its size is 0"));
    unlink(path);
    law_close(&m);
}

/* A newer program asks what an older library told it. */
static void test_has(void **state) {
    (void)state;
    prnn_progress p = {.size = sizeof p};
    assert_true(PRNN_HAS(&p, phase) && PRNN_HAS(&p, exchange_bytes));
    p.size -= 1;
    assert_true(PRNN_HAS(&p, wait_share) && !PRNN_HAS(&p, exchange_bytes));
}

static bool has_size(void *user, const prnn_progress *progress) {
    assert_int_equal(progress->size, sizeof *progress);
    assert_true(progress->done <= progress->total && progress->total > 0);
    ++*(int *)user;
    return true;
}

static void test_progress_has_its_size(void **state) {
    (void)state;
    char path[] = "/tmp/prnn_test_structs_XXXXXX";
    int file = mkstemp(path), calls = 0;
    assert_true(file >= 0 && close(file) == 0);
    prnn_config c = tiny();
    law_model m = law_open(&c, 1);
    uint8_t images[16];
    prnn_certificate certificate = PRNN_CERTIFICATE_INIT;
    prnn_sample_options sample = PRNN_SAMPLE_OPTIONS_INIT;
    prnn_check_options check = PRNN_CHECK_OPTIONS_INIT;
    sample.progress = check.progress = has_size;
    sample.user = check.user = &calls;
    assert_ok(ctx, prnn_sample(ctx, m.model, 4, &sample, images));
    assert_int_equal(calls, 1);
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, path));
    assert_ok(ctx, prnn_check(ctx, path, &check, &certificate));
    assert_true(calls > 1);
    unlink(path);
    law_close(&m);
}

/* --------------------------------------------------------------------------------------- version */

static void test_version(void **state) {
    (void)state;
    int major, minor, patch;
    char behind;
    assert_int_equal(sscanf(PRNN_VERSION, "%d.%d.%d%c", &major, &minor, &patch, &behind), 3);
    assert_int_equal(PRNN_VERSION_NUMBER, major * 10000 + minor * 100 + patch);
    assert_int_equal(prnn_version_number(), PRNN_VERSION_NUMBER);
    assert_string_equal(prnn_version(), PRNN_VERSION);
    assert_string_equal(PRNN_PROJECT_VERSION, PRNN_VERSION);
}

static void test_status_names(void **state) {
    (void)state;
    static const char *const names[] = {"PRNN_OK",           "PRNN_ERROR_ARGUMENT", "PRNN_ERROR_FILE",
                                        "PRNN_ERROR_FORMAT", "PRNN_ERROR_MEMORY",   "PRNN_ERROR_DIVERGED",
                                        "PRNN_STOPPED",      "PRNN_ERROR_DEVICE",   "PRNN_ERROR_RANK"};
    for (int i = 0; i <= PRNN_ERROR_RANK; i++) {
        assert_string_equal(prnn_status_name((prnn_status)i), names[i]);
    }
    assert_string_equal(prnn_status_name((prnn_status)(PRNN_ERROR_RANK + 1)), "unknown");
    assert_string_equal(prnn_status_name((prnn_status)-1), "unknown");
}

int main(void) {
    ctx = prnn_context_create();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given),        cmocka_unit_test(test_newer_callers),
        cmocka_unit_test(test_filled),       cmocka_unit_test(test_has),
        cmocka_unit_test(test_version),      cmocka_unit_test(test_progress_has_its_size),
        cmocka_unit_test(test_status_names),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    prnn_context_free(ctx);
    return failures;
}
