/* Exit codes, and lines that people read: in all of them what could steer a terminal or break the line is
 * escaped (support/escape.h), so that any file name may be printed. */
#ifndef PIXELRNN_CLI_SUPPORT_REPORT_H
#define PIXELRNN_CLI_SUPPORT_REPORT_H

#include <pixelrnn/pixelrnn.h>
#include <stdint.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* A line on stdout: a result. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line on stderr: what is good to know. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* On stderr, prints "pixelrnn: <sentence>"; returns EXIT_FAILED. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same; returns EXIT_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the library's message; returns EXIT_FAILED. */
int fail_with(const prnn_context *ctx);
/* Out of memory; returns EXIT_FAILED. */
int fail_memory(void);

/* EXIT_OK for PRNN_OK; else EXIT_FAILED after the library's message. */
int exit_code(const prnn_context *ctx, prnn_status status);
/* The same where the arguments are those of the command line: EXIT_USAGE for PRNN_ERROR_ARGUMENT. */
int usage_code(const prnn_context *ctx, prnn_status status);
/* clang's analyser sees one file at a time, and so not that none of them returns EXIT_OK. */
#ifdef __clang_analyzer__
#define fail(...) (fail(__VA_ARGS__), EXIT_FAILED)
#define usage_error(...) (usage_error(__VA_ARGS__), EXIT_USAGE)
#define fail_with(ctx) (fail_with(ctx), EXIT_FAILED)
#define fail_memory() (fail_memory(), EXIT_FAILED)
#endif

/* Where many processes run one command, one of them speaks. report_keep: from here on notes are dropped, and
 * what fail and its kin say is kept, the first of it in report_kept (NULL: nothing); report_speak: no more.
 */
void report_keep(void);
void report_speak(void);
bool report_keeps(void);
const char *report_kept(void);

/* "s" behind a noun, unless it is one. */
const char *plural(uint64_t n);

#endif
