#include "support/escape.h"

#include "support/utf8.h"

static void put_byte(FILE *stream, unsigned char byte) {
    switch (byte) {
    case '\n':
        fputs("\\n", stream);
        break;
    case '\r':
        fputs("\\r", stream);
        break;
    case '\t':
        fputs("\\t", stream);
        break;
    default:
        fprintf(stream, "\\x%02x", byte);
    }
}

void put_escaped(FILE *stream, const char *text) {
    while (*text) {
        size_t n = utf8_length(text);
        if (n > 0 && !utf8_is_control(text)) {
            fwrite(text, 1, n, stream);
            text += n;
        } else {
            put_byte(stream, (unsigned char)*text++);
        }
    }
}
