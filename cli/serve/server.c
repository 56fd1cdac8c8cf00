#include "serve/server.h"

#include "support/try.h"

#ifndef PRNN_HAVE_MICROHTTPD

int server_check(void) {
    return fail("this program was built without libmicrohttpd, which 'serve' needs: install it (Debian: "
                "libmicrohttpd-dev), and build again");
}

int server_run(const studio *all, prnn_context *const *contexts, size_t count,
               const server_options *options) {
    (void)all;
    (void)contexts;
    (void)count;
    (void)options;
    return server_check();
}

#else

#include "serve/exchange.h"
#include "serve/listen.h"
#include "support/stop.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 512, IDLE = 30, LEAST_BODY = 1 << 20, MOST_BODY = 64 << 20 };

typedef struct server {
    const server_options *options;
    listener listener;
    char token[33];
    service service;
    crew crew;
    struct MHD_Daemon *daemon;
} server;

int server_check(void) {
    return EXIT_OK;
}

/* ---------------------------------------------------------------------------------------- begin */

/* Room for as many images as a request may send, whatever the model. */
static size_t body_limit(const gallery *g) {
    size_t most = LEAST_BODY;
    for (size_t i = 0; i < g->count; i++) {
        size_t bytes = 2 * REQUEST_IMAGES * served_bytes(&g->list[i], g->list[i].stages - 1);
        most = bytes > most ? bytes : most;
    }
    return most < MOST_BODY ? most : MOST_BODY;
}

/* Whoever reaches it from elsewhere shows the token. */
static int make_guard(server *s) {
    const server_options *o = s->options;
    guard *g = &s->service.guard;
    *g = (guard){s->listener.loopback, o->host, o->name, o->token};
    if (!g->loopback && !g->token) {
        if (!guard_make_token(s->token)) {
            return fail("the system gives no random numbers for a token: choose one with --token");
        }
        g->token = s->token;
    }
    return EXIT_OK;
}

/* poll, not epoll: libmicrohttpd then sees at once that a client is gone, whatever it has sent before. */
static int start_http(server *s) {
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    /* Of this machine everybody has one address; from elsewhere nobody takes all connections. */
    unsigned each = s->listener.loopback ? 0 : CONNECTIONS / 8;
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, exchange_answer, &s->service, MHD_OPTION_LISTEN_SOCKET,
                                 s->listener.socket, MHD_OPTION_NOTIFY_COMPLETED, exchange_over, NULL,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                                 MHD_OPTION_PER_IP_CONNECTION_LIMIT, each, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)IDLE, MHD_OPTION_END);
    return s->daemon ? EXIT_OK : fail("the HTTP server cannot be started: %s", strerror(errno));
}

/* ----------------------------------------------------------------------------------------- serve */

/* No shell sees the address. */
static void open_browser(const char *url) {
    extern char **environ;
    char program[] = "xdg-open", address[512];
    char *words[] = {program, address, NULL};
    pid_t child;
    snprintf(address, sizeof address, "%s", url);
    int why = posix_spawnp(&child, program, NULL, NULL, words, environ);
    if (why != 0) {
        note("--open: %s: %s; open the address in a browser", program, strerror(why));
    }
}

/* A server for everybody is reached from here too, and the address for that is one that browsers take. */
static void announce(const server *s) {
    const guard *g = &s->service.guard;
    const listener *l = &s->listener;
    char url[512], here[80];
    snprintf(here, sizeof here, "%s:%d", l->address[0] == '[' ? "[::1]" : "127.0.0.1", l->port);
    snprintf(url, sizeof url, "http://%s/%s%s", l->any ? here : l->address, g->token ? "#token=" : "",
             g->token ? g->token : "");
    say("%s", url);
    fflush(stdout);
    if (l->any && !s->options->quiet) {
        note("from elsewhere the same with this machine's address in the place of %.*s",
             (int)(strrchr(here, ':') - here), here);
    }
    if (s->options->open) {
        open_browser(url);
    }
}

/* Signals are blocked but here, so that none is missed between the question and the sleep. */
static void wait_for_signal(void) {
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    while (!stop_asked()) {
        sigsuspend(&before);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* All jobs have their answers before the daemon ends, so that no connection waits. */
static void end(server *s) {
    if (s->daemon) {
        MHD_socket socket = MHD_quiesce_daemon(s->daemon);
        crew_stop(&s->crew);
        MHD_stop_daemon(s->daemon);
        close(socket != MHD_INVALID_SOCKET ? socket : s->listener.socket);
    } else {
        crew_stop(&s->crew);
        close(s->listener.socket);
    }
    crew_close(&s->crew);
}

/* The daemon's threads leave signals to this one. */
static int start_quietly(server *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = start_http(s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int server_run(const studio *all, prnn_context *const *contexts, size_t count,
               const server_options *options) {
    server s = {.options = options};
    int code;
    TRY(listen_on(&s.listener, options->host, options->port));
    stop_catch();
    s.service.crew = &s.crew;
    s.service.time_limit = options->time_limit;
    s.service.body_limit = body_limit(&all->gallery);
    bool working = crew_open(&s.crew, all, contexts, count);
    code = working ? make_guard(&s) : fail("no thread can be started: %s", strerror(errno));
    code = code ? code : start_quietly(&s);
    if (code == EXIT_OK) {
        announce(&s);
        wait_for_signal();
    }
    end(&s);
done:
    return code;
}

#endif
