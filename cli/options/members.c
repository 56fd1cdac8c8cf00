#include "options/members.h"

#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t count_parts(const char *word) {
    size_t n = 1;
    for (; *word; word++) {
        n += *word == ',';
    }
    return n;
}

/* A word of a command that takes no ensembles, and that is no file, as one would write an ensemble. */
static int check_no_ensemble(const struct command *command, const char *word) {
    size_t n = strcspn(word, ",");
    char *first = strndup(word, n);
    int code;
    TRY(check_memory(first));
    TRY(n && access(first, F_OK) == 0
            ? usage_error(
                  "%s: there is no file of this name, and 'pixelrnn %s' takes no ensemble (models with "
                  "commas between them), as 'pixelrnn eval' and 'pixelrnn compare' do",
                  word, command->name)
            : EXIT_OK);
done:
    free(first);
    return code;
}

int members_find(const struct command *command, const char *word, members *m) {
    bool commas = strchr(word, ',') && access(word, F_OK) != 0, cut = commas && command->ensembles;
    int code;
    *m = (members){.paths = allocate(cut ? count_parts(word) : 1, sizeof *m->paths)};
    TRY(check_memory(m->paths));
    TRY(commas && !cut ? check_no_ensemble(command, word) : EXIT_OK);
    if (!cut) {
        m->paths[m->count++] = word;
        return EXIT_OK;
    }
    m->text = strdup(word);
    TRY(check_memory(m->text));
    for (char *part = m->text, *end; part; part = end) {
        end = strchr(part, ',');
        if (end) {
            *end++ = '\0';
        }
        if (!*part) {
            return usage_error("'%s': a name is missing beside a comma, which stands between the models of "
                               "an ensemble",
                               word);
        }
        m->paths[m->count++] = option_input_path(part);
    }
done:
    return code;
}

void members_free(members *m) {
    free(m->paths);
    free(m->text);
    *m = (members){0};
}
