/* A layer between OpenCL's loader and its drivers, for test_device.sh (OPENCL_LAYERS=this library); all else
 * is the driver's.
 *   LOCAL_MEMORY  bytes of local memory that a device says it has
 *   UNWRITTEN     new memory is full of NaN, in fp32 and in bf16, as a GPU's may be */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { API_VERSION = 0x4240, VERSION_100 = 100, DEVICE_LOCAL_MEMORY = 0x1023, INVALID_VALUE = -30 };
enum { COPY_HOST = 1 << 5 };
enum { MOST_ENTRIES = 512, GET_DEVICE_INFO = 3, CREATE_BUFFER = 14 }; /* of the table of functions */

typedef int32_t device_info(void *device, uint32_t what, size_t size, void *value, size_t *needed);

int32_t clGetLayerInfo(uint32_t what, size_t size, void *value, size_t *needed);
int32_t clInitLayer(uint32_t count, void *const *functions, uint32_t *own_count, void *const **own);

typedef void *create_buffer(void *context, uint64_t flags, size_t size, void *host, int32_t *code);

static device_info *ask;
static create_buffer *create;

static int32_t limited(void *device, uint32_t what, size_t size, void *value, size_t *needed) {
    int32_t code = ask(device, what, size, value, needed);
    const char *limit = getenv("LOCAL_MEMORY");
    if (code == 0 && what == DEVICE_LOCAL_MEMORY && value && limit) {
        uint64_t bytes = strtoull(limit, NULL, 10);
        memcpy(value, &bytes, sizeof bytes);
    }
    return code;
}

static void *unwritten(void *context, uint64_t flags, size_t size, void *host, int32_t *code) {
    void *bytes = getenv("UNWRITTEN") ? malloc(size) : NULL;
    if (!bytes) {
        return create(context, flags, size, host, code);
    }
    void *buffer = create(context, flags | COPY_HOST, size, memset(bytes, 0xff, size), code);
    free(bytes);
    return buffer;
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
    device_info *own_info = limited;
    create_buffer *own_buffer = unwritten;
    if (count <= CREATE_BUFFER || count > MOST_ENTRIES) {
        return INVALID_VALUE;
    }
    memcpy(table, functions, count * sizeof *table);
    memcpy(&ask, &table[GET_DEVICE_INFO], sizeof ask);
    memcpy(&create, &table[CREATE_BUFFER], sizeof create);
    memcpy(&table[GET_DEVICE_INFO], &own_info, sizeof own_info);
    memcpy(&table[CREATE_BUFFER], &own_buffer, sizeof own_buffer);
    *own_count = count;
    *own = table;
    return 0;
}
