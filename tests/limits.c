/* A layer between OpenCL's loader and its drivers, for test_device.sh (OPENCL_LAYERS=this library): a device
 * has as many bytes of local memory as LOCAL_MEMORY says. All else is the driver's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { API_VERSION = 0x4240, VERSION_100 = 100, DEVICE_LOCAL_MEMORY = 0x1023, INVALID_VALUE = -30 };
enum { MOST_ENTRIES = 512, GET_DEVICE_INFO = 3 }; /* of the table of functions */

typedef int32_t device_info(void *device, uint32_t what, size_t size, void *value, size_t *needed);

int32_t clGetLayerInfo(uint32_t what, size_t size, void *value, size_t *needed);
int32_t clInitLayer(uint32_t count, void *const *functions, uint32_t *own_count, void *const **own);

static device_info *ask;

static int32_t limited(void *device, uint32_t what, size_t size, void *value, size_t *needed) {
    int32_t code = ask(device, what, size, value, needed);
    const char *limit = getenv("LOCAL_MEMORY");
    if (code == 0 && what == DEVICE_LOCAL_MEMORY && value && limit) {
        uint64_t bytes = strtoull(limit, NULL, 10);
        memcpy(value, &bytes, sizeof bytes);
    }
    return code;
}

int32_t clGetLayerInfo(uint32_t what, size_t size, void *value, size_t *needed) {
    uint32_t version = VERSION_100;
    if (what != API_VERSION || (value && size < sizeof version)) {
        return INVALID_VALUE;
    }
    if (value) {
        memcpy(value, &version, sizeof version);
    }
    if (needed) {
        *needed = sizeof version;
    }
    return 0;
}

int32_t clInitLayer(uint32_t count, void *const *functions, uint32_t *own_count, void *const **own) {
    static void *table[MOST_ENTRIES];
    device_info *mine = limited;
    if (count <= GET_DEVICE_INFO || count > MOST_ENTRIES) {
        return INVALID_VALUE;
    }
    memcpy(table, functions, count * sizeof *table);
    memcpy(&ask, &table[GET_DEVICE_INFO], sizeof ask);
    memcpy(&table[GET_DEVICE_INFO], &mine, sizeof mine);
    *own_count = count;
    *own = table;
    return 0;
}
