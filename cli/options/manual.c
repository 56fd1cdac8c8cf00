/* The man page. */
#include "options/config.h"
#include "options/help.h"
#include "options/presets.h"

#include <pixelrnn/pixelrnn.h>
#include <stdio.h>

/* Text for roff: no backslash, no hyphen that becomes typographic, no line that begins as a request. */
static void put_text(const char *text) {
    for (char before = '\n'; *text; before = *text++) {
        if (before == '\n' && (*text == '.' || *text == '\'')) {
            fputs("\\&", stdout);
        }
        if (*text == '\\') {
            fputs("\\e", stdout);
        } else if (*text == '-') {
            fputs("\\-", stdout);
        } else if (*text == '\n' && before == '\n') {
            fputs(".PP\n", stdout);
        } else {
            putchar(*text);
        }
    }
}

static void put_line(const char *macro, const char *text) {
    fputs(macro, stdout);
    put_text(text);
    putchar('\n');
}

static void put_block(const char *text) {
    fputs(".PP\n.RS 4\n.nf\n", stdout);
    put_text(text);
    fputs("\n.fi\n.RE\n", stdout);
}

static void put_option(const struct command *command, const struct option *row) {
    char term[256], text[1024];
    help_term(row, term, sizeof term);
    help_text(command, row, text, sizeof text);
    put_line(".TP\n.B ", term);
    put_line("", text);
}

static void put_command(const struct command *command) {
    char synopsis[1024];
    help_synopsis(command, synopsis, sizeof synopsis);
    printf(".SS %s\n", command->name);
    put_line(".B ", synopsis);
    put_line(".PP\n", command->description);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *row = &command->options[i];
        if (row->type == OPTION_GROUP) {
            put_line(".PP\n.I ", row->help);
        } else {
            put_option(command, row);
        }
    }
}

static void put_presets(void) {
    puts(".SH PRESETS\nOf \\fBpixelrnn train \\-\\-preset\\fR:");
    for (size_t i = 0; i < preset_count(); i++) {
        put_line(".TP\n.B ", preset_name(i));
        put_line("", preset_summary(i));
    }
}

/* What the environment says where no option does. */
static void put_environment(void) {
    static const char *const variables[][2] = {
        {"PRNN_THREADS", "the number of threads, as --threads says it"},
        {"PRNN_CPU", "the instruction set, as --cpu"},
        {"PRNN_DEVICE", "where networks are computed, as --device"},
        {"PRNN_MPI", "which MPI module many processes use: openmpi, mpich, the path of one, or none"},
        {"SOURCE_DATE_EPOCH", "train: the date that the model notes, in seconds since 1970"},
        {"TMPDIR",
         "where files without a name keep what comes through a pipe and has to be read twice (/tmp)"},
        {"XDG_CACHE_HOME", "where compiled kernels of GPUs are kept, in pixelrnn/ (~/.cache)"},
        {"CUDA_HOME, CUDA_PATH", "where NVIDIA's compiler, NVRTC, is looked for besides the usual places"},
    };
    puts(".SH ENVIRONMENT\nWhere no option says otherwise:");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        put_line(".TP\n.B ", variables[i][0]);
        put_line("", variables[i][1]);
    }
}

void help_man(const struct command *const *commands) {
    printf(".TH PIXELRNN 1 \"\" \"pixelrnn %s\" \"User Commands\"\n", PRNN_VERSION);
    puts(".SH NAME\npixelrnn \\- exact\\-likelihood image models\n.SH SYNOPSIS");
    puts(".B pixelrnn\n.I command\n.RI [ options ]\n.br\n.B pixelrnn help\n.I command\n.br\n"
         ".B pixelrnn help \\-\\-completion\n.RI bash|zsh|fish\n.br\n"
         ".B pixelrnn \\-\\-version\n.SH DESCRIPTION");
    put_text(
        "Trains the networks of \"Pixel Recurrent Neural Networks\" (van den Oord, Kalchbrenner, "
        "Kavukcuoglu, ICML 2016), which give every image an exact probability, measures the "
        "likelihood of images under a model, draws new images, completes given ones, finds those that do not "
        "belong, compresses images without loss, shows models in a browser, and makes pictures of how "
        "training went and of what a model expects.\n\n"
        "Options are words, --name VALUE or --name=VALUE; a flag stands alone, or as --name=false. "
        "Results go to stdout, progress and errors to stderr.\n\n");
    put_text(help_model);
    putchar('\n');
    puts(".SH COMMANDS");
    for (const struct command *const *command = commands; *command; command++) {
        put_command(*command);
    }
    put_presets();
    put_line(".SH CONFIG FILES\n", config_help);
    puts(".SH MANY MACHINES");
    put_text("Under mpirun, mpiexec or srun, with Open MPI or MPICH, many processes do one command together: "
             "train, eval, score, compare, sample, complete, upscale, compress, check and, of a folder of "
             "pictures, convert share the work, and the results are the same bits; others are done by one "
             "process. The environment variable PRNN_MPI says which MPI, if it is not that of the launcher: "
             "openmpi, mpich, the path of a module, or none. docs/scaling.md has the rest.");
    putchar('\n');
    put_environment();
    puts(".SH EXIT STATUS\n0: done. 1: failed, or stopped before the end. 2: the command line (or a config "
         "file) is wrong. 130: interrupted (Ctrl-C) by a command that has nothing to save.\n.SH EXAMPLES");
    for (const struct command *const *command = commands; *command; command++) {
        if ((*command)->examples) {
            put_block((*command)->examples);
        }
    }
}
