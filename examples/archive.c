/* Compresses images into an archive without loss, and reads one of them again.
 *
 *     archive MODEL IMAGES ARCHIVE
 *
 * The archive takes as many bits as the model's likelihood says. It is read with the same model, on any
 * processor, whatever number of threads wrote it. */
#include <pixelrnn/pixelrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(prnn_context *ctx, prnn_status status) {
    if (status != PRNN_OK) {
        fprintf(stderr, "archive: %s\n", prnn_message(ctx));
        exit(1);
    }
}

/* The images of a set, one after the other. */
static void write_archive(prnn_context *ctx, const prnn_model *model, const prnn_data *data,
                          const char *path) {
    int height = prnn_data_height(data), width = prnn_data_width(data), channels = prnn_data_channels(data);
    uint8_t *image = malloc((size_t)height * (size_t)width * (size_t)channels);
    prnn_archive_info info = PRNN_ARCHIVE_INFO_INIT;
    prnn_archive_writer *writer;
    must(ctx, prnn_archive_writer_create(ctx, model, path, NULL, &writer));
    for (size_t i = 0; i < prnn_data_count(data); i++) {
        must(ctx, prnn_data_read(ctx, data, &i, 1, 0, 0, image));
        must(ctx, prnn_archive_writer_add(ctx, writer, NULL, image, 1, height, width, channels));
    }
    must(ctx, prnn_archive_writer_finish(ctx, writer, &info));
    printf("%llu images, %llu bytes in %llu\n", (unsigned long long)info.images,
           (unsigned long long)info.raw_bytes, (unsigned long long)info.bytes);
    prnn_archive_writer_free(writer);
    free(image);
}

/* `user` is the image as it should be. */
static bool compare(void *user, uint64_t index, const prnn_archive_image *image, const uint8_t *values,
                    const char *why) {
    size_t n = (size_t)image->height * (size_t)image->width * (size_t)image->channels;
    bool same = values && memcmp(values, user, n) == 0;
    printf("image %llu is %s\n", (unsigned long long)index, same ? "as it was" : why ? why : "another one");
    return true;
}

/* The last image alone. */
static void read_last(prnn_context *ctx, const prnn_model *model, const prnn_data *data, const char *path) {
    size_t last = prnn_data_count(data) - 1;
    uint8_t *image = malloc((size_t)prnn_data_height(data) * (size_t)prnn_data_width(data) *
                            (size_t)prnn_data_channels(data));
    prnn_archive_read_options options = PRNN_ARCHIVE_READ_OPTIONS_INIT;
    prnn_archive *archive;
    must(ctx, prnn_data_read(ctx, data, &last, 1, 0, 0, image));
    must(ctx, prnn_archive_open(ctx, path, &archive));
    options.first = last;
    options.count = 1;
    options.image = compare;
    options.user = image;
    must(ctx, prnn_archive_read(ctx, archive, model, &options));
    prnn_archive_free(archive);
    free(image);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: archive MODEL IMAGES ARCHIVE\n");
        return 2;
    }
    prnn_context *ctx = prnn_context_create();
    prnn_data_options options = PRNN_DATA_OPTIONS_INIT;
    prnn_model *model;
    prnn_data *data;
    options.limit = 100;
    must(ctx, prnn_model_load(ctx, argv[1], &model));
    must(ctx, prnn_data_open(ctx, argv[2], &options, &data));
    write_archive(ctx, model, data, argv[3]);
    read_last(ctx, model, data, argv[3]);
    prnn_data_free(data);
    prnn_model_free(model);
    prnn_context_free(ctx);
    return 0;
}
