/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device models of the VMM stand on, for tests on the host: the VMM's real MMIO bus, a
 * pretended guest's memory, and stand-ins for the interrupt controller, the kernel and root.
 */
#ifndef TEST_UNIT_VMM_DEVICES_MACHINE_H
#define TEST_UNIT_VMM_DEVICES_MACHINE_H

#include "domains/vmm/device.h"
#include "domains/vmm/mmio.h"
#include "ipc/domain.h"
#include "ipc/statistics.h"
#include "test/unit/virtio/driver.h"

struct vm {
    struct guest guest;
    struct mmio_bus bus;
    struct bh_vmm_statistics statistics;
    unsigned messages[1024]; /* how often each MSI came */
    uint32_t lines;          /* levels of the PCI interrupt lines, a bit each */
    struct vm_timer *timer;  /* armed */
    unsigned handler_count;
    struct {
        uint64_t bits;
        void (*handler)(void *device, uint64_t bits);
        void *device;
    } handler[VM_SIGNAL_HANDLERS];
};

/* Makes the one machine, and its empty domain page. */
struct vm *machine_new(void);
void machine_free(struct vm *vm);

/* The guest's loads and stores. */
uint64_t machine_read(struct vm *vm, uint64_t address, unsigned bytes);
void machine_write(struct vm *vm, uint64_t address, unsigned bytes, uint64_t value);

/* The domain's notification is signalled. */
void machine_signal(struct vm *vm, uint64_t bits);

/* The armed timer expires. */
void machine_expire(struct vm *vm);

/* --- Root and its channels --- */

/* A service at the other end of a channel: `run` is called when the VMM signals it, or by the test.
 */
struct service {
    struct vm *vm;
    struct bh_resource *resource;
    void *memory; /* of the channel */
    struct bh_channel channel;
    void (*run)(struct service *service);
    bool deferred;    /* do not run at a signal */
    unsigned signals; /* of the VMM to the service */
    unsigned wakes;   /* of the service to the VMM */
};

/* Adds a channel to the domain page, attached. */
void service_create(struct service *service, struct vm *vm, const char *name, uint32_t protocol,
                    const struct bh_channel_geometry *geometry,
                    void (*run)(struct service *service));
void service_destroy(struct service *service);

/* The service ends, and root takes the channel away from the VMM; the answer whether the VMM let go
 * of it. */
bool service_detach(struct service *service);

/* A new one starts: root attaches the region, its rings cleared. */
void service_attach(struct service *service);

/* Publishes the complete ring, and signals the VMM if it wants that. */
void service_publish(struct service *service);

#endif
