#include "gpu/wide.h"

#include "base/memory.h"
#include "base/try.h"

enum { EIGHT = 8, HALVES = PRNN_GPU_PANEL / EIGHT, TILE_FEATURES = 128, SETS = 4, UNITS_AT_ONCE = 4 };

static const char what[] = "the tables of a network";

bool prnn_gpu_is_wide(const prnn_gpu_state *state, const prnn_product *product) {
    bool wide = state->bf16;
    for (int t = 0; t < product->taps; t++) {
        wide = wide && !product->tap[t].map->exact;
    }
    return wide;
}

/* -------------------------------------------------------------------------------------- tables */

/* As the kernels have them. Without memory they are only counted. */
typedef struct tables {
    prnn_gpu_wide *strips;
    prnn_gpu_unit *units;
    prnn_gpu_tile *tiles;
    uint32_t *weights, *biases; /* places */
    size_t strip_count, unit_count, tile_count, weights_count, biases_count;
} tables;

/* Some strips of a product that become a wide one. */
typedef struct bundle {
    const prnn_product *product;
    const int *list;
    int count;
} bundle;

static const prnn_strip *strip_of(const bundle *b, int i) {
    return &b->product->matrix.strips[b->list[i]];
}

/* The first of `left` strips, as many as fit. */
static bundle bundle_of(const prnn_product *product, const int *list, int left) {
    bundle b = {product, list, 0};
    for (uint32_t blocks = 0; b.count < left; b.count++) {
        blocks += HALVES * strip_of(&b, b.count)->panels;
        if (blocks > PRNN_GPU_BLOCKS) {
            break;
        }
    }
    return b;
}

/* Which of its features a strip reads first that is feature `first` .. end - 1 of a tap; its number among
 * them is its row of packed weights. -1: none. */
static int64_t row_of(const prnn_product *product, const prnn_strip *strip, uint32_t tap, uint32_t first,
                      uint32_t end) {
    uint32_t before = 0;
    for (uint32_t i = 0; i < strip->segments; i++) {
        const prnn_segment *s = &product->matrix.segments[strip->first_segment + i];
        uint32_t begin = s->first > first ? s->first : first, last = s->first + s->count;
        if (s->tap == tap && begin < (last < end ? last : end)) {
            return (int64_t)before + begin - s->first;
        }
        before += s->count;
    }
    return -1;
}

static bool somebody_reads(const bundle *b, uint32_t tap, uint32_t first) {
    for (int i = 0; i < b->count; i++) {
        if (row_of(b->product, strip_of(b, i), tap, first, first + EIGHT) >= 0) {
            return true;
        }
    }
    return false;
}

/* The units that a bundle reads. */
static void add_units(tables *t, const bundle *b) {
    for (uint32_t tap = 0; tap < (uint32_t)b->product->taps; tap++) {
        uint32_t features = (uint32_t)b->product->tap[tap].map->stride;
        for (uint32_t first = 0; first < features; first += EIGHT) {
            if (somebody_reads(b, tap, first)) {
                if (t->units) {
                    t->units[t->unit_count] = (prnn_gpu_unit){tap, first};
                }
                t->unit_count++;
            }
        }
    }
}

/* What block `block` of a bundle is: half `half` of panel `panel` of its strip `strip`. The first halves of a
 * strip's panels come before the second ones, so that gates take turns. */
typedef struct eighth {
    int strip;
    uint32_t panel, half;
} eighth;

/* false: the bundle has fewer blocks. */
static bool find_block(const bundle *b, uint32_t block, eighth *found) {
    for (int i = 0; i < b->count; i++) {
        uint32_t panels = strip_of(b, i)->panels;
        if (block < HALVES * panels) {
            *found = (eighth){i, block % panels, block / panels};
            return true;
        }
        block -= HALVES * panels;
    }
    return false;
}

/* Of the blocks of a bundle; `row` of packed weights for each strip, -1: it has none. */
static void add_places(const bundle *b, const int64_t *row, uint32_t *places) {
    for (uint32_t block = 0; block < PRNN_GPU_BLOCKS; block++) {
        eighth e;
        places[block] = PRNN_GPU_NOWHERE;
        if (find_block(b, block, &e) && row[e.strip] >= 0) {
            const prnn_strip *s = strip_of(b, e.strip);
            places[block] = (uint32_t)(s->at + e.panel * s->size + (size_t)row[e.strip] * PRNN_GPU_PANEL +
                                       e.half * EIGHT);
        }
    }
}

/* Of one feature of a unit. */
static void add_feature(tables *t, const bundle *b, uint32_t tap, uint32_t feature) {
    int64_t row[PRNN_GPU_BLOCKS];
    for (int i = 0; i < b->count; i++) {
        int64_t found = row_of(b->product, strip_of(b, i), tap, feature, feature + 1);
        row[i] = found < 0 ? -1 : found + 1; /* the first row is biases */
    }
    add_places(b, row, t->weights + t->weights_count);
    t->weights_count += PRNN_GPU_BLOCKS;
}

static void fill_strip(tables *t, const bundle *b, prnn_gpu_wide *wide) {
    static const int64_t biases[PRNN_GPU_BLOCKS] = {0},
                         none[PRNN_GPU_BLOCKS] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                  -1, -1, -1, -1, -1, -1, -1, -1};
    for (eighth e; find_block(b, wide->blocks, &e); wide->blocks++) {
        const prnn_strip *s = strip_of(b, e.strip);
        wide->column[wide->blocks] = (uint32_t)(s->column + e.panel * s->step) + e.half * EIGHT;
    }
    add_places(b, biases, t->biases + t->biases_count);
    for (uint32_t u = 0; u < wide->units; u++) {
        prnn_gpu_unit unit = t->units[wide->first_unit + u];
        for (uint32_t k = 0; k < EIGHT; k++) {
            add_feature(t, b, unit.tap, unit.first + k);
        }
    }
    for (uint32_t u = wide->units; u % UNITS_AT_ONCE; u++) {
        for (uint32_t k = 0; k < EIGHT; k++) {
            add_places(b, none, t->weights + t->weights_count);
            t->weights_count += PRNN_GPU_BLOCKS;
        }
    }
}

static void add_strip(tables *t, const bundle *b, uint32_t number) {
    prnn_gpu_wide wide = {.at = t->weights_count * EIGHT,
                          .bias = (uint32_t)(t->biases_count * EIGHT),
                          .first_unit = (uint32_t)t->unit_count};
    add_units(t, b);
    wide.units = (uint32_t)(t->unit_count - wide.first_unit);
    if (t->strips) {
        fill_strip(t, b, &wide);
        t->strips[t->strip_count] = wide;
    } else {
        t->weights_count += prnn_round_up(wide.units, UNITS_AT_ONCE) * EIGHT * PRNN_GPU_BLOCKS;
    }
    t->strip_count++;
    t->biases_count += PRNN_GPU_BLOCKS;
    for (uint32_t feature = 0; feature == 0 || feature < EIGHT * wide.units; feature += TILE_FEATURES) {
        if (t->tiles) {
            t->tiles[t->tile_count] = (prnn_gpu_tile){number, feature};
        }
        t->tile_count++;
    }
}

static bool shares(const bundle *b, const prnn_strip_list *set) {
    for (int i = 0; i < b->count; i++) {
        for (int n = 0; n < set->count; n++) {
            if (set->list[n] == b->list[i]) {
                return true;
            }
        }
    }
    return false;
}

/* All strips of a product; then again those of each colour group, with the same weights. */
static void add_product(tables *t, const prnn_product *product, prnn_gpu_wide_product *place) {
    const prnn_strip_list *all = &product->strips[0];
    place->first_tile = (uint32_t)t->tile_count;
    for (int set = 0; set < SETS; set++) {
        place->first_strip[set] = (uint32_t)t->strip_count;
        uint32_t number = 0;
        bundle b;
        for (int first = 0; first < all->count; first += b.count, number++) {
            b = bundle_of(product, all->list + first, all->count - first);
            if (set == 0) {
                add_strip(t, &b, number);
            } else if (shares(&b, &product->strips[set])) {
                if (t->strips) {
                    t->strips[t->strip_count] = t->strips[place->first_strip[0] + number];
                }
                t->strip_count++;
            }
        }
        place->strips[set] = (uint32_t)t->strip_count - place->first_strip[set];
    }
    place->tiles = (uint32_t)t->tile_count - place->first_tile;
}

static void add_products(tables *t, const prnn_gpu_widened *w, prnn_product_list products, bool backward) {
    for (int i = 0; i < products.count; i++) {
        const prnn_product *product = products.list[i];
        if (product->transposed == backward && prnn_gpu_is_wide(w->state, product)) {
            add_product(t, product, &w->products[product->number]);
        }
    }
}

/* ------------------------------------------------------------------------------------- widened */

static prnn_status put_tables(prnn_gpu_widened *w, const tables *t) {
    prnn_gpu_state *s = w->state;
    const prnn_gpu_driver *driver = s->gpu->driver;
    prnn_status status;
    w->weights_count = t->weights_count;
    w->biases_count = t->biases_count;
    TRY(prnn_gpu_put_table(s, t->strips, t->strip_count * sizeof *t->strips, &w->strips));
    /* One more: a strip without units, of biases alone, points behind the last. */
    TRY(prnn_gpu_put_table(s, t->units, (t->unit_count + 1) * sizeof *t->units, &w->units));
    TRY(prnn_gpu_put_table(s, t->tiles, t->tile_count * sizeof *t->tiles, &w->tiles));
    TRY(prnn_gpu_put_table(s, t->weights, t->weights_count * sizeof *t->weights, &w->weight_places));
    TRY(prnn_gpu_put_table(s, t->biases, t->biases_count * sizeof *t->biases, &w->bias_places));
    TRY(driver->allocate(s->ctx, s->gpu, t->weights_count * EIGHT * sizeof(uint16_t), "weights in bf16",
                         &w->weights));
    TRY(driver->allocate(s->ctx, s->gpu, t->biases_count * EIGHT * sizeof(float), "biases", &w->biases));
done:
    return status;
}

void prnn_gpu_widened_free(prnn_gpu_widened *w) {
    if (w) {
        prnn_gpu_block *const blocks[] = {w->strips,      w->units,   w->tiles, w->weight_places,
                                          w->bias_places, w->weights, w->biases};
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
            w->state->gpu->driver->release(w->state->gpu, blocks[i]);
        }
        prnn_free(w->products);
        prnn_free(w);
    }
}

static prnn_status make(prnn_context *ctx, prnn_product_list products, bool backward,
                        prnn_gpu_widened **made) {
    tables t = {0};
    prnn_status status;
    prnn_gpu_widened *w = prnn_alloc(ctx, 1, sizeof *w, what);
    TRY(w ? PRNN_OK : PRNN_ERROR_MEMORY);
    w->state = ctx->gpu;
    w->products = prnn_alloc(ctx, (size_t)products.count, sizeof *w->products, what);
    TRY(w->products ? PRNN_OK : PRNN_ERROR_MEMORY);
    add_products(&t, w, products, backward);
    t.strips = prnn_alloc(ctx, t.strip_count, sizeof *t.strips, what);
    t.units = prnn_alloc(ctx, t.unit_count + 1, sizeof *t.units, what);
    t.tiles = prnn_alloc(ctx, t.tile_count, sizeof *t.tiles, what);
    t.weights = prnn_alloc(ctx, t.weights_count, sizeof *t.weights, what);
    t.biases = prnn_alloc(ctx, t.biases_count, sizeof *t.biases, what);
    TRY(t.strips && t.units && t.tiles && t.weights && t.biases ? PRNN_OK : PRNN_ERROR_MEMORY);
    t.strip_count = t.unit_count = t.tile_count = t.weights_count = t.biases_count = 0;
    add_products(&t, w, products, backward);
    TRY(put_tables(w, &t));
    *made = w;
    w = NULL;
done:
    prnn_free(t.strips);
    prnn_free(t.units);
    prnn_free(t.tiles);
    prnn_free(t.weights);
    prnn_free(t.biases);
    prnn_gpu_widened_free(w);
    return status;
}

prnn_status prnn_gpu_widen(prnn_context *ctx, prnn_product_list products, bool backward, prnn_block packed) {
    prnn_gpu_memory *memory = prnn_gpu_memory_of(packed);
    prnn_status status = PRNN_OK;
    if (!memory->widened) {
        TRY(make(ctx, products, backward, &memory->widened));
    }
    const prnn_gpu_widened *w = memory->widened;
    uint64_t weights = w->weights_count, biases = w->biases_count;
    PRNN_GPU_RUN(ctx->gpu, PRNN_GPU_widen_weights, prnn_gpu_groups(weights, 256), 1, PRNN_GPU_VALUE(weights),
                 PRNN_GPU_BLOCK(w->weight_places), PRNN_GPU_BLOCK(memory->block), PRNN_GPU_BLOCK(w->weights));
    PRNN_GPU_RUN(ctx->gpu, PRNN_GPU_widen_biases, prnn_gpu_groups(biases, 256), 1, PRNN_GPU_VALUE(biases),
                 PRNN_GPU_BLOCK(w->bias_places), PRNN_GPU_BLOCK(memory->block), PRNN_GPU_BLOCK(w->biases));
done:
    return status;
}
