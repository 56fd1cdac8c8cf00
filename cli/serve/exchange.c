#include "serve/exchange.h"

#ifdef PRNN_HAVE_MICROHTTPD

#include "serve/assets.h"
#include "support/number.h"
#include "support/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* So many times the limit is still read, so that the refusal arrives. */
enum { BODIES = 256 << 20, PIECE = 64 << 10, PATIENCE = 30, STILL_READ = 8 };

typedef struct exchange {
    service *service;
    struct MHD_Connection *connection;
    const operation *operation;
    double began;
    char *body;
    size_t size, room, received;
    int refused; /* status, once the body has arrived; 0: none */
    job *job;
} exchange;

/* --------------------------------------------------------------------------------------- answers */

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: "
                             "data:; connect-src 'self'; "
                             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static enum MHD_Result queue(struct MHD_Connection *connection, int status, const char *type,
                             struct MHD_Response *response) {
    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Content-Security-Policy", policy);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (status == 503) {
        MHD_add_response_header(response, "Retry-After", "1");
    } else if (status == 401) {
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    }
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

/* The sentence has nothing that JSON would have to escape. NULL: no memory. */
static struct MHD_Response *refusal(const char *sentence) {
    char text[512];
    int n = snprintf(text, sizeof text, "{\"error\": \"%s\"}\n", sentence);
    return MHD_create_response_from_buffer((size_t)n, text, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int status, const char *sentence) {
    return queue(connection, status, "application/json", refusal(sentence));
}

/* What is there is asked for by `method`, GET or POST. */
static enum MHD_Result refuse_method(struct MHD_Connection *connection, const char *method) {
    bool get = strcmp(method, "GET") == 0;
    struct MHD_Response *response = refusal(get ? "ask by GET" : "ask by POST");
    if (response) {
        MHD_add_response_header(response, "Allow", get ? "GET, HEAD" : "POST");
    }
    return queue(connection, 405, "application/json", response);
}

static enum MHD_Result give_asset(struct MHD_Connection *connection, const asset *a) {
    char type[64];
    snprintf(type, sizeof type, "%s%s", a->type, strncmp(a->type, "text/", 5) == 0 ? "; charset=utf-8" : "");
    return queue(connection, 200, type,
                 MHD_create_response_from_buffer(a->size, (void *)a->bytes, MHD_RESPMEM_PERSISTENT));
}

/* ------------------------------------------------------------------------------------------- job */

static void wake(void *user) {
    MHD_resume_connection(((exchange *)user)->connection);
}

static void park(void *user) {
    MHD_suspend_connection(((exchange *)user)->connection);
}

/* The other end has closed: nothing is left to be read, not even later. While the connection is suspended
 * nobody else looks at it. */
static bool is_gone(void *user) {
    const exchange *e = user;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(e->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char byte;
    return info && recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static ssize_t take(void *user, uint64_t position, char *to, size_t room) {
    (void)position;
    ssize_t n = job_take(((exchange *)user)->job, to, room, park);
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static enum MHD_Result give_job(exchange *e) {
    ssize_t length = job_length(e->job);
    uint64_t size = length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)length;
    return queue(e->connection, e->job->status, e->job->type,
                 MHD_create_response_from_callback(size, PIECE, take, e, NULL));
}

static bool make_job(exchange *e) {
    const char *key = MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, "Pixelrnn-Key");
    const char *turn = MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, "Pixelrnn-Turn");
    e->job = job_create(e->operation, e->body, e->size, e->service->time_limit);
    if (!e->job) {
        return false;
    }
    e->body = NULL; /* the job's, and counted until the exchange is over */
    e->job->client = (job_client){wake, is_gone, e};
    snprintf(e->job->key, sizeof e->job->key, "%s", key ? key : "");
    if (!turn || !parse_uint64(turn, &e->job->turn)) {
        e->job->turn = 0;
    }
    crew_take(e->service->crew, e->job);
    return true;
}

/* ------------------------------------------------------------------------------------------ body */

/* What is too much is read, so that the answer can be, and not kept. */
static void keep(exchange *e, const char *data, size_t size) {
    service *c = e->service;
    if (e->received > c->body_limit) {
        e->refused = 413;
    }
    if (!e->refused && e->size + size > e->room) {
        size_t room = 2 * (e->size + size), more = room - e->room;
        char *body = atomic_fetch_add(&c->bodies, more) + more <= BODIES ? realloc(e->body, room) : NULL;
        if (!body) {
            atomic_fetch_sub(&c->bodies, more);
            e->refused = 503;
        } else {
            e->body = body;
            e->room = room;
        }
    }
    if (!e->refused) {
        memcpy(e->body + e->size, data, size);
        e->size += size;
    }
}

static enum MHD_Result receive(exchange *e, const char *data, size_t *size) {
    e->received += *size;
    if (clock_seconds() - e->began > PATIENCE || e->received / STILL_READ > e->service->body_limit) {
        return MHD_NO;
    }
    keep(e, data, *size);
    *size = 0;
    return MHD_YES;
}

/* ----------------------------------------------------------------------------------------- begin */

static const asset *find_asset(const char *path) {
    const asset *a = assets;
    while (a->path && strcmp(a->path, strcmp(path, "/") == 0 ? "/index.html" : path) != 0) {
        a++;
    }
    return a->path ? a : NULL;
}

static const char *header(struct MHD_Connection *connection, const char *name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool is_json(const char *type) {
    static const char wanted[] = "application/json";
    size_t n = sizeof wanted - 1;
    return type && strncasecmp(type, wanted, n) == 0 && (!type[n] || type[n] == ';' || type[n] == ' ');
}

/* 0, or why the body is not even wanted. That it is too large is said when it has arrived, unless that is out
 * of all reason. */
static int check_body(const exchange *e, const char **why) {
    const char *length = header(e->connection, "Content-Length");
    uint64_t bytes = 0;
    if (strcmp(e->operation->method, "POST") == 0 && !is_json(header(e->connection, "Content-Type"))) {
        *why = "the body must be JSON, with 'Content-Type: application/json'";
        return 415;
    }
    if (length && parse_uint64(length, &bytes) && bytes / STILL_READ > e->service->body_limit) {
        *why = "the body is larger than any request for these models needs";
        return 413;
    }
    return 0;
}

static enum MHD_Result begin(service *c, struct MHD_Connection *connection, const char *url,
                             const char *method, void **state) {
    const headers h = {header(connection, "Host"), header(connection, "Origin"),
                       header(connection, "Sec-Fetch-Site"), header(connection, "Authorization")};
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    const asset *a = find_asset(url);
    const char *why = NULL, *other;
    int status = guard_check(&c->guard, &h, !a, &why);
    if (status) {
        return refuse(connection, status, why);
    }
    if (a) {
        return get ? give_asset(connection, a) : refuse_method(connection, "GET");
    }
    const operation *o = operation_find(method, url, &other);
    if (!o) {
        return other ? refuse_method(connection, other)
                     : refuse(connection, 404,
                              "there is nothing of this name; /api/v1/openapi.json says what there is");
    }
    exchange *e = calloc(1, sizeof *e);
    if (!e) {
        return refuse(connection, 503, "not enough memory");
    }
    *e = (exchange){.service = c, .connection = connection, .operation = o, .began = clock_seconds()};
    *state = e;
    status = check_body(e, &why);
    return status ? refuse(connection, status, why) : MHD_YES;
}

enum MHD_Result exchange_answer(void *user, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *data_size,
                                void **state) {
    (void)version;
    exchange *e = *state;
    if (!e) {
        return begin(user, connection, url, method, state);
    }
    if (*data_size > 0) {
        return receive(e, data, data_size);
    }
    if (e->refused) {
        return refuse(connection, e->refused,
                      e->refused == 413 ? "the body is larger than any request for these models needs"
                                        : "not enough memory for the body: try again later");
    }
    if (!e->job && !make_job(e)) {
        return refuse(connection, 503, "not enough memory");
    }
    return job_begun(e->job, park) ? give_job(e) : MHD_YES;
}

void exchange_over(void *user, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode why) {
    (void)user;
    (void)connection;
    (void)why;
    exchange *e = *state;
    if (!e) {
        return;
    }
    if (e->job) {
        job_stop(e->job, GONE);
        job_release(e->job);
    }
    atomic_fetch_sub(&e->service->bodies, e->room);
    free(e->body);
    free(e);
    *state = NULL;
}

#endif
