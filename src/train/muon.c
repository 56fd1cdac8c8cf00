#include "train/muon.h"

#include "base/memory.h"
#include "base/try.h"

#include <math.h>
#include <string.h>

bool prnn_muon_takes(const prnn_parameter *p) {
    return p->rank > 1 && strncmp(p->name, "layers.", strlen("layers.")) == 0;
}

static size_t width_of(const prnn_parameter *p) {
    return p->count / (size_t)p->shape[0];
}

/* With so many unmasked columns. Its factor gives a step the size of one of Adam's (Liu et al. 2025). */
static prnn_polar polar_of(const prnn_parameter *p, size_t columns) {
    uint32_t height = (uint32_t)p->shape[0], wide = (uint32_t)columns;
    uint32_t least = height < wide ? height : wide, most = height < wide ? wide : height;
    return (prnn_polar){.first = (uint32_t)p->offset,
                        .width = (uint32_t)width_of(p),
                        .rows = least,
                        .columns = most,
                        .turned = wide < height,
                        .factor = 0.2f * sqrtf((float)most)};
}

size_t prnn_muon_floats(const prnn_plan *plan) {
    size_t floats = 0;
    for (int i = 0; i < plan->parameter_count; i++) {
        if (prnn_muon_takes(&plan->parameters[i])) {
            prnn_polar all = polar_of(&plan->parameters[i], width_of(&plan->parameters[i]));
            floats += prnn_polar_floats(&all);
        }
    }
    return floats;
}

static bool is_unmasked(const prnn_parameter *p, const uint8_t *unmasked, size_t column) {
    for (size_t i = column; i < p->count; i += width_of(p)) {
        if (unmasked[p->offset + i]) {
            return true;
        }
    }
    return false;
}

/* Puts a tensor on the list, behind `floats` of scratch memory; returns those that it takes. */
static size_t add(prnn_polar_list *list, const prnn_parameter *p, const uint8_t *unmasked, size_t floats) {
    size_t first = list->column_count;
    for (size_t column = 0; column < width_of(p); column++) {
        if (is_unmasked(p, unmasked, column)) {
            list->columns[list->column_count++] = (uint32_t)column;
        }
    }
    if (list->column_count == first) {
        return 0;
    }
    prnn_polar *polar = &list->list[list->count++];
    *polar = polar_of(p, list->column_count - first);
    polar->first_column = (uint32_t)first;
    polar->at = (uint32_t)(floats / PRNN_POLAR_UNIT);
    return prnn_polar_floats(polar);
}

static prnn_status allocate(prnn_context *ctx, const prnn_plan *plan, prnn_polar_list *list) {
    size_t count = 0, columns = 0;
    for (int i = 0; i < plan->parameter_count; i++) {
        if (prnn_muon_takes(&plan->parameters[i])) {
            count++;
            columns += width_of(&plan->parameters[i]);
        }
    }
    list->list = prnn_alloc(ctx, count, sizeof *list->list, "the matrices of the optimizer");
    list->columns = prnn_alloc(ctx, columns, sizeof *list->columns, "the matrices of the optimizer");
    return list->list && list->columns ? PRNN_OK : PRNN_ERROR_MEMORY;
}

prnn_status prnn_muon_create(prnn_context *ctx, const prnn_device *device, const prnn_plan *plan,
                             const uint8_t *unmasked, prnn_polar_list *list) {
    size_t floats = 0;
    prnn_status status;
    *list = (prnn_polar_list){0};
    TRY(allocate(ctx, plan, list));
    for (int i = 0; i < plan->parameter_count; i++) {
        if (prnn_muon_takes(&plan->parameters[i])) {
            floats += add(list, &plan->parameters[i], unmasked, floats);
        }
    }
    TRY(device->share(ctx, list->list, list->count * sizeof *list->list / 4, &list->table));
    TRY(device->share(ctx, list->columns, list->column_count, &list->numbers));
    TRY(device->allocate_raw(ctx, floats, "the matrices of the optimizer", &list->scratch));
done:
    return status;
}

void prnn_muon_free(const prnn_device *device, prnn_polar_list *list) {
    device->unshare(&list->table, NULL);
    device->unshare(&list->numbers, NULL);
    device->release(&list->scratch);
    prnn_free(list->list);
    prnn_free(list->columns);
    *list = (prnn_polar_list){0};
}
