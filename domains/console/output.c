/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/console/output.h"

#include <string.h>

bool output_put(struct output *output, const void *data, size_t length)
{
    if (length > output_room(output)) {
        return false;
    }
    const uint8_t *bytes = data;
    size_t at = output->head % OUTPUT_SIZE;
    size_t first = length < OUTPUT_SIZE - at ? length : OUTPUT_SIZE - at;
    memcpy(output->data + at, bytes, first);
    memcpy(output->data, bytes + first, length - first);
    output->head += (uint32_t)length;
    for (size_t i = length; i > 0; i--) {
        if (bytes[i - 1] != '\r') { /* which leaves an empty line empty */
            output->in_line = bytes[i - 1] != '\n';
            break;
        }
    }
    return true;
}

bool output_put_line(struct output *output, const void *data, size_t length)
{
    if (length + 2 > output_room(output)) {
        return false;
    }
    if (output->in_line) {
        (void)output_put(output, "\r\n", 2);
    }
    return output_put(output, data, length);
}

const uint8_t *output_front(const struct output *output, size_t *length)
{
    size_t at = output->tail % OUTPUT_SIZE;
    size_t waiting = output_length(output);
    *length = waiting < OUTPUT_SIZE - at ? waiting : OUTPUT_SIZE - at;
    return output->data + at;
}

void output_take(struct output *output, size_t length)
{
    output->tail += (uint32_t)length;
}
