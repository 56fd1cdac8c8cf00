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
                                     F(hidden),
                                     F(head),
                                     F(residual),
                                     F(skip),
                                     F(condition_size),
                                     F(condition_features),
                                     F(unused),
                                     F(output),
                                     F(components)};
#undef F

#define F(field) END(prnn_data_options, field)
static const size_t data_options_ends[] = {
    F(size), F(levels), F(values), F(binarize_sample), F(height),  F(width),    F(channels),
    F(fit),  F(first),  F(limit),  F(memory_limit),    F(skipped), F(progress), F(user)};
#undef F

#define F(field) END(prnn_sample_options, field)
static const size_t sample_options_ends[] = {F(size), F(seed), F(temperature), F(progress), F(user)};
#undef F

#define F(field) END(prnn_check_options, field)
static const size_t check_options_ends[] = {F(size), F(seed), F(positions), F(progress), F(user)};
#undef F

#define F(field) END(prnn_train_options, field)
static const size_t train_options_ends[] = {
    F(size),      F(epochs),           F(steps),          F(batch),        F(optimizer),    F(learning_rate),
    F(schedule),  F(warmup_steps),     F(final_fraction), F(decay_factor), F(decay_epochs), F(beta1),
    F(beta2),     F(epsilon),          F(clip),           F(ema),          F(seed),         F(valid_every),
    F(log_every), F(checkpoint_every), F(resume),         F(out),          F(progress),     F(user)};
#undef F

#define F(field) END(prnn_certificate, field)
static const size_t certificate_ends[] = {
    F(size),       F(passed), F(height),    F(width),        F(channels),  F(levels),
    F(open),       F(closed), F(nonzero),   F(nonzero_name), F(kernels),   F(plain),
    F(difference), F(sums),   F(worst_sum), F(agrees),       F(normalised)};
#undef F

#define FIELDS(name)                                                                                         \
    const prnn_fields prnn_##name##_fields = {name##_ends, sizeof name##_ends / sizeof *name##_ends}

FIELDS(config);
FIELDS(data_options);
FIELDS(sample_options);
FIELDS(check_options);
FIELDS(train_options);
FIELDS(certificate);

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

prnn_status prnn_options_read(prnn_context *ctx, void *to, const prnn_fields *fields, const void *from) {
    if (!from) {
        return PRNN_OK;
    }
    size_t from_size;
    memcpy(&from_size, from, sizeof from_size);
    if (from_size <= sizeof(size_t)) {
        return prnn_fail(
            ctx, PRNN_ERROR_ARGUMENT,
            "an options struct says that its size is %zu; begin with the PRNN_..._INIT beside its type",
            from_size);
    }
    prnn_fields_copy(fields, from_size, to, from);
    return PRNN_OK;
}
