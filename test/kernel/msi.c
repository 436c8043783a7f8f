/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IRQHandlers of messages, which QEMU's edu devices send through the ITS. On a machine without one each case checks
 * that there are none.
 */
#include "edu.h"

#define ALL BH_RIGHTS_ALL
#define RW (BH_RIGHT_READ | BH_RIGHT_WRITE)
#define CONTROL BH_ROOT_SLOT_IRQ_CONTROL
#define DOORBELL BH_ROOT_SLOT_MSI_DOORBELL

#define PLACE EDU_PLACE
#define EVENTS 32
#define LPIS 256
#define LPI_FIRST 8192
#define SPARE_DEVICE 0xf8 /* no device is there */

static struct edu edu;
static bh_cptr space;
static bh_cptr handler;
static bh_cptr notification;

static bool tree_names_an_its(void)
{
    static const char name[] = "arm,gic-v3-its";
    const char *tree = (const char *)boot_info->device_tree_address;
    for (uint64_t i = 0; i + sizeof(name) <= boot_info->device_tree_size; i++) {
        uint64_t n = 0;
        while (n < sizeof(name) && tree[i + n] == name[n]) {
            n++;
        }
        if (n == sizeof(name)) {
            return true;
        }
    }
    return false;
}

static bool has_its(void)
{
    if (tree_names_an_its()) {
        CHECK_EQUAL(type_of(DOORBELL), BH_TYPE_FRAME);
        return true;
    }
    CHECK_EQUAL(type_of(DOORBELL), BH_TYPE_NULL);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 0, BH_ROOT_SLOT_CNODE, new_slot()),
                BH_ERROR_UNSUPPORTED, 0);
    return false;
}

static struct bh_result get_into(bh_cptr slot, uint64_t device, uint64_t event)
{
    return CHECK_OK(bh_irq_control_get_msi(CONTROL, device, event, BH_ROOT_SLOT_CNODE, slot));
}

static bh_cptr get(uint64_t device, uint64_t event)
{
    bh_cptr slot = new_slot();
    (void)get_into(slot, device, event);
    return slot;
}

/* The device writes `event` to the doorbell, which its space has at PLACE or, unmapped, has not. */
static void aim(const struct edu *device, uint32_t event, uint64_t doorbell)
{
    edu_set_message(device, PLACE + (doorbell & (BH_PAGE_SIZE - 1)), event);
}

static void map_doorbell(bh_cptr io_space)
{
    CHECK_OK(bh_frame_map(new_copy(DOORBELL, ALL), io_space, PLACE, RW, 0));
}

static void setup(uint32_t event)
{
    edu = edu_open();
    space = edu_new_space(&edu);
    handler = edu_new_message(&edu, space, event);
    notification = new_object(BH_TYPE_NOTIFICATION);
}

static uint64_t poll(void)
{
    sleep_us(1000);
    uint64_t bits;
    (void)bh_poll(notification, &bits);
    return bits;
}

static void msi_get_checks_its_arguments(void)
{
    if (!has_its()) {
        return;
    }
    bh_cptr slot = new_slot();
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    bh_cptr root = BH_ROOT_SLOT_CNODE;
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, 256, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, UINT64_MAX, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, UINT64_C(1) << 32 | SPARE_DEVICE, 0, root, slot), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, EVENTS, root, slot), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, UINT64_C(1) << 32, root, slot), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 0, slot, slot), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 0, cnode, 4), BH_ERROR_RANGE, 4);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 0, root, cnode), BH_ERROR_NOT_EMPTY, 4);
    CHECK_ERROR(bh_irq_control_get_msi(BH_ROOT_SLOT_TCB, SPARE_DEVICE, 0, root, slot), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_OK(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, EVENTS - 1, cnode, 3));
}

static void a_message_has_one_handler(void)
{
    if (!has_its()) {
        return;
    }
    bh_cptr first = get(SPARE_DEVICE, 3);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 3, BH_ROOT_SLOT_CNODE, slot), BH_ERROR_BUSY, 2);
    bh_cptr copy = new_copy(first, ALL);
    delete_cap(first);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 3, BH_ROOT_SLOT_CNODE, slot), BH_ERROR_BUSY, 2);
    delete_cap(copy);
    (void)get_into(slot, SPARE_DEVICE, 3);
    (void)get(SPARE_DEVICE, 2);
    (void)get(SPARE_DEVICE - 1, 3);
}

static void a_handler_of_a_message_shows_its_interrupt(void)
{
    if (!has_its()) {
        return;
    }
    bh_cptr slot = new_slot();
    uint64_t intid = get_into(slot, SPARE_DEVICE, 0).value[2];
    CHECK(intid >= LPI_FIRST && intid < LPI_FIRST + LPIS);
    struct bh_result shown = CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, slot));
    CHECK_EQUAL(shown.value[0], BH_TYPE_IRQ_HANDLER);
    CHECK_EQUAL(shown.value[2], intid);
}

static void revoking_the_control_takes_handlers_of_messages(void)
{
    if (!has_its()) {
        return;
    }
    bh_cptr slot = get(SPARE_DEVICE, 0);
    revoke_cap(CONTROL);
    CHECK_EQUAL(type_of(slot), BH_TYPE_NULL);
    (void)get(SPARE_DEVICE, 0);
}

/* Control of the ITS is the kernel's; the doorbell is for devices, whose DeviceID comes from the bus. */
static void the_doorbell_is_for_io_spaces_only(void)
{
    if (!has_its()) {
        return;
    }
    bh_cptr page = new_copy(DOORBELL, ALL);
    uint64_t address = CHECK_OK(bh_frame_address(page)).value[0];
    CHECK_ERROR(bh_frame_map(page, BH_ROOT_SLOT_VSPACE, window_page(), RW, 0), BH_ERROR_ILLEGAL_OPERATION, 1);
    CHECK_ERROR(bh_frame_map(page, BH_ROOT_SLOT_VSPACE, window_page(), BH_RIGHT_READ, 0), BH_ERROR_ILLEGAL_OPERATION,
                1);
    CHECK_ERROR(bh_frame_map(page, new_object(BH_TYPE_GUEST_SPACE), PLACE, RW, 0), BH_ERROR_ILLEGAL_OPERATION, 1);
    CHECK(find_device_untyped(address, BH_PAGE_SIZE) == NULL);
    CHECK(find_device_untyped(address - 0x10000, BH_PAGE_SIZE) == NULL);
    edu = edu_open();
    CHECK_OK(bh_frame_map(page, edu_new_space(&edu), PLACE, RW, 0));
}

static void a_message_signals_with_the_badge(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    CHECK_OK(bh_irq_handler_bind(handler, new_mint(notification, BH_RIGHT_WRITE, 0x400)));
    CHECK_EQUAL(poll(), 0);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 0x400);
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
    CHECK_EQUAL(CHECK_OK(bh_io_space_fault(space)).value[0], 0);
}

static void a_message_wakes_its_driver(void)
{
    if (!has_its()) {
        return;
    }
    setup(EVENTS - 1);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    for (int i = 0; i < 3; i++) {
        edu_interrupt(&edu);
        uint64_t bits;
        CHECK_EQUAL(bh_wait(notification, &bits), BH_OK);
        CHECK_EQUAL(bits, 1);
        CHECK_OK(bh_irq_handler_ack(handler));
    }
}

/* No message is lost, and none comes before its owner wants it. */
static void messages_before_the_acknowledgement_become_one_behind_it(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
    for (int i = 0; i < 5; i++) {
        edu_interrupt(&edu);
        CHECK_EQUAL(poll(), 0);
    }
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 1);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
}

static void a_message_before_binding_is_delivered_on_binding(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 1);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_OK(bh_irq_handler_unbind(handler));
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 1);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
}

static void a_message_goes_to_the_notification_that_was_bound_last(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    bh_cptr old = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_irq_handler_bind(handler, old));
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
    uint64_t bits;
    CHECK_EQUAL(bh_poll(old, &bits), BH_ERROR_WOULD_BLOCK);
}

static void a_message_without_its_notification_waits_for_the_next(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 7);
    CHECK_OK(bh_irq_handler_bind(handler, new_from(untyped, BH_TYPE_NOTIFICATION, 0)));
    revoke_cap(untyped);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 0);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 1);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
}

/* The same EventID at the same doorbell, written by another device. */
static void a_device_cannot_raise_the_message_of_another(void)
{
    if (!has_its()) {
        return;
    }
    setup(5);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    struct edu other = edu_open_behind(&edu);
    CHECK(other.stream != edu.stream);
    bh_cptr other_space = edu_new_space(&other);
    map_doorbell(other_space);
    bh_cptr other_handler = new_slot();
    struct bh_result message = get_into(other_handler, other.stream, 6);
    aim(&other, 5, message.value[0]);
    edu_interrupt(&other);
    CHECK_EQUAL(poll(), 0);
    CHECK_OK(bh_irq_handler_bind(other_handler, new_mint(notification, BH_RIGHT_WRITE, 0x10)));
    aim(&other, 6, message.value[0]);
    edu_interrupt(&other);
    CHECK_EQUAL(poll(), 0x10);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
    CHECK_EQUAL(CHECK_OK(bh_io_space_fault(other_space)).value[0], 0);
}

static void a_device_whose_space_lacks_the_doorbell_raises_nothing(void)
{
    if (!has_its()) {
        return;
    }
    edu = edu_open();
    space = edu_new_space(&edu);
    handler = new_slot();
    struct bh_result message = get_into(handler, edu.stream, 0);
    notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    edu_set_message(&edu, message.value[0], 0); /* the physical address means nothing to it */
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 0);
    struct bh_result fault = CHECK_OK(bh_io_space_fault(space));
    CHECK_EQUAL(fault.value[0], 1);
    CHECK_EQUAL(fault.value[2], message.value[0]);
    map_doorbell(space);
    aim(&edu, 0, message.value[0]);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
}

static void an_event_without_a_handler_is_dropped(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    uint64_t doorbell = get_into(new_slot(), SPARE_DEVICE, 0).value[0];
    static const uint32_t strange[] = {1, EVENTS - 1, EVENTS, LPI_FIRST, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        aim(&edu, strange[i], doorbell);
        edu_interrupt(&edu);
        CHECK_EQUAL(poll(), 0);
    }
    aim(&edu, 0, doorbell);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
}

static void a_deleted_handler_ends_its_message(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
    edu_interrupt(&edu); /* neither is acknowledged */
    delete_cap(handler);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 0);
    handler = get(edu.stream, 0);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    CHECK_EQUAL(poll(), 0);
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
    CHECK_OK(bh_irq_handler_ack(handler));
    CHECK_EQUAL(poll(), 0);
}

/* Whoever gets the LPI next is not signalled for a message that its last owner did not take. */
static void a_pending_message_goes_with_its_handler(void)
{
    if (!has_its()) {
        return;
    }
    setup(0);
    edu_interrupt(&edu);
    delete_cap(handler);
    bh_cptr slots = new_slots(LPIS);
    for (uint64_t i = 0; i < LPIS; i++) {
        (void)get_into(slots + i, i / EVENTS, i % EVENTS);
        CHECK_OK(bh_irq_handler_bind(slots + i, notification));
    }
    CHECK_EQUAL(poll(), 0);
}

static void lpis_end_and_are_used_again(void)
{
    if (!has_its()) {
        return;
    }
    bh_cptr slots = new_slots(LPIS);
    uint64_t seen[LPIS / 64] = {0};
    for (uint64_t i = 0; i < LPIS; i++) {
        uint64_t lpi = get_into(slots + i, i / EVENTS, i % EVENTS).value[2] - LPI_FIRST;
        CHECK(lpi < LPIS);
        CHECK_EQUAL(seen[lpi / 64] >> (lpi % 64) & 1, 0);
        seen[lpi / 64] |= UINT64_C(1) << (lpi % 64);
    }
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 0, BH_ROOT_SLOT_CNODE, slot), BH_ERROR_NO_TAG, 0);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, 0, 0, BH_ROOT_SLOT_CNODE, slot), BH_ERROR_BUSY, 2);
    delete_cap(slots + 100);
    setup(7);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
    edu_interrupt(&edu);
    CHECK_EQUAL(poll(), 1);
    CHECK_ERROR(bh_irq_control_get_msi(CONTROL, SPARE_DEVICE, 0, BH_ROOT_SLOT_CNODE, slot), BH_ERROR_NO_TAG, 0);
}

TEST_GROUP(msi, false, TEST_CASE(msi_get_checks_its_arguments), TEST_CASE(a_message_has_one_handler),
           TEST_CASE(a_handler_of_a_message_shows_its_interrupt),
           TEST_CASE(revoking_the_control_takes_handlers_of_messages), TEST_CASE(the_doorbell_is_for_io_spaces_only),
           TEST_CASE(a_message_signals_with_the_badge), TEST_CASE(a_message_wakes_its_driver),
           TEST_CASE(messages_before_the_acknowledgement_become_one_behind_it),
           TEST_CASE(a_message_before_binding_is_delivered_on_binding),
           TEST_CASE(a_message_goes_to_the_notification_that_was_bound_last),
           TEST_CASE(a_message_without_its_notification_waits_for_the_next),
           TEST_CASE(a_device_cannot_raise_the_message_of_another),
           TEST_CASE(a_device_whose_space_lacks_the_doorbell_raises_nothing),
           TEST_CASE(an_event_without_a_handler_is_dropped), TEST_CASE(a_deleted_handler_ends_its_message),
           TEST_CASE(a_pending_message_goes_with_its_handler), TEST_CASE(lpis_end_and_are_used_again));
