#include "base/fields.h"

#include <string.h>

/* Where a field ends. */
#define END(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

#define F(field) END(prnn_config, field)
static const size_t config_ends[] = {F(size),
                                     F(kind),
                                     F(height),
                                     F(width),
                                     F(channels),
                                     F(levels),
                                     F(layers),
                                     F(residual),
                                     F(hidden),
                                     F(skip),
                                     F(head),
                                     F(condition_size),
                                     F(condition_features),
                                     F(output),
                                     F(components)};
#undef F

#define F(field) END(prnn_tensor, field)
static const size_t tensor_ends[] = {F(size), F(name), F(rank), F(shape), F(count), F(offset), F(values)};
#undef F

#define F(field) END(prnn_progress, field)
static const size_t progress_ends[] = {
    F(size),      F(phase),         F(done),           F(total),      F(seconds),       F(images_per_second),
    F(epoch),     F(learning_rate), F(train_nats),     F(valid_nats), F(best_nats),     F(best_step),
    F(not_lower), F(overfitted),    F(exchange_share), F(wait_share), F(exchange_bytes)};
#undef F

#define F(field) END(prnn_data_options, field)
static const size_t data_options_ends[] = {
    F(size),     F(levels),  F(values),       F(binarize_sample), F(height),     F(width),    F(channels),
    F(fit),      F(first),   F(limit),        F(memory_limit),    F(skipped),    F(progress), F(user),
    F(note),     F(alpha),   F(background),   F(as_stored),       F(shuffle),    F(array),    F(paletted),
    F(together), F(palette), F(palette_used), F(array_height),    F(array_width)};
#undef F

#define F(field) END(prnn_evaluate_options, field)
static const size_t evaluate_options_ends[] = {F(size), F(small),     F(new_only), F(progress),
                                               F(user), F(entropies), F(variances)};
#undef F

#define F(field) END(prnn_sample_options, field)
static const size_t sample_options_ends[] = {F(size),        F(seed),     F(first),
                                             F(temperature), F(progress), F(user)};
#undef F

#define F(field) END(prnn_stepper_options, field)
static const size_t stepper_options_ends[] = {F(size), F(small), F(seed), F(first), F(temperature)};
#undef F

#define F(field) END(prnn_check_options, field)
static const size_t check_options_ends[] = {F(size), F(seed), F(positions), F(progress), F(user)};
#undef F

#define F(field) END(prnn_train_options, field)
static const size_t train_options_ends[] = {
    F(size),          F(epochs),   F(steps),        F(batch),          F(optimizer),
    F(learning_rate), F(schedule), F(warmup_steps), F(final_fraction), F(decay_factor),
    F(decay_epochs),  F(beta1),    F(beta2),        F(epsilon),        F(clip),
    F(ema),           F(seed),     F(valid_every),  F(log_every),      F(checkpoint_every),
    F(resume),        F(out),      F(progress),     F(user),           F(flip),
    F(shift),         F(dropout),  F(weight_decay), F(patience),       F(teacher),
    F(teacher_weight)};
#undef F

#define F(field) END(prnn_certificate, field)
static const size_t certificate_ends[] = {
    F(size),     F(passed), F(agrees),     F(normalised), F(height),   F(width),
    F(channels), F(levels), F(unmasked),   F(masked),     F(nonzero),  F(nonzero_name),
    F(kernels),  F(plain),  F(difference), F(sums),       F(worst_sum)};
#undef F

#define F(field) END(prnn_device_info, field)
static const size_t device_info_ends[] = {F(size),   F(name),    F(product),    F(driver),
                                          F(memory), F(why_not), F(why_no_bf16)};
#undef F

#define F(field) END(prnn_archive_options, field)
static const size_t archive_options_ends[] = {F(size),      F(block),    F(tile),     F(model_inside),
                                              F(no_verify), F(expected), F(progress), F(user)};
#undef F

#define F(field) END(prnn_archive_info, field)
static const size_t archive_info_ends[] = {F(size),          F(images),       F(raw_bytes),   F(bytes),
                                           F(coded_bytes),   F(stored_bytes), F(model_bytes), F(blocks),
                                           F(stored_blocks), F(channels),     F(levels),      F(tile),
                                           F(damaged),       F(arithmetic),   F(fingerprint), F(problem)};
#undef F

#define F(field) END(prnn_archive_image, field)
static const size_t archive_image_ends[] = {F(size),     F(name),   F(height),  F(width),
                                            F(channels), F(levels), F(colours), F(palette)};
#undef F

#define F(field) END(prnn_archive_read_options, field)
static const size_t archive_read_options_ends[] = {F(size),       F(first), F(count),    F(max_pixels),
                                                   F(check_only), F(image), F(progress), F(user)};
#undef F

#define F(field) END(prnn_picture_info, field)
static const size_t picture_info_ends[] = {F(size),  F(name),     F(number),      F(group), F(height),
                                           F(width), F(channels), F(transparent), F(deep),  F(more_pages)};
#undef F

#define F(field) END(prnn_ranks, field)
static const size_t ranks_ends[] = {F(size),   F(rank),      F(count), F(exchange),
                                    F(gather), F(broadcast), F(why),   F(user)};
#undef F

/* Bytes of padding at the end would become part of a field that is added, and hold anything in the structs of
 * older callers. */
#if UINTPTR_MAX > UINT32_MAX
#define NO_PADDING_BEHIND(type, last)                                                                        \
    _Static_assert(END(type, last) == sizeof(type), #type " ends with padding: move its small fields")
#else
#define NO_PADDING_BEHIND(type, last) _Static_assert(END(type, last) > 0, "")
#endif

#define FIELDS(name, last)                                                                                   \
    NO_PADDING_BEHIND(prnn_##name, last);                                                                    \
    const prnn_fields prnn_##name##_fields = {#name, name##_ends, sizeof name##_ends / sizeof *name##_ends,  \
                                              sizeof(prnn_##name)}

FIELDS(config, components);
FIELDS(tensor, values);
FIELDS(progress, exchange_bytes);
FIELDS(data_options, array_width);
FIELDS(evaluate_options, variances);
FIELDS(sample_options, user);
FIELDS(stepper_options, temperature);
FIELDS(check_options, user);
FIELDS(train_options, teacher_weight);
FIELDS(certificate, worst_sum);
FIELDS(device_info, why_no_bf16);
FIELDS(archive_options, user);
FIELDS(archive_info, problem);
FIELDS(archive_image, palette);
FIELDS(archive_read_options, user);
FIELDS(picture_info, more_pages);
FIELDS(ranks, user);

size_t prnn_fields_within(const prnn_fields *fields, size_t size) {
    size_t end = sizeof(size_t);
    for (size_t i = 0; i < fields->count && fields->end[i] <= size; i++) {
        end = fields->end[i];
    }
    return end;
}

void prnn_fields_copy(const prnn_fields *fields, size_t size, void *to, const void *from) {
    size_t end = prnn_fields_within(fields, size);
    memcpy((char *)to + sizeof(size_t), (const char *)from + sizeof(size_t), end - sizeof(size_t));
}

prnn_status prnn_fields_check(prnn_context *ctx, const prnn_fields *fields, const void *given) {
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size <= sizeof(size_t)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "a prnn_%s says that its size is %zu; begin with the PRNN_..._INIT beside its type",
                         fields->name, size);
    }
    return PRNN_OK;
}

prnn_status prnn_options_read(prnn_context *ctx, void *to, const prnn_fields *fields, const void *from) {
    size_t size;
    if (!from) {
        return PRNN_OK;
    }
    if (prnn_fields_check(ctx, fields, from) != PRNN_OK) {
        return PRNN_ERROR_ARGUMENT;
    }
    memcpy(&size, from, sizeof size);
    for (size_t at = fields->size; at < size; at++) {
        if (((const char *)from)[at]) {
            return prnn_fail(
                ctx, PRNN_ERROR_ARGUMENT,
                "a prnn_%s of %zu bytes asks for something in byte %zu, and version " PRNN_VERSION
                " of pixelrnn knows its first %zu: take the version that the program was made "
                "for, or set its newer fields to 0",
                fields->name, size, at, fields->size);
        }
    }
    prnn_fields_copy(fields, size, to, from);
    return PRNN_OK;
}
