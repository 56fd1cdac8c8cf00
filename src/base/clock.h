/* Time that only goes forward. */
#ifndef PRNN_BASE_CLOCK_H
#define PRNN_BASE_CLOCK_H

/* Seconds since some moment in the past. */
double prnn_clock(void);

#endif
