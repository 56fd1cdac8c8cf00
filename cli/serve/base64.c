#include "serve/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_most(size_t length) {
    return length / 4 * 3;
}

size_t base64_length(size_t size) {
    return (size + 2) / 3 * 4;
}

static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last `padding` are '='. */
static bool read_group(const char *text, int padding, uint8_t *bytes) {
    uint32_t bits = 0;
    for (int i = 0; i < 4; i++) {
        int digit = i < 4 - padding ? digit_of(text[i]) : 0;
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
    }
    for (int i = 0; i < 3 - padding; i++) {
        bytes[i] = (uint8_t)(bits >> (16 - 8 * i));
    }
    return (bits & ((1u << (8 * padding)) - 1)) == 0;
}

bool base64_read(const char *text, size_t length, uint8_t *bytes, size_t *size) {
    *size = 0;
    if (length % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < length; i += 4) {
        bool last = i + 4 == length;
        int padding = last && text[i + 3] == '=' ? 1 + (text[i + 2] == '=') : 0;
        if (!read_group(text + i, padding, bytes + *size)) {
            return false;
        }
        *size += (size_t)(3 - padding);
    }
    return true;
}

void base64_write(const uint8_t *bytes, size_t size, char *text) {
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= left > 2 ? bytes[i + 2] : 0;
        *text++ = digits[bits >> 18];
        *text++ = digits[bits >> 12 & 63];
        *text++ = '=';
        *text++ = '=';
        if (left > 1) {
            text[-2] = digits[bits >> 6 & 63];
        }
        if (left > 2) {
            text[-1] = digits[bits & 63];
        }
    }
}
