#include "commands/drawn.h"

#include "commands/captions.h"
#include "commands/sheets.h"
#include "support/memory.h"
#include "support/try.h"

#include <pixelrnn/io.h>
#include <stdio.h>

caption *drawn_captions(const drawn *d, const char *path, const char *before, const char *given) {
    size_t first = given ? 2 : 1, columns = first + d->samples, n = d->count * columns;
    caption *captions = session_allocate(d->s, n, sizeof *captions);
    for (size_t i = 0; captions && i < n; i++) {
        size_t column = i % columns;
        captions[i] = (caption){.name = ""};
        if (column == 0) {
            caption_image(d->s, path, i / columns, before, &captions[i]);
        } else if (column < first) {
            snprintf(captions[i].label, sizeof captions[i].label, "%s", given);
        } else {
            snprintf(captions[i].label, sizeof captions[i].label, "drawn %zu", column - first);
        }
    }
    return captions;
}

static int write_array(const drawn *d, const char *path) {
    const prnn_config *c = &d->s->config;
    const size_t shape[] = {d->count, d->samples, (size_t)c->height, (size_t)c->width, (size_t)c->channels};
    return exit_code(d->s->ctx, prnn_write_npy(d->s->ctx, path, PRNN_U8, 5, shape, d->images));
}

static int write_each(const drawn *d, const char *folder, int zoom) {
    const size_t *numbers = image_numbers(d->s);
    const sheet all = sheet_of(d->s, d->images, d->count * d->samples, 1, zoom, NULL);
    int code;
    TRY(check_memory(numbers));
    TRY(sheet_write_each(d->s->ctx, folder, &all, numbers, d->samples));
done:
    return code;
}

int drawn_write(const drawn *d, output_kind kind, const char *path, int zoom) {
    return kind == OUTPUT_FOLDER ? write_each(d, path, zoom) : write_array(d, path);
}
