/* Writes archives (docs/compression.md). Images are gathered until they are a batch; then they are cut into
 * parts and blocks, compressed on all threads, decompressed again to see that they come back, and written.
 * Of ranks each has all images, codes some of the blocks and gets those of the others; the first one has the
 * file. */

#include "base/call.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/try.h"
#include "codec/batch.h"
#include "codec/bytes.h"
#include "codec/deal.h"
#include "image/image.h"

#include <inttypes.h>
#include <string.h>

enum { DEFAULT_TILE = 128, LEAST_TILE = 16, MOST_TILE = 4096, MOST_IN_BLOCK = 65535 };

/* Bytes that a block should have, were each value coded in all of its bits: then it has half of them or less.
 */
enum { BLOCK_BYTES = 64 << 10 };

/* What ranks have come to when they agree. */
enum { BEGUN = 1, CODED, WRITTEN };

/* What is ready to be written a second time. */
typedef struct copies {
    uint8_t *bytes;
    size_t count, room;
} copies;

struct prnn_archive_writer {
    prnn_context *ctx;
    const prnn_model *model;
    prnn_archive_options options;
    prnn_header header;
    prnn_colours colours;  /* of the model's palette, or none */
    uint32_t palette;      /* what records say of it */
    prnn_file_writer file; /* rank 0's; without a stream on others */
    prnn_archive_info info;
    bool failed; /* nothing more can be added */
    bool busy;   /* adding or finishing: its callback cannot do so too */
    double began;
    uint32_t batches;
    copies copies; /* of header and directories */
    /* The present batch: */
    prnn_directory directory;
    size_t record_room;
    uint8_t *values;
    size_t bytes, room;
    size_t parts, parts_done; /* to code, and to verify, on this rank */
};

/* --------------------------------------------------------------------------------------- memory */

/* More room for an array that `used` bytes fill. */
static prnn_status grow(prnn_context *ctx, void **memory, size_t used, size_t *room, size_t needed) {
    if (needed <= *room) {
        return PRNN_OK;
    }
    size_t more = 2 * *room < needed ? needed : 2 * *room;
    void *larger = prnn_alloc_raw(ctx, more, 1, "images to compress");
    if (!larger) {
        return PRNN_ERROR_MEMORY;
    }
    if (*memory) {
        memcpy(larger, *memory, used);
    }
    prnn_free(*memory);
    *memory = larger;
    *room = more;
    return PRNN_OK;
}

static void forget_batch(prnn_archive_writer *w) {
    for (size_t r = 0; r < w->directory.count; r++) {
        if (*w->directory.list[r].name) {
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): a record shows what the writer owns */
            prnn_free((void *)(uintptr_t)w->directory.list[r].name);
        }
    }
    w->directory.count = w->directory.images = 0;
    w->bytes = 0;
}

void prnn_archive_writer_free(prnn_archive_writer *w) {
    if (!w) {
        return;
    }
    if (w->file.stream) {
        prnn_file_abandon(&w->file);
    }
    forget_batch(w);
    prnn_free(w->directory.list);
    prnn_free(w->values);
    prnn_free(w->copies.bytes);
    prnn_free(w);
}

/* --------------------------------------------------------------------------------------- chunks */

static prnn_status keep_copy(prnn_archive_writer *w, const uint8_t *bytes, size_t n) {
    copies *c = &w->copies;
    void *memory = c->bytes;
    prnn_status status = grow(w->ctx, &memory, c->count, &c->room, c->count + n);
    c->bytes = memory;
    if (status == PRNN_OK) {
        memcpy(c->bytes + c->count, bytes, n);
        c->count += n;
    }
    return status;
}

static void put_chunk(prnn_archive_writer *w, prnn_chunk chunk, const uint8_t *bytes, size_t n) {
    if (w->file.stream) {
        prnn_chunk_write(w->file.stream, &chunk, bytes, n);
    }
    w->info.bytes += PRNN_CHUNK_BYTES + n;
}

static prnn_status write_beginning(prnn_archive_writer *w) {
    uint8_t bytes[PRNN_HEADER_BYTES];
    uint8_t *file = NULL;
    size_t n = 0;
    prnn_status status;
    prnn_header_write(&w->header, bytes);
    put_chunk(w, (prnn_chunk){.type = PRNN_CHUNK_HEADER, .number = PRNN_ARCHIVE_VERSION}, bytes,
              sizeof bytes);
    TRY(keep_copy(w, bytes, sizeof bytes));
    if (w->options.model_inside) {
        TRY(prnn_model_to_bytes(w->ctx, w->model, &file, &n));
        TRY(n <= UINT32_MAX ? PRNN_OK
                            : prnn_fail(w->ctx, PRNN_ERROR_ARGUMENT,
                                        "a model of %zu bytes is too large to be inside an archive", n));
        put_chunk(w, (prnn_chunk){.type = PRNN_CHUNK_MODEL}, file, n);
        w->info.model_bytes = n;
    }
done:
    prnn_free(file);
    return status;
}

static prnn_status write_directory(prnn_archive_writer *w) {
    uint8_t *bytes = NULL, head[12];
    size_t n = 0;
    prnn_status status;
    TRY(prnn_directory_pack(w->ctx, &w->directory, &bytes, &n));
    prnn_chunk chunk = {
        .type = PRNN_CHUNK_DIRECTORY, .number = w->batches, .count = (uint32_t)w->directory.images};
    put_chunk(w, chunk, bytes, n);
    prnn_put32(head, w->batches);
    prnn_put32(head + 4, (uint32_t)w->directory.images);
    prnn_put32(head + 8, (uint32_t)n);
    TRY(keep_copy(w, head, sizeof head));
    TRY(keep_copy(w, bytes, n));
done:
    prnn_free(bytes);
    return status;
}

static void write_block(prnn_archive_writer *w, const prnn_batch_of_images *batch,
                        const prnn_block_of_parts *b) {
    bool coded = b->method == PRNN_METHOD_MODEL;
    prnn_chunk chunk = {.type = PRNN_CHUNK_BLOCK,
                        .method = (uint8_t)b->method,
                        .number = w->batches,
                        .first = (uint32_t)(b->parts - batch->parts.list),
                        .count = (uint32_t)b->count,
                        .content = b->content};
    put_chunk(w, chunk, b->bytes, b->size);
    *(coded ? &w->info.blocks : &w->info.stored_blocks) += 1;
    *(coded ? &w->info.coded_bytes : &w->info.stored_bytes) += b->size;
}

/* --------------------------------------------------------------------------------------- a batch */

/* Parts of a block: as many as make it large enough, whole groups of them if they are small. */
static size_t parts_of_block(const prnn_archive_writer *w, const prnn_part *part) {
    if (w->options.block) {
        return (size_t)w->options.block;
    }
    size_t bits = 1, bytes = prnn_part_bytes(part);
    bytes /= part->how == PRNN_HOW_COLOURS ? (size_t)part->channels : 1; /* a pixel is one value */
    while (1 << bits < w->header.levels && part->how != PRNN_HOW_STORED) {
        bits++;
    }
    bits = part->how == PRNN_HOW_STORED ? 8 : bits;
    size_t parts = (size_t)BLOCK_BYTES * 8 / bits / bytes + 1;
    parts = parts > 16 ? prnn_round_up(parts, 32) : parts;
    return parts < MOST_IN_BLOCK ? parts : MOST_IN_BLOCK;
}

/* Deals a list of blocks (codec/deal.h). */
static prnn_status deal(prnn_context *ctx, prnn_block_of_parts **blocks, size_t n) {
    prnn_block_of_parts *dealt = prnn_alloc(ctx, n, sizeof *dealt, "the list of blocks");
    if (!dealt) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        dealt[prnn_deal_place(ctx, n, i)] = (*blocks)[i];
    }
    prnn_free(*blocks);
    *blocks = dealt;
    return PRNN_OK;
}

/* Cuts the parts of a batch into blocks: *blocks, dealt, to be freed. */
static prnn_status cut(const prnn_archive_writer *w, const prnn_parts *parts, prnn_block_of_parts **blocks,
                       size_t *n) {
    *n = 0;
    *blocks = prnn_alloc(w->ctx, parts->count, sizeof **blocks, "the list of blocks");
    if (!*blocks) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0, k; i < parts->count; i += k) {
        const prnn_part *first = &parts->list[i];
        size_t most = parts_of_block(w, first);
        for (k = 1; k < most && i + k < parts->count && prnn_parts_alike(first, first + k);) {
            k++;
        }
        (*blocks)[(*n)++] = (prnn_block_of_parts){.parts = first, .count = k};
    }
    return deal(w->ctx, blocks, *n);
}

static bool on_parts(void *user, size_t parts) {
    prnn_archive_writer *w = user;
    w->parts_done += parts;
    if (!w->options.progress) {
        return true;
    }
    uint64_t images = w->info.images - w->directory.images;
    uint64_t done = images + w->directory.images * w->parts_done / w->parts;
    uint64_t total = w->options.expected > w->info.images ? w->options.expected : w->info.images;
    prnn_progress p = prnn_progress_since(w->began, "compress", done, total);
    return w->options.progress(w->options.user, &p);
}

/* What was compressed must come back. */
static prnn_status verify(const prnn_archive_writer *w, prnn_coding coding, prnn_block_of_parts *blocks,
                          size_t n) {
    coding.compare = true;
    prnn_status status = prnn_blocks_read(&coding, blocks, n);
    for (size_t i = 0; i < n && status == PRNN_OK; i++) {
        if (!blocks[i].whole) {
            status = prnn_fail(
                w->ctx, PRNN_ERROR_FORMAT,
                "image %llu does not come back as it was, so no archive was written: this machine does "
                "not compute reliably, or this is a defect of the program",
                (unsigned long long)(w->info.images - w->directory.images + blocks[i].parts->image));
        }
    }
    return status;
}

/* Fills in the blocks of a dealt list. */
static prnn_status code_blocks(prnn_archive_writer *w, const prnn_batch_of_images *batch,
                               prnn_block_of_parts *blocks, size_t n) {
    prnn_share mine = prnn_share_mine(w->ctx, n);
    prnn_block_of_parts *own = blocks + mine.first;
    prnn_coding coding = {.ctx = w->ctx,
                          .header = &w->header,
                          .model = w->model,
                          .colours = &w->colours,
                          .images = batch->images,
                          .done = on_parts,
                          .user = w};
    prnn_status status;
    w->parts = w->parts_done = 0;
    TRY(w->file.stream ? prnn_file_check(w->ctx, &w->file) : PRNN_OK); /* the batches before */
    for (size_t i = 0; i < mine.count; i++) {
        w->parts += own[i].count * (w->options.no_verify ? 1 : 2);
    }
    TRY(prnn_blocks_write(&coding, own, mine.count));
    TRY(w->options.no_verify ? PRNN_OK : verify(w, coding, own, mine.count));
done:
    return prnn_deal_gather(w->ctx, status, blocks, n);
}

/* Fails unless all ranks have the same images, with the same names. */
static prnn_status compare_batch(const prnn_archive_writer *w) {
    const prnn_directory *d = &w->directory;
    char text[64];
    if (prnn_context_rank_count(w->ctx) == 1) {
        return PRNN_OK;
    }
    uint64_t hash = prnn_ranks_hash(PRNN_HASH_BEGIN, w->values, w->bytes);
    for (size_t r = 0; r < d->count; r++) {
        const prnn_record *of = &d->list[r];
        const uint32_t shape[] = {of->run, (uint32_t)of->height, (uint32_t)of->width, (uint32_t)of->channels};
        hash = prnn_ranks_hash(hash, shape, sizeof shape);
        hash = prnn_ranks_hash(hash, of->name, strlen(of->name));
    }
    snprintf(text, sizeof text, "%zu images, fingerprint %" PRIx64, d->images, hash);
    return prnn_ranks_compare(w->ctx, "batch of images to compress", text);
}

/* Compresses and writes the images that were gathered. */
static prnn_status write_batch(prnn_archive_writer *w) {
    prnn_batch_of_images batch = {0};
    prnn_block_of_parts *blocks = NULL;
    size_t n = 0;
    prnn_status status = PRNN_OK;
    if (w->directory.images == 0) {
        return PRNN_OK;
    }
    TRY(compare_batch(w));
    TRY(prnn_batch_make(w->ctx, &w->directory, &w->header, w->values, 0, w->directory.images, &batch));
    TRY(cut(w, &batch.parts, &blocks, &n));
    TRY(code_blocks(w, &batch, blocks, n));
    TRY(write_directory(w));
    for (size_t i = 0; i < n; i++) {
        write_block(w, &batch, &blocks[prnn_deal_place(w->ctx, n, i)]);
    }
    w->batches++;
    forget_batch(w);
done:
    for (size_t i = 0; i < n; i++) {
        prnn_free(blocks[i].bytes);
    }
    prnn_free(blocks);
    prnn_batch_free(&batch);
    return status;
}

/* ---------------------------------------------------------------------------------------- calls */

static prnn_status check_options(prnn_context *ctx, prnn_archive_options *o) {
    o->tile = o->tile ? o->tile : DEFAULT_TILE;
    if (o->tile < LEAST_TILE || o->tile > MOST_TILE) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "tiles of %d pixels: choose %d to %d", o->tile, LEAST_TILE,
                         MOST_TILE);
    }
    if (o->block < 0 || o->block > MOST_IN_BLOCK) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%d parts of images in a block: choose 1 to %d, or 0",
                         o->block, MOST_IN_BLOCK);
    }
    return PRNN_OK;
}

/* Fails unless all ranks begin the same archive. */
static prnn_status compare_beginning(const prnn_archive_writer *w) {
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    char text[80];
    prnn_header_describe(&w->header, &info);
    snprintf(text, sizeof text, "%.16s/%08" PRIx32 "/%08" PRIx32 ", tile %d, block %d%s", info.fingerprint,
             w->header.probe, w->palette, w->options.tile, w->options.block,
             w->options.model_inside ? ", inside" : "");
    return prnn_ranks_compare(w->ctx, "model, or other options, to compress with", text);
}

prnn_status prnn_archive_writer_create(prnn_context *ctx, const prnn_model *model, const char *path,
                                       const prnn_archive_options *options, prnn_archive_writer **writer) {
    PRNN_NOTHING_YET(writer);
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(path), PRNN_GIVEN(writer));
    prnn_archive_options o = PRNN_ARCHIVE_OPTIONS_INIT;
    prnn_archive_writer *w = NULL;
    prnn_status status;
    TRY(prnn_options_read(ctx, &o, &prnn_archive_options_fields, options));
    TRY(check_options(ctx, &o));
    w = prnn_alloc(ctx, 1, sizeof *w, "the archive");
    TRY(w ? PRNN_OK : PRNN_ERROR_MEMORY);
    *w = (prnn_archive_writer){
        .ctx = ctx, .model = model, .options = o, .info = PRNN_ARCHIVE_INFO_INIT, .began = prnn_clock()};
    TRY(prnn_header_of(ctx, model, o.tile, &w->header));
    if (model->palette) {
        TRY(prnn_colours_take(ctx, "the palette", model->palette, &w->colours));
        w->palette = prnn_palette_checksum(model->palette);
    }
    TRY(compare_beginning(w));
    TRY(prnn_context_rank(ctx) == 0 ? prnn_file_begin(ctx, path, &w->file) : PRNN_OK);
    TRY(write_beginning(w));
    TRY(prnn_ranks_vote(ctx, PRNN_OK, NULL, BEGUN));
    *writer = w;
    w = NULL;
done:
    prnn_archive_writer_free(w);
    return prnn_ranks_fail(ctx, status);
}

static prnn_status check_open(prnn_context *ctx, const prnn_archive_writer *w) {
    const char *why = w->busy     ? "the archive is being written: its callback cannot add to it or finish it"
                      : w->failed ? "the archive has failed or is finished: begin another one"
                      : w->ctx != ctx
                          ? "the archive was begun in another context: add images, and finish it, in that one"
                          : NULL;
    return why ? prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s", why) : PRNN_OK;
}

static prnn_status check_image(prnn_context *ctx, const char *name, size_t count, int height, int width,
                               int channels) {
    const char *called = name ? name : "an image";
    if (height < 1 || width < 1 || channels < 1 || channels > 4) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s is %d x %d x %d: sides must be 1 or more, and channels 1 to 4", called, height,
                         width, channels);
    }
    if (name && (count != 1 || !prnn_name_is_safe(name))) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "%.200s is no name of one image: it must be that of a file below a folder, such as a/b.png, "
            "of %d bytes at most",
            name, PRNN_NAME_BYTES);
    }
    return prnn_picture_check_size(ctx, called, (uint32_t)height, (uint32_t)width);
}

/* Images of one record. */
static prnn_status add_record(prnn_archive_writer *w, const char *name, prnn_record record) {
    prnn_directory *d = &w->directory;
    prnn_record *last = d->count ? &d->list[d->count - 1] : NULL;
    void *memory = d->list;
    if (last && !name && !*last->name && last->height == record.height && last->width == record.width &&
        last->channels == record.channels && last->how == record.how) {
        last->run++;
        return PRNN_OK;
    }
    prnn_status status =
        grow(w->ctx, &memory, d->count * sizeof record, &w->record_room, (d->count + 1) * sizeof record);
    d->list = memory;
    if (status == PRNN_OK && name && *name) {
        size_t n = strlen(name) + 1;
        char *copy = prnn_alloc(w->ctx, n, 1, "the name of an image");
        status = copy ? PRNN_OK : PRNN_ERROR_MEMORY;
        if (copy) {
            memcpy(copy, name, n);
            record.name = copy;
        }
    }
    if (status == PRNN_OK) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it has grown */
        d->list[d->count++] = record;
    }
    return status;
}

static prnn_status add_image(prnn_archive_writer *w, const char *name, const uint8_t *values,
                             prnn_record record) {
    size_t bytes = prnn_record_bytes(&record);
    void *memory = w->values;
    prnn_status status = PRNN_OK;
    if (w->directory.images == PRNN_BATCH_IMAGES || w->bytes + bytes > PRNN_BATCH_BYTES) {
        TRY(write_batch(w));
    }
    record.how = prnn_how_of(values, bytes, record.channels, w->header.levels, &w->colours);
    record.palette = record.how == PRNN_HOW_COLOURS ? w->palette : 0;
    memory = w->values;
    status = grow(w->ctx, &memory, w->bytes, &w->room, w->bytes + bytes);
    w->values = memory;
    TRY(status);
    TRY(add_record(w, name, record));
    memcpy(w->values + w->bytes, values, bytes);
    w->bytes += bytes;
    w->directory.images++;
    w->info.images++;
    w->info.raw_bytes += bytes;
done:
    return status;
}

prnn_status prnn_archive_writer_add(prnn_context *ctx, prnn_archive_writer *writer, const char *name,
                                    const uint8_t *values, size_t count, int height, int width,
                                    int channels) {
    PRNN_ENTER(ctx, PRNN_GIVEN(writer), PRNN_ARRAY(values, count));
    prnn_record record = {.run = 1, .height = height, .width = width, .channels = channels, .name = ""};
    prnn_status status = check_open(ctx, writer);
    if (status != PRNN_OK) {
        return status;
    }
    TRY(check_image(ctx, name, count, height, width, channels));
    for (size_t i = 0; i < count; i++) {
        writer->busy = true;
        status = add_image(writer, name, values + i * prnn_record_bytes(&record), record);
        writer->busy = false;
        writer->failed = status != PRNN_OK;
        TRY(status);
    }
done:
    return prnn_ranks_fail(ctx, status);
}

prnn_status prnn_archive_writer_finish(prnn_context *ctx, prnn_archive_writer *writer,
                                       prnn_archive_info *info) {
    PRNN_ENTER(ctx, PRNN_GIVEN(writer));
    prnn_archive_writer *w = writer;
    prnn_status status = check_open(ctx, w);
    if (status != PRNN_OK) {
        return status;
    }
    if (info) {
        TRY(prnn_fields_check(ctx, &prnn_archive_info_fields, info));
    }
    w->failed = w->busy = true;
    status = write_batch(w);
    w->busy = false;
    TRY(status);
    size_t copied = w->copies.count <= UINT32_MAX ? w->copies.count : PRNN_HEADER_BYTES;
    put_chunk(w, (prnn_chunk){.type = PRNN_CHUNK_COPY, .count = w->batches}, w->copies.bytes, copied);
    put_chunk(w,
              (prnn_chunk){.type = PRNN_CHUNK_END,
                           .number = w->batches,
                           .first = (uint32_t)(w->info.blocks + w->info.stored_blocks)},
              NULL, 0);
    TRY(prnn_ranks_vote(ctx, PRNN_OK, NULL, CODED)); /* all, before the file is there */
    status = w->file.stream ? prnn_file_commit(ctx, &w->file) : PRNN_OK;
    TRY(prnn_ranks_vote(ctx, status, NULL, WRITTEN));
    if (info) {
        prnn_header_describe(&w->header, &w->info);
        prnn_fields_copy(&prnn_archive_info_fields, info->size, info, &w->info);
    }
done:
    return prnn_ranks_fail(ctx, status);
}
