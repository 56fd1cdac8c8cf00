#include "commands/tiles.h"

#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of tiles that are evaluated together: enough for all threads. */
static const size_t batch_bytes = (size_t)64 << 20;

/* The tiles of one size: `rows` x `columns` of an image, from (top, left) on. */
typedef struct grid {
    int height, width, top, left;
    size_t rows, columns;
} grid;

/* The four kinds: whole ones, those at the right, below, and in the corner. */
static grid grid_of(const pictures *all, int tile, int kind) {
    bool right = kind & 1, below = kind & 2;
    int down = all->height / tile, across = all->width / tile;
    return (grid){.height = below ? all->height % tile : tile,
                  .width = right ? all->width % tile : tile,
                  .top = below ? down * tile : 0,
                  .left = right ? across * tile : 0,
                  .rows = (size_t)(below ? all->height % tile > 0 : down),
                  .columns = (size_t)(right ? all->width % tile > 0 : across)};
}

/* Copies tile number `number` among those of the grid in all images. */
static void cut(const pictures *all, const grid *g, size_t number, uint8_t *to) {
    size_t of_image = g->rows * g->columns, image = number / of_image, at = number % of_image;
    size_t channels = (size_t)all->channels, width = (size_t)all->width, height = (size_t)all->height;
    size_t row = (size_t)g->top + at / g->columns * (size_t)g->height;
    size_t column = (size_t)g->left + at % g->columns * (size_t)g->width;
    size_t line = (size_t)g->width * channels;
    for (size_t i = 0; i < (size_t)g->height; i++) {
        size_t pixel = (image * height + row + i) * width + column;
        memcpy(to + i * line, all->levels + pixel * channels, line);
    }
}

/* Nats of images, and under each model, or NULL. */
typedef struct costs {
    double *all, *of_models;
} costs;

/* A likelihood that is not finite is told by its value: the caller knows the image's name. */
static int evaluate(prnn_context *ctx, const prnn_ensemble *models, const uint8_t *images, size_t n,
                    const costs *to) {
    prnn_status status = prnn_ensemble_evaluate(ctx, models, images, n, NULL, to->all, to->of_models, NULL);
    return status == PRNN_ERROR_FORMAT ? EXIT_OK : exit_code(ctx, status);
}

/* Adds what tile number `tile` of a batch costs to image number `image`. */
static void add(const costs *to, size_t image, const costs *each, size_t tile, size_t models) {
    to->all[image] += each->all[tile];
    for (size_t k = 0; to->of_models && k < models; k++) {
        to->of_models[image * models + k] += each->of_models[tile * models + k];
    }
}

/* Adds what the tiles of a grid cost to their images. */
static int add_tiles(prnn_context *ctx, const prnn_ensemble *models, const pictures *all, const grid *g,
                     const costs *to) {
    size_t of_image = g->rows * g->columns, total = of_image * all->count,
           each_of = prnn_ensemble_count(models);
    size_t bytes = (size_t)g->height * (size_t)g->width * (size_t)all->channels;
    size_t batch = batch_bytes / bytes < 1 ? 1 : batch_bytes / bytes;
    prnn_ensemble *resized = NULL;
    int code;
    batch = batch < total ? batch : total;
    uint8_t *tiles = allocate(batch, bytes);
    costs each = {allocate(batch, sizeof *each.all),
                  to->of_models ? allocate(batch, each_of * sizeof *each.of_models) : NULL};
    TRY(check_memory(tiles));
    TRY(check_memory(each.all));
    TRY(to->of_models ? check_memory(each.of_models) : EXIT_OK);
    TRY(exit_code(ctx, prnn_ensemble_resize(ctx, models, g->height, g->width, &resized)));
    for (size_t from = 0; from < total; from += batch) {
        size_t n = total - from < batch ? total - from : batch;
        for (size_t i = 0; i < n; i++) {
            cut(all, g, from + i, tiles + i * bytes);
        }
        TRY(evaluate(ctx, resized, tiles, n, &each));
        for (size_t i = 0; i < n; i++) {
            add(to, (from + i) / of_image, &each, i, each_of);
        }
    }
done:
    prnn_ensemble_free(resized);
    free(tiles);
    free(each.all);
    free(each.of_models);
    return code;
}

static int evaluate_whole(prnn_context *ctx, const prnn_ensemble *models, const pictures *all,
                          const costs *to) {
    prnn_ensemble *resized = NULL;
    int code;
    TRY(exit_code(ctx, prnn_ensemble_resize(ctx, models, all->height, all->width, &resized)));
    TRY(evaluate(ctx, resized, all->levels, all->count, to));
done:
    prnn_ensemble_free(resized);
    return code;
}

int tiles_evaluate(prnn_context *ctx, const prnn_ensemble *models, const pictures *all, int tile,
                   double *nats, double *member_nats) {
    const costs to = {nats, member_nats};
    int code = EXIT_OK;
    if (!tile) {
        return evaluate_whole(ctx, models, all, &to);
    }
    memset(nats, 0, all->count * sizeof *nats);
    if (member_nats) {
        memset(member_nats, 0, all->count * prnn_ensemble_count(models) * sizeof *member_nats);
    }
    for (int kind = 0; kind < 4; kind++) {
        grid g = grid_of(all, tile, kind);
        if (g.rows > 0 && g.columns > 0) {
            TRY(add_tiles(ctx, models, all, &g, &to));
        }
    }
done:
    return code;
}
