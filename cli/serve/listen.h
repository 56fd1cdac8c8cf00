/* The socket that a server listens on. */
#ifndef PIXELRNN_CLI_SERVE_LISTEN_H
#define PIXELRNN_CLI_SERVE_LISTEN_H

#include <stdbool.h>

typedef struct listener {
    int socket;
    bool loopback; /* reached from this machine alone */
    bool any;      /* on all addresses of this machine */
    int port;
    char address[80]; /* "127.0.0.1:8080", "[::1]:8080" */
} listener;

/* 0 or an exit code after a message. Port 0: any that is free. */
int listen_on(listener *l, const char *host, int port);

#endif
