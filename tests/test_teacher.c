/* Soft targets: what a teacher says is what its models expect, in the mean; which teachers are refused; and
 * what it is worth to a model that only has to become like it. */
#include "laws.h"

#include "image/palette.h"
#include "train/teacher.h"

#include <unistd.h>

enum { IMAGES = 6, FIRST = 2 };

static char folder[] = "/tmp/prnn_test_teacher_XXXXXX";

/* A student of a law's configuration, teachers of it, and images. */
typedef struct school {
    law_model student, teachers[2];
    prnn_ensemble *ensemble;
    uint8_t *images;
} school;

/* The second teacher may be of another output. */
static school open_school(const prnn_config *c, int components) {
    school s = {.student = law_open(c, 3)};
    const prnn_model *models[2];
    for (int i = 0; i < 2; i++) {
        prnn_config other = *c;
        other.kind = (prnn_kind)((c->kind + i + 1) % LAW_KINDS);
        other.hidden += i;
        if (i && components) {
            other.output = PRNN_LOGISTICS;
            other.components = components;
        }
        s.teachers[i] = law_open(&other, 20 + (uint64_t)i);
        models[i] = s.teachers[i].model;
    }
    s.images = malloc(IMAGES * s.student.bytes);
    random_images(9, c->levels, IMAGES * s.student.bytes, s.images);
    assert_ok(s.student.ctx, prnn_ensemble_create(s.student.ctx, models, 2, &s.ensemble));
    return s;
}

static void close_school(school *s) {
    prnn_ensemble_free(s->ensemble);
    free(s->images);
    for (int i = 0; i < 2; i++) {
        law_close(&s->teachers[i]);
    }
    law_close(&s->student);
}

/* ------------------------------------------------------------------------------------- targets */

/* What the teachers expect of the values of all images, (IMAGES, H, W, C, K), by the book; to be freed. */
static double *expectations(const school *s) {
    size_t values = IMAGES * s->student.bytes, levels = (size_t)s->student.config.levels;
    double *mean = calloc(values * levels, sizeof *mean), p[256];
    for (int i = 0; i < 2; i++) {
        const law_model *t = &s->teachers[i];
        float *logits = law_logits(t, s->images, IMAGES);
        for (size_t v = 0; v < values; v++) {
            law_probabilities_of(&t->config, logits + v * t->logits, p);
            for (size_t k = 0; k < levels; k++) {
                mean[v * levels + k] += p[k] / 2;
            }
        }
        free(logits);
    }
    return mean;
}

/* Of a part of a batch, by more threads than there were when the teacher was made ready. */
static void check_targets(const school *s, double weight, prnn_share part) {
    const prnn_train_options o = {.teacher = s->ensemble, .teacher_weight = weight};
    const law_model *m = &s->student;
    const float untouched = 1234;
    double *mean = expectations(s);
    size_t levels = (size_t)m->config.levels;
    prnn_teacher teacher = {0};
    assert_ok(m->ctx, prnn_context_set_threads(m->ctx, 2));
    assert_ok(m->ctx, prnn_teacher_open(m->ctx, &o, m->model->network, IMAGES, &teacher));
    assert_ok(m->ctx, prnn_context_set_threads(m->ctx, 5));
    for (size_t i = 0; i < IMAGES * m->bytes * m->logits; i++) {
        teacher.soft[i] = untouched;
    }
    assert_ok(m->ctx, prnn_teacher_ask(m->ctx, &teacher, s->images, part));
    for (size_t i = 0; i < IMAGES * m->bytes * m->logits; i++) {
        size_t v = i / m->logits, k = m->logits == 1 ? 1 : i % m->logits, image = v / m->bytes;
        bool asked = image >= part.first && image < part.first + part.count;
        double is = (double)teacher.soft[i],
               should_be = asked ? weight * (mean[v * levels + k] - (s->images[v] == k)) : (double)untouched;
        if (!(fabs(is - should_be) < 2e-6)) {
            fail_msg("value %zu, level %zu: %g, should be %g", v, k, is, should_be);
        }
    }
    prnn_teacher_close(&teacher);
    free(mean);
}

static void targets_are_what_teachers_expect(void **state) {
    prnn_config c = law_of_state(state);
    if (c.output == PRNN_LOGISTICS) {
        skip();
    }
    for (int components = 0; components < (c.levels > 2 ? 4 : 1); components += 3) {
        school s = open_school(&c, components);
        check_targets(&s, 0.7, (prnn_share){0, IMAGES});
        check_targets(&s, 1, (prnn_share){FIRST, IMAGES - FIRST - 1});
        check_targets(&s, 1, (prnn_share){FIRST, 0});
        close_school(&s);
    }
}

/* ------------------------------------------------------------------------------------ training */

static int clear_folder(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* The weights after some updates, to be freed. */
static float *train(const school *s, const prnn_ensemble *teacher, double weight) {
    const law_model *m = &s->student;
    const prnn_config *c = &m->config;
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    prnn_data_options levels = PRNN_DATA_OPTIONS_INIT;
    prnn_data *data = NULL;
    prnn_model *model = NULL;
    levels.levels = c->levels;
    levels.values = PRNN_VALUES_LEVELS;
    o.steps = 60;
    o.batch = 4;
    o.optimizer = PRNN_ADAM;
    o.learning_rate = 0.01;
    o.out = folder;
    o.teacher = teacher;
    o.teacher_weight = weight;
    clear_folder();
    assert_ok(m->ctx, prnn_model_create(m->ctx, c, 1, &model));
    assert_ok(m->ctx, prnn_data_from_memory(m->ctx, s->images, IMAGES, c->height, c->width, c->channels,
                                            &levels, &data));
    assert_ok(m->ctx, prnn_train(m->ctx, model, data, NULL, &o));
    float *weights = malloc(m->parameters * sizeof *weights);
    memcpy(weights, model->weights->parameters, m->parameters * sizeof *weights);
    prnn_data_free(data);
    prnn_model_free(model);
    return weights;
}

/* How far the student, with these weights, is from what the teachers expect: the mean of KL(teachers ||
 * student). */
static double distance(const school *s, const float *weights) {
    const law_model *m = &s->student;
    size_t values = IMAGES * m->bytes, levels = (size_t)m->config.levels;
    double *mean = expectations(s), sum = 0, p[256];
    assert_ok(m->ctx, prnn_model_set_parameters(m->ctx, m->model, weights));
    float *logits = law_logits(m, s->images, IMAGES);
    for (size_t v = 0; v < values; v++) {
        law_probabilities_of(&m->config, logits + v * m->logits, p);
        for (size_t k = 0; k < levels; k++) {
            sum += mean[v * levels + k] * log(mean[v * levels + k] / p[k]);
        }
    }
    free(logits);
    free(mean);
    return sum / (double)values;
}

/* A weight of 0 leaves every bit as it was; with 1 the student becomes like its teachers, and learns nothing
 * of the images by heart. */
static void students_become_like_their_teachers(void **state) {
    prnn_config c = law_of_state(state);
    if (c.output == PRNN_LOGISTICS || c.condition_size) {
        skip();
    }
    school s = open_school(&c, 0);
    float *alone = train(&s, NULL, 0.5), *same = train(&s, s.ensemble, 0), *taught = train(&s, s.ensemble, 1);
    assert_memory_equal(alone, same, s.student.parameters * sizeof *alone);
    double far = distance(&s, alone), near = distance(&s, taught);
    if (!(near < 0.8 * far)) {
        fail_msg("without a teacher %g, with it %g", far, near);
    }
    free(alone);
    free(same);
    free(taught);
    close_school(&s);
}

/* ------------------------------------------------------------------------------------ refusals */

static void expect(prnn_status status, const school *s, const prnn_ensemble *teacher, double weight,
                   const char *says) {
    const law_model *m = &s->student;
    const prnn_config *c = &m->config;
    prnn_train_options o = PRNN_TRAIN_OPTIONS_INIT;
    prnn_data_options levels = PRNN_DATA_OPTIONS_INIT;
    prnn_data *data = NULL;
    levels.levels = c->levels;
    levels.values = PRNN_VALUES_LEVELS;
    o.out = folder;
    o.teacher = teacher;
    o.teacher_weight = weight;
    assert_ok(m->ctx, prnn_data_from_memory(m->ctx, s->images, IMAGES, c->height, c->width, c->channels,
                                            &levels, &data));
    clear_folder();
    assert_int_equal(prnn_train(m->ctx, m->model, data, NULL, &o), status);
    if (!strstr(prnn_message(m->ctx), says)) {
        fail_msg("should say \"%s\", says \"%s\"", says, prnn_message(m->ctx));
    }
    prnn_data_free(data);
}

static void expect_refusal(const school *s, const prnn_ensemble *teacher, double weight, const char *says) {
    expect(PRNN_ERROR_ARGUMENT, s, teacher, weight, says);
    assert_int_not_equal(access(folder, F_OK), 0);
}

static const law_shape *shape_of(int levels, int condition_size, int components) {
    static law_shape shape;
    shape =
        (law_shape){"", 4, 4, 1, levels, 1, 4, 5, true, false, condition_size, condition_size, components};
    return &shape;
}

static void other_teachers_are_refused(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_ROW, shape_of(4, 0, 0)), other;
    school s = open_school(&c, 0), of_others;
    prnn_ensemble *self = NULL;
    const prnn_model *itself = s.student.model;
    assert_ok(s.student.ctx, prnn_ensemble_create(s.student.ctx, &itself, 1, &self));
    expect_refusal(&s, self, 0.5, "the teacher is the model that is trained");
    expect_refusal(&s, s.ensemble, 1.5, "the teacher's weight is 1.5; it must be 0 to 1");
    expect_refusal(&s, s.ensemble, -0.1, "the teacher's weight is -0.1");
    expect_refusal(&s, s.ensemble, NAN, "the teacher's weight is ");
    other = law_config(PRNN_ROW, shape_of(5, 0, 0));
    of_others = open_school(&other, 0);
    expect_refusal(&s, of_others.ensemble, 0.5, "of 5 levels, and the model for 4 x 4 x 1 of 4");
    close_school(&of_others);
    other = law_config(PRNN_ROW, shape_of(4, 2, 0));
    of_others = open_school(&other, 0);
    expect_refusal(&s, of_others.ensemble, 0.5, "small images of side 2, and the model of side 0");
    close_school(&of_others);
    other = law_config(PRNN_ROW, shape_of(4, 0, 2));
    of_others = open_school(&other, 0);
    expect_refusal(&of_others, s.ensemble, 0.5, "a mixture of logistics cannot be told so");
    close_school(&of_others);
    prnn_ensemble_free(self);
    close_school(&s);
}

static void other_palettes_are_refused(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_CNN, shape_of(4, 0, 0));
    school s = open_school(&c, 0);
    const prnn_palette colours = {4, {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3}}};
    assert_ok(s.student.ctx, prnn_model_set_palette(s.student.ctx, s.teachers[0].model, &colours));
    expect_refusal(&s, s.ensemble, 0.5, "the model and the teacher do not have the same palette");
    close_school(&s);
}

/* Its weights are numbers, but what comes of them is not. */
static void a_teacher_out_of_range_is_named(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_CNN, shape_of(4, 0, 0));
    school s = open_school(&c, 0);
    law_randomize(&s.teachers[1], 5, 1e30);
    expect(PRNN_ERROR_FORMAT, &s, s.ensemble, 0.5, "model 2 of the teacher gives an image a likelihood of ");
    close_school(&s);
}

int main(int count, char **arguments) {
    law_choose(count, arguments);
    assert_non_null(mkdtemp(folder));
    const struct CMUnitTest refusals[] = {cmocka_unit_test(other_teachers_are_refused),
                                          cmocka_unit_test(other_palettes_are_refused),
                                          cmocka_unit_test(a_teacher_out_of_range_is_named)};
    int failures = _cmocka_run_group_tests("refusals", refusals, 3, NULL, NULL);
    failures += law_run("targets are what teachers expect", targets_are_what_teachers_expect);
    failures += law_run("students become like their teachers", students_become_like_their_teachers);
    return failures + clear_folder();
}
