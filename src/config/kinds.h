/* The registry of layer kinds: a line each, KIND(number in the public header, name, what computes it). The
 * latter is one file in layers/. */
#ifndef PRNN_CONFIG_KINDS_H
#define PRNN_CONFIG_KINDS_H

#define PRNN_KINDS(KIND)                                                                                     \
    KIND(PRNN_ROW, "row", prnn_row_lstm)                                                                     \
    KIND(PRNN_DIAGONAL, "diagonal", prnn_diagonal_bilstm)                                                    \
    KIND(PRNN_CNN, "cnn", prnn_pixelcnn)

#endif
