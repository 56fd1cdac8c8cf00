#include "output.h"

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder that holds `path`, to be freed: "a/b" -> "a", "a" -> ".", "/a" -> "/". */
static char *parent(const char *path) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    return n ? strndup(path, n) : strdup(".");
}

static int check_writable(const char *name, const char *path, const char *folder) {
    if (!is_folder(folder)) {
        return fail("--%s %s: there is no folder '%s'", name, path, folder);
    }
    if (access(folder, W_OK | X_OK) != 0) {
        return fail("--%s %s: the folder '%s' cannot be written: %s", name, path, folder, strerror(errno));
    }
    return 0;
}

static int wrong_name(const char *name, const char *path, unsigned allowed) {
    return usage_error("--%s %s: the name must end with %s%s%s%s", name, path,
                       allowed & ALLOW_PNG ? ".png" : "",
                       (allowed & (ALLOW_PNG | ALLOW_NPY)) == (ALLOW_PNG | ALLOW_NPY) ? " or " : "",
                       allowed & ALLOW_NPY ? ".npy" : "",
                       allowed & ALLOW_FOLDER ? ", or with / for a folder of pictures" : "");
}

int output_check(const char *name, const char *path, unsigned allowed, output_kind *kind) {
    size_t n = strlen(path);
    bool slash = n > 0 && path[n - 1] == '/';
    if (slash || is_folder(path)) {
        *kind = OUTPUT_FOLDER;
        if (!(allowed & ALLOW_FOLDER)) {
            return usage_error("--%s %s: is a folder, a file is needed", name, path);
        }
        if (slash && mkdir(path, 0777) != 0 && errno != EEXIST) {
            return fail("--%s %s: the folder cannot be made: %s", name, path, strerror(errno));
        }
        return check_writable(name, path, path);
    }
    if (n > 4 && (allowed & ALLOW_PNG) && strcasecmp(path + n - 4, ".png") == 0) {
        *kind = OUTPUT_PNG;
    } else if (n > 4 && (allowed & ALLOW_NPY) && strcasecmp(path + n - 4, ".npy") == 0) {
        *kind = OUTPUT_NPY;
    } else {
        return wrong_name(name, path, allowed);
    }
    char *folder = parent(path);
    int failed = folder ? check_writable(name, path, folder) : fail_memory();
    free(folder);
    return failed;
}

int output_check_folder(const char *name, const char *path) {
    struct stat st;
    if (stat(path, &st) == 0) {
        return check_writable(name, path, path);
    }
    char *folder = parent(path);
    int failed = folder ? check_writable(name, path, folder) : fail_memory();
    free(folder);
    return failed;
}
