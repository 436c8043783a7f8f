/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The domain page: how root tells a domain what it holds.
 *
 * Root maps it read-only at BH_DOMAIN_PAGE in every domain it builds, and is its only writer. It lists the domain's
 * resources. It may change while the domain runs: root writes the entry, then its `state` with release, increments
 * `generation` and signals BH_SIGNAL_CONTROL. Root is trusted by every domain, so its contents are.
 *
 * A domain that sees an entry go to BH_RESOURCE_DETACHING stops using it and tells root so (BH_ROOT_DETACHED); only
 * then root takes the memory away and the entry becomes BH_RESOURCE_UNUSED.
 */
#ifndef IPC_DOMAIN_H
#define IPC_DOMAIN_H

#include <stdint.h>

#include "ipc/channel.h"

#define BH_DOMAIN_PAGE UINT64_C(0x10000000)
#define BH_DOMAIN_PAGE_SIZE UINT64_C(0x10000) /* 64 KiB */
#define BH_DOMAIN_MAGIC UINT64_C(0x6e69616d6f446842)
#define BH_DOMAIN_IPC_BUFFER UINT64_C(0x10020000)
#define BH_DOMAIN_STACK_TOP UINT64_C(0x10100000) /* a guard page lies below the stack */
#define BH_DOMAIN_STACK_STRIDE UINT64_C(0x100000) /* from the top of one thread's stack to that of the next one's */
#define BH_DOMAIN_HEAP UINT64_C(0x20000000)      /* memory for malloc, mapped by root; its size is heap_size */
#define BH_DOMAIN_RESOURCES UINT64_C(0x100000000) /* root maps channels, devices and regions from here up */

/* The capabilities that every domain finds in its CNode. */
enum bh_domain_slot {
    BH_SLOT_NULL = 0,
    BH_SLOT_ROOT = 1,         /* Endpoint of root, badged with the domain's number: WRITE and CALL */
    BH_SLOT_NOTIFICATION = 2, /* the domain's own notification, bound to its first thread: READ, and WRITE to arm it */
    BH_SLOT_VCPU = 3,         /* VMMs only: the first vCPU */
    BH_SLOT_GUEST_SPACE = 4,  /* VMMs only, for doorbells */
    BH_SLOT_FIRST = 8,        /* those that resources name follow */
};

/* Bits of the domain's notification. */
#define BH_SIGNAL_CONTROL (UINT64_C(1) << 0) /* the domain page has changed */
#define BH_SIGNAL_TIMER (UINT64_C(1) << 1)   /* used by runtime for its deadline */
#define BH_SIGNAL_REFRESH (UINT64_C(1) << 2) /* the manager would like fresh statistics */
#define BH_SIGNAL_KICK (UINT64_C(1) << 3)    /* VMMs: another thread of the domain wants this one to leave the guest */
#define BH_SIGNAL_RESOURCE_SHIFT 8           /* bits 8-63: resources, several may share one */

enum bh_resource_kind {
    BH_RESOURCE_NONE = 0,
    BH_RESOURCE_CLIENT = 1, /* a channel on which this domain is the client; `protocol` says which */
    BH_RESOURCE_SERVER = 2, /* ... on which it is the server */
    BH_RESOURCE_MMIO = 3,   /* device registers: a PCI BAR (argument[0] its number) or a platform device; for the
                               read-only configuration space of a PCI function argument[0] is BH_MMIO_PCI_CONFIG */
    BH_RESOURCE_IRQ = 4,    /* cap: IRQHandler, already bound to the domain's notification with `bits` */
    BH_RESOURCE_DMA = 5,    /* memory for device queues: the device of the same name sees it at the same address */
    BH_RESOURCE_REGION = 6, /* other memory; its name says what (see below) */
    BH_RESOURCE_NOTIFY = 7, /* cap: a notification to signal */
};

#define BH_MMIO_PCI_CONFIG UINT64_C(0xff)

/* Arguments of "vcpu" regions. With one vCPU there are no notifications. */
enum bh_vcpu_argument {
    BH_VCPU_ARGUMENT_INDEX, /* the number of the vCPU, from 0 on, and of the thread that runs it */
    BH_VCPU_ARGUMENT_KICK,  /* its thread's bound notification, badge BH_SIGNAL_KICK; for all but the first also READ */
    BH_VCPU_ARGUMENT_PARK,  /* a notification for its thread to wait for other threads of the domain: READ and WRITE */
};

enum bh_protocol {
    BH_PROTOCOL_NONE = 0,
    BH_PROTOCOL_BLOCK = 1,
    BH_PROTOCOL_NET = 2,
    BH_PROTOCOL_CONSOLE = 3,
    BH_PROTOCOL_CONSOLE_INPUT = 4,
};

enum bh_resource_state {
    BH_RESOURCE_UNUSED = 0,
    BH_RESOURCE_ATTACHED = 1,
    BH_RESOURCE_DETACHING = 2,
};

#define BH_NAME_MAX 32u

/*
 * argument[1] of a device's MMIO, IRQ and DMA resources is the device's number in the domain's `devices` as described,
 * from 0; a missing optional device leaves a gap (net.h refers to network cards so).
 *
 * Names. Channels: on the client's side what it is for ("disk0", "net0", "console", "log"), on the server's side the
 * client ("debian1", "manager"); block channels have the volume in `object`, network ones the network, console ones the
 * console's name. Devices: the name in the system description, and `object` is the driver ("nvme", "virtio-blk",
 * "virtio-net", "virtio-console", "pl011"). Regions:
 *   "ram"         a VMM's guest memory; argument[0] its intermediate physical address
 *   "vcpu"        a VMM's vCPU frame, one for each vCPU; `cap` the VCPU, arguments: enum bh_vcpu_argument
 *   "guest"       a VMM's struct bh_guest_config (root.h), read-only
 *   "statistics"  the domain's own counters (statistics.h), writable; with `object` a domain's name: that domain's, read-only
 *   "history"     the consoles' history (console.h): writable in console, read-only in manager
 *   "guests"      the table of guests (root.h), read-only in manager
 *   "request"     the page by which the manager hands a guest's configuration to root (root.h)
 *   "trace"       the kernel's trace, a ring for each core (bh/trace.h), read-only
 *   "threads"     whose threads the trace tells of (trace.h), read-only
 *   "volumes"     the table of volumes (volume.h): writable in storage, read-only in manager
 * Notifications to signal: "refresh", `object` the owner of a "statistics" region: asks it to bring its counters up to date.
 */
struct bh_resource {
    uint32_t kind;
    uint32_t state;
    uint32_t protocol;
    uint32_t epoch;
    char name[BH_NAME_MAX];
    char object[BH_NAME_MAX];
    uint64_t address; /* where it is mapped, or 0 */
    uint64_t size;    /* bytes */
    uint64_t cap;     /* channels: the peer's notification, to signal; IRQ and NOTIFY: see above */
    uint64_t bits;    /* by which it signals this domain */
    struct bh_channel_geometry geometry; /* channels */
    uint64_t argument[4];
};

_Static_assert(sizeof(struct bh_resource) == 168, "laid out without holes");

#define BH_DOMAIN_RESOURCE_MAX 380u

struct bh_domain_page {
    uint64_t magic;
    char name[BH_NAME_MAX];
    uint64_t heap_size; /* bytes at BH_DOMAIN_HEAP */
    uint64_t timer_frequency;
    uint32_t cpu_features; /* as in bh_boot_info: BH_CPU_ bits */
    uint32_t reserved;
    char arguments[256]; /* NUL-terminated; what the system description says in `arguments` */
    uint32_t generation;
    uint32_t resource_count; /* entries in use or once used */
    struct bh_resource resource[BH_DOMAIN_RESOURCE_MAX];
};

_Static_assert(sizeof(struct bh_domain_page) <= BH_DOMAIN_PAGE_SIZE, "fits");

#endif
