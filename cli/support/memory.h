/* Memory of sizes that users choose. */
#ifndef PIXELRNN_CLI_SUPPORT_MEMORY_H
#define PIXELRNN_CLI_SUPPORT_MEMORY_H

#include <stddef.h>

/* a x b bytes, or NULL: too many or no memory. Free with free. */
void *allocate(size_t a, size_t b);

/* EXIT_OK, or EXIT_FAILED after a message if `memory` is NULL. */
int check_memory(const void *memory);

#endif
