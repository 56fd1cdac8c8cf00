/* --size: images of another size than the model's. */
#ifndef PIXELRNN_CLI_OPTIONS_SIZE_OPTION_H
#define PIXELRNN_CLI_OPTIONS_SIZE_OPTION_H

#include "options/options.h"

/* A row for a struct whose member `size` is the text. */
#define SIZE_OPTION(settings, value, help)                                                                   \
    STRING("size", offsetof(settings, size), value, OPTION_NO_DEFAULT, help)

typedef struct wanted_size {
    bool own;          /* that of the images */
    int height, width; /* else this one; 0: the model's */
} wanted_size;

/* What the option says, NULL if it is not given. 0 or an exit code after a message. */
int size_option_read(const char *text, wanted_size *size);

/* The same for a command without images, whose own size could be meant. */
int size_option_read_plain(const char *text, wanted_size *size);

#endif
