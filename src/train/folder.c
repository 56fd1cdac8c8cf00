#include "train/folder.h"

#include "base/file.h"
#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *folder, const char *name) {
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (path) {
        snprintf(path, n, "%s/%s", folder, name);
    }
    return path;
}

static prnn_status make_folder(prnn_context *ctx, const char *path) {
    struct stat st;
    if (mkdir(path, 0777) == 0) {
        return PRNN_OK;
    }
    int why = errno;
    if (why == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return PRNN_OK;
    }
    return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: cannot be made as a folder: %s", path,
                     why == EEXIST ? "a file, or a link that leads nowhere, has this name" : strerror(why));
}

/* Two runs in one folder would destroy each other. */
static prnn_status lock(prnn_context *ctx, prnn_run_folder *f) {
    f->lock = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0 || flock(f->lock, LOCK_EX | LOCK_NB) != 0) {
        /* Some file systems have no locks; then nobody can tell. */
        bool taken = f->lock >= 0 && errno == EWOULDBLOCK;
        return !taken ? PRNN_OK
                      : prnn_fail(
                            ctx, PRNN_ERROR_FILE,
                            "%s: another training is at work in this folder; wait for it, stop it, or choose "
                            "another folder",
                            f->path);
    }
    /* Nobody else writes here. */
    prnn_file_sweep(f->checkpoint);
    prnn_file_sweep(f->model);
    return PRNN_OK;
}

prnn_status prnn_run_folder_open(prnn_context *ctx, const char *path, bool rank0, prnn_run_folder *f) {
    *f = (prnn_run_folder){.path = strdup(path),
                           .model = join(path, "model.safetensors"),
                           .checkpoint = join(path, "checkpoint.safetensors"),
                           .metrics = join(path, "metrics.csv"),
                           .lock = -1};
    if (!f->path || !f->model || !f->checkpoint || !f->metrics) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "%s: not enough memory for the names of its files", path);
    }
    prnn_status status = PRNN_OK;
    if (rank0) {
        TRY(make_folder(ctx, path));
        TRY(lock(ctx, f));
    }
done:
    return status;
}

void prnn_run_folder_close(prnn_run_folder *f) {
    if (f->lock >= 0) {
        flock(f->lock, LOCK_UN); /* a child that was forked meanwhile has it open too */
        close(f->lock);
    }
    free(f->path);
    free(f->model);
    free(f->checkpoint);
    free(f->metrics);
    *f = (prnn_run_folder){.lock = -1};
}

prnn_status prnn_run_folder_check_new(prnn_context *ctx, const prnn_run_folder *f) {
    const struct {
        const char *path, *what;
    } all[] = {
        {f->checkpoint, "is there from an earlier run; resume it (--resume), or choose another folder"},
        {f->model, "is there without a checkpoint to resume from; choose another folder, and begin with "
                   "its weights (--init) to go on from them"},
        {f->metrics, "is there without a checkpoint that it belongs to; move it away, or choose another "
                     "folder"}};
    prnn_status status = PRNN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool there;
        struct stat st;
        TRY(prnn_file_exists(ctx, all[i].path, &there));
        if (there) {
            bool is_file = stat(all[i].path, &st) != 0 || S_ISREG(st.st_mode);
            return prnn_fail(ctx, PRNN_ERROR_FILE, "%s: %s", all[i].path,
                             is_file ? all[i].what : "is not a file; move it away to train here");
        }
    }
done:
    return status;
}
