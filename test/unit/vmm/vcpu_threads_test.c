/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of a VMM with several vCPUs, as real threads: the lock excludes, a vCPU that is held is not
 * in the guest and does not enter it, vCPUs go off and come back, no wake-up is lost, and everybody stops.
 * Built twice, with the address and with the thread sanitizer. What a guest does is random: its exits hold
 * others, turn them on, turn themselves off, or need no lock.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

#include "domains/vmm/system.h"
#include "domains/vmm/vm.h"
#include "test/unit/check.h"

#define CPUS  4u
#define EXITS 30000u /* under the lock, of all vCPUs together */

static struct vm vm;
static struct bh_vcpu_frame frames[CPUS];
static struct bh_vmm_statistics statistics;
static bool inside[CPUS]; /* in the guest, by each vCPU's thread; atomic */
static uint64_t exits;    /* under the lock, without any other protection */
static uint64_t holds, turned_off, served;

/* A notification: signals collapse into one. */
static struct notification {
    pthread_mutex_t mutex;
    pthread_cond_t signalled;
    uint64_t bits;
} kick[CPUS], park[CPUS];

static void notify(struct notification *notification, uint64_t bits)
{
    pthread_mutex_lock(&notification->mutex);
    notification->bits |= bits;
    pthread_cond_signal(&notification->signalled);
    pthread_mutex_unlock(&notification->mutex);
}

/* The bits; 0 after the time, if there are none. */
static uint64_t take(struct notification *notification, unsigned milliseconds)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    uint64_t nanoseconds = (uint64_t)limit.tv_nsec + milliseconds * UINT64_C(1000000);
    limit.tv_sec += (time_t)(nanoseconds / 1000000000);
    limit.tv_nsec = (long)(nanoseconds % 1000000000);
    pthread_mutex_lock(&notification->mutex);
    while (notification->bits == 0 &&
           pthread_cond_timedwait(&notification->signalled, &notification->mutex, &limit) == 0) {
    }
    uint64_t bits = notification->bits;
    notification->bits = 0;
    pthread_mutex_unlock(&notification->mutex);
    return bits;
}

static uint64_t wait_for(struct notification *notification)
{
    uint64_t bits = take(notification, 60000);
    CHECK(bits != 0); /* else a wake-up was lost */
    return bits;
}

void system_kick(unsigned cpu)
{
    notify(&kick[cpu], BH_SIGNAL_KICK);
}

uint64_t system_wait_kick(unsigned cpu)
{
    return wait_for(&kick[cpu]);
}

void system_park(unsigned cpu)
{
    (void)wait_for(&park[cpu]);
}

void system_unpark(unsigned cpu)
{
    notify(&park[cpu], 1);
}

void system_vcpu_post(unsigned cpu, uint32_t intid)
{
    (void)cpu, (void)intid;
}

/* --- the kernel and the guest --- */

static _Thread_local struct vcpu *own;
static _Thread_local uint64_t seed;

static uint64_t random_next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

uint64_t bh_vm_enter(uint64_t *bits)
{
    __atomic_store_n(&inside[own->index], true, __ATOMIC_SEQ_CST);
    /* What was held out is in: nobody may have it held now. */
    CHECK(__atomic_load_n(&own->power, __ATOMIC_RELAXED) == VCPU_ON);
    uint64_t random = random_next();
    *bits = (random & 7) == 0 ? take(&kick[own->index], 1 + (unsigned)(random >> 8 & 3))
                              : take(&kick[own->index], 0);
    __atomic_store_n(&inside[own->index], false, __ATOMIC_SEQ_CST);
    if (*bits != 0) {
        return BH_EXIT_NOTIFICATION;
    }
    return (random & 8) != 0 ? BH_EXIT_MMIO : BH_EXIT_HVC;
}

/* --- what exits do --- */

bool vm_exit_alone(struct vm *machine, struct vcpu *vcpu, uint64_t reason)
{
    (void)machine, (void)vcpu;
    return reason == BH_EXIT_HVC && (random_next() & 1) != 0;
}

static void hold_another(void)
{
    struct vcpu *other = &vm.vcpu[random_next() % CPUS];
    vcpu_hold(other);
    for (unsigned i = 0; i < 20; i++) {
        sched_yield();
        CHECK(other == own || !__atomic_load_n(&inside[other->index], __ATOMIC_SEQ_CST));
    }
    vcpu_let_go(other);
    holds++;
}

static void turn_on(struct vcpu *other)
{
    if (other->power == VCPU_OFF) {
        __atomic_store_n(&other->power, VCPU_ON_PENDING, __ATOMIC_RELAXED);
        system_kick(other->index);
    }
}

/* Not if all others are off: somebody has to turn them on again. */
static void turn_off(void)
{
    for (unsigned i = 0; i < CPUS; i++) {
        if (&vm.vcpu[i] != own && vm.vcpu[i].power == VCPU_ON) {
            __atomic_store_n(&own->power, VCPU_OFF, __ATOMIC_RELAXED);
            __atomic_fetch_or(&own->control, VCPU_NOT_ON, __ATOMIC_RELAXED);
            turned_off++;
            return;
        }
    }
}

static void any_exit(struct vm *machine, struct vcpu *vcpu)
{
    CHECK(vcpu == own && machine->current == own->index);
    uint64_t random = random_next();
    if (++exits == EXITS) {
        vm_stop(machine, BH_GUEST_EVENT_OFF, 0);
    } else if ((random & 15) == 0) {
        turn_off();
    } else if ((random & 3) == 1) {
        turn_on(&vm.vcpu[random >> 32 & (CPUS - 1)]);
    } else if ((random & 3) == 2) {
        hold_another();
    }
}

void (*const vm_exit_handler[BH_EXIT_COUNT])(struct vm *machine, struct vcpu *vcpu) = {
    [BH_EXIT_HVC] = any_exit,
    [BH_EXIT_MMIO] = any_exit,
};

void vcpu_reset(struct vcpu *vcpu, uint64_t pc, uint64_t x0)
{
    (void)pc, (void)x0;
    __atomic_store_n(&vcpu->power, VCPU_ON, __ATOMIC_RELAXED);
    __atomic_fetch_and(&vcpu->control, ~VCPU_NOT_ON, __ATOMIC_RELAXED);
}

void vm_signalled(struct vm *machine, uint64_t bits)
{
    CHECK(own->index == 0 && machine->current == 0 && bits == BH_SIGNAL_REFRESH);
    served++;
}

/* --- the test --- */

static void *run(void *vcpu)
{
    own = vcpu;
    seed = UINT64_C(0x9e3779b97f4a7c15) * (own->index + 1);
    vcpu_run(own);
    if (own->index == 0) { /* as main's stop */
        vm_lock(own);
        for (unsigned i = 1; i < CPUS; i++) {
            vcpu_hold(&vm.vcpu[i]);
            CHECK(!__atomic_load_n(&inside[i], __ATOMIC_SEQ_CST));
        }
        vm_unlock(own);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[CPUS];
    vm.statistics = &statistics;
    vm.vcpu_count = CPUS;
    for (unsigned i = 0; i < CPUS; i++) {
        vm.vcpu[i] = (struct vcpu){.vm = &vm,
                                   .frame = &frames[i],
                                   .index = i,
                                   .control = i == 0 ? 0 : VCPU_NOT_ON,
                                   .power = i == 0 ? VCPU_ON : VCPU_OFF};
        CHECK(pthread_mutex_init(&kick[i].mutex, NULL) == 0);
        CHECK(pthread_cond_init(&kick[i].signalled, NULL) == 0);
        CHECK(pthread_mutex_init(&park[i].mutex, NULL) == 0);
        CHECK(pthread_cond_init(&park[i].signalled, NULL) == 0);
    }
    for (unsigned i = 0; i < CPUS; i++) {
        CHECK(pthread_create(&thread[i], NULL, run, &vm.vcpu[i]) == 0);
    }
    /* Services signal the first thread meanwhile. */
    while ((__atomic_load_n(&vm.vcpu[0].control, __ATOMIC_RELAXED) & VCPU_STOPPED) == 0) {
        notify(&kick[0], BH_SIGNAL_REFRESH);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    for (unsigned i = 0; i < CPUS; i++) {
        CHECK(pthread_join(thread[i], NULL) == 0);
    }
    CHECK_EQUAL(exits >= EXITS, true);
    CHECK_EQUAL(vm.lock, 0);
    CHECK(holds > 100 && turned_off > 100 && served > 10);
    return 0;
}
