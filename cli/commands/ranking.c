#include "commands/ranking.h"

#include "support/memory.h"
#include "support/try.h"

#include <stdlib.h>

static int compare(const void *first, const void *second) {
    const ranked *a = first, *b = second;
    int by_key = (a->key > b->key) - (a->key < b->key);
    return by_key ? by_key : (a->image > b->image) - (a->image < b->image);
}

int rank_images(session *s, const double *nats, size_t count, bool best, ranked **images) {
    ranked *all = session_allocate(s, count, sizeof *all);
    int code;
    TRY(check_memory(all));
    for (size_t i = 0; i < count; i++) {
        all[i] = (ranked){best ? nats[i] : -nats[i], i};
    }
    qsort(all, count, sizeof *all, compare);
    *images = all;
done:
    return code;
}
