#include "commands/captions.h"

#include <stdio.h>
#include <string.h>

void caption_image_of(const prnn_data *set, const char *path, size_t image, const char *before, caption *c) {
    const char *name = prnn_data_name(set, image);
    size_t n = strlen(path);
    snprintf(c->label, sizeof c->label, "%s%zu", before, prnn_data_number(set, image));
    /* All names of a folder begin with it. */
    if (name && strncmp(name, path, n) == 0 && name[n]) {
        name += n + strspn(name + n, "/");
    }
    caption_set_name(c, name ? name : "");
}

void caption_image(const session *s, const char *path, size_t image, const char *before, caption *c) {
    caption_image_of(s->data, path, image, before, c);
}

size_t *image_numbers(session *s) {
    size_t count = prnn_data_count(s->data);
    size_t *numbers = session_allocate(s, count, sizeof *numbers);
    for (size_t i = 0; numbers && i < count; i++) {
        numbers[i] = prnn_data_number(s->data, i);
    }
    return numbers;
}
