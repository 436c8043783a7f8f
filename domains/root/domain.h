/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain as root knows it: its objects, its memory, the domain page by which it learns what it
 * holds. Number 0 is root itself, which has channels like any other; then come the domains of the
 * description, then the VMMs.
 */
#ifndef ROOT_DOMAIN_H
#define ROOT_DOMAIN_H

#include "domains/root/bundle.h"
#include "domains/root/description.h"
#include "domains/root/slots.h"
#include "domains/root/space.h"

#define DOMAINS_DESCRIBED 16u /* numbers 1 to 16 */
#define DOMAINS_MAX       (1u + DOMAINS_DESCRIBED + BH_GUESTS_MAX)
#define DOMAIN_SLOTS_MAX  512u
#define DOMAIN_IO_SPACES  4u

/* Badges on root's endpoints: requests carry the domain's number, faults this bit as well, and the number
 * of the thread. */
#define BADGE_DOMAIN       UINT64_C(0xff)
#define BADGE_FAULT        UINT64_C(0x100)
#define BADGE_THREAD_SHIFT 9

_Static_assert(DOMAINS_MAX <= BADGE_DOMAIN + 1, "the badge holds any domain's number");

#define DOMAIN_THREADS_MAX BH_GUEST_VCPUS_MAX

enum domain_state {
    DOMAIN_FREE = 0,
    DOMAIN_WAITING,  /* described, not yet built */
    DOMAIN_STARTING, /* runs, and has not said that it serves */
    DOMAIN_READY,
    DOMAIN_FAULTED,
    DOMAIN_MISSING, /* could not be built */
};

/* A thread of a domain. Only VMMs have more than one: one for each vCPU. Slots of root. */
struct domain_thread {
    bh_cptr tcb, sched_context;
    bh_cptr notification; /* that it is bound to: of the first, the domain's */
    uint32_t core;
    bh_cptr vcpu; /* of a VMM */
    bh_cptr park; /* of a VMM with several vCPUs: see enum bh_vcpu_argument */
};

struct domain {
    char name[BH_NAME_MAX];
    uint32_t number;
    enum domain_state state;
    const struct domain_description *description; /* NULL: root, or a VMM */
    bool is_vmm;
    uint32_t reads;    /* enum reads */
    uint64_t deadline; /* STARTING: when root goes on without it; UINT64_MAX: no more */

    struct arena arena;  /* everything it is made of */
    struct arena tables; /* page tables for what comes and goes */
    struct space space;
    struct space io[DOMAIN_IO_SPACES]; /* what its devices see */
    uint32_t io_count;
    bh_cptr cnode, notification; /* slots of root */
    bh_cptr guest_space;         /* of a VMM */
    bh_cptr control;             /* its notification, badge BH_SIGNAL_CONTROL */
    uint64_t entry;
    uint32_t thread_count;
    struct domain_thread thread[DOMAIN_THREADS_MAX];

    struct bh_domain_page *page; /* as root sees it */
    uint32_t page_capacity;      /* resources that fit what is mapped of it */
    struct slots slots;          /* of its CNode */
    uint64_t slot_words[DOMAIN_SLOTS_MAX / 64];
    uint32_t next_bit;

    /* What others may read, with 0 frames if there is none. */
    struct region statistics, history, volumes;
};

/* What domain_build needs to know. */
struct domain_plan {
    const char *program;
    struct processor_time time;
    uint64_t heap_size, stack_size;
    const char *arguments;
    bool fp;
    uint32_t thread_count;
    const uint32_t *core; /* of each thread */
    unsigned cnode_radix;
    uint32_t page_frames; /* of the domain page */
};

void domains_init(const struct bundle *bundle, uint64_t timer_frequency);

/* By number; NULL: no such domain. */
struct domain *domain_get(uint64_t number);
struct domain *domain_find(const char *name);

/* Whether the domain has been built and not taken apart since, so that what it holds and others
 * hold of it is complete: a native domain that faulted stays as it is, a VMM goes. */
bool domain_is_whole(const struct domain *domain);

/* An unused entry from `first` on, named, state WAITING; NULL: none. */
struct domain *domain_allocate(uint32_t first, const char *name);

/*
 * Builds address space, threads and CNode. The reason why it failed, or NULL; what was made stays in
 * the arena. The threads do not run yet.
 */
const char *domain_build(struct domain *domain, const struct domain_plan *plan);

/* Lets the threads run from the entry point. */
void domain_start(struct domain *domain);

/* Frees everything. The entry is unused afterwards. */
void domain_destroy(struct domain *domain);

/* --- threads (thread.c) --- */

/* Makes the thread `index` of plan->thread_count, with `buffer` as its IPC buffer (0: none). */
bool thread_make(struct domain *domain, const struct domain_plan *plan, uint32_t index,
                 bh_cptr buffer);

/* Stops all threads, or lets them go on. */
void domain_suspend(struct domain *domain);
void domain_resume(struct domain *domain);

/* Processor time that its threads have used (ticks). */
uint64_t domain_ticks(const struct domain *domain);

/* --- resources (resource.c) --- */

/* A free range of the domain's addresses for resources; 0: none. */
uint64_t domain_address(const struct domain *domain, uint64_t size, uint64_t alignment);

/* Writes an entry of the domain page, ATTACHED, and tells the domain if it runs. Returns its index;
 * BH_DOMAIN_RESOURCE_MAX: the page is full. */
uint32_t domain_resource_add(struct domain *domain, const struct bh_resource *resource);
void domain_resource_set_state(struct domain *domain, uint32_t index, enum bh_resource_state state);

/* One of bits 8-63 of the domain's notification, in turn. */
uint64_t domain_next_bit(struct domain *domain);

/* Mints a capability to `owner`'s notification, with `badge`, into the domain's CNode. Its slot
 * there; 0: full. */
uint32_t domain_grant_notification(struct domain *domain, const struct domain *owner,
                                   uint64_t badge);
/* Copies one of root's capabilities into the domain's CNode; with a badge other than 0, mints it. */
uint32_t domain_grant(struct domain *domain, bh_cptr slot, uint64_t rights, uint64_t badge);
/* Empties a slot of the domain's CNode. */
void domain_take_back(struct domain *domain, uint32_t slot);

/* Memory of the domain's own arena, mapped into it and listed as a region; the address, 0: no
 * memory. */
uint64_t domain_region_add(struct domain *domain, struct region *region, const char *name,
                           const char *object, uint64_t size, uint64_t argument);

/* Where root maps what it shares with the domain: the domain page first, OWN_OFFSET on one more
 * small thing. */
#define DOMAIN_WINDOW_OWN UINT64_C(0x10000)
uint64_t domain_window(const struct domain *domain);

#endif
