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

/* A likelihood that is not finite is told by its value: the caller knows the image's name. */
static int evaluate(prnn_context *ctx, const prnn_model *model, const uint8_t *images, size_t n,
                    double *nats) {
    prnn_status status = prnn_evaluate(ctx, model, images, n, NULL, nats, NULL);
    return status == PRNN_ERROR_FORMAT ? EXIT_OK : exit_code(ctx, status);
}

/* Adds what the tiles of a grid cost to their images. */
static int add_tiles(prnn_context *ctx, const prnn_model *model, const pictures *all, const grid *g,
                     double *nats) {
    size_t of_image = g->rows * g->columns, total = of_image * all->count;
    size_t bytes = (size_t)g->height * (size_t)g->width * (size_t)all->channels;
    size_t batch = batch_bytes / bytes < 1 ? 1 : batch_bytes / bytes;
    prnn_model *resized = NULL;
    int code;
    batch = batch < total ? batch : total;
    uint8_t *tiles = allocate(batch, bytes);
    double *each = allocate(batch, sizeof *each);
    TRY(check_memory(tiles));
    TRY(check_memory(each));
    TRY(exit_code(ctx, prnn_model_resize(ctx, model, g->height, g->width, &resized)));
    for (size_t from = 0; from < total; from += batch) {
        size_t n = total - from < batch ? total - from : batch;
        for (size_t i = 0; i < n; i++) {
            cut(all, g, from + i, tiles + i * bytes);
        }
        TRY(evaluate(ctx, resized, tiles, n, each));
        for (size_t i = 0; i < n; i++) {
            nats[(from + i) / of_image] += each[i];
        }
    }
done:
    prnn_model_free(resized);
    free(tiles);
    free(each);
    return code;
}

static int evaluate_whole(prnn_context *ctx, const prnn_model *model, const pictures *all, double *nats) {
    prnn_model *resized = NULL;
    int code;
    TRY(exit_code(ctx, prnn_model_resize(ctx, model, all->height, all->width, &resized)));
    TRY(evaluate(ctx, resized, all->levels, all->count, nats));
done:
    prnn_model_free(resized);
    return code;
}

int tiles_evaluate(prnn_context *ctx, const prnn_model *model, const pictures *all, int tile, double *nats) {
    int code = EXIT_OK;
    if (!tile) {
        return evaluate_whole(ctx, model, all, nats);
    }
    memset(nats, 0, all->count * sizeof *nats);
    for (int kind = 0; kind < 4; kind++) {
        grid g = grid_of(all, tile, kind);
        if (g.rows > 0 && g.columns > 0) {
            TRY(add_tiles(ctx, model, all, &g, nats));
        }
    }
done:
    return code;
}
