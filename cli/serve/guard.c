#include "serve/guard.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { NAME = 256 };

/* "name:8080" or "[::1]:8080" without port and brackets; false if it is neither. */
static bool cut_port(const char *host, char name[NAME]) {
    bool brackets = *host == '[';
    const char *from = host + brackets;
    size_t n = strcspn(from, brackets ? "]" : ":");
    const char *rest = from + n + (brackets && from[n] == ']');
    if (n == 0 || n >= NAME || (*rest && *rest != ':') ||
        (*rest == ':' && strspn(rest + 1, "0123456789") != strlen(rest + 1))) {
        return false;
    }
    memcpy(name, from, n);
    name[n] = 0;
    return true;
}

static bool is_address(const char *name) {
    struct in6_addr room;
    return inet_pton(AF_INET, name, &room) == 1 || inet_pton(AF_INET6, name, &room) == 1;
}

/* An address cannot be another site's name. */
static bool knows_host(const guard *g, const char *host) {
    char name[NAME];
    if (!host || !cut_port(host, name)) {
        return false;
    }
    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 || strcmp(name, "::1") == 0) {
        return true;
    }
    return strcasecmp(name, g->host) == 0 || (g->name && strcasecmp(name, g->name) == 0) ||
           (!g->loopback && is_address(name));
}

/* http:// or, behind a proxy, https:// and the host that was asked for. */
static bool is_own_origin(const headers *h) {
    const char *host = strncmp(h->origin, "http://", 7) == 0    ? h->origin + 7
                       : strncmp(h->origin, "https://", 8) == 0 ? h->origin + 8
                                                                : "";
    return *host && strcasecmp(host, h->host) == 0;
}

/* In a time that says nothing about where they differ. */
static bool has_token(const guard *g, const char *authorization) {
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    const char *given = authorization + sizeof scheme - 1;
    size_t length = strlen(g->token), n = strlen(given);
    unsigned differs = n != length;
    for (size_t i = 0; i < n; i++) {
        differs |= (unsigned char)given[i] ^ (unsigned char)g->token[i % (length + 1)];
    }
    return !differs;
}

int guard_check(const guard *g, const headers *h, bool needs_token, const char **why) {
    if (!knows_host(g, h->host)) {
        *why = "the Host header names another server; --name NAME makes it one of this server's";
        return 403;
    }
    bool foreign =
        h->fetch_site && strcmp(h->fetch_site, "same-origin") != 0 && strcmp(h->fetch_site, "none") != 0;
    if (needs_token && ((h->origin && !is_own_origin(h)) || foreign)) {
        *why = "pages of other sites may not ask";
        return 403;
    }
    if (needs_token && g->token && !has_token(g, h->authorization)) {
        *why = "the token is missing or wrong: open the address that the server printed, or send it as "
               "'Authorization: Bearer TOKEN'";
        return 401;
    }
    return 0;
}

bool guard_takes_token(const char *token) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t n = strlen(token);
    return n >= 8 && n <= 128 && strspn(token, plain) == n;
}

bool guard_make_token(char token[33]) {
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    }
    return true;
}
