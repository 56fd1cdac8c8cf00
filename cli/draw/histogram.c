#include "draw/histogram.h"
#include "draw/axis.h"
#include "draw/levels.h"
#include "draw/svg.h"
#include "support/number.h"
#include "support/try.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MARGIN = 14,
    COLUMNS = 3,       /* of panels: the channels, or three grey pixels */
    PICTURE = 176,     /* side of the image */
    PICTURE_MOST = 64, /* pixels of it a side; larger images are thinned out */
    PANEL_WIDTH = 250,
    PANEL_HEIGHT = 196,
    PLOT_LEFT = 44, /* inside a panel */
    PLOT_TOP = 46,
    PLOT_WIDTH = 188,
    PLOT_HEIGHT = 116,
    SMALL = 12,
    TICKS = 3,
    THIN = 64 /* levels that are drawn as single bars */
};

static const char ink[] = "#333", fill[] = "#7aa6c9", edge[] = "#08306b", truth[] = "#d55e00";

const char *histogram_channel(const histogram *h, int channel) {
    static const char *const names[] = {"red", "green", "blue"};
    return h->config.channels == 3 ? names[channel] : "";
}

/* ----------------------------------------------------------------------------------- the image */

static colour pixel_colour(const histogram *h, int row, int column) {
    const prnn_config *c = &h->config;
    size_t pixel = (size_t)row * (size_t)c->width + (size_t)column;
    return colour_of_levels(h->image + pixel * (size_t)c->channels, c->channels, c->levels, h->palette);
}

/* A row of the image; neighbours of one colour are one element. */
static void draw_row(svg *s, const histogram *h, int row, int step, double x, double y, double side) {
    int n = (h->config.width + step - 1) / step;
    for (int from = 0, to; from < n; from = to) {
        colour c = pixel_colour(h, row, from * step);
        for (to = from + 1; to < n; to++) {
            colour next = pixel_colour(h, row, to * step);
            if (c.r != next.r || c.g != next.g || c.b != next.b) {
                break;
            }
        }
        svg_put(s, "<path fill=\"#%02x%02x%02x\" d=\"M%.2f %.2fh%.2fv%.2fh%.2fz\"/>\n", c.r, c.g, c.b,
                x + from * side, y, (to - from) * side, side, -(to - from) * side);
    }
}

/* A number in a circle, as beside the panels. */
static void draw_number(svg *s, double x, double y, size_t number) {
    char text[24];
    snprintf(text, sizeof text, "%zu", number + 1);
    svg_put(s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"9\" fill=\"%s\" stroke=\"#fff\" stroke-width=\"1.2\"/>\n",
            x, y, truth);
    svg_text(s, x, y + 4, SMALL, 15, "text-anchor=\"middle\" fill=\"#fff\" font-weight=\"bold\"", text);
}

/* A frame around a pixel, and its number beside it, not above `top` or beyond `right`. */
static void mark_pixel(svg *s, const panel *p, double x, double y, double right, double top, double side) {
    double r = fmax(side, 4) / 2 + 1, away = r + 8;
    svg_put(s,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"%s\" "
            "stroke-width=\"2\"/>\n",
            x - r, y - r, 2 * r, 2 * r, truth);
    draw_number(s, x + away + 9 > right ? x - away : x + away, y - away - 9 < top ? y + away : y - away,
                p->pixel);
}

static void draw_image(svg *s, const histogram *h, double x, double y) {
    int height = h->config.height, width = h->config.width, longer = height > width ? height : width;
    int step = (longer + PICTURE_MOST - 1) / PICTURE_MOST;
    double side = (double)PICTURE * step / longer, pixel = (double)PICTURE / longer;
    svg_put(s, "<g shape-rendering=\"crispEdges\">\n");
    for (int row = 0; row < height; row += step) {
        draw_row(s, h, row, step, x, y + row * pixel, side);
    }
    svg_put(s, "</g>\n<path d=\"M%.1f %.1fh%.1fv%.1fh%.1fz\" fill=\"none\" stroke=\"%s\"/>\n", x, y,
            width * pixel, height * pixel, -width * pixel, ink);
    for (size_t i = 0; i < h->count; i++) {
        if (h->panels[i].channel == 0) {
            mark_pixel(s, &h->panels[i], x + (h->panels[i].column + 0.5) * pixel,
                       y + (h->panels[i].row + 0.5) * pixel, x + PICTURE, y, pixel);
        }
    }
}

/* ------------------------------------------------------------------------------------- a panel */

typedef struct frame {
    const histogram *h;
    const panel *p;
    double x, y;  /* of the panel */
    axis scale;   /* of the probability */
    double width; /* of a level */
} frame;

static double place_level(const frame *f, double level) {
    return f->x + PLOT_LEFT + f->width * level;
}

static double height_of(const frame *f, double probability) {
    return PLOT_HEIGHT * fmin(axis_place(&f->scale, probability), 1);
}

/* The first and the last level often hold much: the paper's networks learn that values are clipped there. If
 * they would leave nothing to see of the others, they are cut, and their number says how high they are. */
static void choose_scale(frame *f) {
    int last = f->h->config.levels - 1;
    const double *p = f->p->probabilities;
    double inside = 0, inside_mass = 0, ends = fmax(p[0], p[last]);
    for (int k = 1; k < last; k++) {
        inside = fmax(inside, p[k]);
        inside_mass += p[k];
    }
    bool cut = last >= THIN && ends > 3 * inside && inside_mass > 0.05;
    f->scale = axis_of(0, last == 1 ? 1 : cut ? 1.2 * inside : fmax(inside, ends), TICKS, false, true);
    f->width = (double)PLOT_WIDTH / (last + 1);
}

static void draw_bar(svg *s, const frame *f, double from, double width, double probability,
                     const char *paint) {
    double height = height_of(f, probability);
    svg_put(s, "<path fill=\"%s\" d=\"M%.2f %.2fv%.2fh%.2fv%.2fz\"/>\n", paint, from,
            f->y + PLOT_TOP + PLOT_HEIGHT, -height, width, height);
}

/* All levels as one outline of steps. */
static void draw_steps(svg *s, const frame *f) {
    double bottom = f->y + PLOT_TOP + PLOT_HEIGHT;
    svg_put(s, "<path fill=\"%s\" d=\"M%.2f %.2f", fill, place_level(f, 0), bottom);
    for (int k = 0; k < f->h->config.levels; k++) {
        svg_put(s, "V%.2fH%.2f", bottom - height_of(f, f->p->probabilities[k]), place_level(f, k + 1));
    }
    svg_put(s, "V%.2fz\"/>\n", bottom);
}

/* Says what a bar that was cut would reach. */
static void mark_cut(svg *s, const frame *f, int level, double x, const char *anchor) {
    char text[32], attributes[128];
    if (f->p->probabilities[level] <= f->scale.high) {
        return;
    }
    snprintf(text, sizeof text, "%.2f", f->p->probabilities[level]);
    snprintf(attributes, sizeof attributes,
             "text-anchor=\"%s\" fill=\"%s\" stroke=\"#fff\" stroke-width=\"4\" paint-order=\"stroke\"",
             anchor, edge);
    svg_put(s, "<path d=\"M%.1f %.1fl10 -5\" stroke=\"#fff\" stroke-width=\"2.5\"/>\n",
            x + (*anchor == 's' ? -9 : -1), f->y + PLOT_TOP + 12);
    svg_text(s, x + (*anchor == 's' ? 3 : -3), f->y + PLOT_TOP + 11, SMALL, PLOT_WIDTH / 2.0, attributes,
             text);
}

static void draw_levels(svg *s, const frame *f) {
    int last = f->h->config.levels - 1;
    const double *p = f->p->probabilities;
    if (last < THIN) {
        for (int k = 0; k <= last; k++) {
            bool dark = last > 1 && (k == 0 || k == last);
            draw_bar(s, f, place_level(f, k + 0.15), 0.7 * f->width, p[k], dark ? edge : fill);
        }
        return;
    }
    draw_steps(s, f);
    /* Wider than a level, and outside the others, which they would hide. */
    draw_bar(s, f, place_level(f, 0) - 2, 3.2, p[0], edge);
    draw_bar(s, f, place_level(f, last + 1) - 1.2, 3.2, p[last], edge);
}

/* After all else, so that nothing crosses the numbers. */
static void mark_cuts(svg *s, const frame *f) {
    int last = f->h->config.levels - 1;
    mark_cut(s, f, 0, place_level(f, 0) + 2, "start");
    mark_cut(s, f, last, place_level(f, last + 1) - 2, "end");
}

static void draw_truth(svg *s, const frame *f) {
    double x = place_level(f, f->p->value + 0.5), top = f->y + PLOT_TOP;
    svg_put(s, "<path d=\"M%.1f %.1fv%d\" stroke=\"%s\" stroke-width=\"1.3\" stroke-dasharray=\"4 3\"/>\n", x,
            top, PLOT_HEIGHT, truth);
    svg_put(s, "<path d=\"M%.1f %.1fl-5 -8h10z\" fill=\"%s\"/>\n", x, top, truth);
}

static void draw_frame(svg *s, const frame *f) {
    double ticks[AXIS_TICKS], left = f->x + PLOT_LEFT, bottom = f->y + PLOT_TOP + PLOT_HEIGHT;
    for (size_t i = axis_ticks(&f->scale, ticks); i-- > 0;) {
        char text[32];
        double y = bottom - height_of(f, ticks[i]);
        axis_label(&f->scale, ticks[i], text);
        svg_put(s, "<path d=\"M%.1f %.1fh%d\" stroke=\"#ddd\"/>\n", left - 3, y, PLOT_WIDTH + 6);
        svg_text(s, left - 7, y + 4, SMALL, PLOT_LEFT - 8, "text-anchor=\"end\"", text);
    }
}

static void draw_x_axis(svg *s, const frame *f) {
    int levels = f->h->config.levels, parts = levels <= 8 ? levels - 1 : 4;
    double bottom = f->y + PLOT_TOP + PLOT_HEIGHT;
    svg_put(s, "<path d=\"M%.1f %.1fh%d\" stroke=\"%s\"/>\n", f->x + PLOT_LEFT - 3, bottom, PLOT_WIDTH + 6,
            ink);
    for (int i = 0; i <= parts; i++) {
        char text[32];
        int level = i == parts ? levels - 1 : i * (levels <= 8 ? levels - 1 : levels) / parts;
        double x = place_level(f, level + 0.5);
        snprintf(text, sizeof text, "%d", level);
        svg_put(s, "<path d=\"M%.1f %.1fv4\" stroke=\"%s\"/>\n", x, bottom, ink);
        svg_text(s, x, bottom + 17, SMALL, 40, "text-anchor=\"middle\"", text);
    }
}

static void draw_heading(svg *s, const frame *f) {
    char text[96];
    const char *channel = histogram_channel(f->h, f->p->channel);
    draw_number(s, f->x + PLOT_LEFT + 7, f->y + 10, f->p->pixel);
    snprintf(text, sizeof text, "row %d, column %d%s%s", f->p->row, f->p->column, *channel ? ", " : "",
             channel);
    svg_text(s, f->x + PLOT_LEFT + 22, f->y + 14, SMALL + 1, PANEL_WIDTH - PLOT_LEFT - 30, "", text);
    char nll[32];
    snprintf(text, sizeof text, "value %d: %s %s", f->p->value, format_fixed(f->p->nll, 2, nll), f->h->unit);
    char fill_truth[32];
    snprintf(fill_truth, sizeof fill_truth, "fill=\"%s\"", "#b34700"); /* darker: it is thin */
    svg_text(s, f->x + PLOT_LEFT + 22, f->y + 31, SMALL + 1, PANEL_WIDTH - PLOT_LEFT - 30, fill_truth, text);
}

static void draw_panel(svg *s, const histogram *h, size_t i, double x, double y) {
    frame f = {.h = h, .p = &h->panels[i], .x = x, .y = y};
    choose_scale(&f);
    draw_heading(s, &f);
    draw_frame(s, &f);
    draw_levels(s, &f);
    draw_x_axis(s, &f);
    draw_truth(s, &f);
    mark_cuts(s, &f);
}

int histogram_draw(const histogram *h, const char *path) {
    svg s;
    size_t columns = h->count < COLUMNS ? h->count : COLUMNS, rows = (h->count + columns - 1) / columns;
    double top = MARGIN + (h->title ? 26 : 0), left = 2 * MARGIN + PICTURE;
    double height = fmax((double)rows * PANEL_HEIGHT, PICTURE + 22);
    double width = left + (double)columns * PANEL_WIDTH + MARGIN;
    int code;
    TRY(svg_begin(&s, width, top + height + MARGIN, h->title ? h->title : "Predicted distributions"));
    if (h->title) {
        svg_text(&s, MARGIN, MARGIN + 8, 16, width - 2 * MARGIN, "font-weight=\"bold\"", h->title);
    }
    draw_image(&s, h, MARGIN, top + 4);
    for (size_t i = 0; i < h->count; i++) {
        draw_panel(&s, h, i, left + (double)(i % columns) * PANEL_WIDTH,
                   /* NOLINTNEXTLINE(bugprone-integer-division): whole rows of panels */
                   top + (double)(i / columns) * PANEL_HEIGHT);
    }
    TRY(svg_end(&s, path));
done:
    return code;
}
