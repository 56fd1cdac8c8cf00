#include "draw/heat.h"
#include "draw/axis.h"
#include "draw/canvas.h"
#include "draw/levels.h"
#include "support/try.h"

#include <math.h>
#include <pixelrnn/io.h>
#include <stdio.h>
#include <string.h>

enum {
    SIDE = 96,
    MARGIN = 8,
    INSIDE = 2,
    BETWEEN = 10,
    BAR = 16,
    TICK = 5,
    TEXT_ZOOM = 2,
    LIMIT = 32768,
    LETTERS = 20
};

static const colour black = {0, 0, 0};

/* Where things are. */
typedef struct layout {
    int zoom, columns, rows;
    int pair_height, pair_width, height, width; /* of a pair: with its caption */
    caption_layout caption;
    int bar_left, bar_height, bar_top;
    axis scale;
    int label_width;
} layout;

static int text_width(const char *text) {
    return (int)strlen(text) * CANVAS_LETTER_WIDTH * TEXT_ZOOM;
}

static void choose_columns(const heat *h, layout *l) {
    int count = (int)h->count;
    l->columns = h->columns;
    if (!l->columns) {
        /* The sheet is about as wide as 3 halves of its height. */
        double best = sqrt(1.5 * count * l->pair_height / l->pair_width);
        l->columns = best < 1 ? 1 : (int)(best + 0.5);
    }
    l->columns = l->columns > count ? count : l->columns;
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): there is an image */
    l->rows = (count + l->columns - 1) / l->columns;
}

static void place_bar(const heat *h, layout *l) {
    double ticks[AXIS_TICKS];
    int least = 100, most = 600;
    l->bar_left = l->width + BETWEEN - MARGIN;
    l->bar_top = MARGIN + CANVAS_LETTER_HEIGHT * TEXT_ZOOM + BETWEEN;
    l->bar_height = l->height - MARGIN - l->bar_top;
    l->bar_height = l->bar_height < least ? least : l->bar_height > most ? most : l->bar_height;
    int bottom = l->bar_top + l->bar_height + MARGIN;
    l->height = l->height < bottom ? bottom : l->height;
    l->scale = axis_of(0, h->maximum, l->bar_height < 256 ? l->bar_height / 32 : 8, false, false);
    l->label_width = text_width(h->unit) - BAR - TICK - 4;
    for (size_t i = axis_ticks(&l->scale, ticks); i-- > 0;) {
        char text[32];
        axis_label(&l->scale, ticks[i], text);
        l->label_width = text_width(text) > l->label_width ? text_width(text) : l->label_width;
    }
    l->width = l->bar_left + BAR + TICK + 4 + l->label_width + MARGIN;
}

static int choose_layout(const heat *h, layout *l) {
    int height = h->config.height, width = h->config.width, side = height > width ? height : width;
    l->zoom = h->zoom ? h->zoom : (SIDE + side - 1) / side;
    /* 4096 pixels of 4096 fit an int with any zoom that is allowed; the sheet need not. */
    l->pair_height = height * l->zoom;
    l->pair_width = 2 * width * l->zoom + INSIDE;
    if (h->captions) {
        l->caption = caption_place(h->captions, h->count, l->pair_width, LETTERS);
        l->pair_height += l->caption.height;
        l->pair_width = l->caption.width;
    }
    choose_columns(h, l);
    double tall = 2.0 * MARGIN + l->rows * (double)(l->pair_height + BETWEEN) - BETWEEN;
    double wide = 2.0 * MARGIN + l->columns * (double)(l->pair_width + BETWEEN) - BETWEEN;
    if (tall > LIMIT || wide > LIMIT) {
        return usage_error(
            "a picture of %.0f x %.0f pixels is too large (%d a side); a smaller --count or --zoom, or "
            "other --columns help",
            tall, wide, LIMIT);
    }
    l->height = (int)tall;
    l->width = (int)wide;
    if (h->bar) {
        place_bar(h, l);
    }
    return 0;
}

static colour pixel_colour(const heat *h, size_t pixel) {
    const prnn_config *c = &h->config;
    return colour_of_levels(h->images + pixel * (size_t)c->channels, c->channels, c->levels, h->palette);
}

static void draw_pair(canvas *c, const heat *h, const layout *l, size_t image) {
    int row = (int)image / l->columns, column = (int)image % l->columns;
    int top = MARGIN + row * (l->pair_height + BETWEEN), left = MARGIN + column * (l->pair_width + BETWEEN);
    int across = h->config.width * l->zoom + INSIDE, images = across + h->config.width * l->zoom;
    if (h->captions) {
        caption_draw(c, &l->caption, top + h->config.height * l->zoom, left, &h->captions[image]);
        left += (l->pair_width - images) / 2;
    }
    size_t pixel = image * (size_t)h->config.height * (size_t)h->config.width;
    for (int y = 0; y < h->config.height; y++) {
        for (int x = 0; x < h->config.width; x++, pixel++) {
            int at_y = top + y * l->zoom, at_x = left + x * l->zoom;
            canvas_fill(c, at_y, at_x, l->zoom, l->zoom, pixel_colour(h, pixel));
            canvas_fill(c, at_y, at_x + across, l->zoom, l->zoom,
                        colour_of_heat(h->pixels[pixel] / h->maximum));
        }
    }
}

static void draw_bar(canvas *c, const heat *h, const layout *l) {
    double ticks[AXIS_TICKS];
    for (int y = 0; y < l->bar_height; y++) {
        double part = 1 - (y + 0.5) / l->bar_height;
        canvas_fill(c, l->bar_top + y, l->bar_left, 1, BAR, colour_of_heat(part));
    }
    for (size_t i = axis_ticks(&l->scale, ticks); i-- > 0;) {
        char text[32];
        int y = l->bar_top + (int)((l->bar_height - 1) * (1 - axis_place(&l->scale, ticks[i])) + 0.5);
        axis_label(&l->scale, ticks[i], text);
        canvas_fill(c, y, l->bar_left + BAR, 1, TICK, black);
        canvas_text(c, y - CANVAS_LETTER_HEIGHT * TEXT_ZOOM / 2, l->bar_left + BAR + TICK + 4, TEXT_ZOOM,
                    black, text);
    }
    canvas_text(c, MARGIN, l->bar_left, TEXT_ZOOM, black, h->unit);
}

int heat_draw(prnn_context *ctx, const heat *h, const char *path) {
    layout l = {0};
    canvas c = {0};
    int code;
    TRY(choose_layout(h, &l));
    TRY(canvas_create(&c, l.height, l.width) ? EXIT_OK : fail_memory());
    for (size_t i = 0; i < h->count; i++) {
        draw_pair(&c, h, &l, i);
    }
    if (h->bar) {
        draw_bar(&c, h, &l);
    }
    TRY(exit_code(ctx, prnn_write_png(ctx, path, c.pixels, 1, c.height, c.width, 3, 256, 1)));
done:
    canvas_free(&c);
    return code;
}
