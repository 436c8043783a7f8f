/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading a guest from its volumes, with the test as storage domain: in any order, with errors,
 * lies and restarts. */
#include <libfdt.h>
#include <string.h>

#include "domains/vmm/boot.h"
#include "domains/vmm/volume_reader.h"
#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define ENTRIES     16u
#define VOLUME      (UINT64_C(1) << 20)
#define IMAGE_BYTES UINT64_C(300000)
#define DATA_BYTES  (64u * 1024)

struct server {
    struct bh_resource *resource;
    struct bh_ring submit, complete;
    uint8_t *data;
    uint8_t volume[VOLUME];
};

static struct server server[2]; /* kernel, initrd */
static struct boot boot;
static struct bh_guest_config config;
static unsigned fail_after;    /* requests until one fails; 0: never */
static unsigned restart_after; /* requests until the domain restarts */
static bool lie;               /* answers what nobody asked */
static unsigned waits;

static void open_server(struct server *s)
{
    uint8_t *memory = (uint8_t *)(uintptr_t)s->resource->address;
    const struct bh_channel_geometry *geometry = &s->resource->geometry;
    bh_ring_open(&s->submit, memory, ENTRIES, geometry->submit_size);
    bh_ring_open(&s->complete, memory + bh_channel_complete_offset(geometry), ENTRIES,
                 geometry->complete_size);
    s->data = memory + bh_channel_data_offset(geometry);
}

static void restart(struct server *s)
{
    s->resource->state = BH_RESOURCE_DETACHING;
    vm_signalled(&vm, BH_SIGNAL_CONTROL);
    memset((void *)(uintptr_t)s->resource->address, 0, bh_channel_bytes(&s->resource->geometry));
    s->resource->epoch++;
    s->resource->state = BH_RESOURCE_ATTACHED;
    open_server(s);
    vm_signalled(&vm, BH_SIGNAL_CONTROL);
}

/* Serves what has been asked, the last first. */
static uint64_t serve(void)
{
    CHECK(waits++ < 10000);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct server *s = &server[i];
        struct bh_block_request request[ENTRIES];
        unsigned count = 0;
        while (s->resource != NULL && count < ENTRIES &&
               bh_ring_consume(&s->submit, &request[count]) == BH_RING_OK) {
            count++;
        }
        if (count == 0) {
            continue;
        }
        bh_ring_release(&s->submit);
        if (restart_after > 0 && --restart_after == 0) {
            restart(s);
            return serve();
        }
        while (count > 0) {
            struct bh_block_request *r = &request[--count];
            struct bh_block_response response = {.id = r->id, .status = BH_BLOCK_OK};
            CHECK_EQUAL(r->operation, BH_BLOCK_READ);
            CHECK(r->length > 0 && r->length % BH_BLOCK_SECTOR == 0 &&
                  r->length <= BH_BLOCK_LENGTH_MAX);
            CHECK(r->offset % BH_BLOCK_SECTOR == 0 && r->offset + r->length <= DATA_BYTES);
            CHECK(r->sector * BH_BLOCK_SECTOR + r->length <= VOLUME);
            memcpy(s->data + r->offset, s->volume + r->sector * BH_BLOCK_SECTOR, r->length);
            if (fail_after > 0 && --fail_after == 0) {
                response.status = BH_BLOCK_IO_ERROR;
            }
            if (lie) {
                lie = false;
                response.id ^= 1;
                restart_after = 1; /* root notices some day */
            }
            CHECK_EQUAL(bh_ring_produce(&s->complete, &response), BH_RING_OK);
        }
        bh_ring_publish(&s->complete);
        bits |= s->resource->bits;
    }
    if (bits == 0 && restart_after > 0) {
        restart_after = 0;
        restart(&server[0]);
        return serve();
    }
    CHECK(bits != 0); /* else the VMM would wait forever */
    return bits;
}

static void add_volume(unsigned index, const char *name)
{
    const struct bh_channel_geometry geometry = {.entries = ENTRIES,
                                                 .submit_size = sizeof(struct bh_block_request),
                                                 .complete_size = sizeof(struct bh_block_response),
                                                 .data_size = DATA_BYTES};
    struct server *s = &server[index];
    s->resource = machine_channel(name, BH_PROTOCOL_BLOCK, &geometry);
    s->resource->argument[0] = VOLUME / BH_BLOCK_SECTOR;
    strcpy(s->resource->object, name);
    for (uint64_t i = 0; i < VOLUME; i++) {
        s->volume[i] = (uint8_t)machine_random();
    }
    open_server(s);
}

static void start(bool kernel, bool initrd)
{
    machine_reset();
    memset(&boot, 0, sizeof(boot));
    memset(&config, 0, sizeof(config));
    memset(vm.ram[0].host, 0, MACHINE_RAM);
    server[0].resource = server[1].resource = NULL;
    fail_after = restart_after = waits = 0;
    lie = false;
    machine_waiting = serve;
    vm.config = &config;
    strcpy(config.command_line, "console=ttyAMA0");
    if (kernel) {
        add_volume(0, "kernel");
        uint64_t header[8] = {0};
        header[2] = IMAGE_BYTES;
        header[7] = 0x644d5241;
        memcpy(server[0].volume, header, sizeof(header));
    }
    if (initrd) {
        strcpy(config.initrd_volume, "initrd");
        config.initrd_size = 100001;
        add_volume(1, "initrd");
    }
}

static void check_loaded(void)
{
    const uint8_t *ram = vm.ram[0].host;
    CHECK_EQUAL(boot_load(&boot, &vm), IMAGE_OK);
    CHECK(memcmp(ram, server[0].volume, IMAGE_BYTES) == 0);
    CHECK_EQUAL(ram[IMAGE_BYTES] | ram[IMAGE_BYTES + 1] | ram[IMAGE_BYTES + 511],
                0); /* not a byte more */
    CHECK_EQUAL(frame->pc, GUEST_RAM_BASE);
    CHECK_EQUAL(frame->pstate, 0x3c5);
    CHECK_EQUAL(frame->x[0], GUEST_RAM_BASE + (UINT64_C(2) << 20));
    CHECK_EQUAL(frame->x[1] | frame->x[2] | frame->x[3], 0);
    const void *tree = guest_memory(&vm, frame->x[0], IMAGE_DEVICE_TREE_SIZE);
    CHECK_EQUAL(fdt_check_full(tree, IMAGE_DEVICE_TREE_SIZE), 0);
    if (server[1].resource != NULL) {
        const uint8_t *initrd =
            guest_memory(&vm, frame->x[0] + IMAGE_DEVICE_TREE_SIZE, config.initrd_size);
        CHECK(memcmp(initrd, server[1].volume, config.initrd_size) == 0);
        CHECK_EQUAL(initrd[config.initrd_size], 0);
    }
}

int main(void)
{
    start(true, false);
    check_loaded();

    start(true, true);
    check_loaded();
    restart(&server[0]); /* long after */
    restart(&server[1]);
    CHECK_EQUAL(machine_detached, 3);

    for (unsigned i = 1; i < 12; i++) {
        start(true, true);
        restart_after = i;
        check_loaded();
        start(true, true);
        fail_after = i;
        enum image_error error = boot_load(&boot, &vm);
        CHECK(error == IMAGE_UNREADABLE || error == IMAGE_INITRD_UNREADABLE);
    }
    start(true, true);
    lie = true;
    check_loaded();

    start(false, false);
    CHECK_EQUAL(boot_load(&boot, &vm), IMAGE_NO_VOLUME);
    start(true, false);
    memset(server[0].volume, 0, VOLUME);
    CHECK_EQUAL(boot_load(&boot, &vm), IMAGE_EMPTY);
    start(true, false);
    strcpy(config.initrd_volume, "initrd"); /* but root gave no channel */
    CHECK_EQUAL(boot_load(&boot, &vm), IMAGE_INITRD_UNREADABLE);
    start(true, true);
    config.initrd_size = VOLUME + 1;
    CHECK_EQUAL(boot_load(&boot, &vm), IMAGE_INITRD_SIZE);
    start(true, true);
    vm.ram[0].size = UINT64_C(2) << 20;
    CHECK_EQUAL(boot_load(&boot, &vm), IMAGE_KERNEL_SIZE);
    return 0;
}
