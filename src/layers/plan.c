#include "layers/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void plan_fail(prnn_plan *plan) {
    if (plan->status == PRNN_OK) {
        plan->status = prnn_fail(plan->ctx, PRNN_ERROR_MEMORY,
                                 "not enough memory to plan the network; choose a smaller one");
    }
}

/* Room for one more element of an array that doubles. */
static bool grow(prnn_plan *plan, void *array, int *capacity, int count, size_t size) {
    if (plan->status != PRNN_OK) {
        return false;
    }
    if (count < *capacity) {
        return true;
    }
    int more = *capacity ? *capacity * 2 : 16;
    void *old, *new;
    memcpy(&old, array, sizeof old);
    new = realloc(old, (size_t)more * size);
    if (!new) {
        plan_fail(plan);
        return false;
    }
    memcpy(array, &new, sizeof new);
    *capacity = more;
    return true;
}

void *prnn_plan_alloc(prnn_plan *plan, size_t count, size_t size) {
    if (!grow(plan, &plan->blocks, &plan->block_capacity, plan->block_count, sizeof *plan->blocks)) {
        return NULL;
    }
    void *block = calloc(count ? count : 1, size);
    if (!block) {
        plan_fail(plan);
        return NULL;
    }
    plan->blocks[plan->block_count++] = block;
    return block;
}

void prnn_plan_free(prnn_plan *plan) {
    for (int i = 0; i < plan->block_count; i++) {
        free(plan->blocks[i]);
    }
    free(plan->blocks);
    free(plan->parameters);
    free(plan->products);
    free(plan->vectors);
    prnn_free(plan->forward.index);
    prnn_free(plan->backward.index);
    memset(plan, 0, sizeof *plan);
}

void prnn_plan_list_product(prnn_plan *plan, prnn_product *product) {
    if (grow(plan, &plan->products, &plan->product_capacity, plan->product_count, sizeof *plan->products)) {
        product->number = plan->product_count;
        plan->products[plan->product_count++] = product;
    }
}

int prnn_plan_parameter(prnn_plan *plan, prnn_init init, double gain, int rank, const int *shape,
                        const char *name, ...) {
    if (!grow(plan, &plan->parameters, &plan->parameter_capacity, plan->parameter_count,
              sizeof *plan->parameters)) {
        return 0;
    }
    prnn_parameter *p = &plan->parameters[plan->parameter_count];
    *p = (prnn_parameter){.rank = rank,
                          .shape = {1, 1, 1, 1},
                          .count = 1,
                          .offset = plan->parameter_floats,
                          .init = init,
                          .gain = gain};
    va_list args;
    va_start(args, name);
    vsnprintf(p->name, sizeof p->name, name, args);
    va_end(args);
    for (int i = 0; i < rank; i++) {
        p->shape[i] = shape[i];
        p->count *= (size_t)shape[i];
    }
    plan->parameter_floats += p->count;
    if (plan->parameter_floats > plan->parameter_limit) {
        plan->status = prnn_fail(plan->ctx, PRNN_ERROR_ARGUMENT, "the network needs more than %zu parameters",
                                 plan->parameter_limit);
        return 0;
    }
    return plan->parameter_count++;
}

size_t prnn_packing_reserve(prnn_packing *packing, size_t n) {
    size_t at = packing->count;
    packing->count += n;
    return at;
}

size_t prnn_plan_vector(prnn_plan *plan, const char *name, const char *member, prnn_features features) {
    int parameter =
        prnn_plan_parameter(plan, PRNN_INIT_ZERO, 0, 1, (int[]){features.size}, "%s.%s", name, member);
    size_t at = prnn_packing_reserve(&plan->forward, (size_t)prnn_features_width(features));
    if (grow(plan, &plan->vectors, &plan->vector_capacity, plan->vector_count, sizeof *plan->vectors)) {
        plan->vectors[plan->vector_count++] = (prnn_vector){parameter, features, at};
    }
    return at;
}

const char *prnn_plan_path(char *path, const char *name, const char *member) {
    snprintf(path, 64, "%s.%s", name, member);
    return path;
}

double prnn_residual_gain(bool residual, int layers) {
    return residual ? 1 / sqrt(layers) : 1;
}

static prnn_map *add_map(prnn_plan *plan, prnn_map shape) {
    prnn_map *map = prnn_plan_alloc(plan, 1, sizeof *map);
    if (map) {
        size_t pixels = (size_t)shape.rows * (size_t)(shape.left + shape.width + shape.right);
        *map = shape;
        map->at = prnn_layout_add(&plan->memory, pixels * (size_t)shape.stride);
    }
    return map;
}

/* Rows of a block. */
static int block_of(const prnn_plan *plan) {
    int height = plan->config.height;
    return height < plan->block_rows ? height : plan->block_rows;
}

prnn_map *prnn_plan_map(prnn_plan *plan, int stride, prnn_keep keep, int top, int left, int right) {
    int height = plan->config.height, block = block_of(plan);
    bool all = keep == PRNN_KEEP_FORWARD && plan->training;
    int below = keep == PRNN_KEEP_WINDOW && top > 0 && block == height; /* so that all rows lie in order */
    return add_map(plan,
                   (prnn_map){.stride = stride,
                              .width = plan->config.width,
                              .top = top,
                              .left = left,
                              .right = right,
                              .rows = keep == PRNN_KEEP_CARRY ? 1 : (all ? height : block) + top + below});
}

prnn_map *prnn_plan_whole_map(prnn_plan *plan, int size, int stride, int margin) {
    return add_map(plan, (prnn_map){.stride = stride,
                                    .width = size,
                                    .top = margin,
                                    .left = margin,
                                    .right = margin,
                                    .rows = size + margin});
}

prnn_map *prnn_plan_column_map(prnn_plan *plan, int stride) {
    return add_map(plan, (prnn_map){.stride = stride, .width = 1, .rows = block_of(plan)});
}

prnn_map *prnn_plan_exact(prnn_map *map) {
    if (map) {
        map->exact = true;
    }
    return map;
}

prnn_features prnn_plan_features(const prnn_plan *plan, int blocks, int size) {
    return (prnn_features){blocks, size, (int)prnn_round_up((size_t)size, PRNN_PANEL), plan->config.channels,
                           false};
}
