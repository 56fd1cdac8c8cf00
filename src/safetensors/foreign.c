#include "safetensors/foreign.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_BYTES = 8 };

#define SAVE "save its tensors as safetensors: safetensors.torch.save_file(tensors, path, metadata)"
#define PICKLE "is a Python pickle, as torch.save wrote them; " SAVE
#define PAGE "is a web page, perhaps that of the download; get the file itself"

static const struct {
    const char *begins; /* letters of either case */
    const char *is;
} formats[] = {
    {"version https://git-lfs", "is a Git LFS pointer, not the file itself; run 'git lfs pull'"},
    {"PK\x03\x04", "is a zip archive, as torch.save and numpy.savez write them; " SAVE},
    {"\x80\x02", PICKLE},
    {"\x80\x03", PICKLE},
    {"\x80\x04", PICKLE},
    {"\x80\x05", PICKLE},
    {"\x8bPRN\r\n", "is an archive of images, not a model; list, verify and decompress read it"},
    {"\x93NUMPY", "is a .npy file of numpy; images are data, and models safetensors"},
    {"\x89PNG", "is a PNG picture, not a model"},
    {"\x89HDF", "is an HDF5 file, as Keras writes them; " SAVE},
    {"\x1f\x8b", "is compressed with gzip; unpack it with gunzip"},
    {"<!doctype html", PAGE},
    {"<html", PAGE},
};

static size_t skip_spaces(const uint8_t *bytes, size_t size) {
    size_t n = 0;
    while (n < size && bytes[n] && strchr(" \t\r\n", bytes[n])) {
        n++;
    }
    return n;
}

const char *prnn_foreign_describe(const uint8_t *bytes, size_t size) {
    /* The first bytes of safetensors are a length and so may be any, but a header follows. */
    if (size <= LENGTH_BYTES || bytes[LENGTH_BYTES] == '{') {
        return NULL;
    }
    size_t spaces = skip_spaces(bytes, size);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t n = strlen(formats[i].begins), from = formats[i].begins[0] == '<' ? spaces : 0;
        if (size - from >= n && strncasecmp((const char *)bytes + from, formats[i].begins, n) == 0) {
            return formats[i].is;
        }
    }
    return NULL;
}
