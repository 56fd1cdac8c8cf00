/* An archive that is open: what images it has, and which chunk of the file has what. */
#ifndef PRNN_CODEC_ARCHIVE_H
#define PRNN_CODEC_ARCHIVE_H

#include "codec/directory.h"
#include "codec/header.h"
#include "codec/scan.h"

/* A batch. */
typedef struct prnn_archive_batch {
    uint32_t number;
    bool lost;   /* its list of images is: it has one record of images without a size */
    bool listed; /* that list is beside its images, too, not in the copy alone */
    prnn_directory directory;
    prnn_record unknown;            /* that record */
    uint64_t first;                 /* number of its first image in the archive */
    const prnn_found_chunk *blocks; /* of it */
    size_t block_count;
} prnn_archive_batch;

struct prnn_archive {
    prnn_scan scan;
    prnn_header header;
    prnn_archive_batch *batches; /* by number */
    size_t batch_count;
    prnn_found_chunk *blocks; /* by batch and first part */
    size_t block_count;
    const prnn_found_chunk *model; /* NULL: there is none */
    prnn_archive_info info;
};

#endif
