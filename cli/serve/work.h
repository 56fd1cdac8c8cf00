/* What a worker has in hand, and how it answers. */
#ifndef PIXELRNN_CLI_SERVE_WORK_H
#define PIXELRNN_CLI_SERVE_WORK_H

#include "serve/gallery.h"
#include "serve/job.h"
#include "serve/request.h"
#include "support/json.h"

enum { RUNS = 2 };

/* What is served. Nobody changes it while workers are there. */
typedef struct studio {
    gallery gallery;
    const char *runs[RUNS]; /* folders of trainings; NULL: none */
} studio;

typedef struct work {
    prnn_context *ctx; /* the worker's own */
    const studio *studio;
    job *job;
    const request *request;
    const served *model; /* the one that the request names, or NULL: the operation takes none */
} work;

/* Refuses the job with the library's sentence. */
void work_fail(const work *w, prnn_status status);

/* Whether the library's call did well and the job goes on; else it is refused. */
bool work_goes_on(const work *w, prnn_status status);
/* Memory, or NULL after the job is refused. */
void *work_allocate(const work *w, size_t a, size_t b);

/* An answer of one JSON object: begin, write it, end; or break it off. `flat` is one line. */
typedef struct answer {
    char *text;
    size_t size;
    FILE *stream;
    json json;
} answer;

bool answer_begin(answer *a, const work *w);
void answer_end(answer *a, const work *w);  /* the answer is this object */
void answer_line(answer *a, const work *w); /* the answer goes on after this line */

/* An answer of one .npy array in C order: type is "|u1" or "<f4". */
void answer_npy(const work *w, const char *type, size_t item, int rank, const size_t *shape,
                const void *values);

/* Levels in base64. */
void answer_levels(answer *a, const char *key, const uint8_t *levels, size_t size);

/* What levels are numbers of; without a palette, nothing. */
void answer_palette(answer *a, const prnn_palette *palette);

extern const char type_json[], type_lines[], type_npy[];

#endif
