#include "model/group.h"

#include "base/memory.h"
#include "base/try.h"
#include "image/palette.h"

#include <stdio.h>

const char *prnn_group_name(const prnn_group_kind *kind, const char *const *paths, size_t k,
                            char text[PRNN_GROUP_NAME]) {
    snprintf(text, PRNN_GROUP_NAME, "model %zu of the %s", k + 1, kind->name);
    return paths ? paths[k] : text;
}

prnn_status prnn_group_check_palettes(prnn_context *ctx, const prnn_model *of_a, const char *a,
                                      const prnn_model *of_b, const char *b) {
    if (prnn_palette_same(prnn_model_palette(of_a), prnn_model_palette(of_b))) {
        return PRNN_OK;
    }
    return prnn_fail(
        ctx, PRNN_ERROR_ARGUMENT,
        "%s and %s do not have the same palette: the levels of one mean other colours than those "
        "of the other",
        a, b);
}

static prnn_status check(prnn_context *ctx, const prnn_group_kind *kind, const prnn_group *group,
                         const char *const *paths) {
    prnn_status status = PRNN_OK;
    for (size_t k = 1; k < group->count; k++) {
        TRY(kind->check(ctx, group, k, paths));
    }
done:
    return status;
}

/* Room for `count` models, the group's own or the caller's. */
static prnn_status make_room(prnn_context *ctx, size_t count, bool own, prnn_group *group) {
    prnn_status status;
    group->models = prnn_alloc(ctx, count, sizeof *group->models, "a list of models");
    TRY(group->models ? PRNN_OK : PRNN_ERROR_MEMORY);
    group->owned = own ? prnn_alloc(ctx, count, sizeof *group->owned, "a list of models") : NULL;
    TRY(group->owned || !own ? PRNN_OK : PRNN_ERROR_MEMORY);
done:
    return status;
}

static prnn_status check_count(prnn_context *ctx, const prnn_group_kind *kind, size_t count) {
    return count > 0 ? PRNN_OK
                     : prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "%s %s needs at least one model", kind->article,
                                 kind->name);
}

prnn_status prnn_group_borrow(prnn_context *ctx, const prnn_group_kind *kind, const prnn_model *const *models,
                              size_t count, prnn_group *group) {
    prnn_status status;
    TRY(check_count(ctx, kind, count));
    TRY(make_room(ctx, count, false, group));
    for (; group->count < count; group->count++) {
        const prnn_model *model = models[group->count];
        TRY(model ? PRNN_OK
                  : prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "model %zu of the %s is NULL", group->count + 1,
                              kind->name));
        group->models[group->count] = model;
    }
    TRY(check(ctx, kind, group, NULL));
done:
    return status;
}

prnn_status prnn_group_load(prnn_context *ctx, const prnn_group_kind *kind, const char *const *paths,
                            size_t count, prnn_group *group) {
    prnn_status status;
    TRY(check_count(ctx, kind, count));
    TRY(make_room(ctx, count, true, group));
    for (; group->count < count; group->count++) {
        TRY(prnn_model_load(ctx, paths[group->count], &group->owned[group->count]));
        group->models[group->count] = group->owned[group->count];
    }
    TRY(check(ctx, kind, group, paths));
done:
    return status;
}

prnn_status prnn_group_resize(prnn_context *ctx, const prnn_group *from, int height, int width,
                              prnn_group *group) {
    prnn_status status;
    TRY(make_room(ctx, from->count, true, group));
    for (; group->count < from->count; group->count++) {
        size_t k = group->count;
        TRY(prnn_model_resize(ctx, from->models[k], height, width, &group->owned[k]));
        group->models[k] = group->owned[k];
    }
done:
    return status;
}

void prnn_group_close(prnn_group *group) {
    for (size_t k = 0; group->owned && k < group->count; k++) {
        prnn_model_free(group->owned[k]);
    }
    prnn_free(group->owned);
    prnn_free(group->models);
    *group = (prnn_group){0};
}
