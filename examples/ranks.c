/* ranks MODEL COUNT RANKS OUT.npy: many ranks draw images together. Here they are threads of one program,
 * which talk through its memory; with sockets or MPI in the place of these three callbacks they would be
 * processes on many machines. Whatever their number, the file is the same. */
#include <pixelrnn/io.h>
#include <pixelrnn/ranks.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RANKS = 64 };

/* What a rank shows the others; it stays as it is from one barrier to the next. */
static struct {
    pthread_barrier_t barrier;
    int count;
    const prnn_parcel *shown[MOST_RANKS];
} all;

typedef struct rank {
    int number;
    const char *model;
    size_t images;
    const char *out;
    bool failed;
} rank;

static void show(const rank *own, const prnn_parcel *parcels) {
    all.shown[own->number] = parcels;
    pthread_barrier_wait(&all.barrier);
}

static void take(const prnn_parcel *to, const prnn_parcel *from) {
    if (from->bytes) {
        memcpy(to->data, from->data, from->bytes);
    }
}

static bool exchange(void *user, const prnn_parcel *send, const prnn_parcel *receive) {
    const rank *own = user;
    show(own, send);
    for (int r = 0; r < all.count; r++) {
        take(&receive[r], &all.shown[r][own->number]);
    }
    pthread_barrier_wait(&all.barrier);
    return true;
}

static bool gather(void *user, const prnn_parcel *parts) {
    const rank *own = user;
    show(own, parts);
    for (int r = 0; r < all.count; r++) {
        if (r != own->number) {
            take(&parts[r], &all.shown[r][r]);
        }
    }
    pthread_barrier_wait(&all.barrier);
    return true;
}

static bool broadcast(void *user, void *data, size_t bytes) {
    const rank *own = user;
    const prnn_parcel mine = {data, bytes};
    show(own, &mine);
    if (own->number > 0) {
        take(&mine, all.shown[0]);
    }
    pthread_barrier_wait(&all.barrier);
    return true;
}

/* Collective: every rank makes these calls. Only rank 0 writes. */
static prnn_status draw(prnn_context *ctx, const rank *own) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model *model = NULL;
    uint8_t *images = NULL;
    prnn_status status = prnn_model_load(ctx, own->model, &model);
    if (status == PRNN_OK) {
        prnn_model_config(model, &config);
        const size_t shape[] = {own->images, (size_t)config.height, (size_t)config.width,
                                (size_t)config.channels};
        images = malloc(shape[0] * shape[1] * shape[2] * shape[3]);
        status = images ? prnn_sample(ctx, model, own->images, NULL, images) : PRNN_ERROR_MEMORY;
        if (status == PRNN_OK && own->number == 0) {
            status = prnn_write_npy(ctx, own->out, PRNN_U8, 4, shape, images);
        }
    }
    free(images);
    prnn_model_free(model);
    /* What went wrong on one of them, all hear of. */
    return prnn_ranks_agree(ctx, status, NULL);
}

static void *run(void *arg) {
    rank *own = arg;
    prnn_context *ctx = prnn_context_create();
    prnn_ranks ranks = PRNN_RANKS_INIT;
    ranks.rank = own->number;
    ranks.count = all.count;
    ranks.exchange = exchange;
    ranks.gather = gather;
    ranks.broadcast = broadcast;
    ranks.user = own;
    prnn_context_set_threads(ctx, 1);
    prnn_status status = prnn_context_set_ranks(ctx, &ranks);
    status = status == PRNN_OK ? draw(ctx, own) : status;
    own->failed = status != PRNN_OK;
    if (own->failed && own->number == 0) {
        fprintf(stderr, "%s\n", prnn_message(ctx));
    }
    prnn_context_free(ctx);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[MOST_RANKS];
    rank of[MOST_RANKS];
    long images = argc == 5 ? strtol(argv[2], NULL, 10) : 0,
         count = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
    if (images < 1 || count < 1 || count > MOST_RANKS) {
        fprintf(stderr, "usage: ranks MODEL COUNT RANKS OUT.npy, with 1 to %d ranks\n", MOST_RANKS);
        return 2;
    }
    all.count = (int)count;
    pthread_barrier_init(&all.barrier, NULL, (unsigned)count);
    for (int r = 0; r < all.count; r++) {
        of[r] = (rank){.number = r, .model = argv[1], .images = (size_t)images, .out = argv[4]};
        pthread_create(&threads[r], NULL, run, &of[r]);
    }
    bool failed = false;
    for (int r = 0; r < all.count; r++) {
        pthread_join(threads[r], NULL);
        failed |= of[r].failed;
    }
    pthread_barrier_destroy(&all.barrier);
    return failed;
}
