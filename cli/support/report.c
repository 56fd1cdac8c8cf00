#include "support/report.h"

#include "support/escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef fail /* which are the analyser's (see report.h) */
#undef usage_error
#undef fail_with
#undef fail_memory

/* A line of a few file names. It must not take memory that may not be there. */
enum { LINE = 16384 };

static bool keeps;
static char kept[LINE / 16];

void report_keep(void) {
    keeps = true;
}

void report_speak(void) {
    keeps = false;
}

bool report_keeps(void) {
    return keeps;
}

const char *report_kept(void) {
    return *kept ? kept : NULL;
}

static void print_line(FILE *stream, const char *before, const char *format, va_list args) {
    char line[LINE] = "";
    if (vsnprintf(line, sizeof line, format, args) >= LINE) {
        memcpy(line + LINE - 4, "...", 4);
    }
    fputs(before, stream);
    put_escaped(stream, line);
    fputc('\n', stream);
}

void say(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_line(stdout, "", format, args);
    va_end(args);
}

void note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (!keeps) {
        print_line(stderr, "", format, args);
    }
    va_end(args);
}

static void print_failure(const char *format, va_list args) {
    if (!keeps) {
        print_line(stderr, "pixelrnn: ", format, args);
    } else if (!*kept) {
        vsnprintf(kept, sizeof kept, format, args);
    }
}

int fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_failure(format, args);
    va_end(args);
    return EXIT_FAILED;
}

int usage_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_failure(format, args);
    va_end(args);
    return EXIT_USAGE;
}

int fail_with(const prnn_context *ctx) {
    return fail("%s", prnn_message(ctx));
}

int fail_memory(void) {
    return fail("not enough memory");
}

int exit_code(const prnn_context *ctx, prnn_status status) {
    return status == PRNN_OK ? EXIT_OK : fail_with(ctx);
}

int usage_code(const prnn_context *ctx, prnn_status status) {
    return status == PRNN_ERROR_ARGUMENT ? usage_error("%s", prnn_message(ctx)) : exit_code(ctx, status);
}

const char *plural(uint64_t n) {
    return n == 1 ? "" : "s";
}
