#include "commands/ranking.h"

#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <stdlib.h>

/* Images of a list whose length nobody says. */
enum { LISTED = 10 };

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

int ranking_check(const list_settings *want) {
    if ((want->worst && want->best) || (want->worst && want->sort == SORT_BEST) ||
        (want->best && want->sort == SORT_WORST)) {
        return usage_error("one list is printed: give --worst or --best, and a --sort that agrees");
    }
    return EXIT_OK;
}

int ranking_make(session *s, const list_settings *want, bool needed, const double *nats, size_t count,
                 ranking *r) {
    bool given = want->worst || want->best;
    size_t most = given ? want->worst + want->best /* of which one is 0 */ : LISTED;
    int code = EXIT_OK;
    *r = (ranking){.best = want->best || want->sort == SORT_BEST};
    if (given || needed || want->sort != SORT_NONE) {
        TRY(rank_images(s, nats, count, r->best, &r->list));
        r->listed = most < count ? most : count;
    }
done:
    return code;
}
