/* Who may ask: names of this server (so that no other site's name can be made to lead here), requests of
 * other sites' pages, and the token. */
#ifndef PIXELRNN_CLI_SERVE_GUARD_H
#define PIXELRNN_CLI_SERVE_GUARD_H

#include <stdbool.h>

typedef struct guard {
    bool loopback;     /* reached from this machine alone */
    const char *host;  /* as --host says it */
    const char *name;  /* --name, or NULL */
    const char *token; /* NULL: none is needed */
} guard;

/* The headers that matter; NULL where there is none. */
typedef struct headers {
    const char *host, *origin, *fetch_site, *authorization;
} headers;

/* 0, or the status of the refusal and a sentence. The page itself needs no token: it holds no secret. */
int guard_check(const guard *g, const headers *h, bool needs_token, const char **why);

/* Whether a token can stand in an address as it is, and is not guessed at once. */
bool guard_takes_token(const char *token);

/* 32 hexadecimal digits by chance; false if the system has none. */
bool guard_make_token(char token[33]);

#endif
