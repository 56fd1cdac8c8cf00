#include "draw/caption.h"

#include "support/utf8.h"

#include <stdio.h>
#include <string.h>

enum { ABOVE = 3, BETWEEN_LINES = 2, ZOOM_MAX = 4 };

static const colour black = {0, 0, 0};

/* `text` in so many letters: "a long na...end.png". `to` has room for them and the 0. */
static void shorten(const char *text, size_t letters, char *to) {
    static const char gap[] = "...";
    size_t n = strlen(text), kept = letters > sizeof gap ? letters - (sizeof gap - 1) : 0;
    if (n <= letters || !kept) {
        snprintf(to, letters + 1, "%s", text);
        return;
    }
    size_t end = kept / 2;
    snprintf(to, letters + 1, "%.*s%s%s", (int)(kept - end), text, gap, text + n - end);
}

static void to_ascii(const char *text, char *to, size_t room) {
    size_t used = 0;
    while (*text && used + 1 < room) {
        size_t n = utf8_length(text);
        to[used++] = n == 1 && !utf8_is_control(text) ? *text : '?';
        text += n ? n : 1;
    }
    to[used] = 0;
}

void caption_set_name(caption *c, const char *name) {
    char ascii[4096]; /* of longer paths the beginning */
    to_ascii(name, ascii, sizeof ascii);
    shorten(ascii, sizeof c->name - 1, c->name);
}

caption_layout caption_place(const caption *captions, size_t count, int image, int letters) {
    int zoom = image / (letters * CANVAS_LETTER_WIDTH), lines = 1;
    zoom = zoom < 1 ? 1 : zoom > ZOOM_MAX ? ZOOM_MAX : zoom;
    for (size_t i = 0; i < count; i++) {
        lines = *captions[i].name ? 2 : lines;
    }
    int least = letters * CANVAS_LETTER_WIDTH * zoom, width = image > least ? image : least;
    return (caption_layout){zoom, width / (CANVAS_LETTER_WIDTH * zoom), width,
                            ABOVE + lines * (CANVAS_LETTER_HEIGHT + BETWEEN_LINES) * zoom};
}

static void draw_line(canvas *c, const caption_layout *l, int top, int left, const char *text) {
    char line[sizeof(caption)];
    size_t room = (size_t)l->letters < sizeof line ? (size_t)l->letters : sizeof line - 1;
    shorten(text, room, line);
    int width = (int)strlen(line) * CANVAS_LETTER_WIDTH * l->zoom;
    canvas_text(c, top, left + (l->width - width) / 2, l->zoom, black, line);
}

void caption_draw(canvas *c, const caption_layout *l, int top, int left, const caption *text) {
    draw_line(c, l, top + ABOVE, left, text->label);
    draw_line(c, l, top + ABOVE + (CANVAS_LETTER_HEIGHT + BETWEEN_LINES) * l->zoom, left, text->name);
}
