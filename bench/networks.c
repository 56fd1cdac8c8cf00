/* Times training, evaluation and sampling of whole networks, and prints one line per case: images per second,
 * GFLOP/s of needed arithmetic (2 per open weight and pixel; the way back counts twice), and what 64 samples
 * cost relative to evaluating 64 images.
 *
 *   bench_networks [--cases abc] [--threads N] [--seconds X] [--images N]
 *
 * Medians over repetitions; evaluation and sampling take turns, so that a drifting machine hits both. */

#include "model/gradient.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct bench_case {
    char letter;
    const char *what;
    prnn_kind kind;
    int side, channels, hidden, layers, head, levels, batch;
} bench_case;

static const bench_case cases[] = {
    {'a', "28x28x1 diagonal h16 L7", PRNN_DIAGONAL, 28, 1, 16, 7, 32, 2, 16},
    {'b', "28x28x1 row h16 L7", PRNN_ROW, 28, 1, 16, 7, 32, 2, 16},
    {'c', "28x28x1 cnn h16 L7", PRNN_CNN, 28, 1, 16, 7, 32, 2, 16},
    {'d', "32x32x3 diagonal h32 L4", PRNN_DIAGONAL, 32, 3, 32, 4, 128, 256, 16},
    {'e', "32x32x3 row h64 L6", PRNN_ROW, 32, 3, 64, 6, 256, 256, 8},
    {'f', "32x32x3 cnn h128 L15", PRNN_CNN, 32, 3, 128, 15, 1024, 256, 4},
};

enum { MOST = 200 };

typedef struct timings {
    double seconds[MOST];
    int count;
} timings;

typedef struct bench {
    prnn_context *ctx;
    prnn_model *model;
    prnn_gradient_engine *engine;
    uint8_t *images, *drawn;
    float *gradient;
    double *nats;
    int batch;
    size_t many;
} bench;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(timings *t) {
    qsort(t->seconds, (size_t)t->count, sizeof *t->seconds, ascending);
    return t->seconds[t->count / 2];
}

static void check(const bench *b, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "bench_networks: %s\n", prnn_message(b->ctx));
        exit(1);
    }
}

static void train(bench *b) {
    prnn_gradient_engine_run(b->ctx, b->engine, b->model->parameters, b->images, b->batch, b->gradient);
}

static void evaluate(bench *b) {
    check(b, prnn_evaluate(b->ctx, b->model, b->images, b->many, b->nats, NULL));
}

static void sample(bench *b) {
    check(b, prnn_sample(b->ctx, b->model, b->many, NULL, b->drawn));
}

static void time_once(bench *b, void (*what)(bench *), timings *t) {
    double began = now();
    what(b);
    t->seconds[t->count++] = now() - began;
}

/* FLOP of one image forward: every open weight of a convolution once per pixel. */
static double needed_flop(const prnn_model *model, const prnn_config *c) {
    size_t open = 0;
    for (size_t i = 0; i < prnn_model_tensor_count(model); i++) {
        prnn_tensor tensor;
        prnn_model_tensor(model, i, &tensor);
        for (size_t k = 0; k < tensor.count && tensor.rank == 4; k++) {
            open += prnn_model_parameter_is_open(model, tensor.offset + k);
        }
    }
    return 2.0 * (double)open * c->height * c->width;
}

static void run_case(const bench_case *k, int threads, double seconds, size_t many) {
    bench b = {.ctx = prnn_context_create(), .batch = k->batch, .many = many};
    prnn_config c = PRNN_CONFIG_INIT;
    c.kind = k->kind;
    c.height = c.width = k->side;
    c.channels = k->channels;
    c.hidden = k->hidden;
    c.layers = k->layers;
    c.head = k->head;
    c.levels = k->levels;
    check(&b, prnn_context_set_threads(b.ctx, threads));
    check(&b, prnn_model_create(b.ctx, &c, 1, &b.model));
    check(&b, prnn_gradient_engine_create(b.ctx, &c, k->batch, &b.engine));
    size_t values = (size_t)k->side * (size_t)k->side * (size_t)k->channels;
    size_t images = many > (size_t)k->batch ? many : (size_t)k->batch;
    b.images = malloc(images * values);
    b.drawn = malloc(images * values);
    b.nats = malloc(images * sizeof *b.nats);
    b.gradient = malloc(prnn_model_parameter_count(b.model, false) * sizeof *b.gradient);
    srand(1);
    for (size_t i = 0; i < images * values; i++) {
        b.images[i] = (uint8_t)(rand() % k->levels);
    }
    double flop = needed_flop(b.model, &c);

    timings training = {.count = 0}, evaluation = {.count = 0}, sampling = {.count = 0};
    train(&b);
    double end = now() + seconds / 2;
    do {
        time_once(&b, train, &training);
    } while (now() < end && training.count < MOST);
    end = now() + seconds / 2;
    do {
        time_once(&b, evaluate, &evaluation);
        time_once(&b, sample, &sampling);
    } while (now() < end && sampling.count < MOST);

    double t = median(&training) / k->batch, e = median(&evaluation) / (double)many;
    double s = median(&sampling) / (double)many;
    printf(
        "%c  %-24s  train %7.1f img/s %6.1f GFLOP/s   eval %7.1f img/s %6.1f GFLOP/s   sample %7.1f img/s   "
        "sampling %zu costs %.2f times evaluating %zu\n",
        k->letter, k->what, 1 / t, 3 * flop / t * 1e-9, 1 / e, flop / e * 1e-9, 1 / s, many, s / e, many);
    fflush(stdout);
    free(b.images);
    free(b.drawn);
    free(b.nats);
    free(b.gradient);
    prnn_gradient_engine_free(b.engine);
    prnn_model_free(b.model);
    prnn_context_free(b.ctx);
}

int main(int argc, char **argv) {
    const char *letters = "abcdef";
    int threads = 0;
    double seconds = 10;
    size_t many = 64;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--cases") == 0) {
            letters = argv[i + 1];
        } else if (strcmp(argv[i], "--threads") == 0) {
            threads = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = atof(argv[i + 1]);
        } else if (strcmp(argv[i], "--images") == 0) {
            many = (size_t)atoll(argv[i + 1]);
        } else {
            argc = 0;
        }
    }
    if (argc % 2 == 0 || many < 1 || seconds <= 0) {
        fprintf(stderr, "bench_networks [--cases abcdef] [--threads N] [--seconds X] [--images N]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strchr(letters, cases[i].letter)) {
            run_case(&cases[i], threads, seconds, many);
        }
    }
    return 0;
}
