#include "support/json.h"

#include "support/number.h"
#include "support/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* File names may hold any bytes; those that are no UTF-8 become U+FFFD. */
static void quote(FILE *stream, const char *text) {
    fputc('"', stream);
    for (const char *s = text; *s;) {
        size_t n = utf8_length(s);
        if (n == 0) {
            fputs("\\ufffd", stream);
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            fprintf(stream, "\\%c", *s);
        } else if (utf8_is_control(s)) { /* its last byte is its number */
            fprintf(stream, "\\u%04x", (unsigned char)s[n - 1]);
        } else {
            fwrite(s, 1, n, stream);
        }
        s += n;
    }
    fputc('"', stream);
}

static void newline(const json *j) {
    fprintf(j->stream, "\n%*s", 2 * j->depth, "");
}

/* Comma, line and key in front of a value. */
static void begin_value(json *j, const char *key) {
    if (!j->first) {
        fputc(',', j->stream);
    }
    if (!j->flat) {
        newline(j);
    } else if (!j->first) {
        fputc(' ', j->stream);
    }
    j->first = false;
    if (key) {
        quote(j->stream, key);
        fputs(": ", j->stream);
    }
}

void report_json_begin(json *j, FILE *stream) {
    *j = (json){stream, 1, true, false};
    fputc('{', stream);
}

void report_json_end(json *j) {
    fputs("\n}\n", j->stream);
}

void report_json_begin_line(json *j, FILE *stream) {
    *j = (json){stream, 1, true, true};
    fputc('{', stream);
}

void report_json_end_line(json *j) {
    fputs("}\n", j->stream);
}

void report_json_open_object(json *j, const char *key) {
    begin_value(j, key);
    fputc('{', j->stream);
    j->depth++;
    j->first = true;
}

void report_json_close_object(json *j) {
    j->depth--;
    if (!j->flat) {
        newline(j);
    }
    fputc('}', j->stream);
    j->first = false;
}

void report_json_open_array(json *j, const char *key) {
    begin_value(j, key);
    fputc('[', j->stream);
    j->depth++;
    j->first = true;
}

void report_json_close_array(json *j) {
    j->depth--;
    if (!j->flat && !j->first) {
        newline(j);
    }
    fputc(']', j->stream);
    j->first = false;
}

void report_json_string(json *j, const char *key, const char *value) {
    begin_value(j, key);
    quote(j->stream, value);
}

void report_json_null(json *j, const char *key) {
    begin_value(j, key);
    fputs("null", j->stream);
}

void report_json_bool(json *j, const char *key, bool value) {
    begin_value(j, key);
    fputs(value ? "true" : "false", j->stream);
}

void report_json_int(json *j, const char *key, int64_t value) {
    begin_value(j, key);
    fprintf(j->stream, "%" PRId64, value);
}

void report_json_uint(json *j, const char *key, uint64_t value) {
    begin_value(j, key);
    fprintf(j->stream, "%" PRIu64, value);
}

void report_json_double(json *j, const char *key, double value) {
    char text[32] = "null";
    begin_value(j, key);
    if (isfinite(value)) {
        format_double(value, text);
    }
    fputs(text, j->stream);
}
