/* Ranks (ranks.h) that are threads of this process: whatever their number, every collective call gives on
 * each of them the bits that it gives alone, and what fails on one fails on all. Run under the thread
 * sanitizer too. */
#include "laws.h"

#include <pixelrnn/io.h>
#include <unistd.h>

#include "model/gradient.h"
#include "model/lanes.h"
#include "ranks.h"
#include "ranks/ranks.h"

/* -------------------------------------------------------------------------------------- the tree */

/* A hash of a sum, which depends on the order of its terms. */
static uint64_t added(uint64_t a, uint64_t b) {
    uint64_t state = a * 3 + (b ^ 0x5555);
    return random_bits(&state);
}

/* By the definition: the first half, and then the second, if that has a lane. */
static uint64_t tree(int begin, int size, int lanes) {
    if (size == 1) {
        return (uint64_t)begin + 1;
    }
    uint64_t first = tree(begin, size / 2, lanes);
    return begin + size / 2 < lanes ? added(first, tree(begin + size / 2, size / 2, lanes)) : first;
}

static void test_lanes(void **state) {
    (void)state;
    for (int lanes = 1; lanes <= PRNN_MOST_LANES; lanes++) {
        for (int ranks = 1; ranks <= 70; ranks++) {
            uint64_t sums[PRNN_MOST_LANES];
            prnn_lane_sum steps[PRNN_MOST_LANES];
            int all = 0, next = 0;
            for (int rank = 0; rank < ranks; rank++) {
                prnn_lane_node nodes[PRNN_MOST_NODES];
                int n = prnn_lanes_nodes(lanes, rank, ranks, nodes);
                assert_true(n >= 0 && n <= PRNN_MOST_NODES);
                assert_int_equal(next, prnn_lanes_first(lanes, rank, ranks));
                for (int i = 0; i < n; i++) {
                    assert_int_equal(nodes[i].begin, next);
                    assert_int_equal(nodes[i].begin % nodes[i].size, 0);
                    assert_true(all < PRNN_MOST_LANES);
                    sums[all++] = tree(nodes[i].begin, nodes[i].size, lanes);
                    next = nodes[i].begin + nodes[i].size;
                }
                int end = prnn_lanes_first(lanes, rank + 1, ranks);
                next = next < end ? -1 : next < lanes || rank == ranks - 1 ? next : end;
            }
            int n = prnn_lanes_sums(lanes, ranks, steps);
            assert_int_equal(n, all - 1);
            for (int i = 0; i < n; i++) {
                sums[steps[i].to] = added(sums[steps[i].to], sums[steps[i].from]);
            }
            if (sums[0] != tree(0, PRNN_MOST_LANES, lanes)) {
                fail_msg("%d lanes on %d ranks are another sum", lanes, ranks);
            }
        }
    }
}

/* -------------------------------------------------------------------------------------- the calls */

enum { MOST = 70, SEED = 5 };

/* What a rank is asked to do, and what it got: one block, to compare and to poison. */
typedef struct work {
    law_model *small, *large;
    const uint8_t *images;
    size_t count;
    prnn_status status;
    char message[512];
    double numbers[2 * MOST], scales[4 * MOST];
    float values[MOST * 16];
    uint8_t drawn[MOST * 16];
    float *gradient;
} work;

typedef prnn_status (*call)(prnn_context *ctx, work *w);

static prnn_status evaluate(prnn_context *ctx, work *w) {
    return prnn_evaluate(ctx, w->small->model, w->images, w->count, NULL, w->numbers, w->values);
}

static prnn_status evaluate_given(prnn_context *ctx, work *w) {
    prnn_evaluate_options o = PRNN_EVALUATE_OPTIONS_INIT;
    o.small = w->images;
    return prnn_evaluate(ctx, w->large->model, w->images, w->count, &o, w->numbers, NULL);
}

static prnn_status evaluate_chain(prnn_context *ctx, work *w) {
    const prnn_model *models[] = {w->small->model, w->large->model};
    prnn_chain *chain = NULL;
    prnn_status status = prnn_chain_create(ctx, models, 2, &chain);
    if (status == PRNN_OK) {
        status = prnn_chain_evaluate(ctx, chain, w->images, w->count, NULL, w->numbers, w->scales, w->values);
    }
    prnn_chain_free(chain);
    return status;
}

/* The small model, and a new one, whose levels are all alike. */
static prnn_status evaluate_ensemble(prnn_context *ctx, work *w) {
    prnn_model *other = NULL;
    prnn_ensemble *ensemble = NULL;
    prnn_status status = prnn_model_create(ctx, &w->small->config, SEED, &other);
    const prnn_model *models[] = {w->small->model, other};
    if (status == PRNN_OK) {
        status = prnn_ensemble_create(ctx, models, 2, &ensemble);
    }
    if (status == PRNN_OK) {
        status = prnn_ensemble_evaluate(ctx, ensemble, w->images, w->count, NULL, w->numbers, w->scales,
                                        w->values);
    }
    prnn_ensemble_free(ensemble);
    prnn_model_free(other);
    return status;
}

static prnn_status gradient(prnn_context *ctx, work *w) {
    return prnn_gradient(ctx, w->small->model, w->images, w->count, w->numbers, w->gradient);
}

static prnn_status sample(prnn_context *ctx, work *w) {
    prnn_sample_options o = PRNN_SAMPLE_OPTIONS_INIT;
    o.seed = 3;
    o.first = 7;
    return prnn_sample(ctx, w->small->model, w->count, &o, w->drawn);
}

static prnn_status sample_chain(prnn_context *ctx, work *w) {
    const prnn_model *models[] = {w->small->model, w->large->model};
    prnn_chain *chain = NULL;
    prnn_status status = prnn_chain_create(ctx, models, 2, &chain);
    if (status == PRNN_OK) {
        status = prnn_chain_sample(ctx, chain, w->count, NULL, w->drawn);
    }
    prnn_chain_free(chain);
    return status;
}

static prnn_status upscale(prnn_context *ctx, work *w) {
    return prnn_upscale(ctx, w->large->model, w->images, w->count, 1, NULL, w->drawn);
}

static prnn_status complete(prnn_context *ctx, work *w) {
    const uint8_t known[4] = {1, 0, 1, 0};
    size_t samples = w->count % 2 ? 1 : 2;
    return prnn_complete(ctx, w->small->model, w->images, w->count / samples, known, samples, NULL, w->drawn);
}

static prnn_status compress(prnn_context *ctx, work *w) {
    size_t bytes[MOST];
    prnn_status status =
        prnn_compressed_bytes(ctx, PRNN_LOSSLESS_PNG, w->images, w->count, 4, 4, 1, 256, bytes);
    for (size_t i = 0; i < w->count && status == PRNN_OK; i++) {
        w->numbers[i] = (double)bytes[i];
    }
    return status;
}

typedef struct job {
    call f;
    work *of; /* [ranks] */
} job;

static void do_call(prnn_context *ctx, int rank, void *user) {
    const job *j = user;
    work *w = &j->of[rank];
    w->status = j->f(ctx, w);
    snprintf(w->message, sizeof w->message, "%s", w->status == PRNN_OK ? "" : prnn_message(ctx));
}

static void forget(work *w, size_t parameters) {
    memset(w->numbers, 0xff, sizeof w->numbers);
    memset(w->scales, 0xff, sizeof w->scales);
    memset(w->values, 0xff, sizeof w->values);
    memset(w->drawn, 0xff, sizeof w->drawn);
    memset(w->gradient, 0xff, parameters * sizeof *w->gradient);
}

static void assert_same(const work *a, const work *b, int ranks, int rank) {
    if (b->status != a->status) {
        fail_msg("rank %d of %d: %s", rank, ranks, b->message);
    }
    bool same = memcmp(a->numbers, b->numbers, sizeof a->numbers) == 0 &&
                memcmp(a->scales, b->scales, sizeof a->scales) == 0 &&
                memcmp(a->values, b->values, sizeof a->values) == 0 &&
                memcmp(a->drawn, b->drawn, sizeof a->drawn) == 0 &&
                memcmp(a->gradient, b->gradient, a->small->parameters * sizeof *a->gradient) == 0;
    if (!same) {
        fail_msg("%zu images: rank %d of %d has other bits than one alone", a->count, rank, ranks);
    }
}

static void run_call(call f, prnn_kind kind, int levels) {
    prnn_config small_config =
        law_config(kind, &(law_shape){"", 2, 2, 1, levels, 1, 3, 4, true, false, 0, 0, 0});
    prnn_config large_config =
        law_config(kind, &(law_shape){"", 4, 4, 1, levels, 1, 3, 4, true, false, 2, 3, 0});
    law_model small = law_open(&small_config, SEED), large = law_open(&large_config, SEED);
    static uint8_t images[MOST * 16];
    static work alone, all[TEAM_MOST];
    random_images(SEED, levels, sizeof images, images);
    alone = (work){.small = &small, .large = &large, .images = images};
    alone.gradient = malloc(small.parameters * sizeof(float));
    float *gradients = malloc(TEAM_MOST * small.parameters * sizeof(float));
    assert_true(alone.gradient && gradients);
    for (int ranks = 2; ranks <= 17; ranks += 1 + ranks / 3) {
        for (size_t count = 1; count <= MOST; count += 1 + (size_t)ranks / 2 + count) {
            job alone_job = {f, &alone}, j = {f, all};
            alone.count = count;
            forget(&alone, small.parameters);
            for (int r = 0; r < ranks; r++) {
                all[r] = alone;
                all[r].gradient = gradients + (size_t)r * small.parameters;
                forget(&all[r], small.parameters);
            }
            do_call(small.ctx, 0, &alone_job);
            assert_ok(small.ctx, alone.status);
            team_run(ranks, 1 + ranks % 2, do_call, &j);
            for (int r = 0; r < ranks; r++) {
                assert_same(&alone, &all[r], ranks, r);
            }
        }
    }
    free(alone.gradient);
    free(gradients);
    law_close(&small);
    law_close(&large);
}

static void run_kinds(call f) {
    run_call(f, PRNN_ROW, 2);
    run_call(f, PRNN_DIAGONAL, 3);
    run_call(f, PRNN_CNN, 2);
}

#define TEST(f)                                                                                              \
    static void test_##f(void **state) {                                                                     \
        (void)state;                                                                                         \
        run_kinds(f);                                                                                        \
    }
TEST(evaluate)
TEST(evaluate_given)
TEST(evaluate_chain)
TEST(evaluate_ensemble)
TEST(gradient)
TEST(sample)
TEST(sample_chain)
TEST(upscale)
TEST(complete)
TEST(compress)

/* ----------------------------------------------------------------------------------- certificates */

typedef struct certified {
    const char *path;
    prnn_certificate of[TEAM_MOST];
    prnn_status status[TEAM_MOST];
} certified;

static void certify(prnn_context *ctx, int rank, void *user) {
    certified *c = user;
    prnn_check_options o = PRNN_CHECK_OPTIONS_INIT;
    o.positions = 0;
    c->of[rank] = (prnn_certificate)PRNN_CERTIFICATE_INIT;
    c->status[rank] = prnn_check(ctx, c->path, &o, &c->of[rank]);
}

static void test_certificates(void **state) {
    (void)state;
    char path[] = "/tmp/prnn_test_ranks_XXXXXX";
    prnn_config c = law_config(PRNN_ROW, &(law_shape){"", 4, 5, 1, 3, 2, 3, 4, true, true, 0, 0, 0});
    law_model m = law_open(&c, SEED);
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_ok(m.ctx, prnn_model_save(m.ctx, m.model, path));
    static certified alone, all;
    alone.path = all.path = path;
    certify(m.ctx, 0, &alone);
    assert_ok(m.ctx, alone.status[0]);
    assert_true(alone.of[0].passed);
    for (int ranks = 2; ranks < 8; ranks += 2) {
        team_run(ranks, 2, certify, &all);
        for (int r = 0; r < ranks; r++) {
            assert_int_equal(all.status[r], PRNN_OK);
            assert_memory_equal(&all.of[r].kernels, &alone.of[0].kernels, sizeof(prnn_causality));
            assert_memory_equal(&all.of[r].plain, &alone.of[0].plain, sizeof(prnn_causality));
            assert_true(all.of[r].passed && all.of[r].difference == alone.of[0].difference);
            assert_true(all.of[r].sums == alone.of[0].sums && all.of[r].worst_sum == alone.of[0].worst_sum);
        }
    }
    unlink(path);
    law_close(&m);
}

/* ------------------------------------------------------------------------------------- agreement */

enum { RANKS = 5 };

typedef struct agreed {
    prnn_status gives[RANKS], got[RANKS], again[RANKS];
    const char *sentence[RANKS];
    char message[RANKS][512];
} agreed;

static void agree(prnn_context *ctx, int rank, void *user) {
    agreed *a = user;
    a->got[rank] = prnn_ranks_agree(ctx, a->gives[rank], a->sentence[rank]);
    snprintf(a->message[rank], sizeof a->message[rank], "%s", prnn_message(ctx));
    /* What all know is not told again, and nobody waits for it. */
    a->again[rank] = a->got[rank] == PRNN_OK ? PRNN_OK : prnn_ranks_agree(ctx, a->got[rank], NULL);
}

static void assert_agreed(const agreed *a, prnn_status status, const char *says) {
    for (int r = 0; r < RANKS; r++) {
        assert_int_equal(a->got[r], status);
        assert_int_equal(a->again[r], status);
        assert_string_equal(a->message[r], a->message[0]);
        if (!strstr(a->message[r], says)) {
            fail_msg("should say \"%s\", says \"%s\"", says, a->message[r]);
        }
    }
}

static void test_agreement(void **state) {
    (void)state;
    char host[64] = "", says[128];
    agreed a = {.gives = {PRNN_OK}};
    team_run(RANKS, 1, agree, &a);
    assert_agreed(&a, PRNN_OK, "");
    a = (agreed){.gives = {[2] = PRNN_ERROR_FILE, [4] = PRNN_ERROR_MEMORY},
                 .sentence = {[2] = "no such file", [4] = "no memory"}};
    team_run(RANKS, 1, agree, &a);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    snprintf(says, sizeof says, "rank 2 on %s: no such file", host);
    assert_agreed(&a, PRNN_ERROR_FILE, says);
    for (int r = 0; r < RANKS; r++) {
        a.gives[r] = PRNN_ERROR_ARGUMENT;
        a.sentence[r] = "nobody can do this";
    }
    team_run(RANKS, 1, agree, &a);
    assert_agreed(&a, PRNN_ERROR_ARGUMENT, "nobody can do this");
    assert_null(strstr(a.message[0], "rank"));
}

/* --------------------------------------------------------------------------------------- failures */

typedef struct failing {
    law_model *of;
    const uint8_t *images;
    int rank; /* that is asked for something else */
    int what;
    prnn_status status[RANKS];
    char message[RANKS][512];
} failing;

static void fail_somewhere(prnn_context *ctx, int rank, void *user) {
    failing *f = user;
    bool here = rank == f->rank;
    uint8_t own[20 * 4], drawn[21 * 4];
    double nats[21];
    size_t bytes[20];
    prnn_sample_options o = PRNN_SAMPLE_OPTIONS_INIT;
    memcpy(own, f->images, sizeof own);
    switch (f->what) {
    case 0: /* a value that is no level, in the share of this rank */
        memset(own, here ? 9 : 0, sizeof own);
        f->status[rank] = prnn_evaluate(ctx, f->of->model, own, 20, NULL, nats, NULL);
        break;
    case 1: /* another seed */
        o.seed = here;
        f->status[rank] = prnn_sample(ctx, f->of->model, 20, &o, drawn);
        break;
    case 2: /* another number of images */
        f->status[rank] = prnn_sample(ctx, f->of->model, here ? 21 : 20, &o, drawn);
        break;
    case 3: /* another call */
        f->status[rank] = here ? prnn_sample(ctx, f->of->model, 20, &o, drawn)
                               : prnn_evaluate(ctx, f->of->model, own, 20, NULL, nats, NULL);
        break;
    case 4: /* a value that is no level, again */
        memset(own, here ? 9 : 0, sizeof own);
        f->status[rank] = prnn_compressed_bytes(ctx, PRNN_LOSSLESS_PNG, own, 20, 2, 2, 1, 2, bytes);
        break;
    default: /* a failure outside, told at the end */
        f->status[rank] = here ? prnn_ranks_agree(ctx, PRNN_ERROR_FILE, "photos: is not there")
                               : prnn_sample(ctx, f->of->model, 20, &o, drawn);
    }
    snprintf(f->message[rank], sizeof f->message[rank], "%s", prnn_message(ctx));
}

static void test_failures(void **state) {
    (void)state;
    static const char *const says[] = {
        "has the value 9",          "was asked for other work",   "was asked for other work",
        "was asked for other work", "image 12 holds the value 9", "photos: is not there"};
    prnn_config c = law_config(PRNN_ROW, &(law_shape){"", 2, 2, 1, 2, 1, 3, 4, true, false, 0, 0, 0});
    law_model m = law_open(&c, SEED);
    uint8_t images[20 * 4] = {0};
    for (int what = 0; what < 6; what++) {
        failing f = {.of = &m, .images = images, .rank = 3, .what = what};
        team_run(RANKS, 1, fail_somewhere, &f);
        for (int r = 0; r < RANKS; r++) {
            assert_true(f.status[r] != PRNN_OK);
            assert_int_equal(f.status[r], f.status[0]);
            if (!strstr(f.message[r], says[what]) || !strstr(f.message[r], "rank 3 on ")) {
                fail_msg("%d, rank %d: should say \"%s\", says \"%s\"", what, r, says[what], f.message[r]);
            }
        }
    }
    law_close(&m);
}

/* In each call of the table in turn. */
static void test_loss(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_ROW, &(law_shape){"", 2, 2, 1, 2, 1, 3, 4, true, false, 0, 0, 0});
    law_model m = law_open(&c, SEED);
    uint8_t images[20 * 4] = {0};
    for (long at = 3; at < 6; at++) {
        failing f = {.of = &m, .images = images, .rank = -1, .what = 1};
        team_run_and_lose(RANKS, 1, fail_somewhere, &f, 2, at);
        for (int r = 0; r < RANKS; r++) {
            assert_int_equal(f.status[r], at < 5 ? PRNN_ERROR_RANK : PRNN_OK);
            if (at < 5) {
                assert_string_equal(f.message[r], "rank 2 is lost");
            }
        }
    }
    law_close(&m);
}

typedef struct compared {
    law_model *a, *b;
    prnn_data *x, *y;
    int rank;
    prnn_status models[RANKS], sets[RANKS];
    char message[RANKS][512];
} compared;

static void compare(prnn_context *ctx, int rank, void *user) {
    compared *c = user;
    bool here = rank == c->rank;
    c->models[rank] = prnn_ranks_compare_model(ctx, (here ? c->b : c->a)->model, "m.safetensors");
    snprintf(c->message[rank], sizeof c->message[rank], "%s", prnn_message(ctx));
    c->sets[rank] = prnn_ranks_compare_data(ctx, here ? c->y : c->x, "photos");
}

static void test_comparisons(void **state) {
    (void)state;
    prnn_config c = law_config(PRNN_ROW, &(law_shape){"", 2, 2, 1, 2, 1, 3, 4, true, false, 0, 0, 0});
    law_model a = law_open(&c, SEED), b = law_open(&c, SEED + 1);
    prnn_data *x, *y;
    uint8_t images[8] = {0, 200, 0, 200, 200, 200, 0, 0};
    prnn_data_options two = PRNN_DATA_OPTIONS_INIT;
    two.levels = 2;
    assert_ok(a.ctx, prnn_data_from_memory(a.ctx, images, 2, 2, 2, 1, &two, &x));
    images[0] = 200;
    assert_ok(a.ctx, prnn_data_from_memory(a.ctx, images, 2, 2, 2, 1, &two, &y));
    for (int rank = -1; rank < RANKS; rank++) {
        compared all = {.a = &a, .b = &b, .x = x, .y = y, .rank = rank};
        team_run(RANKS, 1, compare, &all);
        for (int r = 0; r < RANKS; r++) {
            assert_int_equal(all.models[r], rank < 0 ? PRNN_OK : PRNN_ERROR_ARGUMENT);
            assert_int_equal(all.sets[r], rank < 0 ? PRNN_OK : PRNN_ERROR_ARGUMENT);
            assert_true(rank < 0 || strstr(all.message[r], "another model m.safetensors"));
        }
    }
    prnn_data_free(x);
    prnn_data_free(y);
    law_close(&a);
    law_close(&b);
}

/* ----------------------------------------------------------------------------------------- memory */

typedef struct measured {
    const prnn_config *config;
    int batch;
    size_t predicted[RANKS], asked[RANKS];
} measured;

static void measure(prnn_context *ctx, int rank, void *user) {
    measured *m = user;
    int wanted;
    prnn_network *network = NULL;
    prnn_gradient_engine *engine = NULL;
    if (prnn_network_create(ctx, m->config, true, PRNN_MAX_PARAMETERS, &network) == PRNN_OK) {
        prnn_need need =
            prnn_gradient_engine_need(ctx, network, (prnn_batch_kind){.images = m->batch}, &wanted);
        size_t before = ctx->asked;
        prnn_gradient_engine_create(ctx, m->config, (prnn_batch_kind){.images = m->batch}, 0, &engine);
        m->predicted[rank] = prnn_need_total(&need, wanted);
        m->asked[rank] = ctx->asked - before - prnn_block_bytes(1, sizeof *network);
    }
    prnn_gradient_engine_free(ctx, engine);
    prnn_network_free(network);
}

/* What a rank needs is known to the byte before any of it is asked for. */
static void test_memory(void **state) {
    (void)state;
    static const int batches[] = {1, 7, 64, 100};
    for (int i = 0; i < LAWS; i++) {
        prnn_config c = law_config((prnn_kind)(i / LAW_SHAPES), &law_shapes[i % LAW_SHAPES]);
        measured m = {.config = &c, .batch = batches[i % 4]};
        team_run(RANKS, 2, measure, &m);
        for (int r = 0; r < RANKS; r++) {
            assert_true(m.predicted[r] > 0);
            assert_int_equal(m.predicted[r], m.asked[r]);
        }
    }
}

/* A table that cannot be. */
static void test_table(void **state) {
    (void)state;
    prnn_context *ctx = prnn_context_create();
    prnn_ranks ranks = PRNN_RANKS_INIT;
    assert_int_equal(prnn_context_rank(ctx), 0);
    assert_int_equal(prnn_context_rank_count(ctx), 1);
    assert_ok(ctx, prnn_context_set_ranks(ctx, &ranks));
    assert_ok(ctx, prnn_ranks_agree(ctx, PRNN_OK, NULL));
    assert_int_equal(prnn_ranks_agree(ctx, PRNN_ERROR_FILE, "gone"), PRNN_ERROR_FILE);
    assert_string_equal(prnn_message(ctx), "gone");
    ranks.count = 2;
    assert_int_equal(prnn_context_set_ranks(ctx, &ranks), PRNN_ERROR_ARGUMENT);
    assert_non_null(strstr(prnn_message(ctx), "exchange, gather and broadcast"));
    ranks.rank = 2;
    assert_int_equal(prnn_context_set_ranks(ctx, &ranks), PRNN_ERROR_ARGUMENT);
    assert_string_equal(prnn_message(ctx), "rank 2 of 2: there are 1 to 65536, counted from 0");
    prnn_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_evaluate_given),
        cmocka_unit_test(test_evaluate_chain),
        cmocka_unit_test(test_evaluate_ensemble),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_sample_chain),
        cmocka_unit_test(test_upscale),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_compress),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
