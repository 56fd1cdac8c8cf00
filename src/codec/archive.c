/* Opens archives, whole ones and others: header and directories are there twice, and what can be found is. */

#include "codec/archive.h"

#include "base/call.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/try.h"
#include "codec/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------- problems */

/* The first one is told. */
PRNN_PRINTF(2, 3) static void note_problem(prnn_archive *a, const char *format, ...) {
    if (!a->info.damaged) {
        va_list list;
        va_start(list, format);
        vsnprintf(a->info.problem, sizeof a->info.problem, format, list);
        va_end(list);
    }
    a->info.damaged++;
}

/* ---------------------------------------------------------------------------------------- chunks */

static const prnn_found_chunk *find(const prnn_archive *a, prnn_chunk_type type) {
    for (size_t i = 0; i < a->scan.count; i++) {
        if (a->scan.list[i].chunk.type == type) {
            return &a->scan.list[i];
        }
    }
    return NULL;
}

/* The bytes of a chunk; NULL, and PRNN_OK, if there is none, or it is damaged. */
static prnn_status read_whole(prnn_context *ctx, const prnn_archive *a, const prnn_found_chunk *chunk,
                              uint8_t **bytes) {
    *bytes = NULL;
    prnn_status status = chunk ? prnn_scan_read(ctx, &a->scan, chunk, bytes) : PRNN_OK;
    return status == PRNN_ERROR_FORMAT ? PRNN_OK : status;
}

static int compare_blocks(const void *one, const void *other) {
    const prnn_found_chunk *a = one, *b = other;
    uint64_t x = (uint64_t)a->chunk.number << 32 | a->chunk.first;
    uint64_t y = (uint64_t)b->chunk.number << 32 | b->chunk.first;
    return x != y ? (x > y) - (x < y) : (a->at > b->at) - (a->at < b->at);
}

static prnn_status gather_blocks(prnn_context *ctx, prnn_archive *a) {
    prnn_archive_info *info = &a->info;
    a->blocks = prnn_alloc_raw(ctx, a->scan.count, sizeof *a->blocks, "the list of blocks");
    if (!a->blocks) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0; i < a->scan.count; i++) {
        const prnn_chunk *c = &a->scan.list[i].chunk;
        if (c->type == PRNN_CHUNK_BLOCK) {
            bool coded = c->method == PRNN_METHOD_MODEL;
            a->blocks[a->block_count++] = a->scan.list[i];
            *(coded ? &info->blocks : &info->stored_blocks) += 1;
            *(coded ? &info->coded_bytes : &info->stored_bytes) += c->length;
        }
    }
    qsort(a->blocks, a->block_count, sizeof *a->blocks, compare_blocks);
    return PRNN_OK;
}

/* --------------------------------------------------------------------------------------- batches */

static prnn_archive_batch *batch_of(const prnn_archive *a, uint32_t number) {
    for (size_t low = 0, high = a->batch_count; low < high;) {
        size_t middle = (low + high) / 2;
        if (a->batches[middle].number == number) {
            return &a->batches[middle];
        }
        low = a->batches[middle].number < number ? middle + 1 : low;
        high = a->batches[middle].number < number ? high : middle;
    }
    return NULL;
}

static int compare_batches(const void *one, const void *other) {
    const prnn_archive_batch *a = one, *b = other;
    return (a->number > b->number) - (a->number < b->number);
}

/* A batch of which nothing is known but its number and how many images it has. */
static void add_batch(prnn_archive *a, uint32_t number, uint32_t images) {
    if (images > 0 && images <= PRNN_BATCH_IMAGES) {
        a->batches[a->batch_count++] =
            (prnn_archive_batch){.number = number, .lost = true, .unknown = {.run = images, .name = ""}};
    }
}

/* By number, each once. */
static void sort_batches(prnn_archive *a) {
    size_t count = 0;
    qsort(a->batches, a->batch_count, sizeof *a->batches, compare_batches);
    for (size_t i = 0; i < a->batch_count; i++) {
        if (count == 0 || a->batches[count - 1].number != a->batches[i].number) {
            a->batches[count++] = a->batches[i];
        }
    }
    a->batch_count = count;
}

/* The batch gets its directory, if the bytes are one. */
static prnn_status read_directory(prnn_context *ctx, prnn_archive_batch *b, const uint8_t *bytes, size_t n) {
    prnn_status status = PRNN_OK;
    if (b && b->lost && bytes) {
        status = prnn_directory_unpack(ctx, bytes, n, b->unknown.run, &b->directory);
        b->lost = status != PRNN_OK;
    }
    return status == PRNN_ERROR_FORMAT ? PRNN_OK : status;
}

/* From the chunks beside their images. */
static prnn_status read_directories(prnn_context *ctx, prnn_archive *a) {
    prnn_status status = PRNN_OK;
    uint8_t *bytes = NULL;
    for (size_t i = 0; i < a->scan.count; i++) {
        const prnn_found_chunk *found = &a->scan.list[i];
        if (found->chunk.type != PRNN_CHUNK_DIRECTORY) {
            continue;
        }
        TRY(read_whole(ctx, a, found, &bytes));
        prnn_archive_batch *b = batch_of(a, found->chunk.number);
        TRY(read_directory(ctx, b, bytes, found->chunk.length));
        prnn_free(bytes);
        bytes = NULL;
        if (b) {
            b->listed = !b->lost;
        }
    }
done:
    prnn_free(bytes);
    return status;
}

/* One directory of the copies at the end. */
typedef struct copy {
    uint32_t number, images;
    const uint8_t *bytes;
    size_t n;
} copy;

/* The next one; *at begins as 0. false: that was the last. */
static bool next_copy(const uint8_t *bytes, size_t n, size_t *at, copy *c) {
    *at = *at ? *at : PRNN_HEADER_BYTES;
    if (!bytes || n < *at || n - *at < 12 || prnn_get32(bytes + *at + 8) > n - *at - 12) {
        return false;
    }
    const uint8_t *from = bytes + *at;
    *c = (copy){prnn_get32(from), prnn_get32(from + 4), from + 12, prnn_get32(from + 8)};
    *at += 12 + c->n;
    return true;
}

/* All batches that the chunks, or the copies, know of. */
static prnn_status find_batches(prnn_context *ctx, prnn_archive *a, const uint8_t *copies, size_t n) {
    size_t at = 0;
    copy c;
    a->batches = prnn_alloc(ctx, a->scan.count + n / 12, sizeof *a->batches, "the list of images");
    if (!a->batches) {
        return PRNN_ERROR_MEMORY;
    }
    for (size_t i = 0; i < a->scan.count; i++) {
        const prnn_chunk *chunk = &a->scan.list[i].chunk;
        if (chunk->type == PRNN_CHUNK_DIRECTORY) {
            add_batch(a, chunk->number, chunk->count);
        }
    }
    while (next_copy(copies, n, &at, &c)) {
        add_batch(a, c.number, c.images);
    }
    sort_batches(a);
    return PRNN_OK;
}

static prnn_status read_copies(prnn_context *ctx, prnn_archive *a, const uint8_t *copies, size_t n) {
    prnn_status status = PRNN_OK;
    size_t at = 0;
    copy c;
    while (next_copy(copies, n, &at, &c)) {
        TRY(read_directory(ctx, batch_of(a, c.number), c.bytes, c.n));
    }
done:
    return status;
}

/* Counts images, and finds the blocks of each batch. */
static void number_batches(prnn_archive *a) {
    size_t at = 0;
    for (size_t i = 0; i < a->batch_count; i++) {
        prnn_archive_batch *b = &a->batches[i];
        if (b->lost) {
            b->directory = (prnn_directory){.list = &b->unknown, .count = 1, .images = b->unknown.run};
            note_problem(a, "the list of %u images is damaged, and its copy too", b->unknown.run);
        } else if (!b->listed) {
            note_problem(a, "a list of images is damaged, and its copy at the end is used");
        }
        b->first = a->info.images;
        a->info.images += b->directory.images;
        for (size_t r = 0; r < b->directory.count; r++) {
            a->info.raw_bytes += b->directory.list[r].run * prnn_record_bytes(&b->directory.list[r]);
        }
        while (at < a->block_count && a->blocks[at].chunk.number < b->number) {
            at++;
        }
        b->blocks = a->blocks + at;
        for (; at < a->block_count && a->blocks[at].chunk.number == b->number; at++) {
            b->block_count++;
        }
    }
}

/* --------------------------------------------------------------------------------- header, state */

static prnn_status read_header(prnn_context *ctx, prnn_archive *a, const uint8_t *copies, size_t n) {
    const prnn_found_chunk *found = find(a, PRNN_CHUNK_HEADER);
    uint8_t *bytes = NULL;
    prnn_status status;
    TRY(read_whole(ctx, a, found, &bytes));
    if (!bytes) {
        note_problem(a, "the header is damaged");
    }
    if (!bytes && (!copies || n < PRNN_HEADER_BYTES)) {
        TRY(prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: its header is damaged, and the copy at its end is damaged or missing: nothing of it can be "
            "decoded",
            a->scan.path));
    }
    TRY(prnn_header_read(ctx, a->scan.path, bytes ? bytes : copies,
                         bytes ? found->chunk.length : PRNN_HEADER_BYTES, &a->header));
done:
    prnn_free(bytes);
    return status;
}

/* What shows that something is not there. */
static void check_whole(prnn_archive *a, bool copies) {
    const prnn_found_chunk *end = find(a, PRNN_CHUNK_END);
    if (!end) {
        note_problem(a, "its end is missing");
    } else if (end->chunk.number != a->batch_count || end->chunk.first != a->block_count) {
        note_problem(a, "it has %zu of %u blocks", a->block_count, end->chunk.first);
    } else if (!copies) {
        note_problem(a, "the copy of its lists of images is damaged");
    }
    if (a->scan.gaps) {
        note_problem(a, "%llu place%s damaged, the first at byte %llu", (unsigned long long)a->scan.gaps,
                     a->scan.gaps == 1 ? " is" : "s are", (unsigned long long)a->scan.first_gap);
    }
}

static prnn_status open_archive(prnn_context *ctx, prnn_archive *a) {
    const prnn_found_chunk *found = find(a, PRNN_CHUNK_COPY);
    uint8_t *copies = NULL;
    size_t n = found ? found->chunk.length : 0;
    prnn_status status;
    TRY(read_whole(ctx, a, found, &copies));
    TRY(read_header(ctx, a, copies, n));
    TRY(gather_blocks(ctx, a));
    TRY(find_batches(ctx, a, copies, n));
    TRY(read_directories(ctx, a));
    TRY(read_copies(ctx, a, copies, n));
    number_batches(a);
    check_whole(a, copies != NULL);
    a->model = find(a, PRNN_CHUNK_MODEL);
    a->info.model_bytes = a->model ? a->model->chunk.length : 0;
    a->info.bytes = a->scan.size;
    prnn_header_describe(&a->header, &a->info);
done:
    prnn_free(copies);
    return status;
}

/* ----------------------------------------------------------------------------------------- calls */

prnn_status prnn_archive_open(prnn_context *ctx, const char *path, prnn_archive **archive) {
    PRNN_NOTHING_YET(archive);
    PRNN_ENTER(ctx, PRNN_GIVEN(path), PRNN_GIVEN(archive));
    prnn_status status;
    prnn_archive *a = prnn_alloc(ctx, 1, sizeof *a, "the archive");
    TRY(a ? PRNN_OK : PRNN_ERROR_MEMORY);
    a->info = (prnn_archive_info)PRNN_ARCHIVE_INFO_INIT;
    a->scan.file = -1;
    TRY(prnn_scan_open(ctx, path, &a->scan));
    TRY(open_archive(ctx, a));
    *archive = a;
    a = NULL;
done:
    prnn_archive_free(a);
    return status;
}

void prnn_archive_free(prnn_archive *a) {
    if (!a) {
        return;
    }
    for (size_t i = 0; i < a->batch_count; i++) {
        if (!a->batches[i].lost) {
            prnn_directory_free(&a->batches[i].directory);
        }
    }
    prnn_scan_close(&a->scan);
    prnn_free(a->batches);
    prnn_free(a->blocks);
    prnn_free(a);
}

void prnn_archive_describe(const prnn_archive *archive, prnn_archive_info *info) {
    prnn_fields_copy(&prnn_archive_info_fields, info->size, info, &archive->info);
}

uint64_t prnn_archive_count(const prnn_archive *archive) {
    return archive->info.images;
}

void prnn_archive_image_at(const prnn_archive *a, uint64_t index, prnn_archive_image *image) {
    size_t low = 0;
    for (size_t high = a->batch_count; high - low > 1;) {
        size_t middle = (low + high) / 2;
        low = a->batches[middle].first <= index ? middle : low;
        high = a->batches[middle].first <= index ? high : middle;
    }
    const prnn_archive_batch *b = &a->batches[low];
    const prnn_record *r = prnn_directory_find(&b->directory, (size_t)(index - b->first));
    prnn_archive_image full = prnn_record_describe(r, a->header.levels);
    prnn_fields_copy(&prnn_archive_image_fields, image->size, image, &full);
}

bool prnn_archive_find(const prnn_archive *a, const char *name, uint64_t *index) {
    for (size_t i = 0; i < a->batch_count; i++) {
        uint64_t at = a->batches[i].first;
        const prnn_directory *d = &a->batches[i].directory;
        for (size_t r = 0; r < d->count; r++) {
            if (*name && strcmp(d->list[r].name, name) == 0) {
                *index = at;
                return true;
            }
            at += d->list[r].run;
        }
    }
    return false;
}

prnn_status prnn_archive_model(prnn_context *ctx, prnn_archive *archive, prnn_model **model) {
    PRNN_NOTHING_YET(model);
    PRNN_ENTER(ctx, PRNN_GIVEN(archive), PRNN_GIVEN(model));
    uint8_t *bytes = NULL;
    prnn_safetensors *st = NULL;
    prnn_status status;
    if (!archive->model) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "%s: has no model inside: give the one that it was made with, %.16s",
                         archive->scan.path, archive->info.fingerprint);
    }
    TRY(prnn_scan_read(ctx, &archive->scan, archive->model, &bytes));
    TRY(prnn_safetensors_parse(ctx, archive->scan.path, bytes, archive->model->chunk.length, &st));
    TRY(prnn_model_from_safetensors(ctx, archive->scan.path, st, model));
done:
    prnn_safetensors_free(st);
    prnn_free(bytes);
    return status;
}
