/* A training from its first step to its last. */
#include "train/trainer.h"

#include "base/call.h"
#include "base/fields.h"
#include "base/try.h"
#include "ranks/ranks.h"
#include "train/need.h"
#include "train/options.h"
#include "train/teacher.h"

/* false: stop. */
static bool tell(const prnn_trainer *trainer, const prnn_train_options *options) {
    prnn_progress progress = PRNN_PROGRESS_INIT;
    prnn_trainer_progress(trainer, &progress);
    return !options->progress || options->progress(options->user, &progress);
}

prnn_status prnn_train(prnn_context *ctx, prnn_model *model, const prnn_data *train, const prnn_data *valid,
                       const prnn_train_options *options) {
    PRNN_ENTER(ctx, PRNN_GIVEN(model), PRNN_GIVEN(train));
    prnn_trainer *trainer = NULL;
    prnn_train_options full;
    prnn_status status;
    TRY(prnn_train_options_read(ctx, options, &full));
    TRY(prnn_trainer_create(ctx, model, train, valid, options, &trainer));
    TRY(prnn_trainer_attend(trainer)); /* what an earlier run left undone */
    for (unsigned wishes = 0;;) {
        wishes = tell(trainer, &full) ? 0 : PRNN_WISH_STOP;
        TRY(prnn_ranks_vote(ctx, PRNN_OK, &wishes, 0));
        if (wishes || prnn_trainer_is_done(trainer)) {
            break;
        }
        bool last;
        TRY(prnn_trainer_step(ctx, trainer, NULL, &last));
    }
    TRY(prnn_trainer_is_done(trainer) ? PRNN_OK : prnn_trainer_stop(trainer));
done:
    status = trainer ? prnn_trainer_leave(trainer, status) : prnn_ranks_fail(ctx, status);
    prnn_trainer_free(trainer);
    return status;
}

prnn_status prnn_train_fits(prnn_context *ctx, const prnn_config *config, const prnn_data *train,
                            const prnn_data *valid, const prnn_train_options *options) {
    PRNN_ENTER(ctx, PRNN_GIVEN(train));
    prnn_train_options o;
    prnn_config full = PRNN_CONFIG_INIT;
    prnn_trainer_needs needs;
    prnn_status status;
    TRY(prnn_options_read(ctx, &full, &prnn_config_fields, config));
    TRY(prnn_train_options_read(ctx, options, &o));
    TRY(prnn_train_options_check_set(ctx, &o, &full, valid != NULL));
    TRY(prnn_teacher_check_config(ctx, &o, &full));
    TRY(prnn_trainer_need(ctx, &full, &o, prnn_data_count(train), valid, &needs));
    TRY(prnn_trainer_afford(ctx, &needs, true, o.batch));
done:
    return status;
}
