/* pixelrnn.h - exact-likelihood image models in C. (io.h, beside it, writes pictures and arrays; with ranks.h
 * many processes work together.)
 *
 * The three networks of "Pixel Recurrent Neural Networks" (van den Oord, Kalchbrenner, Kavukcuoglu,
 * ICML 2016): Row LSTM, Diagonal BiLSTM and PixelCNN. Each models p(image) exactly, as a product over
 * pixels in raster order, and inside a pixel over the channels R, G, B, of p(value | all values before).
 *
 * A first program, which needs <pixelrnn/io.h> too (examples/ has one for each part):
 *
 *     prnn_context *ctx = prnn_context_create();
 *     prnn_model *model = NULL;
 *     if (prnn_model_load(ctx, "model.safetensors", &model) != PRNN_OK) {
 *         fprintf(stderr, "%s\n", prnn_message(ctx));
 *         return 1;
 *     }
 *     prnn_config config = PRNN_CONFIG_INIT;
 *     prnn_model_config(model, &config);
 *     size_t bytes = (size_t)config.height * config.width * config.channels;
 *     uint8_t *images = malloc(16 * bytes);
 *     prnn_sample(ctx, model, 16, NULL, images);                            // 16 new images
 *     double nats[16];
 *     prnn_evaluate(ctx, model, images, 16, NULL, nats, NULL);              // how likely each one is
 *     prnn_write_png(ctx, "samples.png", images, 16, config.height, config.width, config.channels,
 *                    config.levels, 0);                                     // one contact sheet
 *
 * Conventions
 *   Images are uint8_t levels 0..K-1, (n, H, W, C) with C fastest; K is the `levels` of the model.
 *   Every function that can fail returns a prnn_status; prnn_message(ctx) then holds one sentence that
 *     names the file or value and the way out. The library never prints, exits or aborts.
 *   Structs that can grow begin with their size; start from the PRNN_..._INIT macro beside each, which sets
 *     it. So a program and a library of another version, older or newer, understand each other:
 *       A struct that you give (options, a config): what it is too short for is as by default; what it has
 *         beyond this library's fields must be 0, or PRNN_ERROR_ARGUMENT says that a newer one is needed.
 *         NULL means all defaults.
 *       A struct that the library fills gets the fields that lie wholly within its size; the size, and
 *         what this library does not know, stay as you set them.
 *       A struct that a callback gets has its size from the library: PRNN_HAS(progress, field) says
 *         whether a field of your header is there.
 *     Fields are added at the end only, and 0 in a new one means what was before it. A struct without a
 *     size stays as it is.
 *   Pointers must point to something unless their comment says that they may be NULL; every ..._free takes
 *     NULL, and an array without elements may be NULL. A function that returns a status refuses NULL with
 *     PRNN_ERROR_ARGUMENT and, unless it is the context itself, a sentence that names it; the others do not
 *     check.
 *   Work whose memory is not there is refused, with PRNN_ERROR_MEMORY, before it begins; where only that of
 *     its threads is not there, it takes fewer of them. A container's limit counts.
 *   A context serves one thread at a time (its own threads work inside a call): a call from another one is
 *     refused with PRNN_ERROR_ARGUMENT. A callback may call the library with the context that it is called
 *     from, unless a function says otherwise, but not change its settings (prnn_context_set_...).
 *   Models and data sets may be shared by contexts as long as nobody changes them.
 *   The same inputs give the same bits on every processor, with every compiler and number of threads (see
 *     prnn_context_arithmetic); another precision rounds differently. For the length of a call, callbacks
 *     included, rounding is to nearest, nothing is flushed to zero, and the thread's locale is "C"; what the
 *     caller had set is restored.
 */
#ifndef PIXELRNN_H
#define PIXELRNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PRNN_API __attribute__((visibility("default")))
#else
#define PRNN_API
#endif

/* The version of this header, as text and as major * 10000 + minor * 100 + patch. */
#define PRNN_VERSION "0.2.0"
#define PRNN_VERSION_NUMBER 200

/* Those of the library that runs. Static storage. */
PRNN_API const char *prnn_version(void);
PRNN_API int prnn_version_number(void);

/* Whether the struct at `pointer` is large enough, by its own size, to have the field. */
#define PRNN_HAS(pointer, field)                                                                             \
    ((size_t)((const char *)(&(pointer)->field + 1) - (const char *)(pointer)) <= (pointer)->size)

/* ------------------------------------------------------------------------------------- status */

typedef enum prnn_status {
    PRNN_OK = 0,
    PRNN_ERROR_ARGUMENT, /* a value that the caller gave is out of range or does not fit the others */
    PRNN_ERROR_FILE,     /* a file cannot be opened, read or written (also: disk full) */
    PRNN_ERROR_FORMAT,   /* a file was read, and what it holds is not what it should be */
    PRNN_ERROR_MEMORY,   /* not enough memory */
    PRNN_ERROR_DIVERGED, /* training met a NaN or infinite loss or gradient */
    PRNN_STOPPED,        /* a progress callback asked to stop; what was done so far is saved */
    PRNN_ERROR_DEVICE,   /* a GPU is not there, cannot be used, or failed */
    PRNN_ERROR_RANK      /* a rank is lost (see ranks.h): its process or machine, or the way to it */
} prnn_status;

/* "PRNN_OK", "PRNN_ERROR_FILE", ..., for logs; "unknown" of another number. Static storage. */
PRNN_API const char *prnn_status_name(prnn_status status);

/* ------------------------------------------------------------------------------------ context */

/* Threads, processor kernels and the message of the last failure. */
typedef struct prnn_context prnn_context;

/* A context with one thread per core and the best kernels for this processor. NULL: out of memory.
 * Free with prnn_context_free. Between calls it keeps the working memory of the last evaluation or sampling,
 * at most 16 blocks of 64 MB, since small calls are faster with it. */
PRNN_API prnn_context *prnn_context_create(void);
PRNN_API void prnn_context_free(prnn_context *ctx);

/* One sentence about the last failure in this context; "" if there was none. Owned by the context and
 * valid until the next call that fails. */
PRNN_API const char *prnn_message(const prnn_context *ctx);

/* Number of threads, 1 to 1024; 0: as many as the environment variable PRNN_THREADS says, or one per core (as
 * in a context for which this was never called). Results do not depend on it. PRNN_ERROR_ARGUMENT if
 * PRNN_THREADS is asked and is no such number. */
PRNN_API prnn_status prnn_context_set_threads(prnn_context *ctx, int threads);

/* Forces an instruction set by name ("generic", "avx2", "avx512", "neon"); NULL or "auto": the one that the
 * environment variable PRNN_CPU names, or the best that the processor has. PRNN_ERROR_ARGUMENT if this build
 * or this processor lacks it. A context for which this was never called is as with "auto", but takes the best
 * if PRNN_CPU names something that is not there. */
PRNN_API prnn_status prnn_context_set_cpu(prnn_context *ctx, const char *name);
/* The name of the one that is used, never "auto". Static storage. */
PRNN_API const char *prnn_context_cpu(const prnn_context *ctx);

/* Precision of the factors of matrix products: "fp32" (the default, and NULL), or "bf16": rounded to bfloat16
 * and summed in fp32, up to 1.8 times as fast, for a likelihood that is a little off (docs/performance.md
 * says how little). Weights, activations, gradients and files stay fp32. PRNN_ERROR_ARGUMENT if the
 * instruction set lacks it (it takes AVX512_BF16). On a GPU products are on tensor cores, and activations
 * bf16 too, but for LSTM cells and logits; what OpenCL has emulates them, which is slow. PRNN_ERROR_ARGUMENT
 * too while a training or a stepper of this context uses that GPU; PRNN_ERROR_DEVICE: its kernels cannot be
 * compiled, or its local memory is too small for them (why_no_bf16 of prnn_device_info). A model counts as
 * another one in the other precision: score what was compressed or sampled with one with the same one. */
PRNN_API prnn_status prnn_context_set_precision(prnn_context *ctx, const char *name);
/* "fp32" or "bf16". Static storage. */
PRNN_API const char *prnn_context_precision(const prnn_context *ctx);

/* Name of the arithmetic that the context computes in. Where it is the same, the same model, inputs and seed
 * give the same bits: likelihoods, gradients, samples, and weights after training. In fp32 it is "fma32-1"
 * with every instruction set and compiler; in bf16 "bf16-1", on every processor that has that precision, and
 * "bf16-tensor-1" on a GPU, where bits are the same on GPUs of one kind alone, and those of gradients and
 * training for one number of ranks (ranks.h). Its number is raised when a
 * later version computes other bits. Static storage. */
PRNN_API const char *prnn_context_arithmetic(const prnn_context *ctx);

/* Where networks are computed: "cpu" (a new context's), "cuda:N" or "opencl:N" for a GPU by NVIDIA's driver
 * or by OpenCL ("cuda", "opencl": the first that can be used), "gpu": the first of these, "auto": a GPU of
 * NVIDIA's driver if there is one, else the CPU; NULL: what the environment variable PRNN_DEVICE says, or
 * "cpu". In fp32 results are the same bits everywhere. Libraries of drivers are opened when they are asked
 * for. PRNN_ERROR_DEVICE if the device is not there or cannot be used, then the CPU is, in fp32 if it has no
 * bf16, as after another name (PRNN_ERROR_ARGUMENT); PRNN_ERROR_ARGUMENT too for the CPU in a precision that
 * it lacks, and while a training or a stepper of this context uses the present one. Models are for every
 * device; those made afterwards go through a GPU with fewer steps. A device that fails later makes calls fail
 * with PRNN_ERROR_DEVICE until another one is set. */
PRNN_API prnn_status prnn_context_set_device(prnn_context *ctx, const char *name);
/* "cpu", "cuda:0", ...; owned by the context. */
PRNN_API const char *prnn_context_device(const prnn_context *ctx);

typedef struct prnn_device_info {
    size_t size;
    char name[24];         /* as prnn_context_set_device takes it */
    char product[128];     /* "NVIDIA H100 80GB HBM3"; of the CPU its instruction set */
    char driver[128];      /* and its version */
    uint64_t memory;       /* bytes */
    char why_not[256];     /* why it cannot be used; "": it can */
    char why_no_bf16[104]; /* why one that can be used has no precision bf16; "": it has */
} prnn_device_info;

#define PRNN_DEVICE_INFO_INIT                                                                                \
    { sizeof(prnn_device_info), "", "", "", 0, "", "" }

/* Fills *info, which begins as PRNN_DEVICE_INFO_INIT, with device `number` of this machine, from 0 on, the
 * CPU first; *found: whether there is one. A driver that is not there is one device that cannot be used. */
PRNN_API prnn_status prnn_device_describe(prnn_context *ctx, size_t number, prnn_device_info *info,
                                          bool *found);

/* ------------------------------------------------------------------------------------- models */

typedef enum prnn_kind { PRNN_ROW, PRNN_DIAGONAL, PRNN_CNN } prnn_kind;

/* How a value of K > 2 levels is distributed. */
typedef enum prnn_output {
    PRNN_SOFTMAX,  /* a softmax over the levels (K = 2: a Bernoulli distribution) */
    PRNN_LOGISTICS /* a mixture of logistic distributions, integrated over the bin of each level */
} prnn_output;

/* What a network looks like: docs/equations.md, paper section 3 and table 1. */
typedef struct prnn_config {
    size_t size;
    prnn_kind kind;
    int height, width;      /* H, W: 1..4096 pixels */
    int channels;           /* C: 1 (grey) or 3 (R, G, B) */
    int levels;             /* K: 2..256 levels of a value; 2 means one Bernoulli logit per value */
    int layers;             /* L: 1..256 */
    bool residual;          /* x = x + y(x) in every layer */
    int hidden;             /* h: features of a state, 1..4096; the residual stream has 2h */
    bool skip;              /* 1x1 connections from every layer to the head */
    int head;               /* features of the two 1x1 layers in front of the logits, 1..8192 */
    int condition_size;     /* s: a conditional model sees an s x s image, its own at every H / s-th pixel;
                               H = W = s times 2, 4, 8, ...; 0: an unconditional model (docs/equations.md) */
    int condition_features; /* c: features of the upsampled small image, 1..4096; 0 without one */
    prnn_output output;     /* K = 2: PRNN_SOFTMAX */
    int components;         /* PRNN_LOGISTICS: 1..64 logistic distributions a value; else 0 */
} prnn_config;

#define PRNN_CONFIG_INIT                                                                                     \
    { sizeof(prnn_config), PRNN_DIAGONAL, 28, 28, 1, 256, 7, true, 16, false, 32, 0, 0, PRNN_SOFTMAX, 0 }

/* "row", "diagonal", "cnn", and back. */
PRNN_API const char *prnn_kind_name(prnn_kind kind);
PRNN_API prnn_status prnn_kind_from_name(prnn_context *ctx, const char *name, prnn_kind *kind);

/* "softmax", "logistics", and back. */
PRNN_API const char *prnn_output_name(prnn_output output);
PRNN_API prnn_status prnn_output_from_name(prnn_context *ctx, const char *name, prnn_output *output);

/* A network and its weights. Functions that take a const prnn_model only read it: any number of threads may
 * call them with one model at the same time, each in a context of its own. Those that change or free it
 * (prnn_model_set_parameters, prnn_model_set_metadata, prnn_train, prnn_model_free) need it for themselves.
 */
typedef struct prnn_model prnn_model;

/* A new model with random weights, which are a function of config (NULL: PRNN_CONFIG_INIT) and seed. The
 * logits start at zero, so that every value is equally likely (of a mixture of logistics: about so). Free
 * with prnn_model_free. */
PRNN_API prnn_status prnn_model_create(prnn_context *ctx, const prnn_config *config, uint64_t seed,
                                       prnn_model **model);

/* Reads a model file (docs/formats.md), or what comes through a pipe, as one; a folder stands for the
 * model.safetensors in it. Tensors of F16 and BF16 are widened, of F64 rounded. A training checkpoint is read
 * too: its weights, or their moving average if it has one. PRNN_ERROR_FORMAT: a tensor is missing, unknown or
 * misshapen, a value is not finite, or a masked weight is not zero. Free with prnn_model_free. */
PRNN_API prnn_status prnn_model_load(prnn_context *ctx, const char *path, prnn_model **model);

/* Writes a model file, beside `path` first and then renamed: a failure leaves the old file as it was. */
PRNN_API prnn_status prnn_model_save(prnn_context *ctx, const prnn_model *model, const char *path);
PRNN_API void prnn_model_free(prnn_model *model);

/* A model of images of another size, 1..4096 pixels high and wide, with the weights of `model`, in which no
 * size is: what one of `model`'s config, of that size, with these weights would compute, to the bit. It
 * shares them, and the form in which they are multiplied, so that it is cheap to make and models of many
 * sizes live side by side, on as many threads. In all else it is a model like others: each is freed by
 * itself, in any order, and one that is given other weights (prnn_model_set_parameters, prnn_train) leaves
 * them to the others as they were. What pixels near a border are like a model learned at the size that it was
 * trained at. PRNN_ERROR_ARGUMENT: the size is out of range, or the model is conditional: such a one is for
 * one size. */
PRNN_API prnn_status prnn_model_resize(prnn_context *ctx, const prnn_model *model, int height, int width,
                                       prnn_model **resized);

/* Fills *config, which begins as PRNN_CONFIG_INIT. */
PRNN_API void prnn_model_config(const prnn_model *model, prnn_config *config);

/* One named array of weights, in PyTorch's layout (docs/formats.md). */
typedef struct prnn_tensor {
    size_t size;
    const char *name;    /* owned by the model */
    int rank;            /* 1 or 4 */
    int shape[4];        /* 1 in dimensions beyond the rank */
    size_t count;        /* product of the shape */
    size_t offset;       /* of the first element in the block of all parameters and in gradients */
    const float *values; /* count floats, owned by the model */
} prnn_tensor;

#define PRNN_TENSOR_INIT                                                                                     \
    { sizeof(prnn_tensor), NULL, 0, {0, 0, 0, 0}, 0, 0, NULL }

/* Number of tensors. */
PRNN_API size_t prnn_model_tensor_count(const prnn_model *model);
/* Fills *tensor, which begins as PRNN_TENSOR_INIT, with tensor i, 0 <= i < prnn_model_tensor_count, in the
 * order of the file. */
PRNN_API void prnn_model_tensor(const prnn_model *model, size_t i, prnn_tensor *tensor);
/* Number of floats in all tensors; with `unmasked_only`, without the masked ones. */
PRNN_API size_t prnn_model_parameter_count(const prnn_model *model, bool unmasked_only);
/* Whether parameter number `index` (tensor.offset + element) is masked: it is 0 and has no gradient. */
PRNN_API bool prnn_model_parameter_is_masked(const prnn_model *model, size_t index);
/* Replaces the block of all parameters (prnn_model_parameter_count floats, copied). Refuses what
 * prnn_model_load refuses. */
PRNN_API prnn_status prnn_model_set_parameters(prnn_context *ctx, prnn_model *model, const float *values);

/* -------------------------------------------------------------------------------------- metadata */

/* Texts under keys that a model file keeps beside the network: where the model comes from, as training writes
 * it (docs/formats.md says which keys), and whatever else its makers note. They change no number. A model has
 * at most 1024 of them, each key of 1 to 256 bytes and each value of up to 64 KiB of UTF-8, 1 MiB in all; a
 * file with more is refused. They may hold control characters. Who trains a model further keeps them. */

/* Number of entries. */
PRNN_API size_t prnn_model_metadata_count(const prnn_model *model);
/* The key of entry i, in the order in which they were first set; NULL unless 0 <= i <
 * prnn_model_metadata_count. It, and the value below, are the model's, and are valid until its metadata are
 * changed, which training does too. */
PRNN_API const char *prnn_model_metadata_key(const prnn_model *model, size_t i);
/* The value under `key`; NULL: there is none. */
PRNN_API const char *prnn_model_metadata(const prnn_model *model, const char *key);
/* Sets the value under `key`, copying both, or, if it is NULL, removes the entry, if there is one.
 * PRNN_ERROR_ARGUMENT beyond the limits above, and for "format", "version" and "config", which are the
 * file's. */
PRNN_API prnn_status prnn_model_set_metadata(prnn_context *ctx, prnn_model *model, const char *key,
                                             const char *value);

/* Colours that levels stand for: level k of an image of one channel is colour k. All are different. */
typedef struct prnn_palette {
    int count;               /* 2..256 */
    uint8_t colours[256][3]; /* R, G, B */
} prnn_palette;

/* The palette of a model that was trained on images of one: the value under "palette", words #rrggbb; owned
 * by the model. NULL: its levels are shades. A "palette" that is not of as many different colours as the
 * model has levels, or of a model with 3 channels, is refused when it is set or loaded. */
PRNN_API const prnn_palette *prnn_model_palette(const prnn_model *model);

/* ------------------------------------------------------------------------------------ progress */

typedef struct prnn_progress {
    size_t size;
    const char *phase; /* "train", "validate", "evaluate", "sample", "complete", "upscale", "check", "read",
                          "convert", "compress", "decompress" */
    uint64_t done, total; /* steps (train), images or changes (check); total is never 0 */
    double seconds;       /* since the phase began (train: in this run) */
    double images_per_second;
    /* Only while training: */
    double epoch; /* passes over the training data, with fraction */
    double learning_rate;
    double train_nats;   /* mean over the images since the last line of the log; NaN before the first step */
    double valid_nats;   /* of the last validation; NaN before the first */
    double best_nats;    /* lowest validation so far; NaN before the first */
    uint64_t best_step;  /* updates before it */
    uint64_t not_lower;  /* validations since then */
    uint64_t overfitted; /* the last validations, as many as each had a higher NLL than the one before while
                            training NLL, the mean over the images between two of them, fell */
    /* Between ranks (ranks.h), over the updates of this run; 0 without: */
    double exchange_share; /* part of their time that this rank spent in exchanging gradients, 0..1 */
    double wait_share;     /* ... and before it, in waiting for the last one */
    double exchange_bytes; /* that this rank sent, per update */
} prnn_progress;
#define PRNN_PROGRESS_INIT                                                                                   \
    { sizeof(prnn_progress), NULL, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Called from the calling thread, after every step, 64 images of a validation, 32 images a thread of an
 * evaluation, of sampling or of an archive, or some images of a data set. Return false to stop: the call then
 * ends with PRNN_STOPPED, and training has written a checkpoint. */
typedef bool (*prnn_progress_fn)(void *user, const prnn_progress *progress);

/* ----------------------------------------------------------------------------------- data sets */

/* Images of one size, as levels 0..K-1. */
typedef struct prnn_data prnn_data;

/* Called, from the calling thread, for each picture of a folder, or folder below it, that cannot be used:
 * `why` is a sentence that names it. */
typedef void (*prnn_skipped_fn)(void *user, const char *path, const char *why);

/* Called, from the calling thread, with a sentence about how a set is read where that could be taken to be
 * otherwise: which files of a folder are left, what was assumed of an array, how many pictures are
 * transparent or have pages that are not read. */
typedef void (*prnn_note_fn)(void *user, const char *sentence);

typedef enum prnn_values {
    PRNN_VALUES_8BIT,  /* a byte v becomes level floor(v K / 256): K = 2 thresholds at 128 */
    PRNN_VALUES_LEVELS /* the file holds levels 0..K-1; a larger one is an error */
} prnn_values;

typedef enum prnn_fit {
    PRNN_FIT_EXACT,    /* an image of another size is an error */
    PRNN_FIT_CROP,     /* cut out the centre; an image that is too small is an error */
    PRNN_FIT_RESIZE,   /* cut the centre to the target's shape, then resample by area */
    PRNN_FIT_SUBSAMPLE /* every n-th pixel of every n-th row: the small images of a chain of models; an image
                          whose sides are not n times the target's is an error */
} prnn_fit;

typedef enum prnn_alpha {
    PRNN_ALPHA_OVER, /* transparent pictures are composited over `background`, in their 8-bit values as
                        stored: v becomes (a v + (255 - a) b) / 255, to nearest; grey ones over its luma */
    PRNN_ALPHA_DROP, /* alpha is dropped, and their colours are as stored, also where nobody sees them */
    PRNN_ALPHA_KEEP /* of a list of pictures that prnn_read_picture is to read: `note` is told of nothing that
                       only levels lose; PRNN_ERROR_ARGUMENT of a data set */
} prnn_alpha;

typedef struct prnn_data_options {
    size_t size;
    int levels; /* K: 2..256 */
    prnn_values values;
    bool binarize_sample; /* K = 2: level 1 with probability v / 255, drawn anew each epoch */
    int height, width;    /* 1..4096; 0: as the first image has them, up to 32768 */
    int channels;         /* 0: as the file has them; 1: colour becomes luma (BT.601), 3: grey is repeated */
    prnn_fit fit;         /* what to do with images that are not height x width */
    size_t first;         /* leave out the images before this one; of a folder, the files before it */
    size_t limit;         /* at most so many images (files); 0: all */
    size_t memory_limit;  /* a set from .npy or idx that needs more bytes stays in its file */
    prnn_skipped_fn skipped;
    prnn_progress_fn progress; /* phase "read" or "convert" */
    void *user;                /* of all callbacks */
    prnn_note_fn note;
    prnn_alpha alpha;
    uint8_t background[3]; /* R, G, B; all 0: black */
    bool as_stored;        /* pictures are not turned as their EXIF orientation says */
    uint64_t shuffle;      /* 0: in the order of the files; else the images that `first` and `limit` leave
                              come in an order that is a function of this seed and of their number */
    const char *array;     /* of .npz: the name of the array, with or without .npy; NULL: see below */
    bool paletted;         /* images become levels of one channel, which are numbers of colours; `levels` is
                              not looked at, but is their number then. Refused with binarize_sample, channels
                              3, and fit resize, which would mix colours */
    bool together;         /* prnn_data_convert in a context with ranks (<pixelrnn/ranks.h>): see there */
    const prnn_palette *palette; /* of these; another colour is an error. NULL: the colours that there are, at
                                    most 256, darkest first (by luma, then R, G, B), of all images. With
                                    PRNN_VALUES_LEVELS, which need one, the file holds its numbers */
    prnn_palette *palette_used;  /* unless NULL, gets the palette of what was opened or converted */
    /* What the images of an array are taken for whose shape does not say their size, where it fits: rows of
     * values, else squares, and (n, m, 3), else refused as one picture in colour; height and width go before
     * it. 0: nothing is known. Those of a model to be used with it, say. */
    int array_height, array_width;
} prnn_data_options;

#define PRNN_DATA_OPTIONS_INIT                                                                               \
    {                                                                                                        \
        sizeof(prnn_data_options), 256, PRNN_VALUES_8BIT, false, 0, 0, 0, PRNN_FIT_EXACT, 0, 0,              \
            (size_t)1 << 30, NULL, NULL, NULL, NULL, PRNN_ALPHA_OVER, {0, 0, 0}, false, 0, NULL, false,      \
            false, NULL, NULL, 0, 0                                                                          \
    }

/* Opens a data set; the format is told by the content, not by the name:
 *   idx or idx.gz, type unsigned byte, rank 3 (MNIST) or 4 (n, H, W, C);
 *   CIFAR-10 or CIFAR-100 binary: one .bin file, or a folder with data_batch_*.bin (or train.bin), the
 *     training images; test_batch.bin and test.bin only when named themselves;
 *   a folder of pictures, also in folders below it, in the order of their paths' bytes; a file is taken for a
 *     picture by the ending of its name (.png, .jpg, ..., .gif), and what is damaged, of a format that is not
 *     read, too small to crop, gone meanwhile or not to be read is skipped, and so is such a folder below it;
 *     none left is an error; what the system refuses otherwise (memory) is one too;
 *   one PNG, JPEG, WebP or TIFF file (its first page), as far as the library was built for them; pictures are
 *     turned as their EXIF orientation says, but with `as_stored`;
 *   .npy of uint8 or bool (True: 255, with PRNN_VALUES_LEVELS 1), C order, (n, H, W), (n, H, W, C) or rows
 *     (n, H * W), of which `height` and `width` say the shape, or else they are squares; (H, W, 3) with sides
 *     of 16 and more looks like one colour picture, and is refused unless `height` and `width` confirm it;
 *   .npz: the array that is asked for, or named "images", "data" or "arr_0", or the only one of uint8
 *     and 3 or 4 dimensions; one named "data" may be of rows (n, 3 * S * S), planes R, G, B of S x S, as
 *     downsampled ImageNet has it;
 *   a folder of .npz files as one set, batch_2 before batch_10; of one with train_data_batch_*.npz only
 *     these. Pictures, of which there are more, win over .npz files beside them; beside CIFAR's files and
 *     train_data_batch_*.npz they are refused. `note` hears of what is left.
 * A pipe is first copied into a temporary file without a name. The set is read into memory, except one of a
 * plain .npy (uint8) or idx file that needs more than memory_limit bytes: there an image is read when it is
 * asked for, so the file must stay as it is, and `values: levels` is checked then. A set whose values would
 * all become level 0 is refused; of one whose values are all equal `note` hears. Free with prnn_data_free. */
PRNN_API prnn_status prnn_data_open(prnn_context *ctx, const char *path, const prnn_data_options *options,
                                    prnn_data **data);

/* A data set of `count` images in memory, (count, height, width, channels) bytes, copied. */
PRNN_API prnn_status prnn_data_from_memory(prnn_context *ctx, const uint8_t *images, size_t count, int height,
                                           int width, int channels, const prnn_data_options *options,
                                           prnn_data **data);
PRNN_API void prnn_data_free(prnn_data *data);

/* Cuts the set: `data` keeps the images before number `first`; the others become a set of their own, counted
 * from 0, or are dropped if `rest` is NULL. No set is empty: `first` is 1..prnn_data_count - 1, or, if `rest`
 * is NULL, 1..prnn_data_count. Nobody else may be using `data`. */
PRNN_API prnn_status prnn_data_split(prnn_context *ctx, prnn_data *data, size_t first, prnn_data **rest);

/* Number of images. */
PRNN_API size_t prnn_data_count(const prnn_data *data);
/* Number of files of a folder, and of folders below it, that could not be used. */
PRNN_API size_t prnn_data_skipped(const prnn_data *data);
/* The path of the file that image `index` came from, where each file is an image: a picture, or one of a
 * folder; else, or if there is no such image, NULL. It lives as long as the set; after prnn_data_split, as
 * the part that has the image. */
PRNN_API const char *prnn_data_name(const prnn_data *data, size_t index);
/* The number of image `index` (< count) in the file or folder, counted from 0: a set with this as `first`,
 * not shuffled, begins with it. In a folder the files that cannot be used count too, so that others keep
 * their numbers. */
PRNN_API size_t prnn_data_number(const prnn_data *data, size_t index);
/* In how many folders the pictures first..first+n-1 (each < count) lie; 0: the set is none of a folder of
 * pictures. */
PRNN_API prnn_status prnn_data_folders(prnn_context *ctx, const prnn_data *data, size_t first, size_t n,
                                       size_t *folders);
/* The shape of its images, in pixels and channels (1 or 3), and K. */
PRNN_API int prnn_data_height(const prnn_data *data);
PRNN_API int prnn_data_width(const prnn_data *data);
PRNN_API int prnn_data_channels(const prnn_data *data);
PRNN_API int prnn_data_levels(const prnn_data *data);
/* The colours of its levels, which are the set's; NULL: it was not opened as `paletted`. */
PRNN_API const prnn_palette *prnn_data_palette(const prnn_data *data);

/* Copies the images indices[0..n-1] (each < count) into `images`, n * H * W * C levels. seed and epoch
 * choose the draw of binarize_sample and mean nothing without it. */
PRNN_API prnn_status prnn_data_read(prnn_context *ctx, const prnn_data *data, const size_t *indices, size_t n,
                                    uint64_t seed, uint64_t epoch, uint8_t *images);

/* Writes what prnn_data_open and prnn_data_read would give, binarize_sample excepted, into `out`: a .npy of
 * uint8 (n, H, W, C) that can be larger than memory. Pictures are decoded on all threads; the file does not
 * depend on their number. It is written beside `out` first and then renamed: a failure, or PRNN_STOPPED,
 * leaves nothing. Unless NULL, *written and *skipped get the number of images and of unusable files.
 * With `together` all ranks of the context make the call, with the same folder of pictures: each decodes a
 * part, and rank 0 writes. Without, and of other formats, there is nothing that ranks share.
 * PRNN_ERROR_ARGUMENT: `out` is what is read, or is already a file in the folder that is. */
PRNN_API prnn_status prnn_data_convert(prnn_context *ctx, const char *path, const prnn_data_options *options,
                                       const char *out, size_t *written, size_t *skipped);

/* ------------------------------------------------------------------- pictures of many sizes */

/* A list of pictures, each as large as it is: which sizes there are, and a data set (whose images are of one
 * size) for each of them. Contexts may share it. */
typedef struct prnn_listing prnn_listing;

typedef struct prnn_picture_info {
    size_t size;
    const char *name;  /* its path; owned by the list */
    size_t number;     /* of the file in the folder, as prnn_data_number counts */
    size_t group;      /* of the pictures of its size, 0 .. prnn_listing_group_count - 1 */
    int height, width; /* turned as its EXIF orientation says, but with `as_stored` */
    int channels;      /* of the file: 1 or 3; a set of the list has those that the options say */
    int transparent;   /* 1: some of its pixels are not opaque, and were composited or dropped; else 0 */
    int deep;          /* 1: its samples have more than 8 bits, of which the high ones are read; else 0 */
    int more_pages;    /* 1: its file holds more pictures, which are not read; else 0 */
} prnn_picture_info;

#define PRNN_PICTURE_INFO_INIT                                                                               \
    { sizeof(prnn_picture_info), NULL, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Lists the pictures of a folder and of folders below it, in the order of their paths' bytes, or one picture;
 * as prnn_data_open finds, reads and skips them, so each is decoded once, to know that it can be, and not
 * kept. Sides are up to 32768. Of the options (NULL: defaults) height, width and fit, binarize_sample,
 * shuffle and array must be as by default, `paletted` needs a palette, and channels should be 1 or 3 where
 * some pictures are grey and others colour. PRNN_ERROR_FORMAT: none of them can be used; PRNN_ERROR_ARGUMENT:
 * the folder holds data of another kind. Free with prnn_listing_free. */
PRNN_API prnn_status prnn_listing_open(prnn_context *ctx, const char *path, const prnn_data_options *options,
                                       prnn_listing **listing);
PRNN_API void prnn_listing_free(prnn_listing *listing);

/* Number of pictures. */
PRNN_API size_t prnn_listing_count(const prnn_listing *listing);
/* As prnn_data_skipped. */
PRNN_API size_t prnn_listing_skipped(const prnn_listing *listing);
/* Fills *info, which begins as PRNN_PICTURE_INFO_INIT, with picture i, 0 <= i < prnn_listing_count. */
PRNN_API void prnn_listing_picture(const prnn_listing *listing, size_t i, prnn_picture_info *info);

/* The number of sizes that occur. */
PRNN_API size_t prnn_listing_group_count(const prnn_listing *listing);
/* The numbers in the list of the *count pictures of a group, ascending; owned by the list. Groups are in the
 * order of their first pictures. */
PRNN_API const size_t *prnn_listing_group(const prnn_listing *listing, size_t group, size_t *count);

/* Reads pictures of a group into a data set, in memory: those from its number `first` on, at most `limit` (0:
 * all), in their order, with their names and numbers. The files must be as they were: PRNN_ERROR_FILE or
 * PRNN_ERROR_FORMAT names one that is not. The set, which prnn_data_free frees, does not need the list. */
PRNN_API prnn_status prnn_listing_data(prnn_context *ctx, const prnn_listing *listing, size_t group,
                                       size_t first, size_t limit, prnn_data **data);

/* ---------------------------------------------------------------------------------- likelihood */

typedef struct prnn_evaluate_options {
    size_t size;
    const uint8_t *small; /* of a conditional model: the small images, (count, s, s, C) levels; NULL: those
                             that the images contain, at every H / s-th row and column. Of others NULL */
    bool new_only;        /* values that the small image gives count 0: it makes them certain */
    prnn_progress_fn progress;
    void *user;
    /* Unless NULL, each gets (count, H, W, C) floats: what the model, which knows the values before a value,
     * expected of its -log p: the mean, which is the entropy in nats, and the variance; 0 where it counts 0.
     */
    float *entropies;
    float *variances;
} prnn_evaluate_options;

#define PRNN_EVALUATE_OPTIONS_INIT                                                                           \
    { sizeof(prnn_evaluate_options), NULL, false, NULL, NULL, NULL, NULL }

/* Negative log-likelihood of `count` images: nats[i] per image and, unless NULL, values[] per value,
 * (count, H, W, C) float in nats. Of a conditional model it is -log p(large | small) over all values, with
 * new_only over those that the small image does not give (docs/equations.md).
 * Over images that the model draws, nats[i] less the sum of the image's entropies has the mean 0, and the
 * mean of its square is that of the sum of the variances.
 * PRNN_ERROR_ARGUMENT: a value is no level of the model.
 * PRNN_ERROR_FORMAT names the first image whose likelihood is not finite: a model whose weights lead out of
 * the range of numbers; nats and values then hold what was computed. After PRNN_STOPPED they hold the first
 * images, as many as the callback was told. */
PRNN_API prnn_status prnn_evaluate(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                   size_t count, const prnn_evaluate_options *options, double *nats,
                                   float *values);

/* bits per dimension = nats / (H W C ln 2). */
PRNN_API double prnn_bits_per_dim(const prnn_model *model, double nats);

/* Logits of every conditional, (count, H, W, C, M) float: M = K, or 1 for K = 2 (docs/equations.md). A
 * mixture of logistics has M = 3 * components parameters instead: logits of the weights, means, log-scales
 * (docs/equations.md says how they are read). They are what the network computes, finite or not.
 * PRNN_ERROR_ARGUMENT: a value is no level of the model. */
PRNN_API prnn_status prnn_logits(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                 size_t count, float *logits);

/* M of prnn_logits. */
PRNN_API size_t prnn_logits_per_value(const prnn_model *model);

/* Natural logarithms of the probabilities of the levels of `count` values, (count, K), from their logits,
 * (count, M), whatever the model's output. PRNN_ERROR_ARGUMENT for logits that are not finite. */
PRNN_API prnn_status prnn_log_probabilities(prnn_context *ctx, const prnn_model *model, const float *logits,
                                            size_t count, double *logs);

/* Mean NLL of `count` images in nats, and its gradient by every parameter, in the order of the block of
 * parameters (prnn_model_parameter_count floats); zero for masked weights. The NLL is that of
 * prnn_evaluate, and is refused as there if it is not finite. (prnn_train leaves out the values that the
 * small image of a conditional model gives.) PRNN_ERROR_ARGUMENT: count is not 1..65536, or a value is no
 * level of the model. */
PRNN_API prnn_status prnn_gradient(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                   size_t count, double *mean_nats, float *gradient);

/* ------------------------------------------------------------------------ sampling, completion */

typedef struct prnn_sample_options {
    size_t size;
    uint64_t seed;      /* an image is a function of (model, seed, its number) alone */
    uint64_t first;     /* number of the first image that the call gives; the next one has the next number */
    double temperature; /* p(level) becomes p^(1/temperature) / sum; 1e-38 to 1e38; 1: the model itself */
    prnn_progress_fn progress;
    void *user;
} prnn_sample_options;

#define PRNN_SAMPLE_OPTIONS_INIT                                                                             \
    { sizeof(prnn_sample_options), 0, 0, 1.0, NULL, NULL }

/* Draws `count` images, (count, H, W, C) levels. 100 are the same as 60, and then 40 with `first` 60. Costs
 * about one forward pass per image. Refuses a conditional model, which needs small images: see prnn_upscale.
 * After a failure, or PRNN_STOPPED, `images` hold nothing of use beyond those that the callback was told of.
 */
PRNN_API prnn_status prnn_sample(prnn_context *ctx, const prnn_model *model, size_t count,
                                 const prnn_sample_options *options, uint8_t *images);

/* Completes `count` images (count, H, W, C), `samples` times each, into `completed`
 * (count, samples, H, W, C). `known` is (H, W), one mask for all: where it is not 0 the image's pixel is
 * kept, elsewhere it is drawn. A drawn value is conditioned on the values before it in raster order,
 * known or drawn; known values after it are kept but cannot influence it (paper, figures 1 and 9). With a
 * conditional model the pixels of the small image must be known. Completion s of image i has the number
 * first + i * samples + s: what is completed later goes on with it. No image, or no sample, is fine.
 * PRNN_ERROR_ARGUMENT: a value is no level of the model. After a failure, or PRNN_STOPPED, `completed` holds
 * nothing of use beyond the completions that the callback was told of. */
PRNN_API prnn_status prnn_complete(prnn_context *ctx, const prnn_model *model, const uint8_t *images,
                                   size_t count, const uint8_t *known, size_t samples,
                                   const prnn_sample_options *options, uint8_t *completed);

/* Draws `samples` large images for each of `count` small ones, (count, s, s, C), under a conditional model,
 * into `large` (count, samples, H, W, C). The pixels of a small image are kept, at every H / s-th row and
 * column. Large image s of small one i has the number first + i * samples + s, and is a function of that, the
 * model, the seed and its small image. A chain of models is sampled by prnn_sample and one prnn_upscale for
 * each larger scale, with one seed: draws of different scales are independent of each other.
 * PRNN_ERROR_ARGUMENT: the model is unconditional, or a small value is no level of it. After PRNN_STOPPED the
 * first images are done, as many as the callback was told. */
PRNN_API prnn_status prnn_upscale(prnn_context *ctx, const prnn_model *model, const uint8_t *small,
                                  size_t count, size_t samples, const prnn_sample_options *options,
                                  uint8_t *large);

/* ------------------------------------------------------------------------------- step by step */

/* Images that come into being value by value, in raster order, the channels of a pixel one after the other:
 * the model says what it expects of the next value of each image, and gets it. With it one can compress and
 * decompress, show images while they are drawn, complete them by hand. All steps together cost about as much
 * as prnn_sample does. A step that is refused (PRNN_ERROR_ARGUMENT: all values are there, a level is none of
 * the model's, the context is another one; PRNN_ERROR_FORMAT) leaves everything as it was. */
typedef struct prnn_stepper prnn_stepper;

typedef struct prnn_stepper_options {
    size_t size;
    const uint8_t *small; /* of a conditional model: the small images, (count, s, s, C) levels, copied;
                             of others NULL */
    uint64_t seed;        /* these three are for prnn_stepper_draw, and mean what they do in sampling */
    uint64_t first;
    double temperature;
} prnn_stepper_options;

#define PRNN_STEPPER_OPTIONS_INIT                                                                            \
    { sizeof(prnn_stepper_options), NULL, 0, 0, 1.0 }

/* Begins `count` images, 1..INT_MAX. It takes memory for all of them at once: PRNN_ERROR_MEMORY says how
 * much. The stepper belongs to the context, and computes with the kernels and the precision that this has
 * now; the model must not be changed or freed before it. Free it with prnn_stepper_free, before the context,
 * and while no call in that is at work. */
PRNN_API prnn_status prnn_stepper_create(prnn_context *ctx, const prnn_model *model, size_t count,
                                         const prnn_stepper_options *options, prnn_stepper **stepper);
PRNN_API void prnn_stepper_free(prnn_stepper *stepper);

/* Which value is the next one (each pointer unless NULL); false: none, all values are there. The values that
 * the small image of a conditional model gives are there from the beginning and are passed over. */
PRNN_API bool prnn_stepper_next(const prnn_stepper *stepper, int *row, int *col, int *channel);

/* What the model expects of the next value of each image: its logits, (count, M), the same bits that
 * prnn_logits gives for the finished images, finite or not; or the natural logarithms of the probabilities of
 * its levels, (count, K), those of prnn_log_probabilities (PRNN_ERROR_FORMAT for logits that are not finite).
 * May be asked again, or not at all: a stretch of values that are put unasked costs less. */
PRNN_API prnn_status prnn_stepper_logits(prnn_context *ctx, prnn_stepper *stepper, float *logits);
PRNN_API prnn_status prnn_stepper_log_probabilities(prnn_context *ctx, prnn_stepper *stepper, double *logs);

/* Gives the next value of each image, levels[count]. */
PRNN_API prnn_status prnn_stepper_put(prnn_context *ctx, prnn_stepper *stepper, const uint8_t *levels);

/* Draws it, and tells unless `levels`, (count), is NULL. The levels are those that prnn_sample draws for
 * images of these numbers, seed and temperature (prnn_complete, after values that were put; prnn_upscale). */
PRNN_API prnn_status prnn_stepper_draw(prnn_context *ctx, prnn_stepper *stepper, uint8_t *levels);

/* The images so far, (count, H, W, C); values that are not there yet are 0. The stepper's: they change with
 * each step. */
PRNN_API const uint8_t *prnn_stepper_images(const prnn_stepper *stepper);

/* --------------------------------------------------------------------------------- certificate */

typedef struct prnn_check_options {
    size_t size;
    uint64_t seed;    /* of the images, the changes and the choice of values */
    size_t positions; /* values that are changed, at most: the first of a random order; 0: all */
    prnn_progress_fn progress;
    void *user;
} prnn_check_options;

#define PRNN_CHECK_OPTIONS_INIT                                                                              \
    { sizeof(prnn_check_options), 0, 1024, NULL, NULL }

/* Changes of images: each gave other levels to one value and to all after it. */
typedef struct prnn_causality {
    uint64_t changes;
    uint64_t kept;  /* conditionals at or before the change that were compared, and did not move by a bit */
    uint64_t leaks; /* those that moved */
    uint64_t moved; /* conditionals after the change that moved, as they may: the test can see something */
    size_t leak_of, leak_from; /* of the first leak: the number of the value whose conditional moved, and of
                                  the first changed one, (row * W + column) * C + channel */
} prnn_causality;

/* What prnn_check found. */
typedef struct prnn_certificate {
    size_t size;
    bool passed;
    bool agrees;                         /* difference is at most 1e-3, in bf16 0.1 */
    bool normalised;                     /* worst_sum is at most 1e-4 */
    int height, width, channels, levels; /* of the model */
    uint64_t unmasked, masked;           /* weights that the masks let through, and the others */
    uint64_t nonzero;                    /* of the masked ones */
    char nonzero_name[96];               /* the first of them: "head.0.weight[3, 1, 0, 0]" */
    prnn_causality kernels;              /* with the kernels of the context */
    prnn_causality plain;                /* one weight after the other, in double precision, without masks */
    double difference;                   /* of the logits of both, ||kernels - plain|| / ||plain|| */
    uint64_t sums;                       /* conditionals whose probabilities were added over all levels */
    double worst_sum;                    /* largest |sum - 1| */
} prnn_certificate;

#define PRNN_CERTIFICATE_INIT                                                                                \
    {                                                                                                        \
        sizeof(prnn_certificate), false, false, false, 0, 0, 0, 0, 0, 0, 0, "", {0, 0, 0, 0, 0, 0},          \
            {0, 0, 0, 0, 0, 0}, 0, 0, 0                                                                      \
    }

/* Proves on a model file, as far as changing values can, that no conditional depends on a value at or after
 * its own, that the weights behind masks are zero, and that probabilities sum to one. Two images are changed,
 * one drawn from the model and one of noise. The plain evaluation takes the file as any other program would,
 * masked weights included, at up to a 32nd of `positions` (at least 8; at all values with 0); it does a few
 * GFLOP/s at best, so large models take minutes. The kernels get the model with its masked weights set to 0,
 * as every other function would demand. A model that moves nothing at all (a new one, whose logits are 0)
 * passes, with `moved` 0.
 *
 * PRNN_OK says that the certificate, which begins as PRNN_CERTIFICATE_INIT, is filled in, not that it passed;
 * else it is as it was. A file (a model, a checkpoint or a folder with a model) that prnn_model_load would
 * refuse for anything but a mask is refused in the same words; a model whose logits are not finite with
 * PRNN_ERROR_FORMAT. PRNN_STOPPED: the callback said so. */
PRNN_API prnn_status prnn_check(prnn_context *ctx, const char *path, const prnn_check_options *options,
                                prnn_certificate *certificate);

/* ------------------------------------------------------------------------------------ training */

typedef enum prnn_optimizer {
    PRNN_RMSPROP,
    PRNN_ADAM,
    PRNN_SGD,
    PRNN_MUON /* orthogonal steps of the layers' matrices (Jordan et al. 2024), of all else Adam's */
} prnn_optimizer;

typedef enum prnn_schedule {
    PRNN_CONSTANT,
    PRNN_COSINE, /* falls along half a cosine to final_fraction at the last step */
    PRNN_STEP    /* times decay_factor every decay_epochs */
} prnn_schedule;

/* Models that predict together: see "ensembles of models" below. */
typedef struct prnn_ensemble prnn_ensemble;

typedef struct prnn_train_options {
    size_t size;
    double epochs;  /* passes over the data, above 0 to 1e9; used where steps is 0 */
    uint64_t steps; /* optimizer steps */
    int batch;      /* images per step, 1..65536; the last batch of an epoch may be smaller */
    prnn_optimizer optimizer;
    double learning_rate; /* 0..1e6 */
    prnn_schedule schedule;
    double warmup_steps;   /* the rate rises linearly over the first steps; 0..1e12 */
    double final_fraction; /* cosine: last rate / learning_rate, 0..1 */
    double decay_factor;   /* step: 0..1 */
    double decay_epochs;   /* step: above 0 to 1e9 */
    double beta1;   /* rmsprop, sgd: momentum; adam, muon: decay of the mean; up to 0.999999; negative: 0,
                       adam 0.9, muon 0.95 */
    double beta2;   /* all but sgd: decay of the mean square, up to 0.999999; negative: 0.95, adam and muon
                       0.999 */
    double epsilon; /* all but sgd: added to the root of the mean square, 1e-30..1e6 */
    double clip;    /* bound of the gradient's global norm, up to 1e12; 0: none */
    double ema;     /* decay of the moving average of the weights, up to 0.999999, used for validation and
                       the model file; 0: none */
    uint64_t seed;  /* order of the images, draws of binarize_sample, flip, shift and dropout */
    uint64_t valid_every;    /* steps between validations; 0: once an epoch */
    uint64_t log_every;      /* steps between lines of metrics.csv; 0: ten an epoch, and at validations */
    double checkpoint_every; /* seconds between checkpoints (and one at each validation and at the end),
                                0..1e9; 0: one after every step */
    bool resume;             /* go on from out/checkpoint.safetensors */
    const char *out;         /* folder, made if missing; required */
    prnn_progress_fn progress;
    void *user;
    /* For small sets, which a model learns by heart (docs/small-sets.md). Validations see nothing of them. */
    bool flip; /* each image is mirrored, left to right, with probability 1/2, anew each epoch */
    int shift; /* and moved by -shift .. shift pixels down and to the right, which the edge's pixels fill;
                  below the images' height and width */
    double dropout; /* probability that a feature of a layer's output is 0, from 0 to below 1, rounded to a
                       multiple of 1/65536; the others are divided by 1 - dropout */
    double weight_decay; /* each step first takes this part, times the learning rate, of each weight away; not
                            of biases and initial states; weight_decay * learning_rate below 1 */
    uint64_t patience;   /* training ends when so many validations in a row brought no lower NLL; 0: never;
                            else it needs `valid` */
    /* Soft targets (knowledge distillation, Hinton et al. 2015): of each value, given those before it in the
     * training image, `teacher` says what it expects, and the gradient is that of the cross-entropy to the
     * mixture of teacher_weight parts (0..1) of its distribution and 1 - teacher_weight parts of the level
     * that is there. The likelihoods that are reported are those of the images, as without. NULL: none. Its
     * models (of any kind and output) must be for the same images, outlast the training and not be changed
     * during it; the trained one may not have a mixture of logistics, nor be among them, and what
     * condition_size and palette it has they have too. */
    const prnn_ensemble *teacher;
    double teacher_weight;
} prnn_train_options;

#define PRNN_TRAIN_OPTIONS_INIT                                                                              \
    {                                                                                                        \
        sizeof(prnn_train_options), 10, 0, 16, PRNN_RMSPROP, 1e-3, PRNN_CONSTANT, 0, 0, 0.5, 10, -1, -1,     \
            1e-8, 0, 0, 0, 0, 0, 60, false, NULL, NULL, NULL, false, 0, 0, 0, 0, NULL, 0.5                   \
    }

/* Trains `model` from its present weights by stochastic gradient descent on the mean NLL of a batch in
 * nats (paper section 5); of a conditional model, on that of the values that the small image does not give,
 * which is its share of a chain's. Writes into options->out:
 *   model.safetensors       the weights (their moving average, with ema) of the best validation; without
 *                           `valid` (which may be NULL) those of the last step
 *   metrics.csv             step, epoch, seconds, learning rate, training and validation NLL, images/s, share
 *                           of the steps' time spent in exchange between ranks
 *   checkpoint.safetensors  everything that `resume` needs; a resumed run ends with the same bits as one
 *                           that was never interrupted
 * and, with PRNN_OK and PRNN_STOPPED, leaves in `model` what model.safetensors holds (as long as nothing was
 * validated there is none). The palette of a paletted training set becomes the model's; where the model has
 * one, or the validation set, it must be the same. PRNN_ERROR_FORMAT: all values of the training images are
 * the same, so there is nothing to learn. PRNN_ERROR_DIVERGED keeps the last good checkpoint and model. A
 * folder that already holds one of these files is refused, with PRNN_ERROR_FILE, unless `resume` finds its
 * checkpoint. */
PRNN_API prnn_status prnn_train(prnn_context *ctx, prnn_model *model, const prnn_data *train,
                                const prnn_data *valid, const prnn_train_options *options);

/* -------------------------------------------------------------------- training, step by step */

/* A training under way, for a loop of the caller's own:
 *
 *     prnn_trainer *trainer = NULL;
 *     bool done = false;
 *     prnn_status status = prnn_trainer_create(ctx, model, train, valid, &options, &trainer);
 *     while (status == PRNN_OK && !done) {
 *         double nats;
 *         status = prnn_trainer_step(ctx, trainer, &nats, &done);
 *     }
 *     prnn_trainer_free(trainer);
 *
 * ends with the same bits as prnn_train, which is such a loop: in the weights and in all files but for times.
 * A trainer belongs to the context that it was made with, in the arithmetic that this has then; in another
 * one every function refuses it with PRNN_ERROR_ARGUMENT. */
typedef struct prnn_trainer prnn_trainer;

/* Begins a training, or (options->resume) goes on with one: checks everything, makes the folder options->out
 * and locks it, asks for all memory, and writes the first checkpoint. The arguments and failures are those of
 * prnn_train. The context, the model and the data sets stay the caller's and must outlast the trainer; what
 * the options point to need not, but for `user` and `teacher`. The model has the weights of the best
 * validation from the first one on (without validation images those of the last save), and other changes of
 * it are lost. options->progress is called during validations only, and of all calls with this trainer only
 * prnn_trainer_progress is allowed in it. Free with prnn_trainer_free; *trainer is NULL after a failure. */
PRNN_API prnn_status prnn_trainer_create(prnn_context *ctx, prnn_model *model, const prnn_data *train,
                                         const prnn_data *valid, const prnn_train_options *options,
                                         prnn_trainer **trainer);

/* One update of the weights, and then what the options make due after it: a validation, a line of
 * metrics.csv, a checkpoint, the model; after the last update all of them. *nats (which may be NULL) becomes
 * the mean NLL of the batch in nats before the update. *done: that was the last one; after it nothing happens
 * and *nats is NaN. What fails after an update (a file that cannot be written) is done by the next call.
 * PRNN_ERROR_DIVERGED: as prnn_train; free the trainer, which does nothing any more. PRNN_STOPPED: the
 * progress callback said so during a validation; a checkpoint was written, and the next step, or a resumed
 * run, begins with that validation. */
PRNN_API prnn_status prnn_trainer_step(prnn_context *ctx, prnn_trainer *trainer, double *nats, bool *done);

/* Validates now, unless that was done after the present number of updates: *nats (which may be NULL) becomes
 * the mean NLL of the validation images in nats, and metrics.csv gets a line. The model gets the best weights
 * so far; model.safetensors gets them at the next prnn_trainer_save, checkpoint or last step. It counts for
 * options->patience: if it ends the training, the next prnn_trainer_step writes all files and is done.
 * PRNN_ERROR_ARGUMENT without validation images; PRNN_STOPPED: the progress callback said so, and a
 * checkpoint was written; *nats is as it was. */
PRNN_API prnn_status prnn_trainer_validate(prnn_context *ctx, prnn_trainer *trainer, double *nats);

/* Writes checkpoint.safetensors, from which options->resume goes on, and model.safetensors: the weights of
 * the best validation (none yet: not written), or the present ones if there are no validation images. The
 * model has the same. PRNN_ERROR_FILE leaves what was there. */
PRNN_API prnn_status prnn_trainer_save(prnn_context *ctx, prnn_trainer *trainer);

/* Fills *progress, which begins as PRNN_PROGRESS_INIT, with how far it is, as a progress callback of
 * prnn_train hears it: phase "train", `done` of `total` updates. */
PRNN_API void prnn_trainer_progress(const prnn_trainer *trainer, prnn_progress *progress);

/* Ends a training where it is, without saving: what happened since the last checkpoint is lost. */
PRNN_API void prnn_trainer_free(prnn_trainer *trainer);

/* ---------------------------------------------------------------------- memory for a training */

/* Whether there is memory to train a new model of `config` so: PRNN_ERROR_MEMORY says how much it takes,
 * before anything is made (prnn_train looks again, at what is there then). Work for which the threads' memory
 * is short takes fewer threads. The other arguments are those of prnn_train; PRNN_ERROR_ARGUMENT as
 * prnn_model_create and prnn_train would. */
PRNN_API prnn_status prnn_train_fits(prnn_context *ctx, const prnn_config *config, const prnn_data *train,
                                     const prnn_data *valid, const prnn_train_options *options);

/* ------------------------------------------------------------------------------ chains of models */

/* Models that work together, from small images to large ones (multi-scale, paper section 3.4): each model but
 * the first is conditional on the images of the one before it, has their size as its condition_size, and the
 * same channels and levels. The pixels of a small image are every n-th of every n-th row of the large one, so
 * a value is new at the smallest scale that has it, and given at all larger ones. The images of a chain are
 * those of its last model. A chain may begin with a conditional model; what it is given comes from outside.
 * Contexts may share a chain as they may its models. */
typedef struct prnn_chain prnn_chain;

/* A chain of `count` models, at least 1, which stay the caller's and must outlive it. PRNN_ERROR_ARGUMENT
 * says which two models do not fit, with both sizes, or that their palettes differ. Free with
 * prnn_chain_free. */
PRNN_API prnn_status prnn_chain_create(prnn_context *ctx, const prnn_model *const *models, size_t count,
                                       prnn_chain **chain);

/* The same, of models that it loads from `count` paths (prnn_model_load) and owns. PRNN_ERROR_ARGUMENT names
 * the two paths whose models do not fit; other errors are those of prnn_model_load. */
PRNN_API prnn_status prnn_chain_load(prnn_context *ctx, const char *const *paths, size_t count,
                                     prnn_chain **chain);
PRNN_API void prnn_chain_free(prnn_chain *chain);

/* Number of models. */
PRNN_API size_t prnn_chain_count(const prnn_chain *chain);
/* Model i, 0 <= i < prnn_chain_count, from small images to large ones; owned by who owned it. */
PRNN_API const prnn_model *prnn_chain_model(const prnn_chain *chain, size_t i);
/* prnn_model_config of the last model: H, W, C and K of the chain's images. */
PRNN_API void prnn_chain_config(const prnn_chain *chain, prnn_config *config);

/* Whether the pixel (row, column) of a model's images, 0 <= row < H and 0 <= column < W, is one that its
 * small image gives; false for every pixel of an unconditional model. */
PRNN_API bool prnn_model_pixel_is_given(const prnn_model *model, int row, int column);

/* Negative log-likelihood in nats of `count` images (count, H, W, C), every value counted once, under the
 * model where it is new. nats[i] is the whole of image i: -log p(image) exactly, so that the probabilities of
 * all images sum to 1; where the first model is conditional, -log p(image | the small image in it).
 * scale_nats (count, prnn_chain_count), unless NULL, has the part of each model, which sum to nats[i] but for
 * rounding; `values` (count, H, W, C) float, unless NULL, has that of each value, 0 for what is given to the
 * first model. Of the options (NULL: defaults) `small` are those of the first model, where that is
 * conditional; new_only changes nothing; the progress of each model begins anew. PRNN_ERROR_ARGUMENT: a value
 * is no level. PRNN_ERROR_FORMAT: as prnn_evaluate. After PRNN_STOPPED the numbers are of no use. */
PRNN_API prnn_status prnn_chain_evaluate(prnn_context *ctx, const prnn_chain *chain, const uint8_t *images,
                                         size_t count, const prnn_evaluate_options *options, double *nats,
                                         double *scale_nats, float *values);

/* Draws `count` images, (count, H, W, C) levels: the first model draws small ones, each other one enlarges
 * them (prnn_sample, then prnn_upscale, all with the same options). Image i is a function of (models, seed,
 * i) alone. The progress of each model begins anew. PRNN_ERROR_ARGUMENT: the first model is conditional.
 * After any failure `images` hold nothing of use. */
PRNN_API prnn_status prnn_chain_sample(prnn_context *ctx, const prnn_chain *chain, size_t count,
                                       const prnn_sample_options *options, uint8_t *images);

/* Completes `count` images (count, H, W, C), `samples` times each, into `completed` (count, samples, H, W,
 * C), as prnn_complete does: `known` is (H, W), 0 where a pixel is to be drawn. The first model completes the
 * small images in the images, each other one what is new in its own, given them. Where the first model is
 * conditional, the pixels that it is given must be known. After any failure `completed` holds nothing of use.
 */
PRNN_API prnn_status prnn_chain_complete(prnn_context *ctx, const prnn_chain *chain, const uint8_t *images,
                                         size_t count, const uint8_t *known, size_t samples,
                                         const prnn_sample_options *options, uint8_t *completed);

/* Draws `samples` large images for each of `count` small ones, (count, s, s, C) with the s of the first
 * model, into `large` (count, samples, H, W, C): the first model draws so many for each, every other one
 * enlarges what it gets (prnn_upscale). PRNN_ERROR_ARGUMENT: the first model is unconditional, or a small
 * value is no level. After any failure `large` holds nothing of use. */
PRNN_API prnn_status prnn_chain_upscale(prnn_context *ctx, const prnn_chain *chain, const uint8_t *small,
                                        size_t count, size_t samples, const prnn_sample_options *options,
                                        uint8_t *large);

/* ----------------------------------------------------------------------------- ensembles of models */

/* Models of the same images whose predictions are averaged: of each value, given those before it, an ensemble
 * of n models has the probability
 *     p(value | before) = (p_1(value | before) + ... + p_n(value | before)) / n.
 * That is an autoregressive model as its models are, and exact: the probabilities of all images sum to 1. No
 * value costs more nats than it costs its models in the mean, and an ensemble of one model, or of one model
 * many times, is that model. (The mean of the probabilities of whole images is another model, mostly a worse
 * one: prnn_mixture_nats of the nats of an image under each model says what it costs.) Contexts may share an
 * ensemble as they may its models.
 *
 * An ensemble of `count` models, at least 1, which stay the caller's and must outlive it. They may be of any
 * kind, and are alike in size, channels, levels, palette and size of the small images that they are given:
 * else PRNN_ERROR_ARGUMENT says which two are not. Free with prnn_ensemble_free. */
PRNN_API prnn_status prnn_ensemble_create(prnn_context *ctx, const prnn_model *const *models, size_t count,
                                          prnn_ensemble **ensemble);

/* The same, of models that it loads from `count` paths (prnn_model_load) and owns. PRNN_ERROR_ARGUMENT names
 * the two paths whose models are not alike; other errors are those of prnn_model_load. */
PRNN_API prnn_status prnn_ensemble_load(prnn_context *ctx, const char *const *paths, size_t count,
                                        prnn_ensemble **ensemble);

/* An ensemble of images of another size, of models that prnn_model_resize makes, and refuses, and that it
 * owns. It does not need the first one. */
PRNN_API prnn_status prnn_ensemble_resize(prnn_context *ctx, const prnn_ensemble *ensemble, int height,
                                          int width, prnn_ensemble **resized);
PRNN_API void prnn_ensemble_free(prnn_ensemble *ensemble);

/* Number of models. */
PRNN_API size_t prnn_ensemble_count(const prnn_ensemble *ensemble);
/* Model i, 0 <= i < prnn_ensemble_count, in the order that was given; owned by who owned it. */
PRNN_API const prnn_model *prnn_ensemble_model(const prnn_ensemble *ensemble, size_t i);

/* Negative log-likelihood of `count` images in nats under the ensemble: nats[i] of image i, and, unless NULL,
 * `values` (count, H, W, C) float of each value, of which nats[i] is the sum before they were rounded to
 * floats. member_nats (count, prnn_ensemble_count), unless NULL, has that of each image under each model
 * alone, as prnn_evaluate gives it. Options (NULL: defaults) as there, except that entropies and variances,
 * which do not follow from those of the models, must be NULL, and that progress counts each image once for
 * each model. It costs the evaluations of all models. PRNN_ERROR_ARGUMENT: a value is no level.
 * PRNN_ERROR_FORMAT names the first image whose likelihood is not finite under one of the models; nats and
 * member_nats of it are then not finite. After PRNN_STOPPED the numbers are of no use. */
PRNN_API prnn_status prnn_ensemble_evaluate(prnn_context *ctx, const prnn_ensemble *ensemble,
                                            const uint8_t *images, size_t count,
                                            const prnn_evaluate_options *options, double *nats,
                                            double *member_nats, float *values);

/* What something costs whose probability is the mean of `count`, at least 1, probabilities exp(-nats[k]):
 * -log((exp(-nats[0]) + exp(-nats[1]) + ...) / count), without underflow, and the same bits everywhere; not
 * finite where one of them is NaN. */
PRNN_API double prnn_mixture_nats(const double *nats, size_t count);

/* ------------------------------------------------------------------------------------ archives */

/* Archives: images of any sizes and numbers, compressed without loss by the probabilities that a model gives
 * their values, which takes as many bits as prnn_evaluate says, and little more (docs/compression.md). Who
 * reads one needs the same model, of any size, unless it is inside. What the model would enlarge, and alpha,
 * is stored as zlib compresses it. An archive is the same bytes whatever made it, and is read with any number
 * of threads, on every processor and device that computes in its arithmetic.
 *
 * The values of an image are (height, width, channels) bytes, the channels 1: grey, 2: grey and alpha, 3: R,
 * G, B, 4: and alpha. Any bytes come back as they were; those that are levels 0..K-1 of the model, or the
 * bytes round(255 k / (K - 1)) for them, are coded by it. Grey is coded as three equal colours by a model of
 * colours, and colours as three grey images by a model of grey. A model with a palette codes images, colour
 * or grey, whose colours are all in it by their numbers, one a pixel; who reads them needs that palette, too.
 */

typedef struct prnn_archive_options {
    size_t size;
    int block; /* parts of images that are coded together, 1..65535: less is lost by damage and decoded for
                  one image, more compresses a little better; 0: about 32 KB of them */
    int tile;  /* images with longer sides are cut into even tiles, none longer, 16..4096; 0: 128 */
    bool model_inside;         /* the archive gets the model, too */
    bool no_verify;            /* what was compressed is not decompressed at once and compared */
    uint64_t expected;         /* images that will come, for progress; 0: nobody knows */
    prnn_progress_fn progress; /* phase "compress" */
    void *user;
} prnn_archive_options;

#define PRNN_ARCHIVE_OPTIONS_INIT                                                                            \
    { sizeof(prnn_archive_options), 0, 0, false, false, 0, NULL, NULL }

/* What is known of an archive. */
typedef struct prnn_archive_info {
    size_t size;
    uint64_t images;
    uint64_t raw_bytes;   /* of the values of all images */
    uint64_t bytes;       /* of the file; of these: */
    uint64_t coded_bytes; /* streams of what the model codes */
    uint64_t stored_bytes;
    uint64_t model_bytes; /* of the model inside; 0: there is none */
    uint64_t blocks;      /* whose streams these are */
    uint64_t stored_blocks;
    int channels, levels, tile; /* C and K of the model */
    int damaged;          /* 0: nothing is; else `problem` says what, as far as it shows without decoding */
    char arithmetic[16];  /* prnn_context_arithmetic */
    char fingerprint[72]; /* of the model: prnn_model_fingerprint */
    char problem[256];
} prnn_archive_info;

#define PRNN_ARCHIVE_INFO_INIT                                                                               \
    { sizeof(prnn_archive_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "", "", "" }

/* 64 hexadecimal digits, the SHA-256 of the model's config, without the size of its images, and weights: that
 * of an archive which it can read. `text` has room for 65 bytes. */
PRNN_API prnn_status prnn_model_fingerprint(prnn_context *ctx, const prnn_model *model, char *text);

typedef struct prnn_archive_writer prnn_archive_writer;

/* Begins an archive at `path`; it is there when prnn_archive_writer_finish has written it, and what was there
 * stays until then. The context and the model must outlast the writer. PRNN_ERROR_ARGUMENT: the model is
 * conditional, or the precision is not fp32. Free with prnn_archive_writer_free. Ranks (ranks.h) that share
 * the work begin it together, and all add the same images; its bytes do not depend on how many they are. */
PRNN_API prnn_status prnn_archive_writer_create(prnn_context *ctx, const prnn_model *model, const char *path,
                                                const prnn_archive_options *options,
                                                prnn_archive_writer **writer);

/* Adds `count` images, one after the other, copied. Of one image `name` may say the name, unless NULL: that
 * of a file below some folder ("a/b.png"). Images are compressed when about 32 MB are there, which is what a
 * writer takes, or one image, and half as much again for each thread at most. After a failure (PRNN_STOPPED
 * is progress's) a writer can only be freed. */
PRNN_API prnn_status prnn_archive_writer_add(prnn_context *ctx, prnn_archive_writer *writer, const char *name,
                                             const uint8_t *values, size_t count, int height, int width,
                                             int channels);

/* Compresses what is left and writes the file; *info (unless NULL) begins as PRNN_ARCHIVE_INFO_INIT and is of
 * it. After it the writer can only be freed. */
PRNN_API prnn_status prnn_archive_writer_finish(prnn_context *ctx, prnn_archive_writer *writer,
                                                prnn_archive_info *info);

/* Unless it was finished, nothing is left of the archive. */
PRNN_API void prnn_archive_writer_free(prnn_archive_writer *writer);

/* An archive that is read. */
typedef struct prnn_archive prnn_archive;

/* Opens one, also if it is damaged or its end is missing, as far as something can be read. PRNN_ERROR_FORMAT:
 * nothing can. Free with prnn_archive_free. */
PRNN_API prnn_status prnn_archive_open(prnn_context *ctx, const char *path, prnn_archive **archive);
PRNN_API void prnn_archive_free(prnn_archive *archive);

/* Fills *info, which begins as PRNN_ARCHIVE_INFO_INIT. */
PRNN_API void prnn_archive_describe(const prnn_archive *archive, prnn_archive_info *info);

/* One image. */
typedef struct prnn_archive_image {
    size_t size;
    const char *name;            /* the archive's; "": it has none */
    int height, width, channels; /* 0: lost, with the list that it is in */
    int levels;                  /* K if the model codes its colours, and its values are levels; 256: they are
                                    bytes; 0: no model codes them */
    int colours;                 /* K if they are coded by their numbers in the model's palette; else 0 */
    uint32_t palette;            /* CRC-32 of that palette's colours, R, G, B of each; else 0 */
} prnn_archive_image;

#define PRNN_ARCHIVE_IMAGE_INIT                                                                              \
    { sizeof(prnn_archive_image), NULL, 0, 0, 0, 0, 0, 0 }

/* Number of images. */
PRNN_API uint64_t prnn_archive_count(const prnn_archive *archive);
/* Fills *image, which begins as PRNN_ARCHIVE_IMAGE_INIT, with image number `index` < prnn_archive_count. */
PRNN_API void prnn_archive_image_at(const prnn_archive *archive, uint64_t index, prnn_archive_image *image);
/* The number of the first image of that name; false: there is none. */
PRNN_API bool prnn_archive_find(const prnn_archive *archive, const char *name, uint64_t *index);

/* The model inside; free with prnn_model_free. PRNN_ERROR_ARGUMENT: there is none. */
PRNN_API prnn_status prnn_archive_model(prnn_context *ctx, prnn_archive *archive, prnn_model **model);

/* Called, from the calling thread and in order, with each image and its values (height, width, channels), or
 * NULL: it is damaged, and `why` says where. Return false to stop. */
typedef bool (*prnn_archive_image_fn)(void *user, uint64_t index, const prnn_archive_image *image,
                                      const uint8_t *values, const char *why);

typedef struct prnn_archive_read_options {
    size_t size;
    uint64_t first, count; /* which images; 0 as count: all from `first` on. PRNN_ERROR_ARGUMENT beyond
                              prnn_archive_count */
    uint64_t max_pixels;   /* refuse more than so many in all, before anything is decoded: a small file may
                              claim a huge number; 0: 2^30 */
    bool check_only;       /* decode, and say what is damaged, but give no values */
    prnn_archive_image_fn image;
    prnn_progress_fn progress; /* phase "decompress" */
    void *user;
} prnn_archive_read_options;

#define PRNN_ARCHIVE_READ_OPTIONS_INIT                                                                       \
    { sizeof(prnn_archive_read_options), 0, 0, 0, false, NULL, NULL, NULL }

/* Decodes images; what is not asked for is not, but for what is coded together with it. `model` may be NULL
 * where all is stored. PRNN_ERROR_ARGUMENT, before anything is decoded: another model, another palette of it
 * (where images were coded by that), another arithmetic, bf16. PRNN_ERROR_FORMAT: some of the images are
 * damaged or, if all are asked for (first and count 0), anything in the file is; all others were given. No
 * value is given that is not as it was: checksums of the bytes and of the values, and the coder's end, see to
 * that. With check_only the values given are NULL, and `why` is NULL of what is whole. */
PRNN_API prnn_status prnn_archive_read(prnn_context *ctx, prnn_archive *archive, const prnn_model *model,
                                       const prnn_archive_read_options *options);

#ifdef __cplusplus
}
#endif

#endif
