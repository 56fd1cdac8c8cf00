#include "ranks/ranks.h"

#include "base/call.h"
#include "base/fields.h"
#include "base/memory.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST = 64, VALUE = 64, SENTENCE = 1024, MOST_RANKS = 65536 };
_Static_assert(SENTENCE == sizeof(((prnn_context *)0)->message), "all of a message");

/* What a rank says when all agree. */
typedef struct ballot {
    int32_t status;
    uint32_t wishes;
    uint64_t key;
} ballot;

/* Something that all should have in common, as it is on a rank. */
typedef struct property {
    char value[VALUE], host[HOST];
} property;

/* What a rank says about its failure. */
typedef struct testimony {
    char host[HOST], sentence[SENTENCE];
} testimony;

struct prnn_rank_state {
    prnn_ranks table;
    bool lost; /* a rank; there is nobody to talk to */
    ballot *ballots;
    prnn_parcel *parts, *more; /* of the gathers and exchanges here */
    char host[HOST];
    property *properties;
};

int prnn_context_rank(const prnn_context *ctx) {
    return ctx->ranks ? ctx->ranks->table.rank : 0;
}

int prnn_context_rank_count(const prnn_context *ctx) {
    return ctx->ranks ? ctx->ranks->table.count : 1;
}

prnn_share prnn_share_of(size_t count, int rank, int ranks) {
    size_t each = count / (size_t)ranks, more = count % (size_t)ranks, r = (size_t)rank;
    return (prnn_share){r * each + (r < more ? r : more), each + (r < more)};
}

prnn_share prnn_share_mine(const prnn_context *ctx, size_t count) {
    return prnn_share_of(count, prnn_context_rank(ctx), prnn_context_rank_count(ctx));
}

void prnn_ranks_share(const prnn_context *ctx, size_t count, size_t *first, size_t *n) {
    prnn_share mine = prnn_share_mine(ctx, count);
    *first = mine.first;
    *n = mine.count;
}

uint64_t prnn_ranks_hash(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *at = data;
    for (; bytes >= sizeof(uint64_t); bytes -= sizeof(uint64_t), at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * UINT64_C(1099511628211);
        hash ^= hash >> 32; /* high bits would never reach the low ones */
    }
    for (; bytes > 0; bytes--, at++) {
        hash = (hash ^ *at) * UINT64_C(1099511628211);
    }
    return hash;
}

/* ----------------------------------------------------------------------------------------- talking */

/* Not to be talked about: who would hear it? */
static prnn_status lost(prnn_context *ctx) {
    prnn_rank_state *s = ctx->ranks;
    const char *why = s->table.why ? s->table.why(s->table.user) : NULL;
    if (!s->lost) {
        prnn_fail(ctx, PRNN_ERROR_RANK, "%s", why ? why : "another rank of this work is lost");
    }
    s->lost = true;
    ctx->agreed = true;
    return PRNN_ERROR_RANK;
}

/* Of each parcel the bytes from `at` on, as many as a callback takes; false: there are none. */
static bool cut(const prnn_parcel *all, int count, size_t at, prnn_parcel *piece) {
    bool some = false;
    for (int r = 0; r < count; r++) {
        size_t left = all[r].bytes > at ? all[r].bytes - at : 0;
        piece[r] = (prnn_parcel){left ? (char *)all[r].data + at : NULL,
                                 left < PRNN_RANKS_MOST_BYTES ? left : PRNN_RANKS_MOST_BYTES};
        some |= left > 0;
    }
    return some;
}

/* All ranks go as often through the loop: sizes of a gather are known to all; of an exchange not, so all of
 * its parcels go at once. */
prnn_status prnn_ranks_gather(prnn_context *ctx, const prnn_parcel *parts) {
    prnn_rank_state *s = ctx->ranks;
    for (size_t at = 0; s && cut(parts, s->table.count, at, s->more); at += PRNN_RANKS_MOST_BYTES) {
        if (s->lost || !s->table.gather(s->table.user, s->more)) {
            return lost(ctx);
        }
    }
    return PRNN_OK;
}

prnn_status prnn_ranks_exchange(prnn_context *ctx, const prnn_parcel *send, const prnn_parcel *receive) {
    prnn_rank_state *s = ctx->ranks;
    return !s || (!s->lost && s->table.exchange(s->table.user, send, receive)) ? PRNN_OK : lost(ctx);
}

prnn_status prnn_ranks_broadcast(prnn_context *ctx, void *data, size_t bytes) {
    prnn_rank_state *s = ctx->ranks;
    for (size_t at = 0; s && at < bytes; at += PRNN_RANKS_MOST_BYTES) {
        size_t n = bytes - at < PRNN_RANKS_MOST_BYTES ? bytes - at : PRNN_RANKS_MOST_BYTES;
        if (s->lost || !s->table.broadcast(s->table.user, (char *)data + at, n)) {
            return lost(ctx);
        }
    }
    return PRNN_OK;
}

/* Each rank has one of the elements of an array, and gets all. */
static prnn_status gather_array(prnn_context *ctx, void *array, size_t size) {
    prnn_rank_state *s = ctx->ranks;
    for (int r = 0; r < s->table.count; r++) {
        s->parts[r] = (prnn_parcel){(char *)array + (size_t)r * size, size};
    }
    return prnn_ranks_gather(ctx, s->parts);
}

/* --------------------------------------------------------------------------------------- agreeing */

/* What the others get of rank `from`: its host, and its message. */
static prnn_status hear(prnn_context *ctx, int from, testimony *t) {
    prnn_rank_state *s = ctx->ranks;
    memset(t, 0, sizeof *t);
    if (from == s->table.rank) {
        memcpy(t->host, s->host, sizeof t->host);
        memcpy(t->sentence, ctx->message, sizeof t->sentence);
    }
    for (int r = 0; r < s->table.count; r++) {
        s->parts[r] = (prnn_parcel){t, r == from ? sizeof *t : 0};
    }
    return prnn_ranks_gather(ctx, s->parts);
}

/* If it failed on all of them in the same way, which rank it is says nothing. */
static prnn_status share_failure(prnn_context *ctx, int from, bool everywhere) {
    testimony t;
    prnn_status failed = (prnn_status)ctx->ranks->ballots[from].status, status;
    TRY(hear(ctx, from, &t));
    status = everywhere ? prnn_fail(ctx, failed, "%s", t.sentence)
                        : prnn_fail(ctx, failed, "rank %d on %s: %s", from, t.host, t.sentence);
    ctx->agreed = true;
done:
    return status;
}

static prnn_status refuse_stranger(prnn_context *ctx, int from) {
    testimony t;
    prnn_status status;
    TRY(hear(ctx, from, &t));
    status = prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                       "rank %d on %s was asked for other work than rank 0 (another call, number of images, "
                       "seed or option): start all ranks with the same command",
                       from, t.host);
    ctx->agreed = true;
done:
    return status;
}

/* The lowest rank that was asked for something else than rank 0; -1: none. */
static int find_stranger(const prnn_rank_state *s) {
    for (int r = 1; r < s->table.count; r++) {
        if (s->ballots[r].key != s->ballots[0].key) {
            return r;
        }
    }
    return -1;
}

static prnn_status count_ballots(prnn_context *ctx, unsigned *wishes) {
    prnn_rank_state *s = ctx->ranks;
    int failed = -1, failures = 0;
    unsigned all = 0;
    for (int r = s->table.count - 1; r >= 0; r--) {
        const ballot *b = &s->ballots[r];
        failed = b->status != PRNN_OK ? r : failed;
        failures += b->status != PRNN_OK;
        all |= b->wishes;
    }
    if (failed >= 0) {
        for (int r = 0; r < s->table.count; r++) {
            failures -= s->ballots[r].status != s->ballots[failed].status;
        }
        return share_failure(ctx, failed, failures == s->table.count);
    }
    int stranger = find_stranger(s);
    if (stranger >= 0) {
        return refuse_stranger(ctx, stranger);
    }
    if (wishes) {
        *wishes = all;
    }
    return PRNN_OK;
}

prnn_status prnn_ranks_vote(prnn_context *ctx, prnn_status status, unsigned *wishes, uint64_t key) {
    prnn_rank_state *s = ctx->ranks;
    if (!s || (status != PRNN_OK && ctx->agreed)) {
        return status;
    }
    s->ballots[s->table.rank] = (ballot){(int32_t)status, wishes ? *wishes : 0, key};
    status = gather_array(ctx, s->ballots, sizeof *s->ballots);
    return status == PRNN_OK ? count_ballots(ctx, wishes) : status;
}

prnn_status prnn_ranks_fail(prnn_context *ctx, prnn_status status) {
    return status == PRNN_OK ? status : prnn_ranks_vote(ctx, status, NULL, 0);
}

bool prnn_ranks_agreed(const prnn_context *ctx) {
    return ctx->agreed;
}

prnn_status prnn_ranks_agree(prnn_context *ctx, prnn_status status, const char *sentence) {
    PRNN_ENTER(ctx, PRNN_GIVEN(ctx));
    if (status != PRNN_OK && sentence) {
        prnn_fail(ctx, status, "%s", sentence);
    }
    return prnn_ranks_vote(ctx, status, NULL, 0);
}

prnn_status prnn_ranks_collect(prnn_context *ctx, prnn_status status, uint64_t key, size_t count,
                               const prnn_results *results, size_t n) {
    prnn_rank_state *s = ctx->ranks;
    uint64_t asked = prnn_ranks_hash(key, &count, sizeof count);
    for (size_t i = 0; i < n; i++) {
        size_t size = results[i].data ? results[i].size : 0;
        asked = prnn_ranks_hash(asked, &size, sizeof size);
    }
    TRY(prnn_ranks_vote(ctx, status, NULL, asked));
    for (size_t i = 0; s && i < n; i++) {
        for (int r = 0; r < s->table.count; r++) {
            prnn_share of = prnn_share_of(count, r, s->table.count);
            s->parts[r] = (prnn_parcel){(char *)results[i].data + of.first * results[i].size,
                                        results[i].data ? of.count * results[i].size : 0};
        }
        TRY(prnn_ranks_gather(ctx, s->parts));
    }
done:
    return status;
}

prnn_status prnn_ranks_compare(prnn_context *ctx, const char *what, const char *value) {
    prnn_rank_state *s = ctx->ranks;
    prnn_status status = PRNN_OK;
    if (!s) {
        return PRNN_OK;
    }
    property *all = s->properties, *own = &all[s->table.rank];
    memset(own, 0, sizeof *own);
    memcpy(own->host, s->host, sizeof own->host);
    strncpy(own->value, value, sizeof own->value - 1);
    TRY(prnn_ranks_vote(ctx, PRNN_OK, NULL, PRNN_HASH_BEGIN)); /* not that of an agreement, whose rank ends */
    TRY(gather_array(ctx, all, sizeof *all));
    for (int r = 1; r < s->table.count && status == PRNN_OK; r++) {
        if (strncmp(all[r].value, all[0].value, sizeof all->value) != 0) {
            status =
                prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                          "rank %d on %s has another %s (%s) than rank 0 on %s (%s): give all ranks the same",
                          r, all[r].host, what, all[r].value, all[0].host, all[0].value);
            ctx->agreed = true;
        }
    }
done:
    return status;
}

/* ---------------------------------------------------------------------------------------- the table */

static prnn_status check_table(prnn_context *ctx, const prnn_ranks *t) {
    if (t->count < 1 || t->count > MOST_RANKS || t->rank < 0 || t->rank >= t->count) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT, "rank %d of %d: there are 1 to %d, counted from 0",
                         t->rank, t->count, MOST_RANKS);
    }
    if (t->count > 1 && (!t->exchange || !t->gather || !t->broadcast)) {
        return prnn_fail(ctx, PRNN_ERROR_ARGUMENT,
                         "ranks that are to work together need all of exchange, gather and broadcast");
    }
    return PRNN_OK;
}

/* One block: the context frees it without knowing what is in it. */
static prnn_rank_state *make_state(const prnn_ranks *table) {
    size_t n = (size_t)table->count;
    size_t each = sizeof(ballot) + 2 * sizeof(prnn_parcel) + sizeof(property);
    prnn_rank_state *s = calloc(1, sizeof *s + n * each);
    if (s) {
        s->table = *table;
        s->ballots = (ballot *)(s + 1);
        s->parts = (prnn_parcel *)(s->ballots + n);
        s->more = s->parts + n;
        s->properties = (property *)(s->more + n);
    }
    return s;
}

prnn_status prnn_context_set_ranks(prnn_context *ctx, const prnn_ranks *ranks) {
    PRNN_ENTER_SETTING(ctx);
    prnn_ranks table = PRNN_RANKS_INIT;
    prnn_status status;
    TRY(prnn_options_read(ctx, &table, &prnn_ranks_fields, ranks));
    TRY(check_table(ctx, &table));
    free(ctx->ranks);
    ctx->ranks = NULL;
    if (table.count == 1) {
        return PRNN_OK;
    }
    ctx->ranks = make_state(&table);
    if (!ctx->ranks) {
        return prnn_fail(ctx, PRNN_ERROR_MEMORY, "not enough memory for %d ranks", table.count);
    }
    if (gethostname(ctx->ranks->host, HOST - 1) != 0) {
        strcpy(ctx->ranks->host, "an unknown host");
    }
    TRY(prnn_ranks_compare(ctx, "version of pixelrnn", PRNN_VERSION));
done:
    return status;
}
