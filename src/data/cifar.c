/* CIFAR-10 and CIFAR-100, binary version: records of 1 or 2 bytes of label and 3 planes of 32 x 32. */
#include "data/data.h"

#include "base/try.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, PICTURE = 3 * PLANE };

/* One more than the largest label, per label byte. */
static const int label_limits[2][2] = {{10, 0}, {20, 100}};

static prnn_status check_record(prnn_context *ctx, const char *name, const uint8_t *record, size_t labels,
                                uint64_t number) {
    for (size_t i = 0; i < labels; i++) {
        int limit = label_limits[labels - 1][i];
        if (record[i] >= limit) {
            return prnn_fail(
                ctx, PRNN_ERROR_FORMAT,
                "%s: has the size of a %s file, but the label of image %llu is %d, and labels are "
                "0..%d: it is something else, or damaged",
                name, labels == 1 ? "CIFAR-10" : "CIFAR-100", (unsigned long long)number, record[i],
                limit - 1);
        }
    }
    return PRNN_OK;
}

static prnn_status put_records(prnn_builder *b, prnn_input *input, size_t labels, uint64_t first,
                               uint64_t count) {
    uint8_t record[2 + PICTURE], values[PICTURE];
    const prnn_image image = {SIDE, SIDE, 3, values};
    prnn_status status = PRNN_OK;
    for (uint64_t i = first; i < first + count; i++) {
        TRY(prnn_input_read(b->ctx, input, i * (labels + PICTURE), record, labels + PICTURE));
        TRY(check_record(b->ctx, input->name, record, labels, i));
        for (size_t p = 0; p < PLANE; p++) {
            for (size_t c = 0; c < 3; c++) {
                values[3 * p + c] = record[labels + c * PLANE + p];
            }
        }
        TRY(prnn_builder_put(b, input->name, &image));
    }
done:
    return status;
}

bool prnn_cifar_probe(const prnn_probe *probe) {
    return !probe->is_folder && probe->size &&
           (probe->size % (1 + PICTURE) == 0 || probe->size % (2 + PICTURE) == 0);
}

/* Where the size allows both, the labels decide. */
static prnn_status tell_labels(prnn_context *ctx, prnn_input *input, size_t *labels) {
    bool ten = input->size % (1 + PICTURE) == 0, hundred = input->size % (2 + PICTURE) == 0;
    *labels = ten ? 1 : 2;
    for (uint64_t at = 0; ten && hundred && *labels == 1 && at < input->size; at += 1 + PICTURE) {
        uint8_t label;
        prnn_status status = prnn_input_read(ctx, input, at, &label, 1);
        if (status != PRNN_OK) {
            return status;
        }
        *labels = label < label_limits[0][0] ? 1 : 2;
    }
    return PRNN_OK;
}

static prnn_status check_size(prnn_context *ctx, const prnn_input *input, size_t labels) {
    if (input->is_folder || !input->size || input->size % (labels + PICTURE)) {
        return prnn_fail(
            ctx, PRNN_ERROR_FORMAT,
            "%s: has %llu byte%s, and %s files have a multiple of %zu: it is cut off or something "
            "else; fetch it anew",
            input->name, (unsigned long long)input->size, prnn_plural(input->size),
            labels == 1 ? "CIFAR-10" : "CIFAR-100", labels + PICTURE);
    }
    return PRNN_OK;
}

prnn_status prnn_cifar_open(prnn_builder *b, prnn_input *input) {
    size_t labels;
    prnn_status status;
    TRY(tell_labels(b->ctx, input, &labels));
    TRY(check_size(b->ctx, input, labels));
    TRY(prnn_builder_slice(b, input->size / (labels + PICTURE)));
    TRY(put_records(b, input, labels, b->first, b->count));
done:
    return status;
}

/* prnn_visit_fn; `user`: the bytes of a label. */
static prnn_status visit(prnn_builder *b, const char *path, const void *user, const uint64_t *before,
                         uint64_t *has) {
    size_t labels = *(const size_t *)user;
    prnn_input input;
    uint64_t from, n;
    prnn_status status = prnn_input_open(b->ctx, path, &input);
    if (status != PRNN_OK) {
        return status;
    }
    TRY(check_size(b->ctx, &input, labels));
    *has = input.size / (labels + PICTURE);
    if (before && prnn_builder_wants(b, *before, *has, &from, &n)) {
        TRY(put_records(b, &input, labels, from, n));
    }
done:
    prnn_input_close(&input);
    return status;
}

prnn_status prnn_cifar_put_files(prnn_builder *b, char *const *paths, size_t count, size_t labels) {
    return prnn_builder_put_files(b, paths, count, visit, &labels);
}
