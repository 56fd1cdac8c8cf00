#include "commands/drawn.h"

#include "commands/captions.h"
#include "draw/sheet.h"
#include "support/memory.h"
#include "support/try.h"

#include <pixelrnn/io.h>

int drawn_write_array(const drawn *d, const char *path) {
    const prnn_config *c = &d->s->config;
    const size_t shape[] = {d->count, d->samples, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    return exit_code(d->s->ctx, prnn_write_npy(d->s->ctx, path, PRNN_U8, 5, shape, d->images));
}

int drawn_write_each(const drawn *d, const char *folder, int zoom) {
    const size_t *numbers = image_numbers(d->s);
    const prnn_config *c = &d->s->config;
    const sheet all = {.images = d->images,
                       .count = d->count * d->samples,
                       .height = c->height,
                       .width = c->width,
                       .channels = c->channels,
                       .levels = c->levels,
                       .columns = 1,
                       .zoom = zoom,
                       .palette = session_palette(d->s)};
    int code;
    TRY(check_memory(numbers));
    TRY(sheet_write_each(d->s->ctx, folder, &all, numbers, d->samples));
done:
    return code;
}
