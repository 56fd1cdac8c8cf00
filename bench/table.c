/* The networks that can be measured. */
#include "bench.h"

static const network_case cases[] = {
    {'a', PRNN_DIAGONAL, 28, 1, 16, 7, 32, 2, 16}, {'b', PRNN_ROW, 28, 1, 16, 7, 32, 2, 16},
    {'c', PRNN_CNN, 28, 1, 16, 7, 32, 2, 16},      {'d', PRNN_DIAGONAL, 32, 3, 32, 4, 128, 256, 16},
    {'e', PRNN_ROW, 32, 3, 64, 6, 256, 256, 8},    {'f', PRNN_CNN, 32, 3, 128, 15, 1024, 256, 4},
    {'g', PRNN_ROW, 32, 3, 128, 12, 1024, 256, 4}, {'h', PRNN_DIAGONAL, 32, 3, 128, 12, 1024, 256, 4},
};

const network_case *find_case(char letter) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].letter == letter) {
            return &cases[i];
        }
    }
    return NULL;
}
