/* How much memory the process may still have: the parts of prnn_memory_available, over a root folder, so that
 * a test can plant a system. */
#ifndef PRNN_BASE_AVAILABLE_H
#define PRNN_BASE_AVAILABLE_H

#include <stddef.h>

/* Limits of the process, SIZE_MAX: none. */
typedef struct prnn_limits {
    size_t address_space, data; /* RLIMIT_AS, RLIMIT_DATA */
} prnn_limits;

/* The least of what the system under `root` ("": this one) has without swapping, what the control groups of
 * the process leave (page cache that can be dropped counts as free), and what the limits leave. SIZE_MAX if
 * nobody says. */
size_t prnn_memory_available_under(const char *root, const prnn_limits *limits);

#endif
