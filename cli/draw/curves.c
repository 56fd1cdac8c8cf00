#include "draw/curves.h"
#include "draw/axis.h"
#include "draw/svg.h"
#include "support/try.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(misc-redundant-expression): they are equal today */
_Static_assert((int64_t)METRICS_LIMIT <= (int64_t)AXIS_LIMIT, "what a log may hold has a place on an axis");

enum {
    WIDTH = 760,
    PLOT_HEIGHT = 340,
    MARGIN = 16,
    LEGEND_LINE = 22,
    SWATCH = 30,
    POINTS = 1500,  /* of a line; more are averaged */
    DOTS_APART = 11 /* of one line */
};

static const char grey[] = "#666";

/* Okabe and Ito's colours, which people with any colour vision tell apart, without the yellow. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#222"};

enum { COLOURS = sizeof colours / sizeof colours[0], SHAPES = 4 };

typedef struct drawing {
    const curves *c;
    svg s;
    bool validated; /* a run has validations; else training is what there is to see */
    axis x, y;
    double left, top, width; /* of the plot, PLOT_HEIGHT high */
} drawing;

static double place_x(const drawing *d, double value) {
    return d->left + d->width * axis_place(&d->x, value * d->c->x_scale);
}

static double place_y(const drawing *d, double value) {
    return d->top + PLOT_HEIGHT * (1 - axis_place(&d->y, value));
}

static const char *colour_of(size_t run) {
    return colours[run % COLOURS];
}

/* A dot, with its shape: colours alone do not survive every printer. */
static void draw_dot(svg *s, size_t shape, double x, double y, const char *colour) {
    static const double sides[SHAPES] = {3.6, 3.3, 4.5, 4.5};
    double r = sides[shape % SHAPES];
    switch (shape % SHAPES) {
    case 0:
        svg_put(s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", x, y, r);
        break;
    case 1:
        svg_put(s, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", x - r, y - r, 2 * r, 2 * r);
        break;
    case 2:
        svg_put(s, "<path d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"", x, y - r, r, 1.75 * r, -2 * r);
        break;
    default:
        svg_put(s, "<path d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\"", x, y - r, r, r, -r, r, -r, -r);
    }
    svg_put(s, " fill=\"%s\" stroke=\"#fff\" stroke-width=\"0.8\"/>\n", colour);
}

/* ----------------------------------------------------------------------------------- the range */

static void extend(double range[2], double value) {
    if (!isnan(value)) {
        range[0] = fmin(range[0], value);
        range[1] = fmax(range[1], value);
    }
}

/* Training begins many times higher than it ends. What the first tenth of a run adds to the range is left
 * out, if something remains. */
static void choose_range(const curves *c, double range[2], bool all) {
    range[0] = HUGE_VAL;
    range[1] = -HUGE_VAL;
    for (size_t i = 0; i < c->count; i++) {
        const metrics *m = &c->runs[i].m;
        double last = 0;
        for (size_t k = 0; k < m->count; k++) {
            last = fmax(last, m->x[k]);
        }
        for (size_t k = 0; k < m->count; k++) {
            if (all || m->x[k] >= 0.1 * last) {
                extend(range, m->train[k]);
                extend(range, m->valid[k]);
            }
        }
    }
    if (!all && range[0] > range[1]) {
        choose_range(c, range, true);
    }
}

static void choose_axes(drawing *d) {
    const curves *c = d->c;
    double range[2], x[2] = {0, 0};
    choose_range(c, range, false);
    for (size_t i = 0; i < c->count; i++) {
        size_t best;
        d->validated = metrics_best(&c->runs[i].m, &best) || d->validated;
        for (size_t k = 0; k < c->runs[i].m.count; k++) {
            extend(x, c->runs[i].m.x[k] * c->x_scale);
        }
    }
    d->x = axis_of(x[0], x[1], 8, false, false);
    d->y = axis_of(isnan(c->low) ? range[0] : c->low, isnan(c->high) ? range[1] : c->high, 6, isnan(c->low),
                   isnan(c->high));
}

/* --------------------------------------------------------------------------------- the legend */

typedef struct legend {
    double x, y; /* where the next entry begins; y is the middle of its line */
} legend;

static void draw_swatch(drawing *d, const legend *at, size_t shape, const char *colour, bool training,
                        bool validation) {
    double middle = training && validation ? 4 : 0;
    if (training) {
        svg_put(&d->s,
                "<path d=\"M%.1f %.1fh%d\" stroke=\"%s\" stroke-width=\"1.2\" stroke-opacity=\"%s\"/>\n",
                at->x, at->y - middle, SWATCH, colour, d->validated ? "0.5" : "1");
    }
    if (validation) {
        svg_put(&d->s, "<path d=\"M%.1f %.1fh%d\" stroke=\"%s\" stroke-width=\"2\"/>\n", at->x,
                at->y + middle, SWATCH, colour);
        draw_dot(&d->s, shape, at->x + SWATCH / 2.0, at->y + middle, colour);
    }
}

/* A new line, unless `wide` more fits on this one. */
static void make_room(const drawing *d, legend *at, double wide) {
    if (at->x > d->left && at->x + wide > d->left + d->width) {
        at->x = d->left;
        at->y += LEGEND_LINE;
    }
}

/* An entry behind the last one, or on a new line; only measured where `draw` is false. */
static void put_entry(drawing *d, legend *at, bool draw, size_t shape, const char *colour, bool training,
                      bool validation, const char *text) {
    double room = d->width - SWATCH - 6, wide = fmin(svg_text_width(text, SVG_FONT), room);
    make_room(d, at, SWATCH + 6 + wide);
    if (draw) {
        draw_swatch(d, at, shape, colour, training, validation);
        svg_text(&d->s, at->x + SWATCH + 6, at->y + 5, SVG_FONT, room, "", text);
    }
    at->x += SWATCH + 6 + wide + 18;
}

/* "NAME (79.99)" with the lowest validation, in memory to be freed. */
static char *entry_text(const curve *run) {
    size_t best, room = strlen(run->name) + 40;
    char *text = malloc(room);
    if (text && metrics_best(&run->m, &best)) {
        snprintf(text, room, "%s (%.*f)", run->name, run->m.bits ? 3 : 2, run->m.valid[best]);
    } else if (text) {
        snprintf(text, room, "%s", run->name);
    }
    return text;
}

/* Returns the y of the last line. */
static double put_legend(drawing *d, double y, bool draw) {
    const curves *c = d->c;
    legend at = {d->left, y};
    bool one = c->count == 1;
    for (size_t i = 0; i < c->count && (!one || c->named); i++) {
        char *text = entry_text(&c->runs[i]);
        put_entry(d, &at, draw, i, colour_of(i), !d->validated, d->validated, text ? text : c->runs[i].name);
        free(text);
    }
    const char *colour = one ? colour_of(0) : grey;
    const char *validation = one ? "validation" : "validation (in brackets: the lowest)";
    make_room(d, &at,
              2 * (SWATCH + 6) + 18 + svg_text_width(validation, SVG_FONT) +
                  svg_text_width("training", SVG_FONT));
    put_entry(d, &at, draw, 0, colour, true, false, "training");
    if (d->validated) {
        put_entry(d, &at, draw, 0, colour, false, true, validation);
    }
    return at.y;
}

/* ----------------------------------------------------------------------------------- the frame */

static void choose_left(drawing *d) {
    double ticks[AXIS_TICKS], widest = 0;
    for (size_t i = axis_ticks(&d->y, ticks); i-- > 0;) {
        char text[32];
        axis_label(&d->y, ticks[i], text);
        widest = fmax(widest, svg_text_width(text, SVG_FONT));
    }
    d->left = MARGIN + 26 + widest;
    d->width = WIDTH - d->left - MARGIN - 8;
}

static void draw_x_axis(drawing *d) {
    double ticks[AXIS_TICKS], bottom = d->top + PLOT_HEIGHT;
    size_t n = axis_ticks(&d->x, ticks);
    for (size_t i = 0; i < n; i++) {
        char text[32];
        double x = d->left + d->width * axis_place(&d->x, ticks[i]);
        axis_label(&d->x, ticks[i], text);
        svg_put(&d->s, "<path d=\"M%.1f %.1fv5\" stroke=\"#333\"/>\n", x, bottom);
        svg_text(&d->s, x, bottom + 20, SVG_FONT, WIDTH, "text-anchor=\"middle\"", text);
    }
    svg_put(&d->s, "<path d=\"M%.1f %.1fh%.1f\" stroke=\"#333\"/>\n", d->left, bottom, d->width);
    svg_text(&d->s, d->left + d->width / 2, bottom + 42, SVG_FONT, d->width, "text-anchor=\"middle\"",
             d->c->x_label);
}

static void draw_y_axis(drawing *d) {
    double ticks[AXIS_TICKS], middle = d->top + PLOT_HEIGHT / 2.0;
    size_t n = axis_ticks(&d->y, ticks);
    for (size_t i = 0; i < n; i++) {
        char text[32];
        double y = d->top + PLOT_HEIGHT * (1 - axis_place(&d->y, ticks[i]));
        axis_label(&d->y, ticks[i], text);
        svg_put(&d->s, "<path d=\"M%.1f %.1fh%.1f\" stroke=\"#ddd\"/>\n", d->left, y, d->width);
        svg_text(&d->s, d->left - 8, y + 5, SVG_FONT, WIDTH, "text-anchor=\"end\"", text);
    }
    char turn[96];
    snprintf(turn, sizeof turn, "text-anchor=\"middle\" transform=\"rotate(-90 %d %.1f)\"", MARGIN + 8,
             middle);
    svg_text(&d->s, MARGIN + 8, middle, SVG_FONT, PLOT_HEIGHT, turn, d->c->unit);
}

/* ----------------------------------------------------------------------------------- the lines */

/* The points of a line, in the plot's coordinates; many are averaged in groups. NaN are left out. */
static void put_points(drawing *d, const metrics *m, const double *values) {
    size_t present = 0, group, n = 0;
    for (size_t i = 0; i < m->count; i++) {
        present += !isnan(values[i]);
    }
    group = present / POINTS + 1;
    double x = 0, y = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (isnan(values[i])) {
            continue;
        }
        x += m->x[i];
        y += values[i];
        present--;
        if (++n == group || present == 0) {
            svg_put(&d->s, "%.1f,%.1f ", place_x(d, x / (double)n), place_y(d, y / (double)n));
            x = y = 0;
            n = 0;
        }
    }
}

static void draw_line(drawing *d, const metrics *m, const double *values, const char *colour,
                      const char *style) {
    svg_put(&d->s, "<polyline stroke=\"%s\" %s points=\"", colour, style);
    put_points(d, m, values);
    svg_put(&d->s, "\"/>\n");
}

/* Dots at validations, not so near that they become a band; the lowest has one always. */
static void draw_dots(drawing *d, size_t run) {
    const metrics *m = &d->c->runs[run].m;
    size_t best = m->count;
    double last_x = -HUGE_VAL, last_y = -HUGE_VAL;
    metrics_best(m, &best);
    for (size_t i = 0; i < m->count; i++) {
        double x = place_x(d, m->x[i]), y = place_y(d, m->valid[i]);
        bool inside = m->valid[i] >= d->y.low && m->valid[i] <= d->y.high;
        bool apart = hypot(x - last_x, y - last_y) >= DOTS_APART;
        if (inside && (apart || i == best)) {
            draw_dot(&d->s, run, x, y, colour_of(run));
            last_x = x;
            last_y = y;
        }
    }
}

static void draw_lines(drawing *d) {
    svg_put(&d->s,
            "<clipPath id=\"plot\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/></clipPath>\n",
            d->left, d->top, d->width + 1, PLOT_HEIGHT);
    svg_put(&d->s, "<g clip-path=\"url(#plot)\" fill=\"none\" stroke-linejoin=\"round\">\n");
    const char *pale = d->validated ? "stroke-width=\"1.2\" stroke-opacity=\"0.5\"" : "stroke-width=\"1.5\"";
    for (size_t i = 0; i < d->c->count; i++) {
        draw_line(d, &d->c->runs[i].m, d->c->runs[i].m.train, colour_of(i), pale);
    }
    for (size_t i = 0; i < d->c->count; i++) {
        draw_line(d, &d->c->runs[i].m, d->c->runs[i].m.valid, colour_of(i), "stroke-width=\"2\"");
    }
    svg_put(&d->s, "</g>\n");
    for (size_t i = 0; i < d->c->count; i++) {
        draw_dots(d, i);
    }
}

int curves_draw(const curves *c, const char *path) {
    drawing d = {.c = c};
    choose_axes(&d);
    choose_left(&d);
    double begin = MARGIN + (c->title ? 28 : 4);
    d.top = put_legend(&d, begin, false) + 20;
    int code;
    TRY(svg_begin(&d.s, WIDTH, d.top + PLOT_HEIGHT + 56, c->title ? c->title : "Training curves"));
    if (c->title) {
        svg_text(&d.s, d.left, MARGIN + 6, 16, d.width, "font-weight=\"bold\"", c->title);
    }
    put_legend(&d, begin, true);
    draw_y_axis(&d);
    draw_x_axis(&d);
    draw_lines(&d);
    TRY(svg_end(&d.s, path));
done:
    return code;
}
