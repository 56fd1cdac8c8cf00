#include "commands/train.h"
#include "support/try.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(prnn_kind) == sizeof(int) && sizeof(prnn_optimizer) == sizeof(int) &&
                   sizeof(prnn_schedule) == sizeof(int) && sizeof(prnn_output) == sizeof(int),
               "OPTION_CHOICE writes an int");

static const train_settings defaults = {
    .common = COMMON_DEFAULTS,
    .data = DATA_DEFAULTS,
    .config = PRNN_CONFIG_INIT,
    .train = PRNN_TRAIN_OPTIONS_INIT,
};

enum { CONDITION_FEATURES = 32 }; /* where only the size is given */

#define AT(member) offsetof(train_settings, member)

static const struct option options[] = {
    GROUP("Data"),
    DATA_OPTION(train_settings, "images to train on"),
    OUTPUT("cache", AT(cache), "F.npy", 0,
           "convert --data into this file (as pixelrnn convert does), unless it was made from the same data, "
           "unchanged, in the same way, and train from it; F.npy.json says what it was made from"),
    INPUT("valid", AT(valid), "F", 0, "images for validation, of the same shape"),
    SIZE("valid-last", AT(valid_last), 1, OPTION_NO_DEFAULT,
         "instead of --valid: the last N images of --data are for validation, and not trained on"),
    DOUBLE("valid-fraction", AT(valid_fraction), 0, 1, OPTION_OPEN_MIN | OPTION_OPEN_MAX | OPTION_NO_DEFAULT,
           "the same for the last part of --data, 0.1 for a tenth"),
    UINT64("shuffle-split", AT(shuffle_split), 1, OPTION_NO_DEFAULT,
           "with either: --data is first put into an order that the seed N and the number of images say, on "
           "every machine the same, so that both parts are of all folders"),
    SIZE("limit", AT(limit), 0, 0, "train on at most so many images; 0: all"),
    SIZE("valid-limit", AT(valid_limit), 0, 0, "validate on at most so many images; 0: all"),
    DATA_READING_OPTIONS(train_settings),
    STRING("valid-array", AT(valid_array), "NAME", 0, "as --array, of --valid"),
    INTEGER("height", AT(height), 0, 4096, 0, "of the images; 0: as the data"),
    INTEGER("width", AT(width), 0, 4096, 0, "of the images; 0: as the data"),
    CHANNELS_OPTION(AT(channels)),
    PALETTE_OPTIONS(train_settings),

    GROUP("Network"),
    CHOICE("kind", AT(config.kind), "row|diagonal|cnn", 0, "Row LSTM, Diagonal BiLSTM or PixelCNN"),
    INTEGER("layers", AT(config.layers), 1, 256, 0, "number of layers"),
    INTEGER("hidden", AT(config.hidden), 1, 4096, 0, "features of a state; layers pass on twice as many"),
    INTEGER("head", AT(config.head), 1, 8192, 0, "features of the two 1x1 layers in front of the logits"),
    INTEGER("levels", AT(config.levels), 2, 256, 0,
            "levels of a pixel value; 2: black and white, one Bernoulli logit a value"),
    CHOICE("output", AT(config.output), "softmax|logistics", 0,
           "distribution of a value: one logit a level, or a mixture of logistic distributions, which knows "
           "that levels are in order"),
    INTEGER("components", AT(config.components), 1, 64, OPTION_NO_DEFAULT,
            "logistic distributions of a mixture (default 10)"),
    FLAG("no-residual", AT(no_residual), 0, "layers replace their input instead of adding to it"),
    FLAG("skip", AT(config.skip), 0, "1x1 connections from every layer to the head"),
    INTEGER("condition-size", AT(config.condition_size), 0, 4096, 0,
            "N: a conditional model, of images given small ones of N x N, which are every H/N-th pixel of "
            "them; the images must be square, and H/N a power of 2; 0: unconditional"),
    INTEGER("condition-features", AT(config.condition_features), 1, 4096, OPTION_NO_DEFAULT,
            "features of the upsampled small image (default 32 with --condition-size)"),
    INPUT("init", AT(init), "MODEL", 0,
          "begin with the weights of this model, checkpoint or folder of a training, which also says the "
          "network; images of an unconditional one may have another size. With --resume the weights of the "
          "checkpoint go on"),

    GROUP("Training"),
    DOUBLE("epochs", AT(train.epochs), 0, 1e9, OPTION_OPEN_MIN, "passes over the training images"),
    UINT64("steps", AT(train.steps), 1, OPTION_NO_DEFAULT, "optimizer steps, instead of --epochs"),
    INTEGER("batch", AT(train.batch), 1, 65536, 0, "images a step"),
    DOUBLE("lr", AT(train.learning_rate), 0, 1000, OPTION_OPEN_MIN, "learning rate"),
    CHOICE("optimizer", AT(train.optimizer), "rmsprop|adam|sgd|muon", 0,
           "update rule; the paper uses RMSProp; muon learns most in as many steps (docs/results.md)"),
    DOUBLE("beta1", AT(train.beta1), 0, 1, OPTION_OPEN_MAX | OPTION_NO_DEFAULT,
           "momentum of rmsprop and sgd, decay of the mean of adam and muon (default 0, for adam 0.9, for "
           "muon 0.95)"),
    DOUBLE("beta2", AT(train.beta2), 0, 1, OPTION_OPEN_MAX | OPTION_NO_DEFAULT,
           "decay of the mean square (default 0.95 for rmsprop, 0.999 for adam and muon)"),
    DOUBLE("epsilon", AT(train.epsilon), 0, 1, OPTION_OPEN_MIN,
           "rmsprop, adam, muon: added to the root of the mean square"),
    DOUBLE("clip", AT(train.clip), 0, 1e30, 0,
           "bound of the gradient's norm, of the mean NLL of a batch in nats; 0: none"),
    DOUBLE("ema", AT(train.ema), 0, 1, OPTION_OPEN_MAX,
           "decay of the moving average of the weights, which is validated and saved; 0: none"),
    INPUT("teacher", AT(teacher), "MODEL", OPTION_MODELS,
          "soft targets: of each value, given those before it in the training image, learn what this model "
          "expects too, not only which level is there; with commas, A,B,C, the mean of several. The "
          "model that is trained has two levels or a softmax"),
    DOUBLE("teacher-weight", AT(train.teacher_weight), 0, 1, 0,
           "part of a target that is the teacher's; the rest is the level that is there"),
    CHOICE("schedule", AT(train.schedule), "constant|cosine|step", 0, "of the learning rate"),
    DOUBLE("warmup", AT(train.warmup_steps), 0, 1e12, 0, "the rate rises linearly over so many steps"),
    DOUBLE("final-fraction", AT(train.final_fraction), 0, 1, 0, "cosine: the last rate as a part of --lr"),
    DOUBLE("decay-factor", AT(train.decay_factor), 0, 1, OPTION_OPEN_MIN,
           "step: what the rate is multiplied by"),
    DOUBLE("decay-epochs", AT(train.decay_epochs), 0, 1e9, OPTION_OPEN_MIN,
           "step: after so many epochs each"),
    UINT64("seed", AT(train.seed), 0, 0,
           "first weights, order of the images, --binarize sample, --flip, --shift, --dropout"),

    GROUP("Small sets"),
    UINT64("patience", AT(train.patience), 0, 0,
           "end when so many validations in a row brought no lower NLL; 0: do not"),
    FLAG("flip", AT(train.flip), 0,
         "mirror each training image, left to right, with probability 1/2, anew each epoch"),
    INTEGER(
        "shift", AT(train.shift), 0, 4095, 0,
        "move each training image by -N .. N pixels down and to the right, anew each epoch; what comes in at "
        "a border repeats the edge's pixels"),
    DOUBLE("dropout", AT(train.dropout), 0, 1, OPTION_OPEN_MAX,
           "probability that a feature of a layer's output is left out, in training only"),
    DOUBLE(
        "weight-decay", AT(train.weight_decay), 0, 1e6, 0,
        "part of each weight, times the learning rate, that a step takes away, with every optimizer; not of "
        "biases and initial states"),

    GROUP("Output"),
    OUTPUT("out", AT(train.out), "DIR", OPTION_REQUIRED,
           "folder for model.safetensors, metrics.csv and checkpoint.safetensors"),
    FLAG("resume", AT(train.resume), 0,
         "go on from the checkpoint in DIR, with the same other options; without one, begin"),
    UINT64("valid-every", AT(train.valid_every), 0, 0, "steps between validations; 0: once an epoch"),
    UINT64("log-every", AT(train.log_every), 0, 0, "steps between lines of metrics.csv; 0: ten an epoch"),
    DOUBLE("checkpoint-every", AT(train.checkpoint_every), 0, 1e9, 0, "seconds between checkpoints"),

    GROUP("Settings from files"),
    STRING("preset", AT(preset), "NAME", OPTION_ACTION,
           "a configuration of the paper, or one of ours for its tables"),
    INPUT("config", AT(file), "FILE", OPTION_ACTION,
          "lines of 'key = value'; keys are these options without dashes, flags take true or false, # "
          "begins a comment. Preset < file < command line"),
    FLAG("list-presets", AT(list_presets), OPTION_ACTION, "name the presets and end"),
    STRING("show-preset", AT(show_preset), "NAME", OPTION_ACTION, "print a preset as a config file and end"),

    COMMON_OPTIONS,
};

_Static_assert(sizeof options / sizeof options[0] <= OPTIONS_MAX, "OPTIONS_MAX is too small");

/* Options that mean nothing in company of others. Only the command line is held to it: a preset may
 * well set the cosine's end although --schedule constant overrides its cosine. */
static int check_idle(const arguments *args, const train_settings *s) {
    const bool cosine = s->train.schedule == PRNN_COSINE, step = s->train.schedule == PRNN_STEP;
    const bool adaptive = s->train.optimizer != PRNN_SGD;
    const bool validates = s->valid || train_holds_out(s);
    const struct {
        const char *name;
        bool used;
        const char *needs;
    } rules[] = {
        {"final-fraction", cosine, "--schedule cosine"},
        {"decay-factor", step, "--schedule step"},
        {"decay-epochs", step, "--schedule step"},
        {"beta2", adaptive, "--optimizer rmsprop, adam or muon"},
        {"epsilon", adaptive, "--optimizer rmsprop, adam or muon"},
        {"components", s->config.output == PRNN_LOGISTICS || s->init, "--output logistics"},
        {"valid-limit", validates, "--valid, --valid-last or --valid-fraction"},
        {"valid-every", validates, "--valid, --valid-last or --valid-fraction"},
        {"patience", validates, "--valid, --valid-last or --valid-fraction"},
        {"valid-array", s->valid, "--valid"},
        {"shuffle-split", train_holds_out(s), "--valid-last or --valid-fraction"},
        {"condition-features", s->config.condition_size || s->init, "--condition-size"},
        {"teacher-weight", s->teacher, "--teacher"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!rules[i].used && option_given(args, rules[i].name) == FROM_COMMAND_LINE) {
            return usage_error("--%s has no effect without %s", rules[i].name, rules[i].needs);
        }
    }
    return 0;
}

/* Where a model is the beginning, it says the shape. */
static int check_shape(const train_settings *s) {
    const data_settings exact = DATA_DEFAULTS;
    return data_options_check_shape(s->init ? &exact : &s->data, s->height, s->width);
}

/* A softmax has none, whatever a preset says. */
static void settle_components(prnn_config *config) {
    if (config->output == PRNN_SOFTMAX) {
        config->components = 0;
    } else if (config->components == 0) {
        config->components = 10;
    }
}

/* Nor has an unconditional model any. */
static void settle_condition(prnn_config *config) {
    if (config->condition_size == 0) {
        config->condition_features = 0;
    } else if (config->condition_features == 0) {
        config->condition_features = CONDITION_FEATURES;
    }
}

/* The levels of a palette are as many as its colours, and a model that is the beginning says it. */
static int check_palette(const arguments *args, const train_settings *s) {
    const char *name = s->data.palette ? "palette" : s->data.palette_file ? "palette-file" : NULL;
    if (name && option_given(args, "levels") == FROM_COMMAND_LINE) {
        return usage_error("--levels: a model has as many as --%s has colours: leave it out", name);
    }
    if (name && s->channels == 3) {
        return usage_error("--channels 3: with --%s images are numbers of colours, one channel: leave it out",
                           name);
    }
    if (name && s->init) {
        return usage_error("--%s: the model of --init says its palette, or has none: leave it out", name);
    }
    return name ? data_options_check_palette(&s->data) : EXIT_OK;
}

int train_settle(const arguments *args, train_settings *s) {
    option_source epochs = option_given(args, "epochs"), steps = option_given(args, "steps");
    int code;
    if (epochs && epochs == steps) {
        return usage_error("give --epochs or --steps, not both");
    }
    if (epochs > steps) {
        s->train.steps = 0;
    }
    if ((s->valid != NULL) + (s->valid_last > 0) + (s->valid_fraction > 0) > 1) {
        return usage_error("give only one of --valid, --valid-last and --valid-fraction");
    }
    s->config.residual = !s->no_residual;
    if (!s->init) {
        settle_components(&s->config);
        settle_condition(&s->config);
    }
    TRY(check_idle(args, s));
    TRY(check_palette(args, s));
    TRY(check_shape(s));
done:
    return code;
}

static int contradiction(const train_settings *s, const char *name, const char *given, const char *in_model) {
    return usage_error("--%s is %s, and in %s, which --init names, it is %s: leave --%s out", name, given,
                       s->init, in_model, name);
}

int train_check_init(const arguments *args, const train_settings *s, const prnn_config *model) {
    const prnn_config *mine = &s->config;
    const struct {
        const char *name;
        int given, in_model; /* a size of 0 says nothing */
    } numbers[] = {
        {"layers", mine->layers, model->layers},
        {"hidden", mine->hidden, model->hidden},
        {"head", mine->head, model->head},
        {"levels", mine->levels, model->levels},
        {"height", model->condition_size ? s->height : 0, model->height},
        {"width", model->condition_size ? s->width : 0, model->width},
        {"channels", s->channels, model->channels},
        {"components", mine->components, model->components},
        {"condition-size", mine->condition_size, model->condition_size},
        {"condition-features", mine->condition_features, model->condition_features},
    };
    const struct {
        const char *name;
        bool given, in_model;
    } flags[] = {{"no-residual", s->no_residual, !model->residual}, {"skip", mine->skip, model->skip}};
    if (option_given(args, "kind") && mine->kind != model->kind) {
        return contradiction(s, "kind", prnn_kind_name(mine->kind), prnn_kind_name(model->kind));
    }
    if (option_given(args, "output") && mine->output != model->output) {
        return contradiction(s, "output", prnn_output_name(mine->output), prnn_output_name(model->output));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int given = numbers[i].given, in_model = numbers[i].in_model;
        if (option_given(args, numbers[i].name) && given && given != in_model) {
            char a[16], b[16];
            snprintf(a, sizeof a, "%d", given);
            snprintf(b, sizeof b, "%d", in_model);
            return contradiction(s, numbers[i].name, a, b);
        }
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (option_given(args, flags[i].name) && flags[i].given != flags[i].in_model) {
            return contradiction(s, flags[i].name, flags[i].given ? "true" : "false",
                                 flags[i].in_model ? "true" : "false");
        }
    }
    return 0;
}

const struct command command_train = {
    .name = "train",
    .summary = "train a model on images",
    .description =
        "Trains a model by stochastic gradient descent on the negative log-likelihood of images. The folder "
        "DIR gets model.safetensors (the best validation's weights, or without validation the last ones), "
        "metrics.csv and checkpoint.safetensors. Ctrl-C saves a checkpoint and stops, and so does a closed "
        "terminal (SIGINT, SIGTERM, SIGHUP; nohup keeps the last one away); --resume goes on to the same "
        "bits as if it had never stopped.\n\n"
        "Under mpirun or srun many processes, on one machine or many, train together, to the same bits as "
        "one.",
    .examples = "pixelrnn train --preset mnist-diagonal --data train.gz --valid valid.gz --out run1\n"
                "pixelrnn train --data cifar10 --valid-last 5000 --preset cifar10-row --layers 6 --out run2\n"
                "pixelrnn train --data cifar10 --fit subsample --height 8 --width 8 --out small\n"
                "pixelrnn train --data cifar10 --condition-size 8 --out large\n"
                "pixelrnn train --data train.gz --levels 2 --kind cnn --teacher run1 --out quick",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .ensembles = true,
    .ranks = true,
    .prepare = train_prepare,
    .run = train_run,
};
