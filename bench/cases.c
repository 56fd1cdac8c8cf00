/* Whole networks: what a user of the library waits for. */
#include "bench.h"

#include "base/clock.h"
#include "base/memory.h"
#include "model/gradient.h"
#include "model/model.h"
#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 16 }; /* images that are evaluated or sampled */

/* -------------------------------------------------------------------------------------- subject */

/* A network with random weights, and random images: a batch, and at least MANY. */
typedef struct subject {
    const network_case *is;
    prnn_context *ctx;
    prnn_config config;
    prnn_model *model;
    int count;               /* of images */
    uint8_t *images, *drawn; /* [count], [MANY] */
    double nats[MANY];
} subject;

static int batch_of(const options *o, const network_case *is) {
    return o->batch ? o->batch : is->batch;
}

static void subject_begin(subject *s, const options *o, const network_case *is) {
    *s = (subject){.is = is, .ctx = context_of(o), .config = PRNN_CONFIG_INIT, .count = batch_of(o, is)};
    s->count = s->count > MANY ? s->count : MANY;
    s->config.kind = is->kind;
    s->config.height = s->config.width = is->side;
    s->config.channels = is->channels;
    s->config.hidden = is->hidden;
    s->config.layers = is->layers;
    s->config.head = is->head;
    s->config.levels = is->levels;
    must(s->ctx, prnn_model_create(s->ctx, &s->config, 1, &s->model));
    size_t image = (size_t)is->side * (size_t)is->side * (size_t)is->channels;
    size_t values = (size_t)s->count * image;
    s->images = prnn_alloc(s->ctx, values, 1, "images");
    s->drawn = prnn_alloc(s->ctx, MANY * image, 1, "images");
    must(s->ctx, s->images && s->drawn ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t i = 0; i < values; i++) {
        s->images[i] = (uint8_t)(rand() % is->levels);
    }
}

static void subject_end(subject *s) {
    prnn_free(s->images);
    prnn_free(s->drawn);
    prnn_model_free(s->model);
    prnn_context_free(s->ctx);
}

/* FLOP of one image forward: every unmasked weight of a convolution once per pixel. */
static double needed_flop(const subject *s) {
    size_t open = 0;
    for (size_t i = 0; i < prnn_model_tensor_count(s->model); i++) {
        prnn_tensor tensor = PRNN_TENSOR_INIT;
        prnn_model_tensor(s->model, i, &tensor);
        for (size_t k = 0; k < tensor.count && tensor.rank == 4; k++) {
            open += !prnn_model_parameter_is_masked(s->model, tensor.offset + k);
        }
    }
    return 2.0 * (double)open * s->is->side * s->is->side;
}

/* `passes`: arithmetic of a call, in passes forward of all its images. */
static void send(const subject *s, double passes, network_result r, FILE *out) {
    r.flop = passes * needed_flop(s) * r.images;
    fwrite(&r, sizeof r, 1, out);
}

/* ------------------------------------------------------------------------------------- training */

/* What the trainer keeps, and what it does in a step. */
typedef struct training {
    subject subject;
    prnn_gradient_engine *engine;
    prnn_train_options options;
    prnn_update update; /* its blocks */
    prnn_batch batch;
    double *scratch, nats, length;
    uint64_t step;
} training;

static void training_begin(training *t, const options *o, const network_case *is) {
    *t = (training){.options = PRNN_TRAIN_OPTIONS_INIT};
    subject *s = &t->subject;
    subject_begin(s, o, is);
    const prnn_device *device = prnn_device_of(s->ctx);
    prnn_optimizer_defaults(&t->options);
    must(s->ctx, prnn_gradient_engine_create(s->ctx, &s->config, (prnn_batch_kind){.images = batch_of(o, is)},
                                             0, &t->engine));
    t->batch = (prnn_batch){.images = s->images, .n = batch_of(o, is)};
    size_t n = prnn_model_parameter_count(s->model, false);
    prnn_block *blocks[] = {&t->update.gradient, &t->update.weights, &t->update.moment1, &t->update.moment2};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        must(s->ctx, device->allocate(s->ctx, n, "training", blocks[i]));
    }
    device->upload(t->update.weights, s->model->weights->parameters);
    t->scratch = prnn_alloc(s->ctx, device->norm_scratch(n), sizeof *t->scratch, "training");
    must(s->ctx, t->scratch ? PRNN_OK : PRNN_ERROR_MEMORY);
}

static void training_end(training *t) {
    const prnn_device *device = prnn_device_of(t->subject.ctx);
    device->release(&t->update.gradient);
    device->release(&t->update.weights);
    device->release(&t->update.moment1);
    device->release(&t->update.moment2);
    prnn_free(t->scratch);
    prnn_gradient_engine_free(t->subject.ctx, t->engine);
    subject_end(&t->subject);
}

static void train_step(void *arg) {
    training *t = arg;
    prnn_context *ctx = t->subject.ctx;
    const prnn_device *device = prnn_device_of(ctx);
    prnn_gradient_engine_run(ctx, t->engine, t->update.weights, &t->batch, t->update.gradient, NULL,
                             &t->nats);
    t->length = device->norm(ctx, t->update.gradient, t->scratch);
    prnn_update update = prnn_optimizer_step(&t->options, t->options.learning_rate, t->step++, 1);
    t->update.optimizer = update.optimizer;
    t->update.step = update.step;
    device->update(ctx, &t->update);
}

static void time_training(const options *o, const void *is, FILE *out) {
    training t;
    training_begin(&t, o, is);
    timing time;
    time_turns(1, &(timed_call){train_step, &t}, o->seconds, &time);
    if (!isfinite(t.nats) || !isfinite(t.length)) {
        must(t.subject.ctx, prnn_fail(t.subject.ctx, PRNN_ERROR_DIVERGED, "training diverged"));
    }
    send(&t.subject, 3,
         (network_result){.what = "train", .images = t.batch.n, .crew = TOGETHER, .time = time}, out);
    training_end(&t);
}

/* ---------------------------------------------------------------------- evaluation and sampling */

static void evaluate_many(void *arg) {
    subject *s = arg;
    must(s->ctx, prnn_evaluate(s->ctx, s->model, s->images, MANY, NULL, s->nats, NULL));
}

static void sample_many(void *arg) {
    const subject *s = arg;
    must(s->ctx, prnn_sample(s->ctx, s->model, MANY, NULL, s->drawn));
}

static void sample_one(void *arg) {
    const subject *s = arg;
    must(s->ctx, prnn_sample(s->ctx, s->model, 1, NULL, s->drawn));
}

static void time_evaluation(const options *o, const void *is, FILE *out) {
    subject s;
    subject_begin(&s, o, is);
    timing time;
    time_turns(1, &(timed_call){evaluate_many, &s}, o->seconds, &time);
    send(&s, 1, (network_result){.what = "evaluate", .images = MANY, .crew = TOGETHER, .time = time}, out);
    subject_end(&s);
}

static void time_sampling(const options *o, const void *is, FILE *out) {
    subject s;
    subject_begin(&s, o, is);
    sample_many(&s);
    double megabytes = peak_megabytes(); /* without what evaluation takes */
    timing times[2];
    time_turns(2, (timed_call[]){{sample_many, &s}, {evaluate_many, &s}}, 1.5 * o->seconds, times);
    network_result r = {.what = "sample",
                        .images = MANY,
                        .crew = TOGETHER,
                        .time = times[0],
                        .relative = times[0].median / times[1].median,
                        .megabytes = megabytes};
    send(&s, 1, r, out);
    subject_end(&s);
}

static void time_sampling_one(const options *o, const void *is, FILE *out) {
    subject s;
    subject_begin(&s, o, is);
    timing time;
    time_turns(1, &(timed_call){sample_one, &s}, o->seconds / 2, &time);
    send(&s, 1, (network_result){.what = "sample", .images = 1, .crew = ALONE, .time = time}, out);
    subject_end(&s);
}

/* -------------------------------------------------------------------------------------- threads */

/* Of calls in so many seconds, after a warm-up, that with the shortest way. */
static meter_reading meter_calls(timed_call call, double seconds) {
    meter_reading best = {0};
    call.call(call.arg);
    double end = prnn_clock() + seconds;
    do {
        meter_begin();
        call.call(call.arg);
        meter_reading now = meter_end();
        if (best.tasks == 0 || now.longest + now.serial < best.longest + best.serial) {
            best = now;
        }
    } while (prnn_clock() < end);
    return best;
}

static void meter_training(const options *o, const void *is, FILE *out) {
    training t;
    training_begin(&t, o, is);
    meter_reading reading = meter_calls((timed_call){train_step, &t}, o->seconds);
    fwrite(&reading, sizeof reading, 1, out);
    training_end(&t);
}

static void meter_evaluation(const options *o, const void *is, FILE *out) {
    subject s;
    subject_begin(&s, o, is);
    meter_reading reading = meter_calls((timed_call){evaluate_many, &s}, o->seconds);
    fwrite(&reading, sizeof reading, 1, out);
    subject_end(&s);
}

static void take_reading(void *user, const void *record) {
    memcpy(user, record, sizeof(meter_reading));
}

void measure_threads(const options *o, const network_case *is) {
    static const job_fn jobs[] = {meter_training, meter_evaluation};
    for (int i = 0; i < 2; i++) {
        threads_result r = {.images = i ? MANY : batch_of(o, is)};
        snprintf(r.what, sizeof r.what, "%s", i ? "evaluate" : "train");
        for (int k = 0; k < THREAD_COUNTS; k++) {
            options with = *o;
            with.threads = 1 << k;
            run_in_child(&with, jobs[i], is, sizeof *r.reading, take_reading, &r.reading[k]);
        }
        report_threads(o, is, &r);
    }
}

/* ------------------------------------------------------------------------------------------ all */

static void take_network(void *user, const void *record) {
    memcpy(user, record, sizeof(network_result));
}

void measure_network(const options *o, const limits *l, const network_case *is) {
    static const struct {
        unsigned part;
        job_fn job;
    } jobs[] = {{PART_TRAIN, time_training},
                {PART_EVALUATION, time_evaluation},
                {PART_SAMPLING, time_sampling},
                {PART_SAMPLING, time_sampling_one}};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (o->parts & jobs[i].part) {
            network_result r = {.images = 0};
            double megabytes = run_in_child(o, jobs[i].job, is, sizeof r, take_network, &r);
            report_network(o, l, is, &r, r.megabytes > 0 ? r.megabytes : megabytes);
        }
    }
}
