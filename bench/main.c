/* Measures the limits of the machine, the kernels, and training, evaluation and sampling of whole networks:
 * see options.c for what can be chosen. */
#include "bench.h"

int main(int argc, char **argv) {
    options o;
    int code = options_read(argc, argv, &o);
    if (code >= 0) {
        return code;
    }
    report_head(&o);
    limits l = {.threads = {1, 1}};
    if (o.parts & ~(unsigned)PART_THREADS) {
        l = measure_limits(&o);
        report_limits(&o, &l);
    }
    if (o.parts & PART_KERNELS) {
        measure_kernels(&o, &l);
    }
    for (const char *letter = o.cases; *letter; letter++) {
        measure_network(&o, &l, find_case(*letter));
    }
    for (const char *letter = o.cases; (o.parts & PART_THREADS) && *letter; letter++) {
        measure_threads(&o, find_case(*letter));
    }
    report_end(&o);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "pixelrnn-bench: standard output cannot be written\n");
        return 1;
    }
    return 0;
}
