#include "commands/alike.h"

#include "draw/levels.h"
#include "support/report.h"

static const prnn_palette *palette_of(const prnn_chain *chain) {
    return prnn_model_palette(prnn_chain_model(chain, prnn_chain_count(chain) - 1));
}

int alike_check(const char *const *paths_a, const prnn_chain *chain_a, const char *const *paths_b,
                const prnn_chain *chain_b) {
    const char *last_a = paths_a[prnn_chain_count(chain_a) - 1];
    const char *last_b = paths_b[prnn_chain_count(chain_b) - 1];
    prnn_config a = PRNN_CONFIG_INIT, b = PRNN_CONFIG_INIT;
    prnn_chain_config(chain_a, &a);
    prnn_chain_config(chain_b, &b);
    if (a.height != b.height || a.width != b.width || a.channels != b.channels) {
        return usage_error(
            "%s is of images of %d x %d x %d, and %s of %d x %d x %d: compare models of images "
            "of one size",
            last_a, a.height, a.width, a.channels, last_b, b.height, b.width, b.channels);
    }
    if (a.levels != b.levels) {
        return usage_error("%s has %d levels, and %s %d: compare models of the same levels", last_a, a.levels,
                           last_b, b.levels);
    }
    if (!levels_look_alike(palette_of(chain_a), palette_of(chain_b))) {
        return usage_error(
            "%s and %s do not have the same palette, so their levels are other colours: compare "
            "models of one palette",
            last_a, last_b);
    }
    prnn_model_config(prnn_chain_model(chain_a, 0), &a);
    prnn_model_config(prnn_chain_model(chain_b, 0), &b);
    if (a.condition_size != b.condition_size) {
        return usage_error("%s is given small images of side %d, and %s of side %d (0: none): compare models "
                           "that are given the same, or chains of models",
                           paths_a[0], a.condition_size, paths_b[0], b.condition_size);
    }
    return EXIT_OK;
}
