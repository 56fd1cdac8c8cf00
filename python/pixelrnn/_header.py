"""The library's interface, as include/pixelrnn/ declares it.

Written by python/header.py --write; a test compares it with the headers.
"""
# ruff: noqa: I001, RUF012
from __future__ import annotations

from ctypes import (
    CFUNCTYPE, POINTER, c_bool, c_char, c_char_p, c_double, c_int, c_size_t, c_uint32, c_uint64, c_uint8,
    c_void_p,
)
from typing import Any

from ._struct import Struct

VERSION = "0.2.0"
VERSION_NUMBER = 200

STATUS = (
    "ok", "error_argument", "error_file", "error_format", "error_memory", "error_diverged", "stopped",
    "error_device", "error_rank",
)
KIND = ("row", "diagonal", "cnn")
OUTPUT = ("softmax", "logistics")
VALUES = ("8bit", "levels")
FIT = ("exact", "crop", "resize", "subsample")
ALPHA = ("over", "drop", "keep")
OPTIMIZER = ("rmsprop", "adam", "sgd", "muon")
SCHEDULE = ("constant", "cosine", "step")
LOSSLESS = ("png", "webp")
TYPE = ("u8", "f32", "f64")


class DeviceInfo(Struct):
    _fields_ = [
        ("size", c_size_t), ("name", c_char * 24), ("product", c_char * 128), ("driver", c_char * 128),
        ("memory", c_uint64), ("why_not", c_char * 256), ("why_no_bf16", c_char * 104),
    ]
    init = (b"", b"", b"", 0, b"", b"")


class Config(Struct):
    _fields_ = [
        ("size", c_size_t), ("kind", c_int), ("height", c_int), ("width", c_int), ("channels", c_int),
        ("levels", c_int), ("layers", c_int), ("residual", c_bool), ("hidden", c_int), ("skip", c_bool),
        ("head", c_int), ("condition_size", c_int), ("condition_features", c_int), ("output", c_int),
        ("components", c_int),
    ]
    enums = {"kind": KIND, "output": OUTPUT}
    init = (1, 28, 28, 1, 256, 7, True, 16, False, 32, 0, 0, 0, 0)


class Tensor(Struct):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("rank", c_int), ("shape", c_int * 4), ("count", c_size_t),
        ("offset", c_size_t), ("values", c_void_p),
    ]
    init = (None, 0, (0, 0, 0, 0,), 0, 0, None)


class Palette(Struct):
    _fields_ = [("count", c_int), ("colours", c_uint8 * 3 * 256)]


class Progress(Struct):
    _fields_ = [
        ("size", c_size_t), ("phase", c_char_p), ("done", c_uint64), ("total", c_uint64),
        ("seconds", c_double), ("images_per_second", c_double), ("epoch", c_double),
        ("learning_rate", c_double), ("train_nats", c_double), ("valid_nats", c_double),
        ("best_nats", c_double), ("best_step", c_uint64), ("not_lower", c_uint64), ("overfitted", c_uint64),
        ("exchange_share", c_double), ("wait_share", c_double), ("exchange_bytes", c_double),
    ]
    init = (None, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


ProgressFn = CFUNCTYPE(c_bool, c_void_p, POINTER(Progress))


SkippedFn = CFUNCTYPE(None, c_void_p, c_char_p, c_char_p)


NoteFn = CFUNCTYPE(None, c_void_p, c_char_p)


class DataOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("levels", c_int), ("values", c_int), ("binarize_sample", c_bool),
        ("height", c_int), ("width", c_int), ("channels", c_int), ("fit", c_int), ("first", c_size_t),
        ("limit", c_size_t), ("memory_limit", c_size_t), ("skipped", SkippedFn), ("progress", ProgressFn),
        ("user", c_void_p), ("note", NoteFn), ("alpha", c_int), ("background", c_uint8 * 3),
        ("as_stored", c_bool), ("shuffle", c_uint64), ("array", c_char_p), ("paletted", c_bool),
        ("together", c_bool), ("palette", c_void_p), ("palette_used", c_void_p), ("array_height", c_int),
        ("array_width", c_int),
    ]
    enums = {"values": VALUES, "fit": FIT, "alpha": ALPHA}
    init = (
        256, 0, False, 0, 0, 0, 0, 0, 0, 1 << 30, None, None, None, None, 0, (0, 0, 0,), False, 0, None,
        False, False, None, None, 0, 0,
    )


class PictureInfo(Struct):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("number", c_size_t), ("group", c_size_t), ("height", c_int),
        ("width", c_int), ("channels", c_int), ("transparent", c_int), ("deep", c_int),
        ("more_pages", c_int),
    ]
    init = (None, 0, 0, 0, 0, 0, 0, 0, 0)


class EvaluateOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("small", c_void_p), ("new_only", c_bool), ("progress", ProgressFn),
        ("user", c_void_p), ("entropies", c_void_p), ("variances", c_void_p),
    ]
    init = (None, False, None, None, None, None)


class SampleOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("seed", c_uint64), ("first", c_uint64), ("temperature", c_double),
        ("progress", ProgressFn), ("user", c_void_p),
    ]
    init = (0, 0, 1.0, None, None)


class StepperOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("small", c_void_p), ("seed", c_uint64), ("first", c_uint64),
        ("temperature", c_double),
    ]
    init = (None, 0, 0, 1.0)


class CheckOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("seed", c_uint64), ("positions", c_size_t), ("progress", ProgressFn),
        ("user", c_void_p),
    ]
    init = (0, 1024, None, None)


class Causality(Struct):
    _fields_ = [
        ("changes", c_uint64), ("kept", c_uint64), ("leaks", c_uint64), ("moved", c_uint64),
        ("leak_of", c_size_t), ("leak_from", c_size_t),
    ]


class Certificate(Struct):
    _fields_ = [
        ("size", c_size_t), ("passed", c_bool), ("agrees", c_bool), ("normalised", c_bool),
        ("height", c_int), ("width", c_int), ("channels", c_int), ("levels", c_int), ("unmasked", c_uint64),
        ("masked", c_uint64), ("nonzero", c_uint64), ("nonzero_name", c_char * 96), ("kernels", Causality),
        ("plain", Causality), ("difference", c_double), ("sums", c_uint64), ("worst_sum", c_double),
    ]
    init = (False, False, False, 0, 0, 0, 0, 0, 0, 0, b"", (0, 0, 0, 0, 0, 0,), (0, 0, 0, 0, 0, 0,), 0, 0, 0)


class TrainOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("epochs", c_double), ("steps", c_uint64), ("batch", c_int),
        ("optimizer", c_int), ("learning_rate", c_double), ("schedule", c_int), ("warmup_steps", c_double),
        ("final_fraction", c_double), ("decay_factor", c_double), ("decay_epochs", c_double),
        ("beta1", c_double), ("beta2", c_double), ("epsilon", c_double), ("clip", c_double),
        ("ema", c_double), ("seed", c_uint64), ("valid_every", c_uint64), ("log_every", c_uint64),
        ("checkpoint_every", c_double), ("resume", c_bool), ("out", c_char_p), ("progress", ProgressFn),
        ("user", c_void_p), ("flip", c_bool), ("shift", c_int), ("dropout", c_double),
        ("weight_decay", c_double), ("patience", c_uint64), ("teacher", c_void_p),
        ("teacher_weight", c_double),
    ]
    enums = {"optimizer": OPTIMIZER, "schedule": SCHEDULE}
    init = (
        10, 0, 16, 0, 1e-3, 0, 0, 0, 0.5, 10, -1, -1, 1e-8, 0, 0, 0, 0, 0, 60, False, None, None, None,
        False, 0, 0, 0, 0, None, 0.5,
    )


class ArchiveOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("block", c_int), ("tile", c_int), ("model_inside", c_bool),
        ("no_verify", c_bool), ("expected", c_uint64), ("progress", ProgressFn), ("user", c_void_p),
    ]
    init = (0, 0, False, False, 0, None, None)


class ArchiveInfo(Struct):
    _fields_ = [
        ("size", c_size_t), ("images", c_uint64), ("raw_bytes", c_uint64), ("bytes", c_uint64),
        ("coded_bytes", c_uint64), ("stored_bytes", c_uint64), ("model_bytes", c_uint64),
        ("blocks", c_uint64), ("stored_blocks", c_uint64), ("channels", c_int), ("levels", c_int),
        ("tile", c_int), ("damaged", c_int), ("arithmetic", c_char * 16), ("fingerprint", c_char * 72),
        ("problem", c_char * 256),
    ]
    init = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b"", b"", b"")


class ArchiveImage(Struct):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("height", c_int), ("width", c_int), ("channels", c_int),
        ("levels", c_int), ("colours", c_int), ("palette", c_uint32),
    ]
    init = (None, 0, 0, 0, 0, 0, 0)


ArchiveImageFn = CFUNCTYPE(c_bool, c_void_p, c_uint64, POINTER(ArchiveImage), c_void_p, c_char_p)


class ArchiveReadOptions(Struct):
    _fields_ = [
        ("size", c_size_t), ("first", c_uint64), ("count", c_uint64), ("max_pixels", c_uint64),
        ("check_only", c_bool), ("image", ArchiveImageFn), ("progress", ProgressFn), ("user", c_void_p),
    ]
    init = (0, 0, 0, False, None, None, None)


class Pixels(Struct):
    _fields_ = [
        ("values", c_void_p), ("height", c_int), ("width", c_int), ("channels", c_int), ("deep", c_bool),
        ("more_pages", c_bool),
    ]


class Parcel(Struct):
    _fields_ = [("data", c_void_p), ("bytes", c_size_t)]


class Ranks(Struct):
    _fields_ = [
        ("size", c_size_t), ("rank", c_int), ("count", c_int), ("exchange", c_void_p), ("gather", c_void_p),
        ("broadcast", c_void_p), ("why", c_void_p), ("user", c_void_p),
    ]
    init = (0, 1, None, None, None, None, None)


# name: what it returns, what it takes
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "prnn_version": (c_char_p, ()),
    "prnn_version_number": (c_int, ()),
    "prnn_status_name": (c_char_p, (c_int,)),
    "prnn_context_create": (c_void_p, ()),
    "prnn_context_free": (None, (c_void_p,)),
    "prnn_message": (c_char_p, (c_void_p,)),
    "prnn_context_set_threads": (c_int, (c_void_p, c_int)),
    "prnn_context_set_cpu": (c_int, (c_void_p, c_char_p)),
    "prnn_context_cpu": (c_char_p, (c_void_p,)),
    "prnn_context_set_precision": (c_int, (c_void_p, c_char_p)),
    "prnn_context_precision": (c_char_p, (c_void_p,)),
    "prnn_context_arithmetic": (c_char_p, (c_void_p,)),
    "prnn_context_set_device": (c_int, (c_void_p, c_char_p)),
    "prnn_context_device": (c_char_p, (c_void_p,)),
    "prnn_device_describe": (c_int, (c_void_p, c_size_t, POINTER(DeviceInfo), c_void_p)),
    "prnn_kind_name": (c_char_p, (c_int,)),
    "prnn_kind_from_name": (c_int, (c_void_p, c_char_p, c_void_p)),
    "prnn_output_name": (c_char_p, (c_int,)),
    "prnn_output_from_name": (c_int, (c_void_p, c_char_p, c_void_p)),
    "prnn_model_create": (c_int, (c_void_p, POINTER(Config), c_uint64, c_void_p)),
    "prnn_model_load": (c_int, (c_void_p, c_char_p, c_void_p)),
    "prnn_model_save": (c_int, (c_void_p, c_void_p, c_char_p)),
    "prnn_model_free": (None, (c_void_p,)),
    "prnn_model_resize": (c_int, (c_void_p, c_void_p, c_int, c_int, c_void_p)),
    "prnn_model_config": (None, (c_void_p, POINTER(Config))),
    "prnn_model_tensor_count": (c_size_t, (c_void_p,)),
    "prnn_model_tensor": (None, (c_void_p, c_size_t, POINTER(Tensor))),
    "prnn_model_parameter_count": (c_size_t, (c_void_p, c_bool)),
    "prnn_model_parameter_is_masked": (c_bool, (c_void_p, c_size_t)),
    "prnn_model_set_parameters": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_model_metadata_count": (c_size_t, (c_void_p,)),
    "prnn_model_metadata_key": (c_char_p, (c_void_p, c_size_t)),
    "prnn_model_metadata": (c_char_p, (c_void_p, c_char_p)),
    "prnn_model_set_metadata": (c_int, (c_void_p, c_void_p, c_char_p, c_char_p)),
    "prnn_model_palette": (POINTER(Palette), (c_void_p,)),
    "prnn_data_open": (c_int, (c_void_p, c_char_p, POINTER(DataOptions), c_void_p)),
    "prnn_data_from_memory": (c_int, (
        c_void_p, c_void_p, c_size_t, c_int, c_int, c_int, POINTER(DataOptions), c_void_p,
    )),
    "prnn_data_free": (None, (c_void_p,)),
    "prnn_data_split": (c_int, (c_void_p, c_void_p, c_size_t, c_void_p)),
    "prnn_data_count": (c_size_t, (c_void_p,)),
    "prnn_data_skipped": (c_size_t, (c_void_p,)),
    "prnn_data_name": (c_char_p, (c_void_p, c_size_t)),
    "prnn_data_number": (c_size_t, (c_void_p, c_size_t)),
    "prnn_data_folders": (c_int, (c_void_p, c_void_p, c_size_t, c_size_t, c_void_p)),
    "prnn_data_height": (c_int, (c_void_p,)),
    "prnn_data_width": (c_int, (c_void_p,)),
    "prnn_data_channels": (c_int, (c_void_p,)),
    "prnn_data_levels": (c_int, (c_void_p,)),
    "prnn_data_palette": (POINTER(Palette), (c_void_p,)),
    "prnn_data_read": (c_int, (c_void_p, c_void_p, c_void_p, c_size_t, c_uint64, c_uint64, c_void_p)),
    "prnn_data_convert": (c_int, (c_void_p, c_char_p, POINTER(DataOptions), c_char_p, c_void_p, c_void_p)),
    "prnn_listing_open": (c_int, (c_void_p, c_char_p, POINTER(DataOptions), c_void_p)),
    "prnn_listing_free": (None, (c_void_p,)),
    "prnn_listing_count": (c_size_t, (c_void_p,)),
    "prnn_listing_skipped": (c_size_t, (c_void_p,)),
    "prnn_listing_picture": (None, (c_void_p, c_size_t, POINTER(PictureInfo))),
    "prnn_listing_group_count": (c_size_t, (c_void_p,)),
    "prnn_listing_group": (c_void_p, (c_void_p, c_size_t, c_void_p)),
    "prnn_listing_data": (c_int, (c_void_p, c_void_p, c_size_t, c_size_t, c_size_t, c_void_p)),
    "prnn_evaluate": (c_int, (
        c_void_p, c_void_p, c_void_p, c_size_t, POINTER(EvaluateOptions), c_void_p, c_void_p,
    )),
    "prnn_bits_per_dim": (c_double, (c_void_p, c_double)),
    "prnn_logits": (c_int, (c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)),
    "prnn_logits_per_value": (c_size_t, (c_void_p,)),
    "prnn_log_probabilities": (c_int, (c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)),
    "prnn_gradient": (c_int, (c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p)),
    "prnn_sample": (c_int, (c_void_p, c_void_p, c_size_t, POINTER(SampleOptions), c_void_p)),
    "prnn_complete": (c_int, (
        c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(SampleOptions), c_void_p,
    )),
    "prnn_upscale": (c_int, (
        c_void_p, c_void_p, c_void_p, c_size_t, c_size_t, POINTER(SampleOptions), c_void_p,
    )),
    "prnn_stepper_create": (c_int, (c_void_p, c_void_p, c_size_t, POINTER(StepperOptions), c_void_p)),
    "prnn_stepper_free": (None, (c_void_p,)),
    "prnn_stepper_next": (c_bool, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "prnn_stepper_logits": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_stepper_log_probabilities": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_stepper_put": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_stepper_draw": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_stepper_images": (c_void_p, (c_void_p,)),
    "prnn_check": (c_int, (c_void_p, c_char_p, POINTER(CheckOptions), POINTER(Certificate))),
    "prnn_train": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, POINTER(TrainOptions))),
    "prnn_trainer_create": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, POINTER(TrainOptions), c_void_p)),
    "prnn_trainer_step": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "prnn_trainer_validate": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_trainer_save": (c_int, (c_void_p, c_void_p)),
    "prnn_trainer_progress": (None, (c_void_p, POINTER(Progress))),
    "prnn_trainer_free": (None, (c_void_p,)),
    "prnn_train_fits": (c_int, (c_void_p, POINTER(Config), c_void_p, c_void_p, POINTER(TrainOptions))),
    "prnn_chain_create": (c_int, (c_void_p, c_void_p, c_size_t, c_void_p)),
    "prnn_chain_load": (c_int, (c_void_p, c_void_p, c_size_t, c_void_p)),
    "prnn_chain_free": (None, (c_void_p,)),
    "prnn_chain_count": (c_size_t, (c_void_p,)),
    "prnn_chain_model": (c_void_p, (c_void_p, c_size_t)),
    "prnn_chain_config": (None, (c_void_p, POINTER(Config))),
    "prnn_model_pixel_is_given": (c_bool, (c_void_p, c_int, c_int)),
    "prnn_chain_evaluate": (c_int, (
        c_void_p, c_void_p, c_void_p, c_size_t, POINTER(EvaluateOptions), c_void_p, c_void_p, c_void_p,
    )),
    "prnn_chain_sample": (c_int, (c_void_p, c_void_p, c_size_t, POINTER(SampleOptions), c_void_p)),
    "prnn_chain_complete": (c_int, (
        c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(SampleOptions), c_void_p,
    )),
    "prnn_chain_upscale": (c_int, (
        c_void_p, c_void_p, c_void_p, c_size_t, c_size_t, POINTER(SampleOptions), c_void_p,
    )),
    "prnn_ensemble_create": (c_int, (c_void_p, c_void_p, c_size_t, c_void_p)),
    "prnn_ensemble_load": (c_int, (c_void_p, c_void_p, c_size_t, c_void_p)),
    "prnn_ensemble_resize": (c_int, (c_void_p, c_void_p, c_int, c_int, c_void_p)),
    "prnn_ensemble_free": (None, (c_void_p,)),
    "prnn_ensemble_count": (c_size_t, (c_void_p,)),
    "prnn_ensemble_model": (c_void_p, (c_void_p, c_size_t)),
    "prnn_ensemble_evaluate": (c_int, (
        c_void_p, c_void_p, c_void_p, c_size_t, POINTER(EvaluateOptions), c_void_p, c_void_p, c_void_p,
    )),
    "prnn_mixture_nats": (c_double, (c_void_p, c_size_t)),
    "prnn_model_fingerprint": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_archive_writer_create": (c_int, (c_void_p, c_void_p, c_char_p, POINTER(ArchiveOptions), c_void_p)),
    "prnn_archive_writer_add": (c_int, (
        c_void_p, c_void_p, c_char_p, c_void_p, c_size_t, c_int, c_int, c_int,
    )),
    "prnn_archive_writer_finish": (c_int, (c_void_p, c_void_p, POINTER(ArchiveInfo))),
    "prnn_archive_writer_free": (None, (c_void_p,)),
    "prnn_archive_open": (c_int, (c_void_p, c_char_p, c_void_p)),
    "prnn_archive_free": (None, (c_void_p,)),
    "prnn_archive_describe": (None, (c_void_p, POINTER(ArchiveInfo))),
    "prnn_archive_count": (c_uint64, (c_void_p,)),
    "prnn_archive_image_at": (None, (c_void_p, c_uint64, POINTER(ArchiveImage))),
    "prnn_archive_find": (c_bool, (c_void_p, c_char_p, c_void_p)),
    "prnn_archive_model": (c_int, (c_void_p, c_void_p, c_void_p)),
    "prnn_archive_read": (c_int, (c_void_p, c_void_p, c_void_p, POINTER(ArchiveReadOptions))),
    "prnn_write_png": (c_int, (c_void_p, c_char_p, c_void_p, c_size_t, c_int, c_int, c_int, c_int, c_int)),
    "prnn_write_palette_png": (c_int, (
        c_void_p, c_char_p, c_void_p, c_size_t, c_int, c_int, POINTER(Palette), c_int,
    )),
    "prnn_read_palette": (c_int, (c_void_p, c_char_p, POINTER(Palette))),
    "prnn_write_palette": (c_int, (c_void_p, c_char_p, POINTER(Palette))),
    "prnn_compressed_bytes": (c_int, (
        c_void_p, c_int, c_void_p, c_size_t, c_int, c_int, c_int, c_int, c_void_p,
    )),
    "prnn_read_picture": (c_int, (c_void_p, c_char_p, c_bool, POINTER(Pixels))),
    "prnn_pixels_free": (None, (POINTER(Pixels),)),
    "prnn_write_picture": (c_int, (c_void_p, c_char_p, c_void_p, c_int, c_int, c_int)),
    "prnn_write_npy": (c_int, (c_void_p, c_char_p, c_int, c_int, c_void_p, c_void_p)),
    "prnn_read_mask": (c_int, (c_void_p, c_char_p, c_int, c_int, c_void_p)),
    "prnn_context_set_ranks": (c_int, (c_void_p, POINTER(Ranks))),
    "prnn_context_rank": (c_int, (c_void_p,)),
    "prnn_context_rank_count": (c_int, (c_void_p,)),
    "prnn_ranks_agree": (c_int, (c_void_p, c_int, c_char_p)),
    "prnn_ranks_agreed": (c_bool, (c_void_p,)),
    "prnn_ranks_share": (None, (c_void_p, c_size_t, c_void_p, c_void_p)),
    "prnn_ranks_compare_model": (c_int, (c_void_p, c_void_p, c_char_p)),
    "prnn_ranks_compare_data": (c_int, (c_void_p, c_void_p, c_char_p)),
    "prnn_ranks_useful": (c_int, (c_void_p, c_int)),
}
