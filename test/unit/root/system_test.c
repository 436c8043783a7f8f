/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of root on a model of the kernel (system.dts): how it brings the domains up, what it grants
 * whom, how guests come and go, and that nothing is lost whatever fails in between. system_test
 * DTB.
 */
#include <elf.h>
#include <string.h>

#include "domains/root/capabilities.h"
#include "domains/root/domain.h"
#include "domains/root/guest_table.h"
#include "domains/root/root.h"
#include "ipc/trace.h"
#include "ipc/volume.h"
#include "test/unit/check.h"
#include "test/unit/root/model_kernel.h"

extern uint64_t bh_test_ticks;
int root_main(void);

static struct bh_boot_info boot;

const struct bh_boot_info *bh_boot_info(void)
{
    return &boot;
}

uint64_t bh_us_from_ticks(uint64_t ticks)
{
    return ticks * 2 / 125;
}

uint64_t bh_ticks_from_us(uint64_t us)
{
    return us * 62 + us / 2;
}

/* --- The bundle --- */

static uint8_t *archive;
static size_t archive_size;

static void append(const void *data, size_t size)
{
    memcpy(archive + archive_size, data, size);
    archive_size += size;
    archive_size = (archive_size + 3) & ~(size_t)3;
}

/* The contents begin at a multiple of `alignment`. */
static void append_file(const char *name, const void *data, size_t size, size_t alignment)
{
    static char path[4096];
    char header[111];
    size_t name_size = strlen(name) + 1;
    while ((archive_size + 110 + name_size) % alignment != 0) {
        name_size++;
    }
    memset(path, 0, sizeof(path));
    strcpy(path, name);
    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             1u, 0100444u, 0u, 0u, 1u, 0u, (unsigned)size, 0u, 0u, 0u, 0u, (unsigned)name_size, 0u);
    memcpy(archive + archive_size, header, 110);
    archive_size += 110;
    append(path, name_size);
    append(data, size);
    CHECK(archive_size <= MODEL_BUNDLE_SIZE);
}

#define TEXT_SIZE 0x2064u /* two pages to share, and a part of one to copy */

static void append_program(const char *name)
{
    static struct {
        Elf64_Ehdr header;
        Elf64_Phdr program[2];
        uint8_t padding[4096 - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
        uint8_t text[TEXT_SIZE];
    } file = {.header = {.e_ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                         .e_type = ET_EXEC,
                         .e_machine = EM_AARCH64,
                         .e_version = 1,
                         .e_entry = 0x200000,
                         .e_phoff = sizeof(Elf64_Ehdr),
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = 2}};
    file.program[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_flags = PF_R | PF_X,
                                   .p_offset = 4096,
                                   .p_vaddr = 0x200000,
                                   .p_filesz = TEXT_SIZE,
                                   .p_memsz = TEXT_SIZE};
    file.program[1] = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = 0x203000, .p_memsz = 0x3000};
    memset(file.text, 0x5a, sizeof(file.text));
    append_file(name, &file, sizeof(file), 4096);
}

static void make_bundle(const char *description)
{
    static uint8_t tree[65536];
    FILE *file = fopen(description, "rb");
    CHECK(file != NULL);
    size_t size = fread(tree, 1, sizeof(tree), file);
    fclose(file);
    append_program("root");
    append_file("system.dtb", tree, size, 4096);
    append_program("console");
    append_program("storage");
    append_program("network");
    append_program("manager");
    append_program("vmm");
    append_file("damaged", "no program", 10, 4);
    append_file("TRAILER!!!", "", 0, 4);
    boot.bundle_size = archive_size;
}

/* --- What domains do --- */

static uint64_t ask(const struct domain *domain, uint64_t request, uint64_t word0, uint64_t word1)
{
    const uint64_t word[3] = {word0, word1, 0};
    uint64_t answer[4] = {0};
    return model_send(domain->number, bh_info((uint32_t)request, 3), word, answer) ? answer[0]
                                                                                   : UINT64_MAX;
}

static void tick(uint64_t us)
{
    static const uint64_t none[3];
    bh_test_ticks += bh_ticks_from_us(us);
    (void)model_send(ROOT_SIGNAL_TIMER, BH_INFO_NOTIFICATION, none, NULL);
}

static struct domain *domain(const char *name)
{
    struct domain *found = domain_find(name);
    CHECK(found != NULL);
    return found;
}

static const struct bh_resource *resource(const struct domain *owner, uint32_t kind,
                                          const char *name, const char *object)
{
    for (uint32_t i = 0; i < owner->page->resource_count; i++) {
        const struct bh_resource *found = &owner->page->resource[i];
        if (found->state == BH_RESOURCE_ATTACHED && found->kind == kind &&
            strcmp(found->name, name) == 0 && strcmp(found->object, object) == 0) {
            return found;
        }
    }
    return NULL;
}

/* All services let go of what is detaching. */
static void release_all(void)
{
    static const char *const services[] = {"console", "storage", "network", "manager"};
    for (unsigned i = 0; i < 4; i++) {
        const struct domain *service = domain(services[i]);
        for (uint32_t j = 0; j < service->page->resource_count; j++) {
            if (service->state != DOMAIN_FAULTED &&
                service->page->resource[j].state == BH_RESOURCE_DETACHING) {
                CHECK_EQUAL(ask(service, BH_ROOT_DETACHED, j, 0), BH_ROOT_OK);
            }
        }
    }
}

static const struct bh_guest_table *table(void)
{
    return (const struct bh_guest_table *)ROOT_GUEST_TABLE;
}

static const struct bh_guest_info *guest(const char *name)
{
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        if (strcmp(table()->guest[i].config.name, name) == 0) {
            return &table()->guest[i];
        }
    }
    return NULL;
}

static uint64_t manage(uint64_t request, const struct bh_guest_config *config)
{
    const struct domain *manager = domain("manager");
    const struct bh_resource *region = resource(manager, BH_RESOURCE_REGION, "request", "");
    CHECK(region != NULL);
    struct bh_root_request_page *page = model_pointer(manager->space.cap, region->address);
    page->guest = *config;
    return ask(manager, request, 0, 0);
}

static uint64_t manage_named(uint64_t request, const char *name)
{
    struct bh_guest_config config = {.memory = 1};
    strcpy(config.name, name);
    return manage(request, &config);
}

static bool said(const char *text)
{
    return strstr(model_log(), text) != NULL;
}

/* --- The tests, in the order of a machine's life --- */

static void publish_volumes(void)
{
    static const char *const names[] = {"kernel", "initrd", "a", "m1", "m2", "state"};
    const struct domain *storage = domain("storage");
    const struct bh_resource *region = resource(storage, BH_RESOURCE_REGION, "volumes", "");
    CHECK(region != NULL);
    struct bh_volume_table *volumes = model_pointer(storage->space.cap, region->address);
    for (unsigned i = 0; i < 6; i++) {
        strcpy(volumes->volume[i].name, names[i]);
        volumes->volume[i].sectors = 1000 + i;
    }
    volumes->volume_count = 6;
    volumes->version = 2;
}

static void boots(void)
{
    CHECK(said("system: model"));
    CHECK(model_windows_running() == 2);
    CHECK(said("schedule: 2 windows in 1500 us"));
    CHECK(said("domain absent can't start: truncated"));
    CHECK(domain("manager")->state == DOMAIN_WAITING); /* for storage and network */
    publish_volumes();
    CHECK_EQUAL(ask(domain("console"), BH_ROOT_READY, 0, 0), BH_ROOT_OK);
    CHECK_EQUAL(ask(domain("console"), BH_ROOT_READY, 0, 0), BH_ROOT_WRONG_STATE);
    CHECK_EQUAL(ask(domain("storage"), BH_ROOT_READY, 0, 0), BH_ROOT_OK);
    CHECK(domain("manager")->state == DOMAIN_WAITING);
    /* The network server is late: root goes on without its answer. */
    CHECK(model_deadline() != UINT64_MAX);
    tick(5000001);
    CHECK(said("domain network has not said that it is ready"));
    CHECK(domain("manager")->state == DOMAIN_STARTING);
    CHECK(said("channel manager-lost: no such volume"));
    CHECK(!said("system ready"));
    CHECK_EQUAL(ask(domain("network"), BH_ROOT_READY, 0, 0), BH_ROOT_OK);
    CHECK_EQUAL(ask(domain("manager"), BH_ROOT_READY, 0, 0), BH_ROOT_OK);
    CHECK(said("bulkhead: system ready\n"));
    CHECK(said(", 0 differences\n"));
    CHECK_EQUAL(model_deadline(), UINT64_MAX);
}

static void lists_what_it_grants(void)
{
    const struct domain *manager = domain("manager");
    const struct domain *storage = domain("storage");
    const struct bh_resource *client = resource(manager, BH_RESOURCE_CLIENT, "state", "state");
    const struct bh_resource *server = resource(storage, BH_RESOURCE_SERVER, "manager", "state");
    CHECK(client != NULL && server != NULL);
    CHECK_EQUAL(client->argument[0], 1005);
    CHECK_EQUAL(server->argument[0], 1005);
    /* Both see the same memory, all of it. */
    for (uint64_t offset = 0; offset < client->size; offset += 4096) {
        void *one = model_pointer(manager->space.cap, client->address + offset);
        CHECK(one != NULL && one == model_pointer(storage->space.cap, server->address + offset));
    }
    CHECK(resource(manager, BH_RESOURCE_REGION, "history", "") != NULL);
    CHECK(resource(manager, BH_RESOURCE_REGION, "volumes", "") != NULL);
    CHECK(resource(manager, BH_RESOURCE_REGION, "guests", "") != NULL);
    CHECK(resource(manager, BH_RESOURCE_REGION, "statistics", "storage") != NULL);
    CHECK(resource(manager, BH_RESOURCE_REGION, "statistics", "console") == NULL);
    CHECK(resource(manager, BH_RESOURCE_NOTIFY, "refresh", "network") != NULL);
    CHECK(resource(storage, BH_RESOURCE_SERVER, "manager", "lost") == NULL);
}

/* The thread's last name in the table that readers of the trace see; NULL: none. */
static const struct bh_trace_thread *thread_named(const char *name)
{
    const struct domain *manager = domain("manager");
    const struct bh_resource *region = resource(manager, BH_RESOURCE_REGION, "threads", "");
    CHECK(region != NULL && region->size >= sizeof(struct bh_trace_thread_table));
    /* Root's own view of the same pages, which lie apart in the test's. */
    const struct bh_trace_thread_table *threads =
        (const struct bh_trace_thread_table *)ROOT_TRACE_THREADS;
    for (uint64_t offset = 0; offset < region->size; offset += BH_PAGE_SIZE) {
        CHECK(model_pointer(manager->space.cap, region->address + offset) ==
              model_pointer(BH_ROOT_SLOT_VSPACE, ROOT_TRACE_THREADS + offset));
    }
    for (uint64_t i = threads->count; i-- > 0;) {
        const struct bh_trace_thread *entry = &threads->entry[i % BH_TRACE_THREADS];
        if (strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void shows_the_trace_to_its_readers(void)
{
    const struct domain *manager = domain("manager");
    const struct bh_resource *rings = resource(manager, BH_RESOURCE_REGION, "trace", "");
    CHECK(rings != NULL);
    CHECK_EQUAL(rings->size, sizeof(struct bh_trace_ring));
    CHECK_EQUAL(rings->address % sizeof(struct bh_trace_ring), 0);
    CHECK(resource(domain("storage"), BH_RESOURCE_REGION, "trace", "") == NULL);
    CHECK(resource(domain("storage"), BH_RESOURCE_REGION, "threads", "") == NULL);
    CHECK(thread_named("root") != NULL); /* its own thread and its relays */
    static const char *const names[] = {"console", "storage", "network", "manager"};
    for (unsigned i = 0; i < 4; i++) {
        const struct bh_trace_thread *thread = thread_named(names[i]);
        uint64_t tcb = bh_cnode_inspect(BH_ROOT_SLOT_CNODE, domain(names[i])->thread[0].tcb).value[3];
        CHECK(thread != NULL && thread->since <= bh_test_ticks);
        CHECK_EQUAL(thread->thread, (uint32_t)(tcb >> BH_TCB_BITS));
    }
    CHECK(thread_named("absent") == NULL);
    CHECK(thread_named("b") == NULL);
}

static void refuses_what_is_not_granted(void)
{
    const struct domain *storage = domain("storage");
    CHECK_EQUAL(ask(storage, BH_ROOT_MACHINE_OFF, 0, 0), BH_ROOT_DENIED);
    CHECK_EQUAL(ask(storage, BH_ROOT_MACHINE_RESET, 0, 0), BH_ROOT_DENIED);
    CHECK_EQUAL(ask(storage, BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_OFF, 0), BH_ROOT_DENIED);
    for (uint64_t request = BH_ROOT_GUEST_CREATE; request <= BH_ROOT_REFRESH; request++) {
        CHECK_EQUAL(ask(storage, request, 0, 0), BH_ROOT_DENIED);
    }
    CHECK_EQUAL(ask(domain("console"), BH_ROOT_MACHINE_RESET, 0, 0), BH_ROOT_DENIED);
    CHECK_EQUAL(ask(domain("manager"), BH_ROOT_MACHINE_OFF, 0, 0), BH_ROOT_DENIED);
    CHECK_EQUAL(ask(storage, 0, 0, 0), BH_ROOT_BAD_REQUEST);
    CHECK_EQUAL(ask(storage, 999, 0, 0), BH_ROOT_BAD_REQUEST);
    CHECK_EQUAL(ask(storage, BH_ROOT_DETACHED, 0, 0), BH_ROOT_BAD_REQUEST);
    CHECK_EQUAL(ask(storage, BH_ROOT_DETACHED, UINT64_MAX, 0), BH_ROOT_BAD_REQUEST);
    /* Nobody has this badge. */
    static const uint64_t none[3];
    CHECK(!model_send(77, bh_info(BH_ROOT_READY, 3), none, NULL));
    CHECK(!model_send(UINT64_MAX, bh_info(BH_ROOT_READY, 3), none, NULL));
}

static void start_and_run(const char *name)
{
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_START, name), BH_ROOT_OK);
    CHECK_EQUAL(guest(name)->state, BH_GUEST_STARTING);
    CHECK(thread_named(name) != NULL);
    CHECK_EQUAL(ask(domain(name), BH_ROOT_READY, 0, 0), BH_ROOT_OK);
    CHECK_EQUAL(ask(domain(name), BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_RUNNING, 0), BH_ROOT_OK);
    CHECK_EQUAL(guest(name)->state, BH_GUEST_RUNNING);
}

static struct bh_guest_config managed(const char *name, const char *volume)
{
    struct bh_guest_config config = {.memory = 16u << 20,
                                     .vcpu_count = 1,
                                     .kernel_volume = "kernel",
                                     .disk_count = 1,
                                     .net_count = 1};
    strcpy(config.name, name);
    strcpy(config.disk[0].volume, volume);
    strcpy(config.net[0].network, "lan");
    return config;
}

/* Text that nobody writes is the bundle's own, but for the page that only belongs to it in part. */
static void shares_text(const struct domain *one, const struct domain *other)
{
    for (uint64_t address = 0x200000; address < 0x206000; address += 4096) {
        const uint8_t *here = model_pointer(one->space.cap, address);
        const uint8_t *there = model_pointer(other->space.cap, address);
        CHECK(here != NULL && there != NULL);
        CHECK((here == there) == (address < 0x202000));
        CHECK_EQUAL(here[0], address < 0x203000 ? 0x5a : 0);
    }
    const uint8_t *last = model_pointer(one->space.cap, 0x202000);
    CHECK(last[0x63] == 0x5a && last[0x64] == 0 && last[0xfff] == 0);
}

static void runs_a_guest(void)
{
    start_and_run("a");
    const struct domain *vmm = domain("a");
    const struct bh_resource *memory = resource(vmm, BH_RESOURCE_REGION, "ram", "");
    CHECK(memory != NULL && memory->size == 16u << 20 && memory->argument[0] == 0x40000000);
    for (uint64_t offset = 0; offset < memory->size; offset += 1 << 20) {
        void *seen = model_pointer(vmm->space.cap, memory->address + offset);
        CHECK(seen != NULL && seen == model_pointer(vmm->guest_space, 0x40000000 + offset));
    }
    const struct bh_resource *config = resource(vmm, BH_RESOURCE_REGION, "guest", "");
    CHECK(config != NULL);
    const struct bh_guest_config *seen = model_pointer(vmm->space.cap, config->address);
    CHECK(strcmp(seen->name, "a") == 0 && seen->net[0].mac[0] == 0x52);
    CHECK(resource(domain("storage"), BH_RESOURCE_SERVER, "a", "kernel") != NULL);
    CHECK(resource(domain("storage"), BH_RESOURCE_SERVER, "a", "initrd") != NULL);
    CHECK(resource(domain("storage"), BH_RESOURCE_SERVER, "a", "a") != NULL);
    CHECK(resource(domain("network"), BH_RESOURCE_SERVER, "a", "lan") != NULL);
    CHECK(resource(domain("console"), BH_RESOURCE_SERVER, "a", "a") != NULL);
    CHECK(resource(domain("console"), BH_RESOURCE_SERVER, "a", "system") != NULL);
    CHECK(resource(domain("manager"), BH_RESOURCE_REGION, "statistics", "a") != NULL);
    CHECK(resource(domain("manager"), BH_RESOURCE_NOTIFY, "refresh", "a") != NULL);
    CHECK(guest("a")->overhead_bytes > 0 && guest("a")->overhead_bytes < 2u << 20);

    struct bh_guest_config other = managed("m", "m1");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &other), BH_ROOT_OK);
    start_and_run("m");
    shares_text(vmm, domain("m"));
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "m"), BH_ROOT_OK);
    release_all();

    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_START, "a"), BH_ROOT_WRONG_STATE);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_START, "b"), BH_ROOT_VOLUME_BUSY);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "a"), BH_ROOT_DENIED);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_RESUME, "a"), BH_ROOT_WRONG_STATE);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_PAUSE, "a"), BH_ROOT_OK);
    CHECK(!model_runs(vmm->thread[0].tcb));
    CHECK_EQUAL(guest("a")->state, BH_GUEST_PAUSED);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_RESUME, "a"), BH_ROOT_OK);
    CHECK(model_runs(vmm->thread[0].tcb));
    CHECK_EQUAL(manage_named(BH_ROOT_REFRESH, ""), BH_ROOT_OK);
    CHECK_EQUAL(guest("a")->cpu_ticks, 1000);
    CHECK_EQUAL(ask(vmm, BH_ROOT_GUEST_EVENT, 99, 0), BH_ROOT_BAD_REQUEST);
}

/* Each vCPU has a thread, and what belongs to it. */
static void runs_several_vcpus(void)
{
    static const uint64_t spread[] = {2, 0, 1}; /* guest a's only one is on core 1 */
    struct bh_guest_config config = managed("m", "m1");
    config.vcpu_count = 4;
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_DENIED); /* the quota */
    config.vcpu_count = 3;
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_OK);
    start_and_run("m");
    const struct domain *vmm = domain("m");
    CHECK_EQUAL(vmm->thread_count, 3);
    CHECK_EQUAL(model_core(domain("a")->thread[0].tcb), 1);
    CHECK_EQUAL(model_core(domain("storage")->thread[0].tcb), 0);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(model_runs(vmm->thread[i].tcb));
        CHECK_EQUAL(model_core(vmm->thread[i].tcb), spread[i]);
        uint64_t top = BH_DOMAIN_STACK_TOP + i * BH_DOMAIN_STACK_STRIDE;
        CHECK(model_pointer(vmm->space.cap, top - 8) != NULL);
        CHECK(model_pointer(vmm->space.cap, top) == NULL);
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < vmm->page->resource_count; i++) {
        const struct bh_resource *entry = &vmm->page->resource[i];
        if (strcmp(entry->name, "vcpu") == 0) {
            CHECK_EQUAL(entry->argument[BH_VCPU_ARGUMENT_INDEX], seen++);
            CHECK(entry->cap != 0 && entry->argument[BH_VCPU_ARGUMENT_KICK] != 0 &&
                  entry->argument[BH_VCPU_ARGUMENT_PARK] != 0);
        }
    }
    CHECK_EQUAL(seen, 3);
    model_log_clear();
    capabilities_check();
    CHECK(said(", 0 differences\n"));
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_PAUSE, "m"), BH_ROOT_OK);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(!model_runs(vmm->thread[i].tcb));
    }
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_RESUME, "m"), BH_ROOT_OK);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(model_runs(vmm->thread[i].tcb));
    }
    CHECK_EQUAL(manage_named(BH_ROOT_REFRESH, ""), BH_ROOT_OK);
    CHECK_EQUAL(guest("m")->cpu_ticks, 3000);

    /* Any thread's fault ends the guest; one of a thread that it does not have is none. */
    const uint64_t word[3] = {0x200010, 0xdead, 0x92000045};
    uint64_t badge = vmm->number | BADGE_FAULT;
    (void)model_send(badge | UINT64_C(3) << BADGE_THREAD_SHIFT,
                     BH_INFO_FAULT | bh_info(BH_FAULT_VM, 3), word, NULL);
    CHECK_EQUAL(guest("m")->state, BH_GUEST_RUNNING);
    (void)model_send(badge | UINT64_C(2) << BADGE_THREAD_SHIFT,
                     BH_INFO_FAULT | bh_info(BH_FAULT_VM, 3), word, NULL);
    CHECK_EQUAL(guest("m")->state, BH_GUEST_STOPPING);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(!model_runs(vmm->thread[i].tcb));
    }
    release_all();
    CHECK_EQUAL(guest("m")->state, BH_GUEST_CRASHED);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "m"), BH_ROOT_OK);
}

static void pins_vcpus(void)
{
    start_and_run("b");
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQUAL(model_core(domain("b")->thread[i].tcb), i % 2 == 0 ? 2 : 1);
    }
}

static void waits_for_services_to_let_go(void)
{
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_STOP, "a"), BH_ROOT_OK);
    CHECK_EQUAL(guest("a")->state, BH_GUEST_STOPPING);
    CHECK(!model_runs(domain("a")->thread[0].tcb));
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_START, "a"), BH_ROOT_WRONG_STATE);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_PAUSE, "a"), BH_ROOT_WRONG_STATE);
    tick(1000);
    CHECK_EQUAL(guest("a")->state, BH_GUEST_STOPPING);
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_OFF);
    CHECK(domain_find("a") == NULL);
    CHECK(!said("did not let go"));

    /* A service that does not answer is not waited for beyond the deadline. */
    start_and_run("a");
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_STOP, "a"), BH_ROOT_OK);
    tick(2000001);
    CHECK_EQUAL(guest("a")->state, BH_GUEST_OFF);
    CHECK(said("storage did not let go of a resource of a in time"));
}

static void checks_the_manager(void)
{
    struct bh_guest_config config = managed("m", "m1");
    memset(config.name, 'm', sizeof(config.name));
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_BAD_REQUEST);
    CHECK_EQUAL(manage(BH_ROOT_GUEST_START, &config), BH_ROOT_BAD_REQUEST);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_START, "nobody"), BH_ROOT_NO_SUCH_GUEST);
    config = managed("a", "m1");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_EXISTS);
    config = managed("storage", "m1");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_EXISTS);
    config = managed("m", "a");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_DENIED);
    config = managed("m", "m3");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_NO_SUCH_VOLUME);
    config = managed("m", "m1");
    config.memory = 48u << 20;
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_DENIED);
    config = managed("m", "m1");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_OK);
    CHECK_EQUAL(guest("m")->state, BH_GUEST_OFF);
    config = managed("n", "m1");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_OK);
    config = managed("o", "m2");
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_DENIED); /* two is the quota */
    start_and_run("m");
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_START, "n"), BH_ROOT_VOLUME_BUSY);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "n"), BH_ROOT_OK);
    CHECK(guest("n") == NULL);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "m"), BH_ROOT_OK);
    release_all();
    CHECK(guest("m") == NULL);
}

static void loses_nothing_over_many_guests(void)
{
    struct bh_guest_config config = managed("m", "m1");
    uint64_t memory = table()->memory_free;
    uint32_t capabilities = model_capabilities();
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_OK);
        start_and_run("m");
        CHECK(table()->memory_free < memory - config.memory);
        CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "m"), BH_ROOT_OK);
        release_all();
        CHECK(guest("m") == NULL);
        CHECK_EQUAL(table()->memory_free, memory);
        CHECK_EQUAL(model_capabilities(), capabilities);
    }
}

/* Whichever of the many steps of building a guest fails, root says so and has everything back. */
static void loses_nothing_on_failures(void)
{
    struct bh_guest_config config = managed("m", "m1");
    config.vcpu_count = 3;
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_OK);
    uint64_t memory = table()->memory_free;
    uint32_t capabilities = model_capabilities();
    unsigned failures = 0;
    for (uint32_t step = 0;; step += step < 100 ? 1 : 5) {
        model_fail_after(step);
        uint64_t status = manage_named(BH_ROOT_GUEST_START, "m");
        bool failed = model_failed();
        model_fail_after(UINT32_MAX);
        if (!failed) {
            CHECK_EQUAL(status, BH_ROOT_OK);
            break;
        }
        failures += status != BH_ROOT_OK ? 1 : 0;
        if (status == BH_ROOT_OK) { /* it could do without */
            CHECK_EQUAL(manage_named(BH_ROOT_GUEST_STOP, "m"), BH_ROOT_OK);
        }
        release_all();
        CHECK_EQUAL(guest("m")->state, BH_GUEST_OFF);
        CHECK(domain_find("m") == NULL);
        CHECK_EQUAL(table()->memory_free, memory);
        CHECK_EQUAL(model_capabilities(), capabilities);
    }
    CHECK(failures > 100);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "m"), BH_ROOT_OK);
    release_all();
    CHECK_EQUAL(table()->memory_free, memory);
    CHECK_EQUAL(model_capabilities(), capabilities);
}

static void refuses_what_does_not_fit(void)
{
    struct bh_guest_config config = managed("m", "m1");
    uint64_t memory = table()->memory_free;
    config.memory = 32u << 20;
    CHECK_EQUAL(manage(BH_ROOT_GUEST_CREATE, &config), BH_ROOT_OK);
    start_and_run("a");
    start_and_run("m");
    CHECK(table()->memory_free < 16u << 20);
    release_all();
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_STOP, "a"), BH_ROOT_OK);
    release_all();
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_DESTROY, "m"), BH_ROOT_OK);
    release_all();
    CHECK_EQUAL(table()->memory_free, memory);
}

static void fault(const struct domain *faulting)
{
    const uint64_t word[3] = {0x200010, 0xdead, 0x92000045};
    CHECK(!model_send(faulting->number | BADGE_FAULT, BH_INFO_FAULT | bh_info(BH_FAULT_VM, 3), word,
                      NULL));
}

static void handles_events(void)
{
    /* Reset: everything new. */
    start_and_run("a");
    CHECK_EQUAL(ask(domain("a"), BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_RESET, 0), UINT64_MAX);
    CHECK_EQUAL(guest("a")->state, BH_GUEST_STOPPING);
    uint32_t starts = guest("a")->starts;
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_STARTING);
    CHECK_EQUAL(guest("a")->starts, starts + 1);

    /* A monitor that faults at once is not started for ever. */
    fault(domain("a"));
    CHECK(said("domain a: memory fault at pc 0x200010, address 0xdead"));
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_CRASHED);
    CHECK(strstr(guest("a")->reason, "its monitor stopped") != NULL);

    /* One that faults later is. */
    start_and_run("a");
    bh_test_ticks += bh_ticks_from_us(11000000);
    fault(domain("a"));
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_STARTING);
    CHECK_EQUAL(ask(domain("a"), BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_BAD_IMAGE, 3), UINT64_MAX);
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_CRASHED);
    CHECK(strstr(guest("a")->reason, "kernel") != NULL);

    start_and_run("a");
    CHECK_EQUAL(ask(domain("a"), BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_OFF, 0), UINT64_MAX);
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_OFF);
}

/* A dead service is not waited for, and takes nobody with it. */
static void survives_a_service(void)
{
    start_and_run("a");
    fault(domain("network"));
    CHECK(domain("network")->state == DOMAIN_FAULTED);
    CHECK_EQUAL(guest("a")->state, BH_GUEST_RUNNING);
    CHECK_EQUAL(manage_named(BH_ROOT_GUEST_STOP, "a"), BH_ROOT_OK);
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_OFF);
    CHECK(manage_named(BH_ROOT_GUEST_START, "a") != BH_ROOT_OK); /* it needs the network */
    release_all();
    CHECK_EQUAL(guest("a")->state, BH_GUEST_OFF);
}

static void ends_with_a_guest(void)
{
    pins_vcpus();
    CHECK_EQUAL(ask(domain("b"), BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_CRASHED, 5), UINT64_MAX);
    release_all();
    CHECK(said("guest b: crashed (code 0x5)"));
    CHECK(said("bulkhead: exit 1\n"));
    CHECK(!model_is_off());
    for (unsigned i = 0; i < 10 && !model_is_off(); i++) {
        CHECK(model_deadline() != UINT64_MAX);
        tick(60000);
    }
    CHECK(model_is_off());
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    archive = model_start(&boot, 26);
    make_bundle(argv[1]);
    model_run_root(root_main);
    boots();
    lists_what_it_grants();
    shows_the_trace_to_its_readers();
    refuses_what_is_not_granted();
    runs_a_guest();
    runs_several_vcpus();
    waits_for_services_to_let_go();
    checks_the_manager();
    loses_nothing_over_many_guests();
    loses_nothing_on_failures();
    refuses_what_does_not_fit();
    handles_events();
    survives_a_service();
    ends_with_a_guest();
    return 0;
}
