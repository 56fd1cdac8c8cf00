/* A GPU as a device of networks: the table of its operations. The context has its state (gpu/state.h). */
#ifndef PRNN_GPU_DEVICE_H
#define PRNN_GPU_DEVICE_H

#include "device/device.h"

extern const prnn_device prnn_gpu_device;

#endif
