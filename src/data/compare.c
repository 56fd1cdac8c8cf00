/* Whether all ranks have the same images. */

#include "base/call.h"
#include "base/try.h"
#include "data/data.h"
#include "ranks/ranks.h"

#include <inttypes.h>
#include <stdio.h>

prnn_status prnn_ranks_compare_data(prnn_context *ctx, const prnn_data *data, const char *name) {
    PRNN_ENTER(ctx, PRNN_GIVEN(data), PRNN_GIVEN(name));
    prnn_status status = PRNN_OK;
    char text[64], what[512];
    uint64_t print;
    if (prnn_context_rank_count(ctx) == 1) {
        return PRNN_OK;
    }
    TRY(prnn_data_fingerprint(ctx, data, &print));
    snprintf(text, sizeof text, "%zu images, fingerprint %" PRIx64, prnn_data_count(data), print);
    snprintf(what, sizeof what, "set of images in %s", name);
    TRY(prnn_ranks_compare(ctx, what, text));
done:
    return prnn_ranks_fail(ctx, status);
}
