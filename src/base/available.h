/* How much memory the process may still have. */
#ifndef PRNN_BASE_AVAILABLE_H
#define PRNN_BASE_AVAILABLE_H

#include <stddef.h>

/* Bytes that the process may still have without swapping and without being killed: of the machine, of the
 * control groups that it is in (a container's limit), and of its own limits. SIZE_MAX if nobody says. A
 * system that promises more memory than it has would kill the program later. */
size_t prnn_memory_available(void);

/* Limits of the process, SIZE_MAX: none. */
typedef struct prnn_limits {
    size_t address_space, data; /* RLIMIT_AS, RLIMIT_DATA */
} prnn_limits;

/* That over a root folder, so that a test can plant a system: the least of what the system under `root` ("":
 * this one) has without swapping, what the control groups of the process leave (page cache that can be
 * dropped counts as free), and what the limits leave. SIZE_MAX if nobody says. */
size_t prnn_memory_available_under(const char *root, const prnn_limits *limits);

#endif
