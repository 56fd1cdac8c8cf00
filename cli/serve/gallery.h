/* The models that are served: each that draws by itself, and each chain that the conditional ones among them
 * make possible. */
#ifndef PIXELRNN_CLI_SERVE_GALLERY_H
#define PIXELRNN_CLI_SERVE_GALLERY_H

#include <pixelrnn/pixelrnn.h>

enum { GALLERY_STAGES = 12 };

typedef struct served {
    char *name;         /* of the file, without its ending; of a chain those of its models, with '+' */
    prnn_chain *chain;  /* of one model or more */
    prnn_config config; /* of its images */
    size_t stages;
    size_t list[GALLERY_STAGES]; /* of the models, their numbers */
} served;

typedef struct gallery {
    prnn_model **models;
    char **names;
    size_t model_count;
    served *list;
    size_t count;
} gallery;

/* Loads the files, for images of that size, height 0: the models' own. Refuses a conditional model that no
 * other one draws small images for, and any with another size. 0 or an exit code; close it in any case. */
int gallery_open(gallery *g, prnn_context *ctx, const char *const *paths, size_t count, int height,
                 int width);
void gallery_close(gallery *g);

/* By name; "" is the first; NULL: none. */
const served *gallery_find(const gallery *g, const char *name);

/* What its levels are numbers of; NULL: they are shades. */
const prnn_palette *served_palette(const served *s);
/* The config of stage k, and how many pixels of the image are between two of its pixels. */
prnn_config served_stage(const served *s, size_t k);
int served_step(const served *s, size_t k);
/* The stage that draws this pixel of the image. */
size_t served_stage_of(const served *s, int row, int column);
/* Every step-th pixel of every step-th row of an image, (h, w, C) of stage k. */
void served_shrink(const served *s, size_t k, const uint8_t *image, uint8_t *small);
/* Bytes of an image of stage k. */
size_t served_bytes(const served *s, size_t k);

#endif
