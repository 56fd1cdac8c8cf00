/* A stepper that has come to one pixel of given images. */
#ifndef PIXELRNN_CLI_SERVE_EXPECT_H
#define PIXELRNN_CLI_SERVE_EXPECT_H

#include "serve/work.h"

/* Puts the values of `count` images of the model, (count, H, W, C), that stage k draws before its pixel
 * (row, column), into a new stepper. False after a refusal; free it in any case. */
bool expect_pixel(const work *w, size_t k, const uint8_t *images, size_t count, int row, int column,
                  prnn_stepper **stepper);

/* The distributions of the pixel's values, (C, count, K) natural logarithms, each given the true values
 * before it in `pixels`, (count, C). */
bool expect_values(const work *w, prnn_stepper *stepper, const prnn_config *config, const uint8_t *pixels,
                   size_t count, double *logs);

#endif
