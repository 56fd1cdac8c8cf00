#include "base/progress.h"
#include "base/clock.h"

#include <math.h>

prnn_progress prnn_progress_since(double began, const char *phase, uint64_t done, uint64_t total) {
    double seconds = prnn_clock() - began;
    return (prnn_progress){.size = sizeof(prnn_progress),
                           .phase = phase,
                           .done = done,
                           .total = total,
                           .seconds = seconds,
                           .images_per_second = seconds > 0 ? (double)done / seconds : 0,
                           .train_nats = NAN,
                           .valid_nats = NAN,
                           .best_nats = NAN};
}
