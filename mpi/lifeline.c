#define _GNU_SOURCE /* accept4 */
#include "lifeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_MS = 1000, HELLO_MS = 5000, GOODBYE = -2 };

/* What goes over a new connection, in both directions. */
typedef struct hello {
    uint64_t token;
    int32_t rank;
    int32_t unused;
} hello;

static int listener = -1;
static struct pollfd *lines; /* of rank 0 [ranks]; of another one [1] */
static int line_count;
static bool at_rank0;

/* -------------------------------------------------------------------------------------- sockets */

static void set(int s, int level, int option, int value) {
    setsockopt(s, level, option, &value, sizeof value);
}

/* A silent end is noticed after about 15 seconds. */
static void watch(int s) {
    set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(s, IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef TCP_KEEPIDLE
    set(s, IPPROTO_TCP, TCP_KEEPIDLE, 5);
    set(s, IPPROTO_TCP, TCP_KEEPINTVL, 2);
    set(s, IPPROTO_TCP, TCP_KEEPCNT, 5);
#endif
#ifdef TCP_USER_TIMEOUT
    set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 15000);
#endif
}

static bool ready(int s, short events, int ms) {
    struct pollfd p = {.fd = s, .events = events};
    return poll(&p, 1, ms) == 1 && (p.revents & events);
}

static bool receive_hello(int s, hello *h) {
    return ready(s, POLLIN, HELLO_MS) && recv(s, h, sizeof *h, MSG_WAITALL) == (ssize_t)sizeof *h;
}

static bool send_hello(int s, uint64_t token, int rank) {
    const hello h = {.token = token, .rank = rank};
    return send(s, &h, sizeof h, MSG_NOSIGNAL) == (ssize_t)sizeof h;
}

static bool make_lines(int count) {
    lines = calloc((size_t)count, sizeof *lines);
    line_count = lines ? count : 0;
    for (int i = 0; i < line_count; i++) {
        lines[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    }
    return lines != NULL;
}

/* ---------------------------------------------------------------------------------------- rank 0 */

/* Of the interfaces that are up; the others' own machine is tried by its loopback. */
static void list_addresses(lifeline_call *call) {
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) {
        return;
    }
    for (const struct ifaddrs *a = all; a && call->count < LIFELINE_ADDRESSES; a = a->ifa_next) {
        lifeline_address *to = &call->addresses[call->count];
        if (!a->ifa_addr || !(a->ifa_flags & IFF_UP)) {
            continue;
        }
        if (a->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in in;
            memcpy(&in, a->ifa_addr, sizeof in);
            *to = (lifeline_address){0};
            memcpy(to->bytes, &in.sin_addr, sizeof in.sin_addr);
            call->count++;
        } else if (a->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 in;
            memcpy(&in, a->ifa_addr, sizeof in);
            if (!IN6_IS_ADDR_LINKLOCAL(&in.sin6_addr)) {
                *to = (lifeline_address){.v6 = 1};
                memcpy(to->bytes, &in.sin6_addr, sizeof in.sin6_addr);
                call->count++;
            }
        }
    }
    freeifaddrs(all);
}

/* Any address, both families if the system has both; 0: nobody can listen. */
static uint32_t listen_anywhere(void) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    struct sockaddr_in four = {.sin_family = AF_INET};
    socklen_t size = sizeof six;
    listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener >= 0) {
        set(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
        if (bind(listener, (struct sockaddr *)&six, sizeof six) == 0 && listen(listener, 4096) == 0 &&
            getsockname(listener, (struct sockaddr *)&six, &size) == 0) {
            return six.sin6_port;
        }
        close(listener);
    }
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size = sizeof four;
    if (listener >= 0 && bind(listener, (struct sockaddr *)&four, sizeof four) == 0 &&
        listen(listener, 4096) == 0 && getsockname(listener, (struct sockaddr *)&four, &size) == 0) {
        return four.sin_port;
    }
    return 0;
}

void lifeline_listen(lifeline_call *call) {
    struct timespec now;
    struct rlimit files;
    at_rank0 = true;
    *call = (lifeline_call){0};
    /* A connection a rank. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    call->token = (uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec << 20 ^ (uint64_t)getpid();
    call->port = listen_anywhere();
    list_addresses(call);
}

static void take(const lifeline_call *call, int ranks) {
    hello h;
    int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (s < 0) {
        return;
    }
    watch(s);
    if (receive_hello(s, &h) && h.token == call->token && h.rank > 0 && h.rank < ranks &&
        lines[h.rank].fd < 0 && send_hello(s, call->token, 0)) {
        lines[h.rank].fd = s;
    } else {
        close(s);
    }
}

void lifeline_accept(const lifeline_call *call, int expected, int ranks) {
    bool room = make_lines(ranks);
    for (int i = 0; room && i < expected && ready(listener, POLLIN, HELLO_MS); i++) {
        take(call, ranks);
    }
    close(listener);
    listener = -1;
}

void lifeline_tell(int rank) {
    int32_t lost = rank;
    for (int i = 0; at_rank0 && i < line_count; i++) {
        if (lines[i].fd >= 0) {
            send(lines[i].fd, &lost, sizeof lost, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    }
}

/* ----------------------------------------------------------------------------------- the others */

static int connect_to(const lifeline_address *a, uint32_t port) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = (in_port_t)port};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = (in_port_t)port};
    int why = 0;
    socklen_t size = sizeof why;
    memcpy(&four.sin_addr, a->bytes, sizeof four.sin_addr);
    memcpy(&six.sin6_addr, a->bytes, sizeof six.sin6_addr);
    int s = socket(a->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0) {
        return -1;
    }
    const struct sockaddr *to = a->v6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    bool there = connect(s, to, a->v6 ? sizeof six : sizeof four) == 0 ||
                 (errno == EINPROGRESS && ready(s, POLLOUT, CONNECT_MS) &&
                  getsockopt(s, SOL_SOCKET, SO_ERROR, &why, &size) == 0 && why == 0);
    if (!there) {
        close(s);
        return -1;
    }
    return s;
}

bool lifeline_connect(const lifeline_call *call, int rank) {
    if (!call->port || !make_lines(1)) {
        return false;
    }
    for (uint32_t i = 0; i < call->count && lines[0].fd < 0; i++) {
        lines[0].fd = connect_to(&call->addresses[i], call->port);
        if (lines[0].fd >= 0) {
            watch(lines[0].fd);
            if (!send_hello(lines[0].fd, call->token, rank)) {
                close(lines[0].fd);
                lines[0].fd = -1;
            }
        }
    }
    return lines[0].fd >= 0;
}

void lifeline_confirm(const lifeline_call *call) {
    hello h;
    if (line_count && lines[0].fd >= 0 && !(receive_hello(lines[0].fd, &h) && h.token == call->token)) {
        close(lines[0].fd);
        lines[0].fd = -1;
    }
}

/* ---------------------------------------------------------------------------------------- watching */

/* What came over line i: who is lost, GOODBYE, or LIFELINE_NOBODY. */
static int heard(int i) {
    int32_t word;
    ssize_t n = recv(lines[i].fd, &word, sizeof word, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return LIFELINE_NOBODY;
    }
    return n == (ssize_t)sizeof word ? word : at_rank0 ? i : 0;
}

int lifeline_lost(void) {
    if (line_count == 0 || poll(lines, (nfds_t)line_count, 0) <= 0) {
        return LIFELINE_NOBODY;
    }
    for (int i = 0; i < line_count; i++) {
        if (lines[i].fd < 0 || !lines[i].revents) {
            continue;
        }
        int what = heard(i);
        if (what == GOODBYE) { /* it has all it wanted */
            close(lines[i].fd);
            lines[i].fd = -1;
        } else if (what >= 0) {
            return what;
        }
    }
    return LIFELINE_NOBODY;
}

void lifeline_close(void) {
    const int32_t goodbye = GOODBYE;
    for (int i = 0; i < line_count; i++) {
        if (lines[i].fd >= 0) {
            send(lines[i].fd, &goodbye, sizeof goodbye, MSG_NOSIGNAL | MSG_DONTWAIT);
            close(lines[i].fd);
        }
    }
    free(lines);
    lines = NULL;
    line_count = 0;
}
