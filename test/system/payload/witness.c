/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says what it gets of the machine, again and again: when it had the processor in a stretch of
 * time, and how long its disk and its network take. It waits for nothing but by looking.
 */
#include "virtio.h"

#define VERSION_1   (UINT64_C(1) << 32)
#define STRETCH_US  400000u
#define LOOK_US     2u  /* between two looks at the clock: what takes longer was somebody else's time */
#define GAP_US      20u /* and a pause, if it takes longer than this */
#define PAUSES      256u
#define READS       40u
#define QUESTIONS   20u
#define NET_HEADER  12u
#define FRAME       60u
#define PATIENCE_US 2000000u

static struct virtio_device disk, net; /* of type 0: none */
/* Each aligned: two in an array would not be. */
static struct queue_memory disk_queue __attribute__((aligned(4096)));
static struct queue_memory receive_queue __attribute__((aligned(4096)));
static struct queue_memory transmit_queue __attribute__((aligned(4096)));
static volatile uint8_t buffer[8192] __attribute__((aligned(4096)));
static volatile uint8_t sent[128] __attribute__((aligned(128)));
static volatile uint8_t received[VIRTIO_QUEUE_SIZE][2048] __attribute__((aligned(2048)));

static struct {
    uint64_t start, length;
} own[PAUSES];

static uint64_t microseconds(void)
{
    uint64_t count;
    uint64_t frequency;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tmrs %1, cntfrq_el0"
                     : "=r"(count), "=r"(frequency));
    return count * 1000 / (frequency / 1000);
}

/* For a stretch of time: all of it that was its own, the longest pause, and each piece between two
 * pauses. */
static void time_of_its_own(void)
{
    uint64_t begin = microseconds();
    uint64_t last = begin, start = begin, sum = 0, longest = 0;
    unsigned count = 0;
    while (last - begin < STRETCH_US && count < PAUSES) {
        uint64_t now = microseconds();
        if (now - last <= LOOK_US) {
            sum += now - last;
        } else if (now - last > GAP_US) {
            longest = now - last > longest ? now - last : longest;
            own[count].start = start;
            own[count++].length = last - start;
            start = now;
        }
        last = now;
    }
    for (unsigned i = 1; i < count; i++) { /* the first began before */
        put("piece ");
        put_number(own[i].start);
        put_line("", own[i].length);
    }
    put_line("pause", longest);
    put_line("share", sum * 10000 / (last - begin));
}

/* Since `begin`, in microseconds. */
static uint64_t wait_for(const volatile uint16_t *index, uint16_t value, uint64_t begin)
{
    while (*index != value) {
        if (microseconds() - begin > PATIENCE_US) {
            put("FAILED: no answer\n");
            machine_crash();
        }
    }
    return microseconds() - begin;
}

static void read_disk(void)
{
    uint64_t longest = 0;
    for (unsigned i = 0; i < READS; i++) {
        for (unsigned j = 0; j < 16; j++) {
            buffer[j] = 0;
        }
        buffer[2048] = 0xff;
        uint64_t address = (uint64_t)buffer;
        disk_queue.descriptor[0] = (struct descriptor){address, 16, DESCRIPTOR_NEXT, 1};
        disk_queue.descriptor[1] =
            (struct descriptor){address + 4096, 4096, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2};
        disk_queue.descriptor[2] = (struct descriptor){address + 2048, 1, DESCRIPTOR_WRITE, 0};
        uint16_t next = (uint16_t)(disk_queue.used[1] + 1);
        uint64_t begin = microseconds();
        virtio_offer(&disk, 0, &disk_queue, 0);
        uint64_t took = wait_for(&disk_queue.used[1], next, begin);
        if (buffer[2048] != 0) {
            put("FAILED: a read\n");
            machine_crash();
        }
        longest = took > longest ? took : longest;
    }
    put_line("read", longest);
}

/* The request for the address of 10.0.2.15, the manager (RFC 826). */
static void ask(void)
{
    static const uint8_t request[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    static const uint8_t wanted[] = {0, 0, 0, 0, 0, 0, 10, 0, 2, 15};
    uint8_t mac[6];
    for (unsigned i = 0; i < 6; i++) {
        mac[i] = (uint8_t)read_any(net.configuration + i, 0, 0);
    }
    volatile uint8_t *frame = sent + NET_HEADER;
    for (unsigned i = 0; i < sizeof(sent); i++) {
        sent[i] = 0;
    }
    for (unsigned i = 0; i < 6; i++) {
        frame[i] = 0xff;
        frame[6 + i] = frame[22 + i] = mac[i];
    }
    for (unsigned i = 0; i < 10; i++) {
        frame[12 + i] = request[i];
        frame[32 + i] = wanted[i];
    }
    frame[28] = 10;
    frame[30] = 2;
    frame[31] = 77;
    transmit_queue.descriptor[0] = (struct descriptor){(uint64_t)sent, NET_HEADER + FRAME, 0, 0};
    virtio_offer(&net, 1, &transmit_queue, 0);
}

static bool is_answer(const volatile uint8_t *frame)
{
    return frame[12] == 8 && frame[13] == 6 && frame[21] == 2 && frame[28] == 10 && frame[31] == 15;
}

static void ask_network(void)
{
    static uint16_t seen;
    uint64_t longest = 0;
    for (unsigned i = 0; i < QUESTIONS; i++) {
        uint64_t begin = microseconds();
        bool answered = false;
        ask();
        while (!answered) {
            while (receive_queue.used[1] == seen) {
                if (microseconds() - begin > PATIENCE_US) {
                    put("FAILED: nobody answers\n");
                    machine_crash();
                }
            }
            unsigned id =
                receive_queue.used[2 + 4 * (seen % VIRTIO_QUEUE_SIZE)] % VIRTIO_QUEUE_SIZE;
            answered = is_answer(received[id] + NET_HEADER);
            seen++;
            virtio_offer(&net, 0, &receive_queue, (uint16_t)id);
        }
        uint64_t took = microseconds() - begin;
        longest = took > longest ? took : longest;
    }
    put_line("answer", longest);
}

static void find(struct virtio_device *device, unsigned type)
{
    for (unsigned number = 1; number < 8; number++) {
        if (virtio_find(number, device) && device->type == type) {
            return;
        }
    }
    device->type = 0;
}

static void prepare_devices(void)
{
    find(&disk, VIRTIO_BLOCK);
    if (disk.type != 0) {
        virtio_reset(&disk);
        virtio_negotiate(&disk, VERSION_1);
        virtio_queue_memory(&disk, 0, &disk_queue);
        virtio_go(&disk);
    }
    find(&net, VIRTIO_NET);
    if (net.type == 0) {
        return;
    }
    virtio_reset(&net);
    virtio_negotiate(&net, VERSION_1 | (UINT64_C(1) << 5)); /* VIRTIO_NET_F_MAC */
    virtio_queue_memory(&net, 0, &receive_queue);
    virtio_queue_memory(&net, 1, &transmit_queue);
    virtio_go(&net);
    for (uint16_t i = 0; i < VIRTIO_QUEUE_SIZE; i++) {
        receive_queue.descriptor[i] =
            (struct descriptor){(uint64_t)received[i], 2048, DESCRIPTOR_WRITE, 0};
        virtio_offer(&net, 0, &receive_queue, i);
    }
}

int main(void)
{
    prepare_devices();
    put("begin\n");
    for (uint64_t round = 1;; round++) {
        time_of_its_own();
        if (disk.type != 0) {
            read_disk();
        }
        if (net.type != 0) {
            ask_network();
        }
        put_line("round", round);
    }
}
