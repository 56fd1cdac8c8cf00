#include "serve/listen.h"

#include "support/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_socket(const struct addrinfo *at) {
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol), on = 1;
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) {
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* Where it is in fact. */
static bool describe(listener *l) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t size = sizeof at;
    char text[INET6_ADDRSTRLEN];
    if (getsockname(l->socket, &at.any, &size) != 0) {
        return false;
    }
    if (at.any.sa_family == AF_INET6) {
        l->port = ntohs(at.v6.sin6_port);
        l->loopback = IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr);
        l->any = IN6_IS_ADDR_UNSPECIFIED(&at.v6.sin6_addr);
        inet_ntop(AF_INET6, &at.v6.sin6_addr, text, sizeof text);
        snprintf(l->address, sizeof l->address, "[%s]:%d", text, l->port);
    } else {
        l->port = ntohs(at.v4.sin_port);
        l->loopback = ntohl(at.v4.sin_addr.s_addr) >> 24 == 127;
        l->any = at.v4.sin_addr.s_addr == htonl(INADDR_ANY);
        inet_ntop(AF_INET, &at.v4.sin_addr, text, sizeof text);
        snprintf(l->address, sizeof l->address, "%s:%d", text, l->port);
    }
    return true;
}

int listen_on(listener *l, const char *host, int port) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    int code = getaddrinfo(host, service, &hints, &found);
    if (code != 0) {
        return usage_error("--host %s: %s", host, gai_strerror(code));
    }
    l->socket = -1;
    for (const struct addrinfo *at = found; at && l->socket < 0; at = at->ai_next) {
        l->socket = open_socket(at);
    }
    int why = errno;
    freeaddrinfo(found);
    if (l->socket < 0 || !describe(l)) {
        return fail("cannot listen on port %d of %s: %s; --port 0 takes one that is free", port, host,
                    strerror(why));
    }
    return EXIT_OK;
}
