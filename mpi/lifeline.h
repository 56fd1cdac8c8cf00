/* A TCP connection between rank 0 and each other rank, over which nothing goes: it ends when a process does,
 * whoever killed it, and, with keep-alives, when a machine or the network between fails. MPI itself tells of
 * that late, if ever. A rank that cannot be reached in this way (a firewall) goes without. */
#ifndef PIXELRNN_MPI_LIFELINE_H
#define PIXELRNN_MPI_LIFELINE_H

#include <stdbool.h>
#include <stdint.h>

enum { LIFELINE_ADDRESSES = 16, LIFELINE_NOBODY = -1 };

/* Where rank 0 is. */
typedef struct lifeline_address {
    uint32_t v6, scope;
    unsigned char bytes[16];
} lifeline_address;

typedef struct lifeline_call {
    uint64_t token; /* so that nobody takes another process for it */
    uint32_t port;  /* in the network's order; 0: nobody listens */
    uint32_t count;
    lifeline_address addresses[LIFELINE_ADDRESSES];
} lifeline_call;

/* Rank 0 listens, and says where; the others get that from it and connect: false if they cannot; rank 0 then
 * takes as many of them as could. */
void lifeline_listen(lifeline_call *call);
bool lifeline_connect(const lifeline_call *call, int rank);
void lifeline_accept(const lifeline_call *call, int expected, int ranks);
/* The rest of lifeline_connect, after rank 0 has taken all. */
void lifeline_confirm(const lifeline_call *call);

/* The number of a rank that is lost, or LIFELINE_NOBODY. Rank 0 looks at its connections; another one at that
 * to rank 0, which tells who is. */
int lifeline_lost(void);

/* Rank 0 tells the others that a rank is lost. */
void lifeline_tell(int rank);

/* In peace. */
void lifeline_close(void);

#endif
