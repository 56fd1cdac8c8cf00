#include "serve/work.h"

#include "serve/base64.h"
#include "support/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char type_json[] = "application/json", type_lines[] = "application/x-ndjson",
           type_npy[] = "application/octet-stream";

void work_fail(const work *w, prnn_status status) {
    int http = status == PRNN_ERROR_ARGUMENT ? 400 : status == PRNN_ERROR_MEMORY ? 503 : 500;
    job_refuse(w->job, http, "%s", prnn_message(w->ctx));
}

bool work_goes_on(const work *w, prnn_status status) {
    if (!job_goes_on(w->job)) {
        job_refuse_ended(w->job);
        return false;
    }
    if (status != PRNN_OK) {
        work_fail(w, status);
    }
    return status == PRNN_OK;
}

void *work_allocate(const work *w, size_t a, size_t b) {
    void *memory = allocate(a, b);
    if (!memory) {
        job_refuse(w->job, 503, "not enough memory for this request");
    }
    return memory;
}

bool answer_begin(answer *a, const work *w) {
    *a = (answer){.stream = NULL};
    a->stream = open_memstream(&a->text, &a->size);
    if (!a->stream) {
        job_refuse(w->job, 503, "not enough memory for this request");
        return false;
    }
    report_json_begin_line(&a->json, a->stream);
    return true;
}

static bool close_text(answer *a, const work *w) {
    report_json_end_line(&a->json);
    bool ok = !ferror(a->stream);
    ok = fclose(a->stream) == 0 && ok;
    if (!ok) {
        job_refuse(w->job, 503, "not enough memory for this request");
    }
    return ok;
}

void answer_end(answer *a, const work *w) {
    if (close_text(a, w)) {
        job_answer(w->job, 200, type_json, a->text, a->size);
    }
    free(a->text);
}

void answer_line(answer *a, const work *w) {
    if (close_text(a, w)) {
        job_write(w->job, a->text, a->size);
    }
    free(a->text);
}

void answer_npy(const work *w, const char *type, size_t item, int rank, const size_t *shape,
                const void *values) {
    char header[256];
    int n =
        snprintf(header + 10, sizeof header - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    size_t size = item, used = 10 + (size_t)n;
    for (int i = 0; i < rank; i++) {
        used += (size_t)snprintf(header + used, sizeof header - used, "%zu,%s", shape[i],
                                 i + 1 < rank ? " " : "");
        size *= shape[i];
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "), }");
    size_t head = (used + 1 + 63) / 64 * 64;
    memset(header + used, ' ', head - used);
    header[head - 1] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)((head - 10) & 255);
    header[9] = (char)((head - 10) >> 8);
    char *all = work_allocate(w, head + size, 1);
    if (all) {
        memcpy(all, header, head);
        memcpy(all + head, values, size);
        job_answer(w->job, 200, type_npy, all, head + size);
    }
    free(all);
}

void answer_levels(answer *a, const char *key, const uint8_t *levels, size_t size) {
    enum { PIECE = 3 * 64 };
    char text[PIECE / 3 * 4];
    fprintf(a->stream, "%s\"%s\": \"", a->json.first ? "" : ", ", key);
    for (size_t i = 0; i < size; i += PIECE) {
        size_t n = size - i < PIECE ? size - i : PIECE;
        base64_write(levels + i, n, text);
        fwrite(text, 1, base64_length(n), a->stream);
    }
    fputc('"', a->stream);
    a->json.first = false;
}

void answer_palette(answer *a, const prnn_palette *palette) {
    if (palette) {
        report_json_open_array(&a->json, "palette");
        for (int i = 0; i < palette->count; i++) {
            report_json_open_array(&a->json, NULL);
            for (int k = 0; k < 3; k++) {
                report_json_int(&a->json, NULL, palette->colours[i][k]);
            }
            report_json_close_array(&a->json);
        }
        report_json_close_array(&a->json);
    }
}
