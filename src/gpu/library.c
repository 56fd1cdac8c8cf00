#include "gpu/library.h"

#include "base/message.h"

#include <dlfcn.h>
#include <string.h>

prnn_status prnn_gpu_library_open(prnn_context *ctx, const char *what, const char *const *files,
                                  const prnn_gpu_symbol *symbols) {
    void *library = NULL;
    for (int i = 0; files[i] && !library; i++) {
        library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (!library) {
        return prnn_fail(ctx, PRNN_ERROR_DEVICE, "%s is not there: install it, or use another device", what);
    }
    for (const prnn_gpu_symbol *s = symbols; s->name; s++) {
        void *found = dlsym(library, s->name);
        if (!found) {
            dlclose(library);
            return prnn_fail(ctx, PRNN_ERROR_DEVICE,
                             "%s has no function %s: it is too old; install a newer one", what, s->name);
        }
        memcpy(s->at, &found, sizeof found);
    }
    return PRNN_OK;
}
