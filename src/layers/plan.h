/* Plan, then run: a plan collects what a network consists of - parameters, packed weights, maps - so that
 * everything is laid out once and a pass cannot fail. The first failure (out of memory) sticks: later calls
 * do nothing, and the status is read once, at the end. */
#ifndef PRNN_LAYERS_PLAN_H
#define PRNN_LAYERS_PLAN_H

#include "base/memory.h"
#include "device/device.h"

/* How a parameter begins. */
typedef enum prnn_init {
    PRNN_INIT_ZERO,
    /* Uniform, variance gain^2 / number of unmasked weights of each of shape[0]: of an output, but for
     * transposed convolutions. */
    PRNN_INIT_FAN_IN,
    PRNN_INIT_FORGET /* bias of gates: 1 for the forget gate, else 0 */
} prnn_init;

/* A tensor of the model file. */
typedef struct prnn_parameter {
    char name[64];
    int rank, shape[4];
    size_t count, offset; /* in the block of all parameters */
    prnn_init init;
    double gain;
} prnn_parameter;

/* A parameter in the forward block that no product has. */
typedef struct prnn_vector {
    int parameter;
    prnn_features features;
    size_t at;
} prnn_vector;

/* Told the numbers of the parameters that the n packed floats from `at` on hold, -1 for zero. */
typedef struct prnn_packed_visitor {
    void (*visit)(void *user, size_t at, const int32_t *index, size_t n);
    void *user;
} prnn_packed_visitor;

typedef struct prnn_plan {
    prnn_context *ctx;
    prnn_config config;
    bool training;  /* maps keep all rows, and there is a backward pass */
    int block_rows; /* most rows that go through a layer together, so that its weights are read once for them
                     */
    int sum_rows;   /* of these, so many have their gradients summed as one: the device does not matter */
    prnn_status status;

    prnn_parameter *parameters;
    int parameter_count, parameter_capacity;
    size_t parameter_floats, parameter_limit; /* no more than the limit */

    prnn_packing forward, backward;
    prnn_vector *vectors;
    int vector_count, vector_capacity;
    prnn_product **products; /* all of them, forward and transposed */
    int product_count, product_capacity;
    prnn_layout memory; /* of the maps, in floats per image */

    void **blocks; /* everything that prnn_plan_alloc gave */
    int block_count, block_capacity;
} prnn_plan;

/* Zeroed memory that lives as long as the plan; NULL after a failure. */
void *prnn_plan_alloc(prnn_plan *plan, size_t count, size_t size);
void prnn_plan_free(prnn_plan *plan);

/* Puts a product on the plan's list. */
void prnn_plan_list_product(prnn_plan *plan, prnn_product *product);

/* A new parameter; `name` is a printf format. Returns its number. */
int prnn_plan_parameter(prnn_plan *plan, prnn_init init, double gain, int rank, const int *shape,
                        const char *name, ...) PRNN_PRINTF(6, 7);

/* Plans the parameter `name`.`member`, a vector of features that is used as it is (an initial state), and
 * returns its place in the packed forward block. */
size_t prnn_plan_vector(prnn_plan *plan, const char *name, const char *member, prnn_features features);

/* Writes "name.member" into path, of 64 bytes, and returns it. */
const char *prnn_plan_path(char *path, const char *name, const char *member);

/* Gain of a layer's output: with residual connections the sum over all layers has the variance of one. */
double prnn_residual_gain(bool residual, int layers);

/* Makes room for n more floats in a packing and returns where they begin. Nothing large is made: what a plan
 * will need is known before it is asked for. */
size_t prnn_packing_reserve(prnn_packing *packing, size_t n);

/* Tells the visitor of every float of the block, forward or backward: in runs, each float once. */
void prnn_plan_visit(const prnn_plan *plan, bool backward, const prnn_packed_visitor *visitor);

/* Makes the numbers of both packings, for who packs again and again: 4 bytes a packed float. */
prnn_status prnn_plan_index(prnn_context *ctx, prnn_plan *plan);

/* How many rows of a map are read later. */
typedef enum prnn_keep {
    PRNN_KEEP_FORWARD, /* all rows in training, else those of a block and the margin above */
    PRNN_KEEP_WINDOW,  /* those of a block and the margin above, always */
    PRNN_KEEP_CARRY    /* one, whatever its number: what a row hands to the next */
} prnn_keep;

/* A map of the image with margins. Below the last row, margin rows are not kept: the slot of the row before
 * the first serves (a window of a backward pass begins there), but in a window of the whole image. NULL after
 * a failure. */
prnn_map *prnn_plan_map(prnn_plan *plan, int stride, prnn_keep keep, int top, int left, int right);

/* A square map of its own size, in all passes whole, with a margin on all four sides (0 or 1; the row above
 * the first is also the one below the last). NULL after a failure. */
prnn_map *prnn_plan_whole_map(prnn_plan *plan, int size, int stride, int margin);

/* A map with one pixel a row, of the rows of a block. NULL after a failure. */
prnn_map *prnn_plan_column_map(prnn_plan *plan, int stride);

/* The map (NULL: none) is fp32 in every precision: what no product reads and many steps add up, and what is
 * as narrow as an image. Returns it. */
prnn_map *prnn_plan_exact(prnn_map *map);

/* n features in one block, padded to full panels, in C colour groups. */
prnn_features prnn_plan_features(const prnn_plan *plan, int blocks, int size);

#endif
