/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/vmm/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domains/vmm/system.h"
#include "ipc/root.h"
#include "test/unit/check.h"

#define LR_PENDING (UINT64_C(1) << 62)
#define LR_ACTIVE  (UINT64_C(1) << 63)
#define LR_STATE   (LR_PENDING | LR_ACTIVE)
#define LR_EOI     (UINT64_C(1) << 41)

struct vm vm;
struct bh_vcpu_frame machine_frame[GIC_CPUS];
struct bh_vcpu_frame *frame;
unsigned machine_cpu;
unsigned machine_kicks[GIC_CPUS];
unsigned machine_posts[GIC_CPUS];
uint64_t bh_test_ticks;
uint64_t machine_deadline;
unsigned machine_arms;
unsigned machine_saves;
unsigned machine_signals;
uint64_t (*machine_waiting)(void);
struct bh_domain_page machine_page;
uint64_t machine_detached;

static struct bh_vcpu_state states[GIC_CPUS]; /* what the kernel keeps */
static struct bh_vcpu_state *state;
static uint8_t ram[MACHINE_RAM] __attribute__((aligned(4096)));
static void *channel_memory[8];

/* --- the kernel --- */

/* A vCPU that is in the guest can't be saved: the test says which are. */
void system_vcpu_save(unsigned cpu)
{
    CHECK(cpu < vm.vcpu_count);
    CHECK((vm.vcpu[cpu].control & VCPU_IN_GUEST) == 0);
    machine_saves++;
    machine_frame[cpu].state = states[cpu];
}

void system_vcpu_load(unsigned cpu)
{
    CHECK(cpu < vm.vcpu_count);
    CHECK((vm.vcpu[cpu].control & VCPU_IN_GUEST) == 0);
    states[cpu] = machine_frame[cpu].state;
}

void system_vcpu_post(unsigned cpu, uint32_t intid)
{
    CHECK(cpu < vm.vcpu_count && cpu != machine_cpu);
    machine_posts[cpu]++;
    bh_vcpu_frame_post(&machine_frame[cpu], intid);
}

/* Its thread leaves the guest at once. */
void system_kick(unsigned cpu)
{
    CHECK(cpu < vm.vcpu_count);
    machine_kicks[cpu]++;
    vm.vcpu[cpu].control &= ~VCPU_IN_GUEST;
}

void system_park(unsigned cpu)
{
    (void)cpu;
    CHECK(!"nobody else could end this wait");
}

void system_unpark(unsigned cpu)
{
    (void)cpu;
    CHECK(!"nobody waits");
}

void system_arm(uint64_t deadline)
{
    machine_deadline = deadline;
    machine_arms++;
}

uint64_t system_wait(void)
{
    CHECK(machine_waiting != NULL);
    return machine_waiting();
}

void system_signal(uint64_t cap)
{
    (void)cap;
    machine_signals++;
}

void system_guest_event(uint64_t event, uint64_t code)
{
    (void)event, (void)code;
}

bool system_random(void *buffer, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++) {
        ((uint8_t *)buffer)[i] = (uint8_t)machine_random();
    }
    return true;
}

static int find_register(uint32_t intid)
{
    for (unsigned i = 0; i < MACHINE_LIST_REGISTERS; i++) {
        if ((state->list_register[i] & LR_STATE) != 0 && (uint32_t)state->list_register[i] == intid) {
            return (int)i;
        }
    }
    return -1;
}

static int highest_posted(void)
{
    int best = -1;
    for (int i = 0; i < (int)BH_VCPU_INTERRUPTS; i++) {
        if ((frame->pending_summary >> (i / 32) & 1) != 0 &&
            (frame->pending[i / 32] >> (i % 32) & 1) != 0 &&
            (best < 0 || frame->priority[i] < frame->priority[best])) {
            best = i;
        }
    }
    return best;
}

void machine_enter(void)
{
    int intid;
    while ((intid = highest_posted()) >= 0) {
        uint32_t bit = UINT32_C(1) << (intid % 32);
        int held = find_register((uint32_t)intid);
        if (held >= 0) {
            state->list_register[held] |= LR_PENDING;
        } else {
            unsigned empty = 0;
            while (empty < MACHINE_LIST_REGISTERS && (state->list_register[empty] & LR_STATE) != 0) {
                empty++;
            }
            if (empty == MACHINE_LIST_REGISTERS) {
                return;
            }
            uint64_t eoi = (frame->level[intid / 32] & bit) != 0 ? LR_EOI : 0;
            state->list_register[empty] =
                LR_PENDING | eoi | (uint64_t)frame->priority[intid] << 48 | (uint64_t)intid;
        }
        frame->pending[intid / 32] &= ~bit;
    }
    frame->pending_summary = 0;
}

uint32_t machine_acknowledge(void)
{
    machine_enter();
    int best = -1;
    for (unsigned i = 0; i < MACHINE_LIST_REGISTERS; i++) {
        uint64_t lr = state->list_register[i];
        if ((lr & LR_STATE) == LR_PENDING &&
            (best < 0 || (lr >> 48 & 0xff) < (state->list_register[best] >> 48 & 0xff))) {
            best = (int)i;
        }
    }
    if (best < 0) {
        return 1023;
    }
    state->list_register[best] ^= LR_STATE;
    return (uint32_t)state->list_register[best];
}

void machine_complete(uint32_t intid)
{
    int held = find_register(intid);
    CHECK(held >= 0);
    uint64_t *lr = &state->list_register[held];
    CHECK((*lr & LR_ACTIVE) != 0);
    *lr &= ~LR_ACTIVE;
    if ((*lr & LR_STATE) == 0) {
        if ((*lr & LR_EOI) != 0) {
            frame->completed[intid / 32] |= UINT32_C(1) << (intid % 32);
            frame->completed_summary |= UINT32_C(1) << (intid / 32);
        }
        *lr = 0;
    }
    if (frame->completed_summary != 0) {
        gic_complete(&vm.gic, machine_cpu);
    }
}

void machine_time(uint64_t ticks)
{
    while (machine_deadline <= ticks) {
        bh_test_ticks = machine_deadline > bh_test_ticks ? machine_deadline : bh_test_ticks;
        machine_deadline = UINT64_MAX;
        vm_signalled(&vm, BH_SIGNAL_TIMER);
    }
    bh_test_ticks = ticks;
}

/* --- the runtime --- */

void bh_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

const struct bh_domain_page *bh_domain(void)
{
    return &machine_page;
}

void bh_domain_changed(void)
{
}

const struct bh_resource *bh_resource_find(uint32_t kind, const char *name)
{
    for (uint32_t i = 0; i < machine_page.resource_count; i++) {
        const struct bh_resource *resource = &machine_page.resource[i];
        if (resource->kind == kind && resource->state == BH_RESOURCE_ATTACHED &&
            strcmp(resource->name, name) == 0) {
            return resource;
        }
    }
    return NULL;
}

void bh_channel_attach(struct bh_channel *channel, const struct bh_resource *resource)
{
    bh_channel_open(channel, (void *)(uintptr_t)resource->address, &resource->geometry);
    channel->signal_cap = resource->cap;
    channel->wake_bits = resource->bits;
    channel->epoch = resource->epoch;
}

uint64_t bh_timer_frequency(void)
{
    return MACHINE_FREQUENCY;
}

uint64_t bh_ticks_from_us(uint64_t us)
{
    return us;
}

struct bh_root_answer bh_root_call(uint32_t request, uint64_t word0, uint64_t word1, uint64_t word2)
{
    (void)word1, (void)word2;
    CHECK_EQUAL(request, BH_ROOT_DETACHED);
    CHECK(word0 < machine_page.resource_count);
    machine_detached |= UINT64_C(1) << word0;
    return (struct bh_root_answer){BH_ROOT_OK, {0}};
}

/* --- the test's machine --- */

struct bh_resource *machine_channel(const char *name, uint32_t protocol,
                                    const struct bh_channel_geometry *geometry)
{
    uint32_t index = machine_page.resource_count++;
    CHECK(index < 8);
    channel_memory[index] = calloc(1, bh_channel_bytes(geometry) + BH_CHANNEL_PAGE);
    CHECK(channel_memory[index] != NULL);
    struct bh_resource *resource = &machine_page.resource[index];
    *resource = (struct bh_resource){.kind = BH_RESOURCE_CLIENT,
                                     .state = BH_RESOURCE_ATTACHED,
                                     .protocol = protocol,
                                     .epoch = 1,
                                     .cap = BH_SLOT_FIRST + index,
                                     .bits = UINT64_C(1) << (8 + index),
                                     .geometry = *geometry};
    resource->address = ((uint64_t)(uintptr_t)channel_memory[index] + BH_CHANNEL_PAGE - 1) &
                        ~(uint64_t)(BH_CHANNEL_PAGE - 1);
    snprintf(resource->name, sizeof(resource->name), "%s", name);
    return resource;
}

void machine_switch(unsigned cpu)
{
    machine_cpu = vm.current = cpu;
    frame = &machine_frame[cpu];
    state = &states[cpu];
}

void machine_turned_on(unsigned cpu)
{
    CHECK_EQUAL(vm.vcpu[cpu].power, VCPU_ON_PENDING);
    vcpu_reset(&vm.vcpu[cpu], vm.vcpu[cpu].start.pc, vm.vcpu[cpu].start.x0);
}

void machine_reset(void)
{
    machine_reset_with(1);
}

void machine_reset_with(unsigned vcpu_count)
{
    for (unsigned i = 0; i < 8; i++) {
        free(channel_memory[i]);
        channel_memory[i] = NULL;
    }
    memset(&machine_page, 0, sizeof(machine_page));
    memset(machine_frame, 0, sizeof(machine_frame));
    memset(states, 0, sizeof(states));
    memset(machine_kicks, 0, sizeof(machine_kicks));
    memset(machine_posts, 0, sizeof(machine_posts));
    memset(&vm, 0, sizeof(vm));
    machine_switch(0);
    machine_deadline = UINT64_MAX;
    machine_arms = machine_saves = machine_signals = 0;
    machine_waiting = NULL;
    machine_detached = 0;
    bh_test_ticks = 1000;
    vm.statistics = &vm.own_statistics;
    vm.vcpu_count = vcpu_count;
    for (unsigned i = 0; i < vcpu_count; i++) {
        memset(&machine_frame[i].host, 0x11, sizeof(machine_frame[i].host));
        vm.vcpu[i] = (struct vcpu){
            .vm = &vm, .frame = &machine_frame[i], .index = i, .control = VCPU_NOT_ON};
    }
    vm.ram[0] = (struct vm_ram){GUEST_RAM_BASE, MACHINE_RAM, ram};
    vm.ram_count = 1;
    CHECK(board_create(&vm, 1000000000));
    CHECK(console_start(&vm.console, &vm, &vm.pl011));
    vcpu_reset(&vm.vcpu[0], GUEST_RAM_BASE, 0);
    machine_saves = 0;
}

void guest_write(uint64_t ipa, unsigned bytes, uint64_t value)
{
    uint64_t pc = frame->pc;
    frame->ipa = ipa;
    frame->access = (struct bh_vcpu_access){.size_bits = (uint8_t)__builtin_ctz(bytes),
                                           .reg = 3,
                                           .write = 1,
                                           .value = mmio_truncate(value, bytes)};
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_MMIO);
    CHECK_EQUAL(frame->pc, pc + 4);
}

uint64_t guest_read(uint64_t ipa, unsigned bytes)
{
    uint64_t pc = frame->pc;
    frame->ipa = ipa;
    frame->access = (struct bh_vcpu_access){.size_bits = (uint8_t)__builtin_ctz(bytes), .reg = 5};
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_MMIO);
    CHECK_EQUAL(frame->pc, pc + 4);
    return frame->x[5];
}

uint64_t machine_random(void)
{
    static uint64_t seed = 0x9e3779b97f4a7c15;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
