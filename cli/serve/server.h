/* The server: from the first connection to the signal that ends it. */
#ifndef PIXELRNN_CLI_SERVE_SERVER_H
#define PIXELRNN_CLI_SERVE_SERVER_H

#include "serve/work.h"

typedef struct server_options {
    const char *host, *name, *token; /* name and token may be NULL */
    int port;
    double time_limit; /* seconds of a request */
    bool open;         /* show the page in a browser */
    bool quiet;        /* no notes */
} server_options;

/* EXIT_OK, or an exit code after a message: this program was built without libmicrohttpd. */
int server_check(void);

/* Serves until SIGINT, SIGTERM or SIGHUP; a worker for each context, which is used by nobody else meanwhile.
 * Says on stdout where. Returns 0 or an exit code. */
int server_run(const studio *all, prnn_context *const *contexts, size_t count, const server_options *options);

#endif
