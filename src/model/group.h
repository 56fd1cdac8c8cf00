/* Several models that are used together: a chain, an ensemble. */
#ifndef PRNN_MODEL_GROUP_H
#define PRNN_MODEL_GROUP_H

#include "model/model.h"

typedef struct prnn_group {
    size_t count;
    const prnn_model **models;
    prnn_model **owned; /* the same, if the group made them; else NULL */
} prnn_group;

enum { PRNN_GROUP_NAME = 48 };

/* What models are together, and which may be. */
typedef struct prnn_group_kind {
    const char *article, *name; /* "an", "ensemble" */
    /* Fails if model k, from 1 on, does not go with those before it. `paths` are those that the models were
     * loaded from, or NULL: prnn_group_name. */
    prnn_status (*check)(prnn_context *ctx, const prnn_group *group, size_t k, const char *const *paths);
} prnn_group_kind;

/* How messages call model k: by its path, or by its number, which `text` then holds. */
const char *prnn_group_name(const prnn_group_kind *kind, const char *const *paths, size_t k,
                            char text[PRNN_GROUP_NAME]);

/* A group of the caller's models, of loaded ones, of those of another group for images of another size. All
 * fill in an empty group, of zeros; close it, whatever they return. */
prnn_status prnn_group_borrow(prnn_context *ctx, const prnn_group_kind *kind, const prnn_model *const *models,
                              size_t count, prnn_group *group);
prnn_status prnn_group_load(prnn_context *ctx, const prnn_group_kind *kind, const char *const *paths,
                            size_t count, prnn_group *group);
prnn_status prnn_group_resize(prnn_context *ctx, const prnn_group *from, int height, int width,
                              prnn_group *group);
void prnn_group_close(prnn_group *group);

/* The config of model k. */
static inline const prnn_config *prnn_group_config(const prnn_group *group, size_t k) {
    return &group->models[k]->network->plan.config;
}

/* Fails unless two models have the same palette; `a` and `b` are their names. */
prnn_status prnn_group_check_palettes(prnn_context *ctx, const prnn_model *of_a, const char *a,
                                      const prnn_model *of_b, const char *b);

#endif
