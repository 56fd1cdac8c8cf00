/* Trainings that are under way: their logs, and what their models draw. */
#ifndef PIXELRNN_CLI_SERVE_RUNS_H
#define PIXELRNN_CLI_SERVE_RUNS_H

#include "serve/work.h"

void serve_runs(work *w);
/* metrics.csv as it is. */
void serve_metrics(work *w);
/* Samples of the model that the run has saved last. */
void serve_run_samples(work *w);

#endif
