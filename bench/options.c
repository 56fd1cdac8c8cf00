#include "bench.h"

#include "base/try.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "pixelrnn-bench [OPTIONS]: measures the limits of the machine, the kernels, and whole networks\n"
    "\n"
    "  --cases LETTERS    networks to measure, of abcdefgh (default: abcdef)\n"
    "  --parts LIST       of kernels,train,eval,sample (default: these), threads\n"
    "  --threads N        threads for networks; 0: one per core (default)\n"
    "  --batch N          images of a step of training; 0: as in the list below (default)\n"
    "  --seconds S        of each measurement of a network (default: 5); one of a kernel takes a twentieth\n"
    "  --cpu NAME         instruction set: generic, avx2, avx512, neon or auto (default)\n"
    "  --precision NAME   of products: fp32 (default) or bf16\n"
    "  --json             one JSON object per line and measurement, instead of tables\n"
    "  --help             this\n"
    "\n"
    "Cases, with random weights and images:\n"
    "  a  28x28x1 diagonal, hidden 16, 7 layers, head 32, 2 levels; trained in batches of 16\n"
    "  b  the same, row\n"
    "  c  the same, cnn\n"
    "  d  32x32x3 diagonal, hidden 32, 4 layers, head 128, 256 levels; batches of 16\n"
    "  e  32x32x3 row, hidden 64, 6 layers, head 256, 256 levels; batches of 8\n"
    "  f  32x32x3 cnn, hidden 128, 15 layers, head 1024, 256 levels; batches of 4\n"
    "  g  32x32x3 row, hidden 128, 12 layers, head 1024, 256 levels; batches of 4\n"
    "  h  32x32x3 diagonal, hidden 128, 12 layers, head 1024, 256 levels; batches of 4\n"
    "f, g and h are the paper's for CIFAR-10, without skip connections.\n"
    "\n"
    "Numbers are medians after a warm-up, IQR is the distance of their quartiles. Arithmetic is what a\n"
    "network needs: 2 per unmasked weight of a convolution and pixel, three times that in training. Peaks "
    "are\n"
    "those of as many threads, measured in the same run.\n"
    "\n"
    "Threads: by the clocks of 1, 2, 4 .. 64 threads, how many times as fast a call would be if each had a "
    "core,\n"
    "and nothing but the way of the last one counted (in each loop over the threads, and what is between\n"
    "them); and the processor time of all of them, over that of one.\n";

static int refuse(const char *format, ...) PRNN_PRINTF(1, 2);

static int refuse(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "pixelrnn-bench: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    return 2;
}

static int read_cases(options *o, const char *value) {
    for (const char *letter = value; *letter; letter++) {
        if (!find_case(*letter)) {
            return refuse("there is no case '%c' (--cases %s); choose from abcdefgh", *letter, value);
        }
    }
    o->cases = value;
    return -1;
}

static int read_parts(options *o, const char *value) {
    static const struct {
        const char *name;
        unsigned part;
    } parts[] = {{"kernels", PART_KERNELS},
                 {"train", PART_TRAIN},
                 {"eval", PART_EVALUATION},
                 {"sample", PART_SAMPLING},
                 {"threads", PART_THREADS}};
    enum { COUNT = sizeof parts / sizeof *parts };
    o->parts = 0;
    for (const char *at = value;;) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < COUNT && (strlen(parts[i].name) != length || strncmp(parts[i].name, at, length) != 0)) {
            i++;
        }
        if (i == COUNT) {
            return refuse(
                "there is no part '%.*s' (--parts %s); choose from kernels,train,eval,sample,threads",
                (int)length, at, value);
        }
        if (parts[i].part == PART_THREADS && !meter_works()) {
            return refuse("the part 'threads' needs Linux");
        }
        o->parts |= parts[i].part;
        if (!at[length]) {
            return -1;
        }
        at += length + 1;
    }
}

static int read_number(const char *name, const char *value, double low, double high, double *number) {
    char *end;
    *number = strtod(value, &end);
    if (end == value || *end || !(*number >= low && *number <= high)) {
        return refuse("%s is '%s'; it must be %g to %g", name, value, low, high);
    }
    return -1;
}

static int read_option(options *o, const char *name, const char *value) {
    double number = 0;
    int code = -1;
    if (strcmp(name, "--cases") == 0) {
        return read_cases(o, value);
    }
    if (strcmp(name, "--parts") == 0) {
        return read_parts(o, value);
    }
    if (strcmp(name, "--threads") == 0) {
        code = read_number(name, value, 0, 1024, &number);
        o->threads = (int)number;
        return code < 0 && number != o->threads ? refuse("--threads %s is not a whole number", value) : code;
    }
    if (strcmp(name, "--batch") == 0) {
        code = read_number(name, value, 0, 1024, &number);
        o->batch = (int)number;
        return code < 0 && number != o->batch ? refuse("--batch %s is not a whole number", value) : code;
    }
    if (strcmp(name, "--seconds") == 0) {
        return read_number(name, value, 0.01, 3600, &o->seconds);
    }
    if (strcmp(name, "--cpu") == 0) {
        o->cpu = value;
    } else if (strcmp(name, "--precision") == 0) {
        o->precision = value;
    } else {
        return refuse("unknown option '%s'; --help lists them", name);
    }
    return code;
}

static bool takes_value(const char *name) {
    static const char *const names[] = {"--cases",   "--parts", "--threads",  "--batch",
                                        "--seconds", "--cpu",   "--precision"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static prnn_status set_up(prnn_context *ctx, const options *o) {
    prnn_status status;
    TRY(prnn_context_set_threads(ctx, o->threads));
    TRY(prnn_context_set_cpu(ctx, o->cpu));
    TRY(prnn_context_set_precision(ctx, o->precision));
done:
    return status;
}

prnn_context *context_of(const options *o) {
    prnn_context *ctx = prnn_context_create();
    if (!ctx) {
        refuse("not enough memory");
    } else if (set_up(ctx, o) != PRNN_OK) {
        refuse("%s", prnn_message(ctx));
        prnn_context_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

int options_read(int argc, char **argv, options *o) {
    *o = (options){.cases = "abcdef",
                   .parts = PART_KERNELS | PART_TRAIN | PART_EVALUATION | PART_SAMPLING,
                   .seconds = 5,
                   .cpu = "auto",
                   .precision = "fp32"};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return fflush(stdout) == 0 ? 0 : 1;
        }
        if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
            continue;
        }
        if (takes_value(argv[i]) && i + 1 == argc) {
            return refuse("%s needs a value", argv[i]);
        }
        int code = read_option(o, argv[i], takes_value(argv[i]) ? argv[i + 1] : "");
        if (code >= 0) {
            return code;
        }
        i++;
    }
    /* What the library refuses is refused before anything is measured. */
    prnn_context *ctx = context_of(o);
    prnn_context_free(ctx);
    return ctx ? -1 : 2;
}
