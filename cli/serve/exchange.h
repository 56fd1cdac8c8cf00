/* One HTTP request and its answer: what libmicrohttpd calls. */
#ifndef PIXELRNN_CLI_SERVE_EXCHANGE_H
#define PIXELRNN_CLI_SERVE_EXCHANGE_H

#ifdef PRNN_HAVE_MICROHTTPD

#include "serve/crew.h"
#include "serve/guard.h"

#include <microhttpd.h>
#include <stdatomic.h>

/* What all exchanges share. */
typedef struct service {
    guard guard;
    crew *crew;
    double time_limit;
    size_t body_limit;    /* bytes of a request */
    atomic_size_t bodies; /* bytes of all bodies that are here, waiting jobs' too */
} service;

/* MHD_AccessHandlerCallback; `user` is a service. */
enum MHD_Result exchange_answer(void *user, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *data_size,
                                void **state);
/* MHD_RequestCompletedCallback. */
void exchange_over(void *user, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode why);

#endif
#endif
