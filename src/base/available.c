#include "base/available.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH = 4096 + 256 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* What a limit leaves beside what is used. */
static size_t left(size_t limit, size_t used) {
    return limit == SIZE_MAX ? SIZE_MAX : limit > used ? limit - used : 0;
}

static FILE *open_under(const char *root, const char *folder, const char *name) {
    char path[PATH];
    int length = snprintf(path, sizeof path, "%s%s/%s", root, folder, name);
    return length > 0 && length < PATH ? fopen(path, "r") : NULL;
}

/* The number behind `key` at the beginning of a line, or (an empty key) the first of the file, as bytes of
 * `unit`; `none` without one. */
static size_t read_number(const char *root, const char *folder, const char *name, const char *key,
                          size_t unit, size_t none) {
    FILE *f = open_under(root, folder, name);
    char line[256];
    size_t length = strlen(key), found = none;
    while (f && found == none && fgets(line, sizeof line, f)) {
        unsigned long long value;
        /* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
        if (strncmp(line, key, length) == 0 && sscanf(line + length, "%llu", &value) == 1) {
            found = value > SIZE_MAX / unit ? SIZE_MAX : (size_t)value * unit;
        }
    }
    if (f) {
        fclose(f);
    }
    return found;
}

/* How the two versions of control groups name things. */
typedef struct version {
    const char *limit, *usage, *cache;
} version;

static const version versions[] = {
    {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "},
    {"memory.max", "memory.current", "inactive_file "},
};

static size_t group_leaves(const char *root, const char *folder, const version *v) {
    size_t limit = read_number(root, folder, v->limit, "", 1, SIZE_MAX);
    size_t used = read_number(root, folder, v->usage, "", 1, 0);
    size_t cache = limit == SIZE_MAX ? 0 : read_number(root, folder, "memory.stat", v->cache, 1, 0);
    return left(limit, used > cache ? used - cache : 0);
}

/* The group and those around it. A container may see its own group where the path begins, so folders that are
 * not there do not matter. */
static size_t groups_leave(const char *root, const char *mount, const char *group, const version *v) {
    char folder[PATH];
    int length = snprintf(folder, sizeof folder, "%s%s", mount, group);
    size_t there = SIZE_MAX, shortest = strlen(mount);
    while (length > 0 && length < PATH) {
        there = least(there, group_leaves(root, folder, v));
        char *end = strrchr(folder, '/');
        if (strlen(folder) <= shortest || !end) {
            break;
        }
        *end = 0;
    }
    return there;
}

/* Lines "0::/path" of version 2, "4:cpu,memory:/path" of version 1. */
static size_t all_groups_leave(const char *root) {
    FILE *f = open_under(root, "/proc/self", "cgroup");
    char line[4096];
    size_t there = SIZE_MAX;
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) {
            continue;
        }
        *group++ = 0;
        group = strcmp(group, "/") == 0 ? group + 1 : group;
        char list[4096 + 2];
        snprintf(list, sizeof list, ",%s,", controllers + 1);
        if (strstr(list, ",memory,")) {
            there = least(there, groups_leave(root, "/sys/fs/cgroup/memory", group, &versions[0]));
        } else if (!controllers[1]) {
            there = least(there, groups_leave(root, "/sys/fs/cgroup", group, &versions[1]));
            there = least(there, groups_leave(root, "/sys/fs/cgroup/unified", group, &versions[1]));
        }
    }
    if (f) {
        fclose(f);
    }
    return there;
}

static size_t physical(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}

size_t prnn_memory_available_under(const char *root, const prnn_limits *limits) {
    size_t there = read_number(root, "/proc", "meminfo", "MemAvailable:", 1024, SIZE_MAX);
    there = least(there == SIZE_MAX ? physical() : there, all_groups_leave(root));
    size_t space = read_number(root, "/proc/self", "status", "VmSize:", 1024, 0);
    size_t data = read_number(root, "/proc/self", "status", "VmData:", 1024, 0);
    return least(there, least(left(limits->address_space, space), left(limits->data, data)));
}

static size_t limit_of(int resource) {
    struct rlimit limit;
    bool there = getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return there && limit.rlim_cur < SIZE_MAX ? (size_t)limit.rlim_cur : SIZE_MAX;
}

size_t prnn_memory_available(void) {
    prnn_limits limits = {limit_of(RLIMIT_AS), limit_of(RLIMIT_DATA)};
    return prnn_memory_available_under("", &limits);
}
