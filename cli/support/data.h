/* Data sets: with a progress bar, and the names of the files that were skipped, on stderr. All return 0 or an
 * exit code after a message. */
#ifndef PIXELRNN_CLI_SUPPORT_DATA_H
#define PIXELRNN_CLI_SUPPORT_DATA_H

#include "support/skipped.h"

#include <pixelrnn/pixelrnn.h>

/* Opens the set `path`. `quiet`: nothing on stderr but errors. The callbacks in *options are not
 * used. */
int data_open(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
              prnn_data **set);

/* The same; *missing, which begins as {0} (and `keep`), gets what was skipped. */
int data_open_and_note(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
                       skipped *missing, prnn_data **set);

/* Lists pictures of any sizes in the same way; *listed: false, where it is data of another kind, of which
 * nothing was read. */
int data_list(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
              skipped *missing, prnn_listing **listing, bool *listed);
/* The same, and does not tell which were skipped. */
int data_look(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
              skipped *missing, prnn_listing **listing, bool *listed);

/* Writes the set `path` into one .npy file `out`; *missing gets what was skipped. Says on stdout what was
 * written. */
int data_convert(prnn_context *ctx, bool quiet, const char *path, const prnn_data_options *options,
                 const char *out, skipped *missing);

/* Reads `n` images from number `first` on, n * H * W * C levels. */
int data_read(prnn_context *ctx, const prnn_data *set, size_t first, size_t n, uint64_t seed,
              uint8_t *images);

#endif
