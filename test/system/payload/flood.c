/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifies all queues of all its devices without end, with a running queue behind each that has
 * nothing in it; prints a line now and then. */
#include "virtio.h"

#define DEVICES 8u
#define QUEUES  2u
#define ROUNDS  1000u

int main(void)
{
    static struct virtio_device device[DEVICES];
    static struct queue_memory memory[DEVICES][QUEUES] __attribute__((aligned(4096)));
    unsigned count = 0;
    for (unsigned number = 1; number < DEVICES; number++) {
        if (virtio_find(number, &device[count])) {
            virtio_reset(&device[count]);
            virtio_negotiate(&device[count], UINT64_C(1) << 32);
            for (unsigned i = 0; i < QUEUES; i++) {
                virtio_queue_memory(&device[count], i, &memory[count][i]);
            }
            virtio_go(&device[count]);
            count++;
        }
    }
    put_line("devices", count);
    put("begin\n");
    for (uint64_t round = 1;; round++) {
        for (unsigned i = 0; i < ROUNDS; i++) {
            for (unsigned j = 0; j < count; j++) {
                write_any(device[j].notify, 1, 0);
                write_any(device[j].notify + device[j].notify_multiplier, 1, 1);
            }
        }
        put_line("rounds", round);
    }
}
