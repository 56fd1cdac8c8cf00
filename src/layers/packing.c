/* Which parameter each packed float of a plan is. */
#include "layers/product.h"

#include <string.h>

static void visit_vector(const prnn_plan *plan, const prnn_vector *vector,
                         const prnn_packed_visitor *visitor) {
    for (int column = 0; column < prnn_features_width(vector->features); column++) {
        int number = prnn_features_number(vector->features, column);
        int32_t index = number < 0 ? -1 : (int32_t)plan->parameters[vector->parameter].offset + number;
        visitor->visit(visitor->user, vector->at + (size_t)column, &index, 1);
    }
}

void prnn_plan_visit(const prnn_plan *plan, bool backward, const prnn_packed_visitor *visitor) {
    for (int i = 0; i < plan->vector_count && !backward; i++) {
        visit_vector(plan, &plan->vectors[i], visitor);
    }
    for (int i = 0; i < plan->product_count; i++) {
        if (plan->products[i]->transposed == backward) {
            prnn_product_visit(plan, plan->products[i], visitor);
        }
    }
}

static void keep_index(void *user, size_t at, const int32_t *index, size_t n) {
    memcpy((int32_t *)user + at, index, n * sizeof *index);
}

prnn_status prnn_plan_index(prnn_context *ctx, prnn_plan *plan) {
    prnn_packing *packings[] = {&plan->forward, &plan->backward};
    for (int i = 0; i < 2; i++) {
        packings[i]->index =
            prnn_alloc_raw(ctx, packings[i]->count, sizeof(int32_t), "the places of the weights");
        if (!packings[i]->index) {
            return PRNN_ERROR_MEMORY;
        }
        prnn_plan_visit(plan, i == 1, &(prnn_packed_visitor){keep_index, packings[i]->index});
    }
    return PRNN_OK;
}
