/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/pl031.h"

#include "domains/vmm/memory_map.h"
#include "domains/vmm/mmio.h"
#include "libs/runtime/runtime.h"

/* Registers (DDI 0224 3.2). */
#define RTCDR              0x000u
#define RTCMR              0x004u
#define RTCLR              0x008u
#define RTCCR              0x00cu
#define RTCIMSC            0x010u
#define RTCRIS             0x014u
#define RTCMIS             0x018u
#define RTCICR             0x01cu
#define RTC_IDENTIFICATION 0xfe0u

static uint32_t now(const struct pl031 *clock)
{
    return clock->seconds + (uint32_t)((bh_ticks() - clock->start) / bh_timer_frequency());
}

static void update_line(struct pl031 *clock)
{
    vm_set_irq_level(clock->vm, GUEST_INTID_PL031, (clock->raw & clock->mask) != 0);
}

/* The alarm comes in the second in which the time equals RTCMR, whether masked or not. */
static void arm(struct pl031 *clock)
{
    uint32_t seconds = clock->match - now(clock); /* modulo 2^32, as the counter goes */
    if (seconds == 0) {
        vm_timer_disarm(clock->vm, &clock->alarm);
        clock->raw = 1;
        update_line(clock);
    } else {
        uint64_t frequency = bh_timer_frequency();
        uint64_t elapsed = (bh_ticks() - clock->start) / frequency;
        vm_timer_arm(clock->vm, &clock->alarm, clock->start + (elapsed + seconds) * frequency);
    }
}

static void alarm(void *device)
{
    struct pl031 *clock = device;
    clock->raw = 1;
    update_line(clock);
}

void pl031_reset(struct pl031 *clock, struct vm *vm, uint64_t unix_time)
{
    *clock = (struct pl031){
        .vm = vm, .start = bh_ticks(), .seconds = (uint32_t)unix_time, .load = (uint32_t)unix_time};
    clock->alarm = (struct vm_timer){.expired = alarm, .device = clock};
}

static uint32_t register_read(struct pl031 *clock, uint64_t offset)
{
    static const uint8_t identification[8] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    switch (offset) {
    case RTCDR:
        return now(clock);
    case RTCMR:
        return clock->match;
    case RTCLR:
        return clock->load;
    case RTCCR:
        return 1; /* started, and cannot be stopped */
    case RTCIMSC:
        return clock->mask;
    case RTCRIS:
        return clock->raw;
    case RTCMIS:
        return clock->raw & clock->mask;
    default:
        return offset >= RTC_IDENTIFICATION ? identification[(offset - RTC_IDENTIFICATION) / 4] : 0;
    }
}

uint64_t pl031_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)bytes;
    return mmio_part(register_read(device, offset & ~UINT64_C(3)), offset);
}

void pl031_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct pl031 *clock = device;
    (void)bytes;
    switch (offset) {
    case RTCMR:
        clock->match = (uint32_t)value;
        arm(clock);
        break;
    case RTCLR:
        clock->load = (uint32_t)value;
        clock->seconds = (uint32_t)value;
        clock->start = bh_ticks();
        arm(clock);
        break;
    case RTCIMSC:
        clock->mask = value & 1;
        update_line(clock);
        break;
    case RTCICR:
        clock->raw &= ~(uint32_t)value;
        update_line(clock);
        break;
    default:
        break;
    }
}
