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

int members_find(const struct command *command, const char *word, members *m) {
    bool cut = command->ensembles && strchr(word, ',') && access(word, F_OK) != 0;
    int code;
    *m = (members){.paths = allocate(cut ? count_parts(word) : 1, sizeof *m->paths)};
    TRY(check_memory(m->paths));
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
