/* A writer of one JSON value, indented. Calls must nest properly; `key` is NULL inside an array. */
#ifndef PIXELRNN_CLI_SUPPORT_JSON_H
#define PIXELRNN_CLI_SUPPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct json {
    FILE *stream;
    int depth;
    bool first; /* nothing yet in the object or array that is open */
    bool flat;  /* inside an array: on one line */
} json;

void report_json_begin(json *j, FILE *stream); /* the outermost object */
void report_json_end(json *j);
/* The same on one line of its own, with all that is in it. */
void report_json_begin_line(json *j, FILE *stream);
void report_json_end_line(json *j);
void report_json_open_object(json *j, const char *key);
void report_json_close_object(json *j);
void report_json_open_array(json *j, const char *key);
void report_json_close_array(json *j);
void report_json_string(json *j, const char *key, const char *value);
void report_json_null(json *j, const char *key);
void report_json_bool(json *j, const char *key, bool value);
void report_json_int(json *j, const char *key, int64_t value);
void report_json_uint(json *j, const char *key, uint64_t value);
/* A number that is not finite is written as null: JSON has no other word for it. */
void report_json_double(json *j, const char *key, double value);

#endif
