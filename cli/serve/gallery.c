#define _GNU_SOURCE /* asprintf */
#include "serve/gallery.h"

#include "draw/levels.h"
#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- names */

/* The last part of a path, without slashes behind it and without ".safetensors". */
static char *cut_name(const char *path) {
    static const char ending[] = ".safetensors";
    size_t end = strlen(path), tail = sizeof ending - 1;
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    size_t n = end - begin;
    if (n > tail && strncmp(path + end - tail, ending, tail) == 0) {
        n -= tail;
    }
    return strndup(path + begin, n);
}

static bool is_taken(const gallery *g, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(g->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Files of one name in several folders: name, name-2, ... */
static int name_model(gallery *g, size_t i, const char *path) {
    char *name = cut_name(path), *numbered = NULL;
    for (int k = 2; name && is_taken(g, i, numbered ? numbered : name); k++) {
        free(numbered);
        if (asprintf(&numbered, "%s-%d", name, k) < 0) {
            free(name);
            return fail_memory();
        }
    }
    if (numbered) {
        free(name);
    }
    g->names[i] = numbered ? numbered : name;
    return g->names[i] ? EXIT_OK : fail_memory();
}

static int join_names(const gallery *g, served *s) {
    size_t size = 1;
    for (size_t k = 0; k < s->stages; k++) {
        size += strlen(g->names[s->list[k]]) + 1;
    }
    s->name = calloc(size, 1);
    for (size_t k = 0; s->name && k < s->stages; k++) {
        strcat(strcat(s->name, k ? "+" : ""), g->names[s->list[k]]);
    }
    return s->name ? EXIT_OK : fail_memory();
}

/* -------------------------------------------------------------------------------------- chains */

static int add_chain(gallery *g, prnn_context *ctx, const served *before, size_t model) {
    const prnn_model *models[GALLERY_STAGES];
    served *list = realloc(g->list, (g->count + 1) * sizeof *list);
    int code;
    TRY(list ? EXIT_OK : fail_memory());
    g->list = list;
    served *s = &list[g->count];
    *s = (served){.config = PRNN_CONFIG_INIT};
    if (before) {
        s->stages = before->stages;
        memcpy(s->list, before->list, sizeof s->list);
    }
    s->list[s->stages++] = model;
    for (size_t k = 0; k < s->stages; k++) {
        models[k] = g->models[s->list[k]];
    }
    g->count++;
    TRY(join_names(g, s));
    TRY(exit_code(ctx, prnn_chain_create(ctx, models, s->stages, &s->chain)));
    prnn_chain_config(s->chain, &s->config);
done:
    return code;
}

static bool follows(const served *before, const prnn_model *model, const prnn_config *large) {
    const prnn_config *small = &before->config;
    return large->condition_size == small->height && small->height == small->width &&
           large->channels == small->channels && large->levels == small->levels &&
           levels_look_alike(served_palette(before), prnn_model_palette(model));
}

/* Each conditional model behind every chain that is already there and fits; *used: whether it found one. */
static int extend(gallery *g, prnn_context *ctx, size_t model, bool *used) {
    prnn_config config = PRNN_CONFIG_INIT;
    int code = EXIT_OK;
    prnn_model_config(g->models[model], &config);
    for (size_t i = 0, count = g->count; i < count; i++) {
        served before = g->list[i]; /* the list moves */
        if (before.stages < GALLERY_STAGES && follows(&before, g->models[model], &config)) {
            *used = true;
            TRY(add_chain(g, ctx, &before, model));
        }
    }
done:
    return code;
}

/* From small images to large ones, so that what a model can follow is there before it. */
static int make_chains(gallery *g, prnn_context *ctx, const char *const *paths) {
    int code = EXIT_OK;
    for (int size = 0; size <= 4096; size = size ? 2 * size : 1) {
        for (size_t i = 0; i < g->model_count; i++) {
            prnn_config c = PRNN_CONFIG_INIT;
            bool used = false;
            prnn_model_config(g->models[i], &c);
            if (c.condition_size < size || c.condition_size >= (size ? 2 * size : 1)) {
                continue;
            }
            TRY(size ? extend(g, ctx, i, &used) : add_chain(g, ctx, NULL, i));
            if (size && !used) {
                return usage_error("%s draws images given small ones of %d x %d: name a model of those too",
                                   paths[i], c.condition_size, c.condition_size);
            }
        }
    }
done:
    return code;
}

static int resize(prnn_context *ctx, prnn_model **model, const char *path, int height, int width) {
    prnn_config c = PRNN_CONFIG_INIT;
    prnn_model *resized = NULL;
    int code;
    prnn_model_config(*model, &c);
    if (c.condition_size) {
        return usage_error("--size: %s is given small images of %d x %d, and is for %d x %d alone", path,
                           c.condition_size, c.condition_size, c.height, c.width);
    }
    TRY(exit_code(ctx, prnn_model_resize(ctx, *model, height, width, &resized)));
    prnn_model_free(*model);
    *model = resized;
done:
    return code;
}

int gallery_open(gallery *g, prnn_context *ctx, const char *const *paths, size_t count, int height,
                 int width) {
    int code;
    *g = (gallery){.models = calloc(count + 1, sizeof *g->models),
                   .names = calloc(count + 1, sizeof *g->names)};
    TRY(check_memory(g->models));
    TRY(check_memory(g->names));
    for (size_t i = 0; i < count; i++) {
        TRY(exit_code(ctx, prnn_model_load(ctx, paths[i], &g->models[i])));
        g->model_count = i + 1;
        TRY(name_model(g, i, paths[i]));
        if (height) {
            TRY(resize(ctx, &g->models[i], paths[i], height, width));
        }
    }
    TRY(make_chains(g, ctx, paths));
done:
    return code;
}

void gallery_close(gallery *g) {
    for (size_t i = 0; i < g->count; i++) {
        prnn_chain_free(g->list[i].chain);
        free(g->list[i].name);
    }
    for (size_t i = 0; i < g->model_count; i++) {
        prnn_model_free(g->models[i]);
        free(g->names[i]);
    }
    free(g->list);
    free(g->models);
    free(g->names);
    *g = (gallery){0};
}

/* ---------------------------------------------------------------------------------- one of them */

const served *gallery_find(const gallery *g, const char *name) {
    for (size_t i = 0; i < g->count; i++) {
        if (!*name || strcmp(g->list[i].name, name) == 0) {
            return &g->list[i];
        }
    }
    return NULL;
}

const prnn_palette *served_palette(const served *s) {
    return prnn_model_palette(prnn_chain_model(s->chain, s->stages - 1));
}

prnn_config served_stage(const served *s, size_t k) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_model_config(prnn_chain_model(s->chain, k), &config);
    return config;
}

int served_step(const served *s, size_t k) {
    return s->config.height / served_stage(s, k).height;
}

size_t served_stage_of(const served *s, int row, int column) {
    size_t k = 0;
    while (k + 1 < s->stages && (row % served_step(s, k) || column % served_step(s, k))) {
        k++;
    }
    return k;
}

void served_shrink(const served *s, size_t k, const uint8_t *image, uint8_t *small) {
    prnn_config c = served_stage(s, k);
    size_t step = (size_t)served_step(s, k), channels = (size_t)c.channels, width = (size_t)s->config.width;
    for (size_t row = 0; row < (size_t)c.height; row++) {
        for (size_t column = 0; column < (size_t)c.width; column++) {
            memcpy(small, image + (row * step * width + column * step) * channels, channels);
            small += channels;
        }
    }
}

size_t served_bytes(const served *s, size_t k) {
    prnn_config c = served_stage(s, k);
    return (size_t)c.height * (size_t)c.width * (size_t)c.channels;
}
