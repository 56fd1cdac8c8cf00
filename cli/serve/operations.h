/* What can be asked of the server: one row an operation. */
#ifndef PIXELRNN_CLI_SERVE_OPERATIONS_H
#define PIXELRNN_CLI_SERVE_OPERATIONS_H

#include "serve/work.h"

typedef struct operation {
    const char *method, *path;
    unsigned allowed, needed; /* fields of the request, GAVE_... */
    bool many;                /* several images may come */
    bool lengthy;             /* workers are kept free of it for what people wait for */
    size_t number;            /* of the run that the path names */
    void (*run)(work *w);
} operation;

/* By path and method (HEAD is as GET); NULL: none. *other: the method that the path has instead, or NULL. */
const operation *operation_find(const char *method, const char *path, const char **other);

/* Does the job: reads its body, refuses it, or runs it. */
void operation_run(prnn_context *ctx, const studio *all, job *j);

#endif
