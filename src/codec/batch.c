#include "codec/batch.h"

#include "base/memory.h"
#include "base/try.h"

prnn_status prnn_batch_make(prnn_context *ctx, const prnn_directory *d, const prnn_header *header,
                            uint8_t *values, size_t first, size_t count, prnn_batch_of_images *batch) {
    prnn_status status;
    *batch = (prnn_batch_of_images){0};
    TRY(prnn_parts_make(ctx, d, header, &batch->parts));
    batch->images = prnn_alloc(ctx, d->images, sizeof *batch->images, "the list of images");
    TRY(batch->images ? PRNN_OK : PRNN_ERROR_MEMORY);
    for (size_t r = 0; r < d->count; r++) {
        for (uint32_t k = 0; k < d->list[r].run; k++) {
            size_t i = batch->count++;
            bool wanted = values && i >= first && i - first < count;
            batch->images[i] = (prnn_canvas){&d->list[r], wanted ? values : NULL};
            if (wanted) {
                values += prnn_record_bytes(&d->list[r]);
            }
        }
    }
done:
    if (status != PRNN_OK) {
        prnn_batch_free(batch);
    }
    return status;
}

void prnn_batch_free(prnn_batch_of_images *batch) {
    prnn_free(batch->images);
    prnn_parts_free(&batch->parts);
    *batch = (prnn_batch_of_images){0};
}
