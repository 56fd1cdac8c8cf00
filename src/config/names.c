/* Names of what a config chooses among, in files and on the command line. */
#include "config/config.h"
#include "config/kinds.h"

#include "base/call.h"

#include <string.h>

#define NAME(kind, name, layer) [kind] = (name),
#define COMMA_NAME(kind, name, layer) ", " name
static const char *const kinds[] = {PRNN_KINDS(NAME)};
static const char known_kinds[] = PRNN_KINDS(COMMA_NAME); /* after a comma and a space */

enum { KINDS = sizeof kinds / sizeof *kinds };

bool prnn_kind_is_known(prnn_kind kind) {
    return (unsigned)kind < KINDS;
}

const char *prnn_kind_name(prnn_kind kind) {
    return prnn_kind_is_known(kind) ? kinds[kind] : "unknown";
}

prnn_status prnn_kind_from_name(prnn_context *ctx, const char *name, prnn_kind *kind) {
    PRNN_ENTER(ctx, PRNN_GIVEN(name), PRNN_GIVEN(kind));
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i], name) == 0) {
            *kind = (prnn_kind)i;
            return PRNN_OK;
        }
    }
    return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "no kind of network \"%s\"; choose one of %s", name,
                     known_kinds + strlen(", "));
}

static const char *const outputs[] = {[PRNN_SOFTMAX] = "softmax", [PRNN_LOGISTICS] = "logistics"};

enum { OUTPUTS = sizeof outputs / sizeof *outputs };

const char *prnn_output_name(prnn_output output) {
    return (unsigned)output < OUTPUTS ? outputs[output] : "unknown";
}

prnn_status prnn_output_from_name(prnn_context *ctx, const char *name, prnn_output *output) {
    PRNN_ENTER(ctx, PRNN_GIVEN(name), PRNN_GIVEN(output));
    for (int i = 0; i < OUTPUTS; i++) {
        if (strcmp(outputs[i], name) == 0) {
            *output = (prnn_output)i;
            return PRNN_OK;
        }
    }
    return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "no output \"%s\"; choose softmax or logistics", name);
}
