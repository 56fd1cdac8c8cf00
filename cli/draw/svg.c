#include "draw/svg.h"

#include "support/output.h"
#include "support/report.h"
#include "support/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What XML does not allow becomes U+FFFD. */
static void escape(FILE *stream, const char *text) {
    while (*text) {
        size_t n = utf8_length(text);
        unsigned char first = (unsigned char)*text;
        bool noncharacter =
            n == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0);
        if (n == 0 || noncharacter || utf8_is_control(text)) {
            fputs("\xef\xbf\xbd", stream);
        } else if (strchr("&<>\"", first)) {
            fprintf(stream, "&#%d;", first);
        } else {
            fwrite(text, 1, n, stream);
        }
        text += n ? n : 1;
    }
}

int svg_begin(svg *s, double width, double height, const char *title) {
    *s = (svg){0};
    s->stream = open_memstream(&s->text, &s->size);
    if (!s->stream) {
        return fail_memory();
    }
    svg_put(s, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" ", width, height);
    svg_put(s, "viewBox=\"0 0 %.0f %.0f\" role=\"img\" ", width, height);
    svg_put(s, "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"%d\">\n<title>", SVG_FONT);
    escape(s->stream, title);
    svg_put(s, "</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
    return 0;
}

void svg_put(svg *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(s->stream, format, args);
    va_end(args);
}

double svg_text_width(const char *text, int font) {
    double em = 0;
    while (*text) {
        size_t n = utf8_length(text);
        em += n < 3 ? 0.56 : 1; /* three bytes and more: mostly scripts as wide as they are high */
        text += n ? n : 1;
    }
    return em * font;
}

void svg_text(svg *s, double x, double y, int font, double limit, const char *attributes, const char *text) {
    svg_put(s, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
    if (font != SVG_FONT) {
        svg_put(s, " font-size=\"%d\"", font);
    }
    if (svg_text_width(text, font) > limit) {
        svg_put(s, " textLength=\"%.0f\" lengthAdjust=\"spacingAndGlyphs\"", limit);
    }
    svg_put(s, "%s%s>", *attributes ? " " : "", attributes);
    escape(s->stream, text);
    svg_put(s, "</text>\n");
}

int svg_end(svg *s, const char *path) {
    int code = 0;
    if (s->stream) {
        fputs("</svg>\n", s->stream);
        bool ok = !ferror(s->stream);
        ok = fclose(s->stream) == 0 && ok;
        code = !ok ? fail_memory() : path ? output_write(path, s->text, s->size) : 0;
    }
    free(s->text);
    *s = (svg){0};
    return code;
}
