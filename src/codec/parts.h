/* What is coded as one image: a tile of an image, or (unless the model has colours, or a palette that has
 * those of the image) one colour of that; and the alpha of a tile. The parts of a batch follow from its
 * directory, in an order in which those that can be coded together, of one shape, are neighbours. */
#ifndef PRNN_CODEC_PARTS_H
#define PRNN_CODEC_PARTS_H

#include "codec/directory.h"
#include "codec/header.h"

/* `channels` channels of a rectangle of an image, from `channel` on. */
typedef struct prnn_part {
    uint32_t image; /* in its batch */
    int row, col, height, width;
    int channel, channels;
    prnn_how how;
} prnn_part;

typedef struct prnn_parts {
    prnn_part *list;
    size_t count;
} prnn_parts;

prnn_status prnn_parts_make(prnn_context *ctx, const prnn_directory *directory, const prnn_header *header,
                            prnn_parts *parts);
void prnn_parts_free(prnn_parts *parts);

/* Whether both can be in one block: they have one shape, and a model codes both or none. */
bool prnn_parts_alike(const prnn_part *a, const prnn_part *b);

static inline size_t prnn_part_bytes(const prnn_part *part) {
    return (size_t)part->height * (size_t)part->width * (size_t)part->channels;
}

/* Copies a part out of the values of its image, (h, w, c), or back into them; `record` is the image's. */
void prnn_part_take(const prnn_part *part, const prnn_record *record, const uint8_t *image, uint8_t *values);
void prnn_part_put(const prnn_part *part, const prnn_record *record, const uint8_t *values, uint8_t *image);

/* How the colours of an image (of n values) are levels of a model of K levels; `colours` are those of its
 * palette, or none. */
prnn_how prnn_how_of(const uint8_t *values, size_t n, int channels, int levels, const prnn_colours *colours);

/* Between `n` values of a part and the levels of a model of C channels, n / channels * C: a grey part is one
 * of three equal colours to a model of colours. The other way false: the colours are not equal. */
void prnn_part_to_levels(const prnn_part *part, const prnn_header *header, const prnn_colours *colours,
                         const uint8_t *values, size_t n, uint8_t *levels);
bool prnn_part_from_levels(const prnn_part *part, const prnn_header *header, const prnn_colours *colours,
                           const uint8_t *levels, size_t n, uint8_t *values);

#endif
