#include "commands/commands.h"

#include <stddef.h>

extern const struct command command_train, command_eval, command_compare, command_sample, command_upscale,
    command_complete, command_info, command_check, command_curves, command_heat, command_histogram,
    command_show, command_convert, command_devices, command_score, command_serve, command_compress,
    command_decompress, command_list, command_verify;

const struct command *const commands[] = {
    &command_train,    &command_eval,       &command_compare,
    &command_score,    &command_sample,     &command_upscale,
    &command_complete, &command_info,       &command_check,
    &command_curves,   &command_heat,       &command_histogram,
    &command_show,     &command_convert,    &command_devices,
    &command_compress, &command_decompress, &command_list,
    &command_verify,   &command_serve,      NULL,
};
