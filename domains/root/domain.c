/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/domain.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/load.h"
#include "domains/root/relay.h"
#include "domains/root/root.h"
#include "domains/root/trace.h"

static struct domain domains[DOMAINS_MAX];

struct domain *domain_get(uint64_t number)
{
    return number < DOMAINS_MAX && domains[number].state != DOMAIN_FREE ? &domains[number] : NULL;
}

struct domain *domain_find(const char *name)
{
    for (uint32_t i = 0; i < DOMAINS_MAX; i++) {
        if (domains[i].state != DOMAIN_FREE && strcmp(domains[i].name, name) == 0) {
            return &domains[i];
        }
    }
    return NULL;
}

bool domain_is_whole(const struct domain *domain)
{
    return domain != NULL && (domain->state == DOMAIN_STARTING || domain->state == DOMAIN_READY ||
                              (domain->state == DOMAIN_FAULTED && !domain->is_vmm));
}

struct domain *domain_allocate(uint32_t first, const char *name)
{
    for (uint32_t i = first; i < DOMAINS_MAX; i++) {
        struct domain *domain = &domains[i];
        if (domain->state == DOMAIN_FREE) {
            *domain = (struct domain){.number = i, .state = DOMAIN_WAITING, .deadline = UINT64_MAX};
            memcpy(domain->name, name, strnlen(name, BH_NAME_MAX - 1));
            arena_init(&domain->arena);
            arena_init(&domain->tables);
            return domain;
        }
    }
    return NULL;
}

uint64_t domain_window(const struct domain *domain)
{
    return ROOT_WINDOWS + domain->number * ROOT_WINDOW_SIZE;
}

static bool make_objects(struct domain *domain, unsigned radix)
{
    struct arena *arena = &domain->arena;
    domain->cnode = arena_make(arena, BH_TYPE_CNODE, radix, 1);
    domain->space = (struct space){.cap = arena_make(arena, BH_TYPE_VSPACE, 0, 1),
                                   .tables = domain->is_vmm ? arena : &domain->tables};
    domain->notification = arena_make(arena, BH_TYPE_NOTIFICATION, 0, 1);
    domain->control = arena_slots(arena, 1);
    slots_init(&domain->slots, domain->slot_words, UINT32_C(1) << radix, BH_SLOT_FIRST);
    return domain->cnode != 0 && domain->space.cap != 0 &&
           domain->notification != 0 && domain->control != 0 &&
           bh_cnode_mint(BH_ROOT_SLOT_CNODE, domain->control, BH_ROOT_SLOT_CNODE,
                         domain->notification, BH_RIGHT_WRITE, BH_SIGNAL_CONTROL)
                   .error == BH_OK;
}

/* The domain page, the IPC buffer (its frame in *buffer) and the heap. */
static bool make_memory(struct domain *domain, const struct domain_plan *plan, bh_cptr *buffer)
{
    struct arena *arena = &domain->arena;
    struct region page;
    struct region ipc_buffer;
    struct region heap;
    struct space *space = &domain->space;
    if (!region_make(&page, arena, (uint64_t)plan->page_frames << BH_PAGE_BITS, BH_PAGE_BITS) ||
        !region_map(&page, &root.space, domain_window(domain), BH_RIGHT_READ | BH_RIGHT_WRITE) ||
        !region_map(&page, space, BH_DOMAIN_PAGE, BH_RIGHT_READ) ||
        !region_make(&ipc_buffer, arena, BH_PAGE_SIZE, BH_PAGE_BITS) ||
        !region_map(&ipc_buffer, space, BH_DOMAIN_IPC_BUFFER, BH_RIGHT_READ | BH_RIGHT_WRITE)) {
        return false;
    }
    *buffer = ipc_buffer.frame;
    domain->page = (struct bh_domain_page *)domain_window(domain);
    domain->page_capacity = (uint32_t)(((uint64_t)plan->page_frames * BH_PAGE_SIZE -
                                        offsetof(struct bh_domain_page, resource)) /
                                       sizeof(struct bh_resource));
    if (domain->page_capacity > BH_DOMAIN_RESOURCE_MAX) {
        domain->page_capacity = BH_DOMAIN_RESOURCE_MAX;
    }
    /* Large frames where the heap fills them. */
    uint64_t large = plan->heap_size >> BH_LARGE_PAGE_BITS << BH_LARGE_PAGE_BITS;
    uint64_t rest = plan->heap_size - large;
    return (large == 0 ||
            (region_make(&heap, arena, large, BH_LARGE_PAGE_BITS) &&
             region_map(&heap, space, BH_DOMAIN_HEAP, BH_RIGHT_READ | BH_RIGHT_WRITE))) &&
           (rest == 0 ||
            (region_make(&heap, arena, rest, BH_PAGE_BITS) &&
             region_map(&heap, space, BH_DOMAIN_HEAP + large, BH_RIGHT_READ | BH_RIGHT_WRITE)));
}

static void fill_page(struct domain *domain, const struct domain_plan *plan)
{
    struct bh_domain_page *page = domain->page;
    page->magic = BH_DOMAIN_MAGIC;
    memcpy(page->name, domain->name, sizeof(page->name));
    page->heap_size = plan->heap_size;
    page->timer_frequency = root.boot->timer_frequency;
    page->cpu_features = root.boot->cpu_features;
    memcpy(page->arguments, plan->arguments, strnlen(plan->arguments, sizeof(page->arguments) - 1));
}

static bool fill_cnode(struct domain *domain)
{
    return bh_cnode_mint(domain->cnode, BH_SLOT_ROOT, BH_ROOT_SLOT_CNODE,
                         relay_endpoint(domain->thread[0].core), BH_RIGHT_WRITE | BH_RIGHT_CALL,
                         domain->number)
                   .error == BH_OK &&
           bh_cnode_copy(domain->cnode, BH_SLOT_NOTIFICATION, BH_ROOT_SLOT_CNODE,
                         domain->notification, BH_RIGHT_READ | BH_RIGHT_WRITE)
                   .error == BH_OK;
}

const char *domain_build(struct domain *domain, const struct domain_plan *plan)
{
    bh_cptr buffer;
    if (!make_objects(domain, plan->cnode_radix) || !make_memory(domain, plan, &buffer)) {
        return "no memory to build it";
    }
    const char *reason =
        load_program(&root.bundle, plan->program, &domain->arena, &domain->space, &domain->entry);
    if (reason != NULL) {
        return reason;
    }
    fill_page(domain, plan);
    for (uint32_t i = 0; i < plan->thread_count; i++) {
        if (!thread_make(domain, plan, i, i == 0 ? buffer : BH_CPTR_NULL)) {
            return "a thread could not be set up";
        }
    }
    return fill_cnode(domain) ? NULL : "its capabilities could not be set up";
}

void domain_start(struct domain *domain)
{
    domain->state = DOMAIN_STARTING;
    for (uint32_t i = 0; i < domain->thread_count; i++) {
        trace_name(domain, domain->thread[i].tcb);
        (void)bh_tcb_write_registers(domain->thread[i].tcb, domain->entry,
                                     BH_DOMAIN_STACK_TOP + i * BH_DOMAIN_STACK_STRIDE, 0, i, 0, 0);
    }
    domain_resume(domain);
}

void domain_destroy(struct domain *domain)
{
    domain_suspend(domain);
    arena_destroy(&domain->arena);
    arena_destroy(&domain->tables);
    domain->state = DOMAIN_FREE;
}
