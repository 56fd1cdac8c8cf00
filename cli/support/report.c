#include "support/report.h"

#include <stdarg.h>
#include <stdio.h>

#undef fail /* which are the analyser's (see report.h) */
#undef usage_error
#undef fail_with
#undef fail_memory

static void print(const char *format, va_list args) {
    fputs("pixelrnn: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print(format, args);
    va_end(args);
    return EXIT_FAILED;
}

int usage_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print(format, args);
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
