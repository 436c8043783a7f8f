/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IRQControl and IRQHandlers, with a real device: the PL031 real-time clock of QEMU's virt machine (PL031 TRM). Its
 * alarm raises the level of its line at once when the match register is set to the present second.
 */
#include "harness.h"

#define ALL BH_RIGHTS_ALL
#define CONTROL BH_ROOT_SLOT_IRQ_CONTROL

#define RTC_ADDRESS UINT64_C(0x09010000)
#define RTC_INTID 34
#define SPARE_INTID 40
#define RTC_DATA 0x0
#define RTC_MATCH 0x4
#define RTC_MASK 0x10
#define RTC_STATUS 0x14
#define RTC_CLEAR 0x1c

static uint64_t rtc;
static bh_cptr handler;
static bh_cptr notification;

static bh_cptr get(uint64_t intid)
{
    bh_cptr slot = new_slot();
    CHECK_OK(bh_irq_control_get(CONTROL, intid, 0, BH_ROOT_SLOT_CNODE, slot));
    return slot;
}

static void clear(void)
{
    write32(rtc + RTC_CLEAR, 1);
}

static void setup(void)
{
    rtc = (uint64_t)map_frame(new_device_frame(RTC_ADDRESS), BH_RIGHT_READ | BH_RIGHT_WRITE);
    write32(rtc + RTC_MASK, 1);
    clear();
    handler = get(RTC_INTID);
    notification = new_object(BH_TYPE_NOTIFICATION);
}

static void ring(void)
{
    for (int i = 0; i < 10 && read32(rtc + RTC_STATUS) == 0; i++) { /* again if the second has just changed */
        write32(rtc + RTC_MATCH, (uint32_t)read32(rtc + RTC_DATA));
    }
    CHECK_EQUAL(read32(rtc + RTC_STATUS), 1);
}

static uint64_t poll(void)
{
    sleep_us(1000);
    uint64_t bits;
    (void)bh_poll(notification, &bits);
    return bits;
}

static void irq_get_checks_its_arguments(void)
{
    bh_cptr slot = new_slot();
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    bh_cptr root = BH_ROOT_SLOT_CNODE;
    CHECK_ERROR(bh_irq_control_get(CONTROL, 0, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get(CONTROL, 27, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get(CONTROL, 31, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get(CONTROL, 1020, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get(CONTROL, UINT64_MAX, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get(CONTROL, UINT64_C(1) << 32 | SPARE_INTID, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get(CONTROL, SPARE_INTID, 2, root, slot), BH_ERROR_INVALID_ARGUMENT, 2);
    CHECK_ERROR(bh_irq_control_get(CONTROL, SPARE_INTID, 0, slot, slot), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_irq_control_get(CONTROL, SPARE_INTID, 0, cnode, 4), BH_ERROR_RANGE, 4);
    CHECK_ERROR(bh_irq_control_get(CONTROL, SPARE_INTID, 0, root, cnode), BH_ERROR_NOT_EMPTY, 4);
    CHECK_ERROR(bh_irq_control_get(BH_ROOT_SLOT_TCB, SPARE_INTID, 0, root, slot), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_OK(bh_irq_control_get(CONTROL, SPARE_INTID, 1, cnode, 3));
}

static void an_interrupt_has_one_handler(void)
{
    bh_cptr first = get(SPARE_INTID);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_irq_control_get(CONTROL, SPARE_INTID, 0, BH_ROOT_SLOT_CNODE, slot), BH_ERROR_BUSY, 1);
    bh_cptr copy = new_copy(first, ALL);
    delete_cap(first);
    CHECK_ERROR(bh_irq_control_get(CONTROL, SPARE_INTID, 0, BH_ROOT_SLOT_CNODE, slot), BH_ERROR_BUSY, 1);
    delete_cap(copy);
    CHECK_OK(bh_irq_control_get(CONTROL, SPARE_INTID, 0, BH_ROOT_SLOT_CNODE, slot));
}

static void a_handler_shows_its_interrupt(void)
{
    struct bh_result slot = CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, get(SPARE_INTID)));
    CHECK_EQUAL(slot.value[0], BH_TYPE_IRQ_HANDLER);
    CHECK_EQUAL(slot.value[2], SPARE_INTID);
}

static void revoking_the_control_takes_all_handlers(void)
{
    bh_cptr a = get(SPARE_INTID);
    bh_cptr b = get(SPARE_INTID + 1);
    revoke_cap(CONTROL);
    CHECK_EQUAL(type_of(a), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(b), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(CONTROL), BH_TYPE_IRQ_CONTROL);
    (void)get(SPARE_INTID);
}

static void irq_bind_checks_its_argument(void)
{
    bh_cptr spare = get(SPARE_INTID);
    bh_cptr target = new_object(BH_TYPE_NOTIFICATION);
    CHECK_ERROR(bh_irq_handler_bind(spare, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_irq_handler_bind(spare, new_object(BH_TYPE_ENDPOINT)), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_irq_handler_bind(spare, new_copy(target, BH_RIGHT_READ)), BH_ERROR_RIGHTS, 1);
    CHECK_OK(bh_irq_handler_bind(spare, target));
    CHECK_OK(bh_irq_handler_ack(spare));
    CHECK_OK(bh_irq_handler_unbind(spare));
    CHECK_OK(bh_irq_handler_unbind(spare));
}

static void an_interrupt_signals_with_the_badge(void)
{
    setup();
    CHECK_OK(bh_irq_handler_bind(handler, new_mint(notification, BH_RIGHT_WRITE, 0x400)));
    CHECK_EQUAL(poll(), 0);
    ring();
    CHECK_EQUAL(poll(), 0x400);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
}

static void an_interrupt_comes_once_until_it_is_acknowledged(void)
{
    setup();
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    ring();
    CHECK_EQUAL(poll(), 1);
    CHECK_EQUAL(poll(), 0); /* the line is high all the time */
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 1); /* still high */
    clear();
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
    ring();
    CHECK_EQUAL(poll(), 1);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
}

static void an_interrupt_wakes_its_driver(void)
{
    setup();
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    ring();
    uint64_t bits;
    CHECK_EQUAL(bh_wait(notification, &bits), BH_OK);
    CHECK_EQUAL(bits, 1);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
}

static void an_interrupt_before_binding_is_delivered_on_binding(void)
{
    setup();
    ring();
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 1);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
}

static void an_unbound_handler_is_silent(void)
{
    setup();
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_OK(bh_irq_handler_unbind(handler));
    ring();
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 1);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
}

static void binding_again_changes_the_notification(void)
{
    setup();
    bh_cptr old = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_irq_handler_bind(handler, old));
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    ring();
    CHECK_EQUAL(poll(), 1);
    uint64_t bits;
    CHECK_EQUAL(bh_poll(old, &bits), BH_ERROR_WOULD_BLOCK);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
}

/* A driver that dies with its interrupt asserted must not take the machine along. */
static void a_deleted_notification_silences_the_interrupt(void)
{
    setup();
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 7);
    CHECK_OK(bh_irq_handler_bind(handler, new_from(untyped, BH_TYPE_NOTIFICATION, 0)));
    revoke_cap(untyped);
    ring();
    sleep_us(3000);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 1);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
}

static void a_deleted_handler_leaves_the_interrupt_usable(void)
{
    setup();
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    ring();
    CHECK_EQUAL(poll(), 1);
    delete_cap(handler); /* not acknowledged */
    CHECK_EQUAL(poll(), 0);
    clear();
    handler = get(RTC_INTID);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 0);
    ring();
    CHECK_EQUAL(poll(), 1);
    clear();
    CHECK_OK(bh_irq_handler_ack(handler));
}

TEST_GROUP(irq, false, TEST_CASE(irq_get_checks_its_arguments), TEST_CASE(an_interrupt_has_one_handler),
           TEST_CASE(a_handler_shows_its_interrupt), TEST_CASE(revoking_the_control_takes_all_handlers),
           TEST_CASE(irq_bind_checks_its_argument), TEST_CASE(an_interrupt_signals_with_the_badge),
           TEST_CASE(an_interrupt_comes_once_until_it_is_acknowledged), TEST_CASE(an_interrupt_wakes_its_driver),
           TEST_CASE(an_interrupt_before_binding_is_delivered_on_binding), TEST_CASE(an_unbound_handler_is_silent),
           TEST_CASE(binding_again_changes_the_notification),
           TEST_CASE(a_deleted_notification_silences_the_interrupt),
           TEST_CASE(a_deleted_handler_leaves_the_interrupt_usable));
