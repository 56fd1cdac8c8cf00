/* pixelrnn - train, evaluate, sample, complete and draw with exact-likelihood image models. */
#include "commands/commands.h"
#include "options/completion.h"
#include "options/help.h"
#include "session/session.h"
#include "support/distance.h"
#include "support/ranks.h"
#include "support/report.h"
#include "support/try.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command *find_command(const char *name) {
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static int unknown_command(const char *name) {
    nearest n = {.written = name};
    for (size_t i = 0; commands[i]; i++) {
        nearest_try(&n, commands[i]->name);
    }
    nearest_try(&n, "help");
    const char *what = name[0] == '-' ? "option" : "command";
    if (n.known) {
        return usage_error("unknown %s '%s'; did you mean '%s'?", what, name, n.known);
    }
    return usage_error("unknown %s '%s'; 'pixelrnn --help' lists the commands", what, name);
}

static bool asks_for_help(const char *word) {
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* For the build, which makes completions/ with it, and for who wants to have it elsewhere. */
static int completion(const char *shell) {
    static const struct {
        const char *shell;
        void (*print)(const struct command *const *commands);
    } scripts[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    for (size_t i = 0; shell && i < sizeof scripts / sizeof *scripts; i++) {
        if (strcmp(scripts[i].shell, shell) == 0) {
            scripts[i].print(commands);
            return EXIT_OK;
        }
    }
    return shell ? usage_error("--completion: '%s' is not one of bash|zsh|fish", shell)
                 : usage_error("--completion needs a value: bash, zsh or fish");
}

static int help(int argc, char **argv) {
    if (argc > 0 && argc <= 2 && strcmp(argv[0], "--completion") == 0) {
        return completion(argc > 1 ? argv[1] : NULL);
    }
    if (argc > 1) {
        return usage_error("help is for one command, and '%s' is a second: pixelrnn help COMMAND", argv[1]);
    }
    if (argc == 0 || asks_for_help(argv[0])) {
        help_overview(commands);
    } else if (strcmp(argv[0], "--man") == 0) {
        help_man(commands); /* for the build, which makes pixelrnn.1 with it */
    } else {
        const struct command *command = find_command(argv[0]);
        if (!command) {
            return unknown_command(argv[0]);
        }
        help_command(command);
    }
    return EXIT_OK;
}

static int run_command(arguments *args) {
    session s;
    int code;
    TRY(arguments_check(args));
    session_begin(&s, args);
    /* Others wait for rank 0 where it does the work alone. */
    code = args->command->ranks || ranks_first() ? args->command->run(&s) : EXIT_OK;
    ranks_leave(s.ctx);
    session_close(&s);
done:
    return code;
}

static int run(const struct command *command, int argc, char **argv) {
    arguments args = {.command = command, .argc = argc, .argv = argv};
    args.settings = malloc(command->settings_size);
    args.operands = calloc((size_t)argc + 1, sizeof *args.operands);
    bool served = false;
    int code;
    TRY(args.settings && args.operands ? EXIT_OK : fail_memory());
    arguments_reset(&args);
    TRY(arguments_parse(&args));
    if (((const struct common *)args.settings)->help) {
        help_command(command);
        served = true;
    } else if (command->prepare) {
        TRY(command->prepare(&args, &served));
    }
    if (!served) {
        TRY(run_command(&args));
    }
done:
    free(args.settings);
    free(args.operands);
    return code;
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        return usage_error("which command? 'pixelrnn --help' lists them");
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        printf("pixelrnn %s\n", prnn_version());
        return EXIT_OK;
    }
    if (asks_for_help(name)) {
        return help(argc - 2, argv + 2);
    }
    const struct command *command = find_command(name);
    return command ? run(command, argc - 2, argv + 2) : unknown_command(name);
}

/* A file that is opened where one of these is closed would be written to as if it were that. They are opened
 * the wrong way round, so that whoever uses them is told. */
static void fill_standard_files(void) {
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) {
            return;
        }
    }
}

int main(int argc, char **argv) {
    fill_standard_files();
    /* A file that reaches its size limit fails to be written, and the message says so. */
    signal(SIGXFSZ, SIG_IGN);
    int code = ranks_open();
    if (code == EXIT_OK) {
        code = ranks_close(dispatch(argc, argv));
    }
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        int failed =
            fail("standard output cannot be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
        return code ? code : failed;
    }
    return code;
}
