/* Commands as tables: one row an option. The parser, --help, the man page and config files all read the
 * same rows, so they cannot disagree. */
#ifndef PIXELRNN_CLI_OPTIONS_OPTIONS_H
#define PIXELRNN_CLI_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum option_type {
    OPTION_GROUP, /* not an option: a heading in the help */
    OPTION_FLAG,  /* bool */
    OPTION_INT,
    OPTION_SIZE, /* size_t */
    OPTION_UINT64,
    OPTION_DOUBLE,
    OPTION_STRING, /* const char *, not empty */
    OPTION_INPUT,  /* the same: a file or folder that is read */
    OPTION_OUTPUT, /* the same: one that is written (options/files.h) */
    OPTION_CHOICE  /* an enum counted from 0, or int: the number of the word in `words` */
} option_type;

enum {
    OPTION_REQUIRED = 1,
    OPTION_ACTION = 2,     /* asks for something else than the command's work: never in a config file */
    OPTION_NO_DEFAULT = 4, /* the default says nothing to a reader */
    OPTION_OPEN_MIN = 8,   /* double: minimum itself is out of range */
    OPTION_OPEN_MAX = 16,
    OPTION_MODELS = 32, /* of a command that takes ensembles: it may be one */
    OPTION_OF_DRAW = 64 /* has no effect without --binarize sample */
};

struct option {
    option_type type;
    const char *name;
    size_t offset;     /* of the value in the command's settings */
    const char *value; /* what the help calls the value: "N" */
    const char *words; /* OPTION_CHOICE: "row|diagonal|cnn"; OPTION_INT: the numbers there are, or NULL */
    double minimum;    /* numbers; SIZE and UINT64 have no other maximum than their type's */
    double maximum;
    unsigned traits;
    const char *help;
};

#define GROUP(title)                                                                                         \
    { OPTION_GROUP, NULL, 0, NULL, NULL, 0, 0, 0, title }
#define FLAG(name, at, traits, help)                                                                         \
    { OPTION_FLAG, name, at, NULL, NULL, 0, 0, (traits) | OPTION_NO_DEFAULT, help }
#define INTEGER(name, at, minimum, maximum, traits, help)                                                    \
    { OPTION_INT, name, at, "N", NULL, minimum, maximum, traits, help }
#define NUMBERS(name, at, words, traits, help)                                                               \
    { OPTION_INT, name, at, NULL, words, 0, 0, traits, help }
#define SIZE(name, at, minimum, traits, help)                                                                \
    { OPTION_SIZE, name, at, "N", NULL, minimum, 0, traits, help }
#define UINT64(name, at, minimum, traits, help)                                                              \
    { OPTION_UINT64, name, at, "N", NULL, minimum, 0, traits, help }
#define DOUBLE(name, at, minimum, maximum, traits, help)                                                     \
    { OPTION_DOUBLE, name, at, "X", NULL, minimum, maximum, traits, help }
#define STRING(name, at, value, traits, help)                                                                \
    { OPTION_STRING, name, at, value, NULL, 0, 0, traits, help }
#define INPUT(name, at, value, traits, help)                                                                 \
    { OPTION_INPUT, name, at, value, NULL, 0, 0, traits, help }
#define OUTPUT(name, at, value, traits, help)                                                                \
    { OPTION_OUTPUT, name, at, value, NULL, 0, 0, traits, help }
#define CHOICE(name, at, words, traits, help)                                                                \
    { OPTION_CHOICE, name, at, NULL, words, 0, 0, traits, help }

struct arguments; /* below */
struct session;   /* session/session.h */

struct command {
    const char *name;
    const char *summary;     /* a few words */
    const char *operand;     /* "MODEL" or NULL */
    bool many;               /* one operand or more: arguments.operands */
    bool ensembles;          /* an operand, or a value, may be several models (options/members.h) */
    bool optional;           /* or none */
    const char *before;      /* an operand that may stand before the other one, or NULL */
    const char *synopsis;    /* what the synopsis shows beside operand and required options, or NULL */
    const char *description; /* paragraphs, an empty line between them */
    const char *examples;    /* lines, or NULL */
    const struct option *options;
    size_t option_count;
    const void *defaults;
    size_t settings_size; /* of *defaults; begins with struct common */
    /* NULL, or what comes before arguments_check: further sources of settings, or other work that options ask
     * for, after which *served is true. Returns as `run`. */
    int (*prepare)(struct arguments *args, bool *served);
    int (*run)(struct session *s); /* 0 or an exit code after a message */
    bool ranks; /* many ranks do it together (support/ranks.h); else rank 0 does, and the others wait */
};

/* What every command has; the first member of its settings. */
struct common {
    const char *operand;
    int threads;
    const char *cpu;
    const char *precision;
    const char *device;
    bool quiet, help;
};

/* Rows of `struct common`, by what a command does: nothing that takes time, files of images, networks. */
#define LEAST_OPTIONS GROUP("General"), QUIET_OPTION, HELP_OPTION

#define FILE_OPTIONS GROUP("General"), THREADS_OPTION, QUIET_OPTION, HELP_OPTION

#define COMMON_OPTIONS                                                                                       \
    GROUP("General"), THREADS_OPTION,                                                                        \
        STRING(                                                                                              \
            "cpu", offsetof(struct common, cpu), "NAME", 0,                                                  \
            "instruction set: generic, avx2, avx512, neon, or auto: what the environment variable PRNN_CPU " \
            "says, or the best that the processor has"),                                                     \
        STRING("precision", offsetof(struct common, precision), "NAME", 0,                                   \
               "of matrix products: fp32, or bf16 where the processor has it, or a GPU tensor cores: "       \
               "faster, likelihoods move by up to 1 in 10,000 (on a GPU, see docs/gpu.md)"),                 \
        STRING("device", offsetof(struct common, device), "NAME", OPTION_NO_DEFAULT,                         \
               "where networks are computed: cpu, gpu, cuda:N or opencl:N ('pixelrnn devices' lists them), " \
               "or auto: a GPU by NVIDIA's driver if there is one. By default what the environment "         \
               "variable PRNN_DEVICE says, or cpu. In fp32 results do not depend on it"),                    \
        QUIET_OPTION, HELP_OPTION

#define THREADS_OPTION                                                                                       \
    INTEGER("threads", offsetof(struct common, threads), 0, 1024, 0,                                         \
            "threads; 0: what the environment variable PRNN_THREADS says, or one per core. Results do "      \
            "not depend on it")
#define QUIET_OPTION                                                                                         \
    FLAG("quiet", offsetof(struct common, quiet), 0, "no progress and no notes on stderr; errors remain")
#define HELP_OPTION FLAG("help", offsetof(struct common, help), OPTION_ACTION, "print this help")

#define COMMON_DEFAULTS                                                                                      \
    { .cpu = "auto", .precision = "fp32" }

/* Where a value comes from; a later source overrides an earlier one. */
typedef enum option_source { FROM_DEFAULT, FROM_PRESET, FROM_CONFIG, FROM_COMMAND_LINE } option_source;

enum { OPTIONS_MAX = 80 };

typedef struct arguments {
    const struct command *command;
    void *settings;
    int argc; /* of the words after the command's name */
    char **argv;
    const char **operands; /* room for argc; may be NULL for a command that takes no more than one */
    size_t operand_count;
    unsigned char source[OPTIONS_MAX]; /* option_source of each row */
} arguments;

/* All functions below that return int return 0, or 2 after an error message. */

/* Sets the settings to the defaults. */
void arguments_reset(arguments *args);

/* Reads argv into the settings. */
int arguments_parse(arguments *args);

/* Operand and required options are there, and no output is an input or another output; main asks this of
 * every command before it runs. */
int arguments_check(const arguments *args);

/* As an input, - is what comes through stdin. */
const char *option_input_path(const char *word);

/* Row of an option, or -1. `name` need not end with 0. */
int option_find(const struct command *command, const char *name, size_t length);

/* The known name that is nearest to `name`, or NULL if none is near. */
const char *option_nearest(const struct command *command, const char *name);

/* Sets one option from text; `label` is how messages call it ("--layers", "my.conf:3: layers"). */
int option_set(arguments *args, int row, const char *label, const char *text, option_source source);

/* Where the value of an option, which must exist, comes from. */
option_source option_given(const arguments *args, const char *name);

/* The value of a row in `settings` as text, as option_set would read it; "" for a missing string. */
void option_format(const struct option *row, const void *settings, char *text, size_t size);

#endif
