#include "session/subject.h"

#include "support/memory.h"
#include "support/report.h"
#include "support/try.h"

/* ------------------------------------------------------------------------------ loading, freeing */

/* The ensemble's first model as a chain, which shows what all of them are. */
static int take_first(prnn_context *ctx, subject *s) {
    const prnn_model *first = prnn_ensemble_model(s->ensemble, 0);
    prnn_chain *chain;
    int code;
    TRY(exit_code(ctx, prnn_chain_create(ctx, &first, 1, &chain)));
    prnn_chain_free(s->chain);
    s->chain = chain;
done:
    return code;
}

/* Models that are not alike are a wrong command line. */
static int load_ensemble(prnn_context *ctx, const struct command *command, const char *operand, subject *s) {
    int code;
    TRY(members_find(command, operand, &s->names));
    TRY(usage_code(ctx, prnn_ensemble_load(ctx, s->names.paths, s->names.count, &s->ensemble)));
    TRY(take_first(ctx, s));
done:
    return code;
}

static int check_alone(const struct command *command, const char *operand) {
    members m;
    int code;
    TRY(members_find(command, operand, &m));
    if (m.count > 1) {
        code = usage_error("%s: an ensemble stands alone: the models of a chain, one after the other, are "
                           "single ones",
                           operand);
    }
done:
    members_free(&m);
    return code;
}

/* Nor do they fit into a chain. */
static int load_chain(prnn_context *ctx, const struct command *command, const char *const *operands,
                      size_t count, subject *s) {
    int code;
    s->names.paths = allocate(count, sizeof *s->names.paths);
    TRY(check_memory(s->names.paths));
    for (; s->names.count < count; s->names.count++) {
        TRY(check_alone(command, operands[s->names.count]));
        s->names.paths[s->names.count] = operands[s->names.count];
    }
    TRY(usage_code(ctx, prnn_chain_load(ctx, operands, count, &s->chain)));
done:
    return code;
}

int subject_load(prnn_context *ctx, const struct command *command, const char *const *operands, size_t count,
                 subject *s) {
    *s = (subject){0};
    return count == 1 ? load_ensemble(ctx, command, operands[0], s)
                      : load_chain(ctx, command, operands, count, s);
}

void subject_free(subject *s) {
    prnn_chain_free(s->chain);
    prnn_ensemble_free(s->ensemble);
    members_free(&s->names);
}

/* ---------------------------------------------------------------------------------- looking at it */

const char *subject_last(const subject *s) {
    return s->names.paths[s->names.count - 1];
}

size_t subject_count(const subject *s) {
    return s->names.count;
}

const prnn_model *subject_model(const subject *s, size_t i) {
    return s->ensemble ? prnn_ensemble_model(s->ensemble, i) : prnn_chain_model(s->chain, i);
}

bool subject_is_mixed(const subject *s) {
    return s->ensemble && s->names.count > 1;
}

/* ------------------------------------------------------------------------------------ other sizes */

int subject_check_resizable(const subject *s) {
    prnn_config config = PRNN_CONFIG_INIT;
    prnn_chain_config(s->chain, &config);
    if (!s->ensemble) {
        return usage_error(
            "--size is for one model alone: those of a chain are for the sizes that they have");
    }
    if (config.condition_size) {
        return usage_error("--size: %s is given small images of %d x %d, and is for %d x %d alone",
                           subject_last(s), config.condition_size, config.condition_size, config.height,
                           config.width);
    }
    return EXIT_OK;
}

int subject_resize(prnn_context *ctx, subject *s, int height, int width) {
    prnn_ensemble *resized = NULL, *before = s->ensemble;
    int code;
    TRY(subject_check_resizable(s));
    TRY(usage_code(ctx, prnn_ensemble_resize(ctx, s->ensemble, height, width, &resized)));
    s->ensemble = resized;
    code = take_first(ctx, s);
    if (code != EXIT_OK) {
        s->ensemble = before;
        before = resized;
    }
    prnn_ensemble_free(before);
done:
    return code;
}

/* --------------------------------------------------------------------------------------- likelihood */

prnn_status subject_evaluate(prnn_context *ctx, const subject *s, const uint8_t *images, size_t n,
                             bool new_only, double *nats, double *parts, float *values) {
    prnn_evaluate_options options = PRNN_EVALUATE_OPTIONS_INIT;
    options.new_only = new_only;
    return s->ensemble ? prnn_ensemble_evaluate(ctx, s->ensemble, images, n, &options, nats, parts, values)
                       : prnn_chain_evaluate(ctx, s->chain, images, n, NULL, nats, parts, values);
}
