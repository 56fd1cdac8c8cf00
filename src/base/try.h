/* Steps that can fail, one after the other. */
#ifndef PRNN_BASE_TRY_H
#define PRNN_BASE_TRY_H

/* TRY(call): the value of `call` becomes `status`, a variable of the function; unless it is PRNN_OK, goes to
 * the label `done`, where the function gives back what it has and returns `status`. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        status = (call);                                                                                     \
        if (status != PRNN_OK) {                                                                             \
            goto done;                                                                                       \
        }                                                                                                    \
    } while (0)

#endif
