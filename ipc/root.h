/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control protocol: what domains ask of root, by Call on BH_SLOT_ROOT. The badge tells root who asks; what each
 * may ask is root's policy, and a refusal is BH_ROOT_DENIED. Word 0 of the answer is enum bh_root_status. Strings and
 * larger things lie in the "request" region (written by the manager, copied once by root, then checked) and the
 * "guests" region (written by root).
 */
#ifndef IPC_ROOT_H
#define IPC_ROOT_H

#include <stdint.h>

#include "ipc/domain.h"

enum bh_root_request {
    BH_ROOT_DETACHED = 1,    /* any domain. word 0: index of the resource that was detaching */
    BH_ROOT_GUEST_EVENT = 2, /* VMM. word 0: enum bh_guest_event, word 1: code */
    BH_ROOT_READY = 3,       /* any domain: it has started and serves */
    BH_ROOT_MACHINE_OFF = 4, /* console, manager. word 0: exit status of the machine, 0-255 */
    BH_ROOT_MACHINE_RESET = 5,

    /* manager only; the guest is named in the request region, GUEST_CREATE takes all of it */
    BH_ROOT_GUEST_CREATE = 16, /* the guest is defined, state OFF. word 1 of the answer: its index */
    BH_ROOT_GUEST_START = 17,
    BH_ROOT_GUEST_PAUSE = 18,
    BH_ROOT_GUEST_RESUME = 19,
    BH_ROOT_GUEST_STOP = 20,    /* power off at once */
    BH_ROOT_GUEST_DESTROY = 21, /* stop if need be, and forget it */
    BH_ROOT_REFRESH = 22,       /* bring CPU times and memory figures of the guests region up to date */
};

enum bh_root_status {
    BH_ROOT_OK = 0,
    BH_ROOT_DENIED = 1,
    BH_ROOT_BAD_REQUEST = 2,
    BH_ROOT_NO_SUCH_GUEST = 3,
    BH_ROOT_EXISTS = 4,
    BH_ROOT_NO_SUCH_VOLUME = 5,
    BH_ROOT_NO_SUCH_NETWORK = 6,
    BH_ROOT_NO_MEMORY = 7,
    BH_ROOT_WRONG_STATE = 8,
    BH_ROOT_VOLUME_BUSY = 9, /* another guest has it for writing */
    BH_ROOT_FULL = 10,       /* the tables of guests, consoles or ports */
};

enum bh_guest_event {
    BH_GUEST_EVENT_RUNNING = 1,   /* the VMM has loaded the kernel and enters the guest */
    BH_GUEST_EVENT_OFF = 2,       /* PSCI SYSTEM_OFF */
    BH_GUEST_EVENT_RESET = 3,     /* PSCI SYSTEM_RESET: root builds it anew */
    BH_GUEST_EVENT_CRASHED = 4,   /* pvpanic, or a state the VMM can't go on from; code says what */
    BH_GUEST_EVENT_BAD_IMAGE = 5, /* the kernel volume holds no arm64 Image, or it does not fit; code: which check */
};

enum bh_guest_state {
    BH_GUEST_NONE = 0,
    BH_GUEST_OFF,
    BH_GUEST_STARTING,
    BH_GUEST_RUNNING,
    BH_GUEST_PAUSED,
    BH_GUEST_STOPPING,
    BH_GUEST_CRASHED, /* the guest panicked, or its VMM faulted: see reason */
};

#define BH_GUEST_DISKS_MAX 4u
#define BH_GUEST_NETS_MAX 2u
#define BH_GUEST_VCPUS_MAX 8u
#define BH_GUEST_COMMAND_LINE_MAX 1024u

struct bh_guest_disk {
    char volume[BH_NAME_MAX];
    uint32_t read_only;
    uint32_t reserved;
};

struct bh_guest_net {
    char network[BH_NAME_MAX];
    uint8_t mac[6]; /* all zero: root chooses */
    uint8_t reserved[2];
};

/* A guest as the system description or the manager defines it. Strings are NUL-terminated within their arrays. */
struct bh_guest_config {
    char name[BH_NAME_MAX]; /* [a-z0-9-], 1 to 31 */
    uint64_t memory;        /* bytes, a multiple of 2 MiB, at least 16 MiB */
    uint32_t vcpu_count;    /* 1 to BH_GUEST_VCPUS_MAX */
    uint32_t autostart;
    char kernel_volume[BH_NAME_MAX];
    char initrd_volume[BH_NAME_MAX]; /* may be empty */
    char command_line[BH_GUEST_COMMAND_LINE_MAX];
    uint64_t initrd_size; /* bytes; 0: the whole volume */
    uint32_t disk_count;
    uint32_t net_count;
    struct bh_guest_disk disk[BH_GUEST_DISKS_MAX];
    struct bh_guest_net net[BH_GUEST_NETS_MAX];
};

/* The request region. */
struct bh_root_request_page {
    struct bh_guest_config guest; /* only `name` matters but for GUEST_CREATE */
};

#define BH_GUESTS_MAX 64u

struct bh_guest_info {
    struct bh_guest_config config;
    uint32_t state;      /* enum bh_guest_state */
    uint32_t starts;     /* how often it has been started, resets included */
    uint32_t last_event; /* enum bh_guest_event, 0: none yet */
    uint32_t event_code;
    char reason[96];         /* of the last stop or crash, for people */
    uint64_t cpu_ticks;      /* of its VMM and itself, since it was last started */
    uint64_t overhead_bytes; /* memory beyond the guest's RAM that it holds now */
};

/* The guests region. `version` is odd while root writes; a reader copies, and tries again if it changed. */
struct bh_guest_table {
    uint64_t version;
    uint64_t memory_total; /* bytes of RAM of the machine */
    uint64_t memory_free;  /* bytes that root can still give out */
    uint64_t timer_frequency;
    struct bh_guest_info guest[BH_GUESTS_MAX];
};

#endif
