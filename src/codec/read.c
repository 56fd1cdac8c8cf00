/* Decodes images of an archive, batch by batch: what is whole is given, of the rest is said where it is
 * damaged. */

#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/try.h"
#include "codec/archive.h"
#include "codec/batch.h"

#include <stdio.h>
#include <string.h>

/* Unless more are allowed. */
static const uint64_t MOST_PIXELS = (uint64_t)1 << 30;

typedef struct reading {
    prnn_context *ctx;
    prnn_archive *archive;
    const prnn_model *model;
    prnn_colours colours; /* of its palette, or none */
    prnn_archive_read_options options;
    uint64_t first, count, lost;
    uint64_t done; /* images of earlier batches */
    double began;
    /* The present batch: */
    const prnn_archive_batch *batch;
    size_t from, images; /* which of its images are wanted */
    prnn_batch_of_images all;
    uint8_t *values;  /* of those */
    uint8_t *have;    /* of each part, whether it is there */
    uint8_t *missing; /* of each image of the batch, whether a part is not */
    uint64_t *damage; /* of each image of the batch, where a block of it is damaged, plus 1; 0: nowhere */
    prnn_block_of_parts *blocks;
    const prnn_found_chunk **found; /* where each block is */
    size_t block_count, parts, parts_done;
} reading;

/* ---------------------------------------------------------------------------------------- blocks */

static bool is_wanted(const reading *r, const prnn_part *part) {
    return part->image >= r->from && part->image - r->from < r->images;
}

/* Whether a block is what some parts of the batch can be. */
static bool is_valid(const reading *r, const prnn_chunk *c) {
    const prnn_parts *parts = &r->all.parts;
    if (c->count == 0 || c->first >= parts->count || c->count > parts->count - c->first ||
        c->method > PRNN_METHOD_MODEL) {
        return false;
    }
    const prnn_part *first = &parts->list[c->first];
    return prnn_parts_alike(first, first + c->count - 1) &&
           (c->method != PRNN_METHOD_MODEL || first->how != PRNN_HOW_STORED);
}

static bool has_wanted(const reading *r, const prnn_chunk *c) {
    for (uint32_t i = 0; i < c->count; i++) {
        if (is_wanted(r, &r->all.parts.list[c->first + i])) {
            return true;
        }
    }
    return false;
}

static void note_damage(const reading *r, const prnn_found_chunk *found) {
    for (uint32_t i = 0; i < found->chunk.count; i++) {
        r->damage[r->all.parts.list[found->chunk.first + i].image] = found->at + 1;
    }
}

/* The bytes of the blocks that are wanted. */
static prnn_status load_blocks(reading *r) {
    const prnn_archive_batch *b = r->batch;
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < b->block_count; i++) {
        const prnn_found_chunk *found = &b->blocks[i];
        prnn_block_of_parts *block = &r->blocks[r->block_count];
        if (!is_valid(r, &found->chunk) || !has_wanted(r, &found->chunk)) {
            continue;
        }
        *block = (prnn_block_of_parts){.parts = &r->all.parts.list[found->chunk.first],
                                       .count = found->chunk.count,
                                       .method = (prnn_method)found->chunk.method,
                                       .size = found->chunk.length,
                                       .content = found->chunk.content};
        status = prnn_scan_read(r->ctx, &r->archive->scan, found, &block->bytes);
        if (status == PRNN_ERROR_FORMAT) {
            note_damage(r, found);
            status = PRNN_OK;
            continue;
        }
        TRY(status);
        r->found[r->block_count++] = found;
        r->parts += block->count;
    }
done:
    return status;
}

static bool on_parts(void *user, size_t parts) {
    reading *r = user;
    r->parts_done += parts;
    if (!r->options.progress) {
        return true;
    }
    uint64_t done = r->done + r->images * r->parts_done / r->parts;
    prnn_progress p = prnn_progress_since(r->began, "decompress", done, r->count);
    return r->options.progress(r->options.user, &p);
}

static prnn_status decode_blocks(reading *r) {
    prnn_coding coding = {.ctx = r->ctx,
                          .header = &r->archive->header,
                          .model = r->model,
                          .colours = &r->colours,
                          .images = r->all.images,
                          .done = on_parts,
                          .user = r};
    prnn_status status = prnn_blocks_read(&coding, r->blocks, r->block_count);
    for (size_t i = 0; i < r->block_count && status == PRNN_OK; i++) {
        const prnn_block_of_parts *b = &r->blocks[i];
        if (b->whole) {
            memset(r->have + (b->parts - r->all.parts.list), 1, b->count);
        } else {
            note_damage(r, r->found[i]);
        }
    }
    return status;
}

/* ---------------------------------------------------------------------------------------- images */

/* Gives the images of the batch that are wanted. */
static prnn_status give_images(reading *r) {
    const uint8_t *values = r->values;
    for (size_t i = 0; i < r->images; i++) {
        size_t k = r->from + i;
        const prnn_record *record = prnn_directory_find(&r->batch->directory, k);
        prnn_archive_image image = prnn_record_describe(record, r->archive->header.levels);
        char why[128] = "missing from the file, which was cut off or changed";
        if (r->batch->lost) {
            snprintf(why, sizeof why, "the list of images is damaged");
        } else if (r->damage[k]) {
            snprintf(why, sizeof why, "damaged at byte %llu of the file",
                     (unsigned long long)r->damage[k] - 1);
        }
        bool lost = r->batch->lost || r->missing[k];
        r->lost += lost;
        if (r->options.image && !r->options.image(r->options.user, r->batch->first + k, &image,
                                                  lost ? NULL : values, lost ? why : NULL)) {
            return prnn_fail(r->ctx, PRNN_STOPPED, "stopped");
        }
        if (values) {
            values += prnn_record_bytes(record);
        }
    }
    return PRNN_OK;
}

/* Memory for the batch at hand. */
static prnn_status make_batch(reading *r) {
    const prnn_directory *d = &r->batch->directory;
    size_t bytes = 0;
    prnn_status status;
    for (size_t i = r->from; i < r->from + r->images && !r->options.check_only; i++) {
        bytes += prnn_record_bytes(prnn_directory_find(d, i));
    }
    r->values = bytes ? prnn_alloc(r->ctx, bytes, 1, "images") : NULL;
    TRY(r->values || !bytes ? PRNN_OK : PRNN_ERROR_MEMORY);
    TRY(prnn_batch_make(r->ctx, d, &r->archive->header, r->values, r->from, r->images, &r->all));
    r->have = prnn_alloc(r->ctx, r->all.parts.count, 1, "the list of blocks");
    r->missing = prnn_alloc(r->ctx, d->images, 1, "the list of images");
    r->damage = prnn_alloc(r->ctx, d->images, sizeof *r->damage, "the list of images");
    r->blocks = prnn_alloc(r->ctx, r->batch->block_count, sizeof *r->blocks, "the list of blocks");
    r->found = prnn_alloc(r->ctx, r->batch->block_count, sizeof(void *), "the list of blocks");
    TRY(r->have && r->missing && r->damage && r->blocks && r->found ? PRNN_OK : PRNN_ERROR_MEMORY);
done:
    return status;
}

static void forget_batch(reading *r) {
    for (size_t i = 0; i < r->block_count; i++) {
        prnn_free(r->blocks[i].bytes);
    }
    prnn_batch_free(&r->all);
    prnn_free(r->values);
    prnn_free(r->have);
    prnn_free(r->missing);
    prnn_free(r->damage);
    prnn_free(r->blocks);
    prnn_free(r->found);
    r->values = r->have = r->missing = NULL;
    r->damage = NULL;
    r->blocks = NULL;
    r->found = NULL;
    r->block_count = r->parts = r->parts_done = 0;
}

static prnn_status read_batch(reading *r) {
    prnn_status status = PRNN_OK;
    if (!r->batch->lost) {
        TRY(make_batch(r));
        TRY(load_blocks(r));
        TRY(decode_blocks(r));
        for (size_t i = 0; i < r->all.parts.count; i++) {
            r->missing[r->all.parts.list[i].image] |= !r->have[i];
        }
    }
    TRY(give_images(r));
    r->done += r->images;
done:
    forget_batch(r);
    return status;
}

/* -------------------------------------------------------------------------------------- the call */

/* The images of batch b that are wanted. */
static void choose(reading *r, const prnn_archive_batch *b) {
    uint64_t end = b->first + b->directory.images, last = r->first + r->count;
    uint64_t from = r->first > b->first ? r->first : b->first, to = last < end ? last : end;
    r->batch = b;
    r->from = (size_t)(from - b->first);
    r->images = to > from ? (size_t)(to - from) : 0;
}

/* Whether any of the blocks that will be read was coded by the model; and how many pixels there are. */
static void survey(reading *r, bool *needs_model, uint64_t *pixels) {
    *needs_model = false;
    *pixels = 0;
    for (size_t i = 0; i < r->archive->batch_count; i++) {
        const prnn_archive_batch *b = &r->archive->batches[i];
        choose(r, b);
        for (size_t k = 0; k < b->block_count && r->images && !b->lost; k++) {
            *needs_model |= b->blocks[k].chunk.method == PRNN_METHOD_MODEL;
        }
        for (size_t k = r->from; k < r->from + r->images; k++) {
            const prnn_record *record = prnn_directory_find(&b->directory, k);
            uint64_t of_image = (uint64_t)record->height * (uint64_t)record->width;
            *pixels += of_image ? of_image : 1; /* lost, of whatever size */
        }
    }
}

/* Whether the model has the palette by whose numbers images were coded, if any were: that is no part of the
 * fingerprint, since nothing else depends on it. */
static prnn_status check_palette(reading *r) {
    const prnn_palette *palette = r->model->palette;
    char ours[64] = "none";
    if (palette) {
        prnn_status status = prnn_colours_take(r->ctx, "the palette", palette, &r->colours);
        if (status != PRNN_OK) {
            return status;
        }
        snprintf(ours, sizeof ours, "one of the CRC %08x", prnn_palette_checksum(palette));
    }
    for (size_t i = 0; i < r->archive->batch_count; i++) {
        const prnn_directory *d = &r->archive->batches[i].directory;
        choose(r, &r->archive->batches[i]);
        for (size_t k = 0; k < d->count && r->images; k++) {
            if (d->list[k].how == PRNN_HOW_COLOURS &&
                (!palette || d->list[k].palette != prnn_palette_checksum(palette))) {
                return prnn_fail(
                    r->ctx, PRNN_ERROR_ARGUMENT,
                    "%s: was made with a palette of the CRC %08x, and this model, which is the same "
                    "otherwise, has %s: give the one that it was made with",
                    r->archive->scan.path, d->list[k].palette, ours);
            }
        }
    }
    return PRNN_OK;
}

static prnn_status check(reading *r) {
    const prnn_archive *a = r->archive;
    uint64_t most = r->options.max_pixels ? r->options.max_pixels : MOST_PIXELS, pixels;
    bool needs_model;
    if (r->options.first > a->info.images || r->options.count > a->info.images - r->options.first) {
        return prnn_fail(
            r->ctx, PRNN_ERROR_ARGUMENT,
            "%s: has %llu images, counted from 0, and first %llu, count %llu (0: all) reaches beyond them",
            a->scan.path, (unsigned long long)a->info.images, (unsigned long long)r->options.first,
            (unsigned long long)r->options.count);
    }
    r->first = r->options.first;
    r->count = r->options.count ? r->options.count : a->info.images - r->first;
    survey(r, &needs_model, &pixels);
    if (pixels > most) {
        return prnn_fail(
            r->ctx, PRNN_ERROR_ARGUMENT,
            "%s: says that its images have %llu pixels, and at most %llu are decoded: allow more if you "
            "know where it comes from",
            a->scan.path, (unsigned long long)pixels, (unsigned long long)most);
    }
    if (needs_model && !r->model) {
        return prnn_fail(r->ctx, PRNN_ERROR_ARGUMENT, "%s: was made with the model %.16s: give it",
                         a->scan.path, a->info.fingerprint);
    }
    prnn_status status = PRNN_OK;
    if (needs_model) {
        TRY(prnn_header_check_model(r->ctx, a->scan.path, &a->header, r->model));
        TRY(check_palette(r));
    }
done:
    return status;
}

prnn_status prnn_archive_read(prnn_context *ctx, prnn_archive *archive, const prnn_model *model,
                              const prnn_archive_read_options *options) {
    PRNN_ENTER(ctx, PRNN_GIVEN(archive));
    reading r = {.ctx = ctx,
                 .archive = archive,
                 .model = model,
                 .options = PRNN_ARCHIVE_READ_OPTIONS_INIT,
                 .began = prnn_clock()};
    prnn_status status;
    TRY(prnn_options_read(ctx, &r.options, &prnn_archive_read_options_fields, options));
    TRY(check(&r));
    for (size_t i = 0; i < archive->batch_count; i++) {
        choose(&r, &archive->batches[i]);
        TRY(r.images ? read_batch(&r) : PRNN_OK);
    }
    if (r.lost) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT,
                         "%s: %llu of %llu images are damaged and lost; all others are whole",
                         archive->scan.path, (unsigned long long)r.lost, (unsigned long long)r.count);
    }
    /* Who asks for certain images hears of those. */
    if (archive->info.damaged && !r.options.first && !r.options.count) {
        return prnn_fail(ctx, PRNN_ERROR_FORMAT, "%s: %s; all images that were found are whole",
                         archive->scan.path, archive->info.problem);
    }
done:
    return status;
}
