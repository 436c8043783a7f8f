/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system description, read from its device tree (docs/system-description.md is the binding).
 *
 * description_read checks everything; what is wrong is reported and left out, together with what
 * needs it, so that what remains in `struct description` is consistent: every name that one entry
 * uses is another entry's.
 */
#ifndef ROOT_DESCRIPTION_H
#define ROOT_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bh/object.h>

#include "ipc/root.h"

#define DESCRIPTION_DOMAINS  16u
#define DESCRIPTION_DEVICES  16u
#define DESCRIPTION_CHANNELS 32u
#define DESCRIPTION_NETWORKS 16u
#define DESCRIPTION_VOLUMES  32u
#define DESCRIPTION_GUESTS   60u
#define DESCRIPTION_LIST     8u
#define DESCRIPTION_WINDOWS  32u /* BH_SCHEDULE_WINDOWS */

struct name_list {
    uint32_t count;
    char name[DESCRIPTION_LIST][BH_NAME_MAX];
};

struct processor_time {
    uint32_t priority;
    uint32_t budget_us;
    uint32_t period_us;
    uint32_t partition;
};

enum may {
    MAY_MACHINE_OFF = 1,
    MAY_MACHINE_RESET = 2,
    MAY_MANAGE_GUESTS = 4,
};

enum reads {
    READS_HISTORY = 1,
    READS_VOLUMES = 2,
    READS_GUESTS = 4,
    READS_STATISTICS = 8,
    READS_TRACE = 16,
};

struct domain_description {
    char name[BH_NAME_MAX];
    bool present; /* false: left out */
    char program[BH_NAME_MAX];
    char arguments[256];
    struct processor_time time;
    uint64_t heap_size, stack_size; /* whole pages */
    struct name_list devices;
    uint32_t serves; /* enum bh_protocol, 0: nothing */
    uint32_t may;
    uint32_t reads;
    bool fp, log, statistics;
};

struct device_description {
    char name[BH_NAME_MAX];
    bool present;
    char driver[BH_NAME_MAX];
    char path[128];           /* platform, by path */
    char node_compatible[64]; /* platform, by compatible */
    uint32_t pci_class;
    uint32_t pci_id[2];
    uint32_t pci_slot[2];
    bool by_class, by_id, by_slot;
    uint32_t index;
    uint64_t dma_size; /* whole pages */
    bool optional;
};

struct channel_description {
    char name[BH_NAME_MAX];
    bool present;
    char client[BH_NAME_MAX];
    char server[BH_NAME_MAX];
    char as[BH_NAME_MAX];
    uint32_t protocol;
    char volume[BH_NAME_MAX];
    char network[BH_NAME_MAX];
    bool read_only;
    uint8_t mac[6];
    uint32_t entries;
    uint64_t data_size; /* whole pages */
};

struct network_description {
    char name[BH_NAME_MAX];
    bool present;
    char uplink[BH_NAME_MAX];
    uint32_t vlan;
    bool isolated;
};

struct volume_description {
    char name[BH_NAME_MAX];
    bool present;
    char partition[BH_NAME_MAX];
    bool read_only;
};

enum guest_policy {
    POLICY_STOP = 0,
    POLICY_RESTART = 1,
};

struct guest_settings {
    struct processor_time time;    /* of each vCPU */
    uint32_t core_count;           /* 0: root chooses */
    uint32_t core[BH_GUEST_VCPUS_MAX]; /* of the vCPUs in turn */
    uint64_t disk_data_size, net_data_size; /* whole pages */
    uint32_t on_reset, on_crash;            /* enum guest_policy */
    bool exit_with_machine;
};

_Static_assert(offsetof(struct guest_settings, core) ==
                   offsetof(struct guest_settings, core_count) + sizeof(uint32_t),
               "as PROPERTY_CORES fills it");

struct guest_description {
    struct bh_guest_config config; /* begins with the name, as the other descriptions do */
    bool present;
    struct guest_settings settings;
};

struct quota_description {
    uint32_t guests;
    uint64_t memory, guest_memory;
    uint32_t guest_vcpus;
    struct name_list volumes, read_only_volumes, networks;
};

struct window_description {
    uint32_t partition;
    uint32_t length_us;
};

struct description {
    char model[64];
    char root_arguments[256];
    bool root_log;
    uint32_t domain_count, device_count, channel_count, network_count, volume_count, guest_count;
    struct domain_description domain[DESCRIPTION_DOMAINS];
    struct device_description device[DESCRIPTION_DEVICES];
    struct channel_description channel[DESCRIPTION_CHANNELS];
    struct network_description network[DESCRIPTION_NETWORKS];
    struct volume_description volume[DESCRIPTION_VOLUMES];
    struct guest_description guest[DESCRIPTION_GUESTS];

    char guest_program[BH_NAME_MAX];
    uint64_t guest_heap_size, guest_stack_size, boot_data_size;
    struct guest_settings guest_defaults;
    struct quota_description quota;

    uint32_t window_count; /* 0: no schedule, all time is partition 0's */
    struct window_description window[DESCRIPTION_WINDOWS];
};

/* Where messages go: `subject` is a name that the reason is about, or "". */
struct description_report {
    void (*line)(void *context, const char *node, const char *property, const char *reason,
                 const char *subject);
    void *context;
};

/* Whether the bundle has a program of that name. */
struct description_programs {
    bool (*exists)(void *context, const char *name);
    void *context;
};

/*
 * Reads the tree of `size` bytes at `tree`. False: it is no description at all. Otherwise
 * everything in *description is consistent, and `present` says which entries are.
 */
bool description_read(const void *tree, size_t size, struct description *description,
                      const struct description_programs *programs,
                      const struct description_report *report);

/* 1 to 31 characters of a-z, 0-9 and '-', neither first nor last '-'. */
bool description_name_ok(const char *name);

/* Such a name, and not "root" or that of the console of all logs. */
bool description_guest_name_ok(const char *name);

/* Entries by name, or NULL; absent ones are not found. */
const struct domain_description *description_domain(const struct description *description,
                                                    const char *name);
const struct domain_description *description_server(const struct description *description,
                                                    uint32_t protocol);
const struct device_description *description_device(const struct description *description,
                                                    const char *name);
const struct network_description *description_network(const struct description *description,
                                                      const char *name);
const struct volume_description *description_volume(const struct description *description,
                                                    const char *name);

#endif
