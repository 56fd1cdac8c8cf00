/* The structs of the public header that begin with their size, and can grow: where their fields end. A caller
 * of another version knows fewer fields, or more; a field is copied as a whole or not at all. */
#ifndef PRNN_BASE_FIELDS_H
#define PRNN_BASE_FIELDS_H

#include "base/message.h"

#include <pixelrnn/ranks.h>

typedef struct prnn_fields {
    const char *name;  /* of the struct, without prnn_ */
    const size_t *end; /* of each field, ascending; the first is the size */
    size_t count;
    size_t size; /* of the struct */
} prnn_fields;

extern const prnn_fields prnn_config_fields;
extern const prnn_fields prnn_tensor_fields;
extern const prnn_fields prnn_progress_fields;
extern const prnn_fields prnn_data_options_fields;
extern const prnn_fields prnn_evaluate_options_fields;
extern const prnn_fields prnn_sample_options_fields;
extern const prnn_fields prnn_stepper_options_fields;
extern const prnn_fields prnn_check_options_fields;
extern const prnn_fields prnn_train_options_fields;
extern const prnn_fields prnn_certificate_fields;
extern const prnn_fields prnn_device_info_fields;
extern const prnn_fields prnn_archive_options_fields;
extern const prnn_fields prnn_archive_info_fields;
extern const prnn_fields prnn_archive_image_fields;
extern const prnn_fields prnn_archive_read_options_fields;
extern const prnn_fields prnn_picture_info_fields;
extern const prnn_fields prnn_ranks_fields;

/* Where the last field ends that lies wholly within `size` bytes. */
size_t prnn_fields_within(const prnn_fields *fields, size_t size);

/* Copies the fields that lie wholly within `size` bytes, but not the size. */
void prnn_fields_copy(const prnn_fields *fields, size_t size, void *to, const void *from);

/* Refuses a struct of the caller that does not say its size. */
prnn_status prnn_fields_check(prnn_context *ctx, const prnn_fields *fields, const void *given);

/* Copies a struct of the caller (NULL: none) over the defaults in *to, as far as both know it. Refuses one
 * that does not say its size, and one that is longer than is known here and not 0 there: a newer caller wants
 * what this library cannot do. So 0 in a new field must mean what was before it. */
prnn_status prnn_options_read(prnn_context *ctx, void *to, const prnn_fields *fields, const void *from);

#endif
