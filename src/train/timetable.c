#include "train/timetable.h"

#include <math.h>

prnn_timetable prnn_timetable_of(const prnn_train_options *o, size_t images, bool valid) {
    uint64_t batch = (uint64_t)o->batch, epoch = (images + batch - 1) / batch;
    return (prnn_timetable){.steps = o->steps ? o->steps : (uint64_t)ceil(o->epochs * (double)epoch),
                            .epoch = epoch,
                            .valid_every = o->valid_every ? o->valid_every : epoch,
                            .log_every = o->log_every ? o->log_every : (epoch + 9) / 10,
                            .valid = valid};
}

prnn_due prnn_timetable_due(const prnn_timetable *t, uint64_t step, uint64_t validated, uint64_t logged) {
    if (step == 0) {
        return (prnn_due){0};
    }
    bool end = step == t->steps;
    bool validation = t->valid && validated != step && (end || step % t->valid_every == 0);
    bool line = logged != step && (end || validation || validated == step || step % t->log_every == 0);
    return (prnn_due){validation, line, .checkpoint = end || validation, .result = end};
}

double prnn_timetable_epoch(const prnn_timetable *t, uint64_t step) {
    return (double)step / (double)t->epoch;
}
