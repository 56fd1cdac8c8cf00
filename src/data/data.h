/* The formats of data sets, and a data set from the bytes of a file. */
#ifndef PRNN_DATA_DATA_H
#define PRNN_DATA_DATA_H

#include "data/builder.h"
#include "data/find.h"
#include "data/stream.h"
#include "ranks/ranks.h"

/* What is known of an input before a format is chosen. */
typedef struct prnn_probe {
    const uint8_t *head; /* its first bytes */
    size_t head_size;    /* at most 16 */
    uint64_t size;       /* of the whole input */
    bool is_folder;
} prnn_probe;

/* Slices, and puts the images of an input of one format. */
typedef prnn_status (*prnn_format_open)(prnn_builder *b, prnn_input *input);

typedef struct prnn_format {
    const char *name; /* as messages list it */
    bool (*probe)(const prnn_probe *probe);
    prnn_format_open open;
} prnn_format;

/* Ends with an entry without a name. The first whose probe says yes is taken. */
extern const prnn_format prnn_formats[];

bool prnn_folder_probe(const prnn_probe *probe);
prnn_status prnn_folder_open(prnn_builder *b, prnn_input *input);
bool prnn_idx_probe(const prnn_probe *probe);
prnn_status prnn_idx_open(prnn_builder *b, prnn_input *input);
bool prnn_idx_gz_probe(const prnn_probe *probe);
prnn_status prnn_idx_gz_open(prnn_builder *b, prnn_input *input);
bool prnn_npy_probe(const prnn_probe *probe);
prnn_status prnn_npy_open(prnn_builder *b, prnn_input *input);
bool prnn_npz_probe(const prnn_probe *probe);
prnn_status prnn_npz_open(prnn_builder *b, prnn_input *input);
bool prnn_picture_probe(const prnn_probe *probe);
/* One file of any kind of picture. */
prnn_status prnn_picture_open(prnn_builder *b, prnn_input *input);
bool prnn_cifar_probe(const prnn_probe *probe);
prnn_status prnn_cifar_open(prnn_builder *b, prnn_input *input);

/* The images of several CIFAR files, as one set: records of `labels` (1: CIFAR-10, 2: CIFAR-100) bytes and
 * 3072 of picture. */
prnn_status prnn_cifar_put_files(prnn_builder *b, char *const *paths, size_t count, size_t labels);

/* The images of several .npz files, as one set. */
prnn_status prnn_npz_put_files(prnn_builder *b, char *const *paths, size_t count);

/* The pictures of a folder, decoded on all threads; what cannot be used is skipped. */
prnn_status prnn_pictures_put(prnn_builder *b, char *const *paths, size_t count);

/* The same of some pictures of a folder, in the order of their paths, whose folders are numbered. */
prnn_status prnn_folder_put_pictures(prnn_builder *b, const prnn_names *paths);

/* Finds the pictures of the folder b->name: found->paths[PRNN_FILE_PICTURE], in their order, which is
 * empty before and to be freed also after a failure. Refuses a folder of other data. */
prnn_status prnn_folder_list(prnn_builder *b, prnn_files *found);

/* What is done with many pictures, which are decoded on all threads. */
typedef struct prnn_taker {
    /* On any thread: the picture in place `place` of a round, number `number` of the folder; it is not kept.
     * A failure is the whole set's, or, with *unusable, skips the picture. */
    prnn_status (*take)(void *user, prnn_context *ctx, size_t place, const char *path, size_t number,
                        const prnn_image *image, bool *unusable);
    /* In their order, those that were taken. */
    prnn_status (*keep)(void *user, prnn_builder *b, size_t place, const char *path, const prnn_found *found);
    void *user;
    size_t round; /* places */
    /* What `take` makes of a place, [round] each: other ranks get it too. */
    prnn_results made[3];
} prnn_taker;

/* Of b->count pictures, which the caller has sliced. */
prnn_status prnn_pictures_take(prnn_builder *b, char *const *paths, const prnn_taker *taker);

/* Tells what pictures that were kept had, as their `found` said. */
void prnn_pictures_count_found(prnn_builder *b, const prnn_found *found);
void prnn_pictures_note_found(prnn_builder *b);

/* The rest of a stream that begins with an idx header (idx.c), used by idx_gz.c. */
prnn_status prnn_idx_put(prnn_builder *b, prnn_stream *s);

/* Opens the path, tells its format, and puts its images. */
prnn_status prnn_builder_read(prnn_builder *b, const char *path);

/* prnn_data_open for the bytes of a file in memory; `open` is the format (NULL: told by the content). */
prnn_status prnn_data_open_bytes(prnn_context *ctx, prnn_format_open open, const uint8_t *bytes, size_t size,
                                 const prnn_data_options *options, prnn_data **data);

#endif
