#include "support/output.h"

#include "support/ranks.h"
#include "support/report.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
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

/* Rank 0 alone writes. */
static int check_writable(const char *name, const char *path, const char *folder) {
    struct stat st;
    if (!ranks_first()) {
        return EXIT_OK;
    }
    bool there = stat(folder, &st) == 0;
    if (!there && errno != ENOTDIR) {
        return fail("--%s %s: there is no folder '%s'", name, path, folder);
    }
    if (!there || !S_ISDIR(st.st_mode)) {
        return usage_error("--%s %s: '%s' is not a folder, and one is needed: name another", name, path,
                           folder);
    }
    if (access(folder, W_OK | X_OK) != 0) {
        return fail("--%s %s: the folder '%s' cannot be written: %s", name, path, folder, strerror(errno));
    }
    return 0;
}

static int check_parent(const char *name, const char *path) {
    char *folder = parent(path);
    int failed = folder ? check_writable(name, path, folder) : fail_memory();
    free(folder);
    return failed;
}

/* The endings of the kinds that are a file. */
static const struct {
    unsigned allow;
    output_kind kind;
    const char *ending;
} files[] = {
    {ALLOW_PNG, OUTPUT_PNG, ".png"}, {ALLOW_NPY, OUTPUT_NPY, ".npy"},       {ALLOW_SVG, OUTPUT_SVG, ".svg"},
    {ALLOW_CSV, OUTPUT_CSV, ".csv"}, {ALLOW_JSONL, OUTPUT_JSONL, ".jsonl"},
};

enum { FILE_KINDS = sizeof files / sizeof files[0] };

/* "must end with .png or .npy, or with / for a folder of pictures" */
static int wrong_name(const char *name, const char *path, unsigned allowed, const char *problem) {
    char endings[32] = "";
    for (size_t i = 0; i < FILE_KINDS; i++) {
        if (allowed & files[i].allow) {
            strcat(endings, *endings ? " or " : "");
            strcat(endings, files[i].ending);
        }
    }
    return usage_error("--%s %s: %s must end with %s%s", name, path, problem, endings,
                       allowed & ALLOW_FOLDER ? ", or with / for a folder of pictures" : "");
}

static bool find_kind(const char *path, unsigned allowed, output_kind *kind) {
    size_t n = strlen(path);
    for (size_t i = 0; i < FILE_KINDS; i++) {
        size_t length = strlen(files[i].ending);
        if (n > length && (allowed & files[i].allow) && strcasecmp(path + n - length, files[i].ending) == 0) {
            *kind = files[i].kind;
            return true;
        }
    }
    return false;
}

int output_check(const char *name, const char *path, unsigned allowed, output_kind *kind) {
    size_t n = strlen(path);
    bool slash = n > 0 && path[n - 1] == '/';
    if (slash || is_folder(path)) {
        *kind = OUTPUT_FOLDER;
        if (!(allowed & ALLOW_FOLDER)) {
            return wrong_name(name, path, allowed, "is a folder, and the name of a file");
        }
        return output_check_folder(name, path);
    }
    if (!find_kind(path, allowed, kind)) {
        return wrong_name(name, path, allowed, "the name");
    }
    return check_parent(name, path);
}

int output_check_folder(const char *name, const char *path) {
    struct stat st;
    bool slash = path[strlen(path) - 1] == '/';
    bool there = stat(path, &st) == 0 || (errno == ENOTDIR && slash); /* "file/" */
    return there ? check_writable(name, path, path) : check_parent(name, path);
}

int output_make_folder(const char *path) {
    bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    return made ? EXIT_OK : fail("%s: the folder cannot be made: %s", path, strerror(errno));
}

int output_check_text(const char *name, const char *path) {
    size_t n = strlen(path);
    if (is_folder(path) || path[n - 1] == '/') {
        return usage_error("--%s %s: is a folder, and a file is needed: name one in it", name, path);
    }
    if (ranks_first() && access(path, F_OK) == 0) {
        return access(path, W_OK) == 0 ? EXIT_OK
                                       : fail("--%s %s: cannot be written: %s", name, path, strerror(errno));
    }
    return check_parent(name, path);
}

static bool is_picture(const char *name) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(endings[i]);
        if (n > length && strcasecmp(name + n - length, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

int output_check_no_pictures(const char *name, const char *path) {
    DIR *folder = ranks_first() ? opendir(path) : NULL;
    if (!ranks_first() || (!folder && errno == ENOENT)) {
        return EXIT_OK;
    }
    if (!folder) {
        return fail("--%s %s: the folder cannot be read: %s", name, path, strerror(errno));
    }
    int code = EXIT_OK;
    for (struct dirent *entry; code == EXIT_OK && (entry = readdir(folder));) {
        if (is_picture(entry->d_name)) {
            code =
                usage_error("--%s %s: holds pictures already, such as %s, and new ones would mix with them: "
                            "name another folder, or give --overwrite",
                            name, path, entry->d_name);
        }
    }
    closedir(folder);
    return code;
}

/* A device, or a pipe: nothing takes its place. */
static int write_into(const char *path, const char *text, size_t size) {
    FILE *file = fopen(path, "w");
    bool ok = file && fwrite(text, 1, size, file) == size;
    ok = file && fclose(file) == 0 && ok;
    return ok ? 0 : fail("%s: could not be written: %s", path, strerror(errno));
}

/* The name, into `name`, and the stream of a file that was not there: "out.csv.4711-0.tmp". NULL, with errno:
 * it cannot be made. */
static FILE *open_temporary(const char *path, char *name, size_t room) {
    enum { KEPT = 200, TRIES = 1000 }; /* with what is added, a name is still one of at most 255 bytes */
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    size_t kept = (size_t)(last - path) + strnlen(last, KEPT);
    FILE *file = NULL;
    for (int i = 0; i < TRIES && !file && (i == 0 || errno == EEXIST); i++) {
        snprintf(name, room, "%.*s.%ld-%d.tmp", (int)kept, path, (long)getpid(), i);
        file = fopen(name, "wbx");
    }
    return file;
}

int output_write(const char *path, const char *text, size_t size) {
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return write_into(path, text, size);
    }
    size_t room = strlen(path) + 40;
    char *temporary = malloc(room);
    if (!temporary) {
        return fail_memory();
    }
    FILE *file = open_temporary(path, temporary, room);
    if (file && there) { /* who could not read what is there cannot read what takes its place */
        (void)fchmod(fileno(file), st.st_mode & 07777);
    }
    bool ok = file && fwrite(text, 1, size, file) == size && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int why = errno;
    if (file && fclose(file) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(temporary, path) != 0) {
        ok = false;
        why = errno;
    }
    if (file && !ok) {
        unlink(temporary);
    }
    free(temporary);
    return ok ? 0 : fail("%s: could not be written: %s; nothing was changed", path, strerror(why));
}
