/* Images of one size as streams of the range coder, by the probabilities that a model gives their values. The
 * images of a stream are coded in groups of 32, in a group pixel after pixel, in a pixel channel after
 * channel, and of each the value of every image: so they go through the network together, and streams of as
 * many images do so too. */
#ifndef PRNN_CODEC_STREAM_H
#define PRNN_CODEC_STREAM_H

#include "codec/coder.h"
#include "model/network.h"

enum { PRNN_STREAM_GROUP = 32 };

/* A stream of `count` images, (count, H, W, C) levels. */
typedef struct prnn_stream {
    size_t count;
    uint8_t *images;
    uint8_t *bytes;
    size_t size; /* bytes of the stream; before it is written, the room for it */
    bool whole;  /* written: the room was enough, and all logits finite; read: the bytes are such a stream */
} prnn_stream;

/* What a thread has for itself: a pass that takes PRNN_STREAM_GROUP images, or all of a smaller stream, and
 * room for logits: those of a row of so many images. */
typedef struct prnn_stream_worker {
    const prnn_network *network;
    const prnn_kernels *kernels;
    prnn_pass *pass;
    float *logits;
    /* After each group, of so many images of all streams. false: stop; the streams are then not whole. */
    bool (*done)(void *user, size_t images);
    void *user;
} prnn_stream_worker;

/* Floats of that room, where `images` go through the network together. */
size_t prnn_stream_logits(const prnn_network *network, size_t images);

void prnn_stream_write(const prnn_stream_worker *worker, prnn_stream *stream);

/* Reads streams of equally many images, which lie in memory one after the other. Together they are no more
 * than the pass takes, and none is more than a group; or it is one stream, of any number. */
void prnn_streams_read(const prnn_stream_worker *worker, prnn_stream *streams, size_t n);

#endif
