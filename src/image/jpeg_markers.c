#include "image/jpeg_markers.h"

#include "image/orientation.h"

#include <string.h>

enum {
    FIRST_FRAME = 0xc0,
    HUFFMAN = 0xc4,
    ARITHMETIC = 0xcc,
    LAST_FRAME = 0xcf,
    FIRST_RESTART = 0xd0,
    LAST_ALONE = 0xd8, /* restarts and the start have no bytes of their own */
    END = 0xd9,
    SCAN = 0xda,
    RESTART_INTERVAL = 0xdd,
    JFIF = 0xe0,
    EXIF = 0xe1,
    ADOBE = 0xee,
    LAST_APPLICATION = 0xef,
    COMMENT = 0xfe
};

bool prnn_jpeg_has_scans(const uint8_t *p, size_t n) {
    int components = 0;
    for (size_t at = 2; at + 10 < n; at++) {
        int marker = p[at] == 0xff ? p[at + 1] : 0;
        bool alone = marker == 0 || marker == 1 || marker == 0xff || (marker >= 0xd0 && marker <= 0xd8);
        if (alone) {
            continue;
        }
        if (marker == SCAN) {
            return p[at + 4] < components;
        }
        if (marker >= FIRST_FRAME && marker <= LAST_FRAME && marker != HUFFMAN && marker != ARITHMETIC) {
            if (marker % 4 == 2) { /* progressive */
                return true;
            }
            components = p[at + 9];
        }
        at += 1 + (size_t)(p[at + 2] << 8 | p[at + 3]);
    }
    return false;
}

/* Where the next marker is from `at` on, as libjpeg finds it; n: nowhere. */
static size_t next_marker(const uint8_t *p, size_t n, size_t at) {
    for (; at + 1 < n; at++) {
        if (p[at] == 0xff && p[at + 1] != 0 && p[at + 1] != 0xff) {
            return at;
        }
    }
    return n;
}

static bool is_alone(int marker) {
    return marker == 1 || (marker >= FIRST_RESTART && marker <= LAST_ALONE);
}

/* Where the coded blocks that begin at `at` end; without a marker after them, at the end of the file. */
static size_t scan_end(const uint8_t *p, size_t n, size_t at) {
    at = next_marker(p, n, at);
    while (at < n && is_alone(p[at + 1])) {
        at = next_marker(p, n, at + 2);
    }
    return at < n ? at : n - (p[n - 1] == 0xff);
}

/* Of the segment at `at`, with its marker; n: more than there are. */
static size_t segment_bytes(const uint8_t *p, size_t n, size_t at) {
    return at + 4 <= n ? 2 + (size_t)(p[at + 2] << 8 | p[at + 3]) : n;
}

/* Of what applications note, the pixels depend on these two alone: they tell the colour space. */
static bool is_needed(int marker) {
    bool application = marker >= JFIF && marker <= LAST_APPLICATION;
    return marker != COMMENT && (!application || marker == JFIF || marker == ADOBE);
}

/* Puts right what the segment, a copy, says needlessly. */
static void mend_segment(uint8_t *p, size_t n, bool sequential) {
    if (p[1] == JFIF && n >= 16 && memcmp(p + 4, "JFIF", 5) == 0) {
        p[9] = 1; /* libjpeg reads no other major version without a word, and all alike */
    }
    if (p[1] == SCAN && sequential && n >= 8) {
        memcpy(p + n - 3, "\0\x3f\0", 3);
    }
}

size_t prnn_jpeg_mend(const uint8_t *p, size_t n, uint8_t *to, bool *restarts) {
    size_t size = 2;
    bool sequential = false, ended = false;
    *restarts = false;
    memcpy(to, "\xff\xd8", 2);
    for (size_t at = next_marker(p, n, 2); at < n && !ended; at = next_marker(p, n, at)) {
        int marker = p[at + 1];
        ended = marker == END;
        if (ended || is_alone(marker)) {
            at += 2;
            continue;
        }
        size_t bytes = segment_bytes(p, n, at);
        if (bytes > n - at) {
            break;
        }
        size_t end = marker == SCAN ? scan_end(p, n, at + bytes) : at + bytes;
        if (is_needed(marker)) {
            memcpy(to + size, p + at, end - at);
            sequential = sequential || marker == 0xc0 || marker == 0xc1 || marker == 0xc9;
            mend_segment(to + size, bytes, sequential);
            size += end - at;
        }
        *restarts = *restarts || marker == RESTART_INTERVAL;
        at = end;
    }
    if (ended || !prnn_jpeg_has_scans(p, n)) { /* nobody could tell that a scan is missing */
        memcpy(to + size, "\xff\xd9", 2);
        size += 2;
    }
    return size;
}

int prnn_jpeg_orientation(const uint8_t *p, size_t n) {
    for (size_t at = next_marker(p, n, 2); at < n; at = next_marker(p, n, at)) {
        int marker = p[at + 1];
        size_t bytes = is_alone(marker) ? 2 : segment_bytes(p, n, at);
        if (marker == SCAN || marker == END || bytes > n - at) {
            break;
        }
        if (marker == EXIF && bytes >= 10 && memcmp(p + at + 4, "Exif\0", 6) == 0) {
            return prnn_exif_orientation(p + at + 4, bytes - 4);
        }
        at += bytes;
    }
    return 1;
}
