/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: who gets which words, with which badge, in which order. */
#include "harness.h"

#define ALL BH_RIGHTS_ALL

static const uint64_t none[BH_MESSAGE_REGISTERS];

static struct {
    bh_cptr endpoint;
    bh_cptr reply;
    uint64_t length;
    volatile uint64_t status;
    volatile uint64_t count;
    struct bh_message message;
    uint64_t words[BH_MESSAGE_MAX];
} shared;

static void setup(void)
{
    memset(&shared, 0, sizeof(shared));
    shared.endpoint = new_object(BH_TYPE_ENDPOINT);
    shared.reply = new_object(BH_TYPE_REPLY);
    shared.status = UINT64_MAX;
}

static uint64_t pattern(uint64_t i)
{
    return UINT64_C(0xabcd000000000000) + i * 0x101;
}

/* Sends `length` words of the pattern. */
static void load_words(uint64_t word[BH_MESSAGE_REGISTERS], uint64_t length)
{
    for (uint64_t i = 0; i < BH_MESSAGE_REGISTERS; i++) {
        word[i] = i < length ? pattern(i) : UINT64_C(0xdead);
    }
    for (uint64_t i = BH_MESSAGE_REGISTERS; i < length && i < BH_MESSAGE_MAX; i++) {
        own_ipc_buffer()->words[i] = pattern(i);
    }
}

static void check_words(const struct bh_message *message, uint64_t length)
{
    CHECK_EQUAL(bh_info_length(message->info), length);
    for (uint64_t i = 0; i < length; i++) {
        uint64_t word = i < BH_MESSAGE_REGISTERS ? message->word[i] : own_ipc_buffer()->words[i];
        CHECK_EQUAL(word, pattern(i));
    }
}

static void sender(uint64_t length)
{
    uint64_t word[BH_MESSAGE_REGISTERS];
    load_words(word, length);
    shared.status = bh_send(shared.endpoint, bh_info(0x55aa, length), word);
}

static void receiver(uint64_t length)
{
    shared.message = bh_recv(shared.endpoint, shared.reply);
    check_words(&shared.message, length);
    shared.status = shared.message.status;
}

static void send_waits_for_the_receiver(void)
{
    setup();
    (void)thread_start(sender, 4, PRIORITY_HIGH);
    CHECK_EQUAL(shared.status, UINT64_MAX);
    struct bh_message message = bh_recv(shared.endpoint, 0);
    CHECK_EQUAL(message.status, BH_OK);
    CHECK_EQUAL(bh_info_label(message.info), 0x55aa);
    check_words(&message, 4);
    CHECK_EQUAL(shared.status, BH_OK);
}

static void receive_waits_for_the_sender(void)
{
    setup();
    (void)thread_start(receiver, 4, PRIORITY_HIGH);
    CHECK_EQUAL(shared.status, UINT64_MAX);
    sender(4);
    CHECK_EQUAL(shared.status, BH_OK);
    CHECK_EQUAL(bh_info_label(shared.message.info), 0x55aa);
}

static void messages_of_every_length_arrive(void)
{
    static const uint64_t lengths[] = {0, 1, 4, 7, 8, 9, 20, 63, 64};
    setup();
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        (void)thread_start(receiver, lengths[i], PRIORITY_HIGH);
        sender(lengths[i]);
        CHECK_EQUAL(shared.status, BH_OK);
        (void)thread_start(sender, lengths[i], PRIORITY_HIGH);
        struct bh_message message = bh_recv(shared.endpoint, 0);
        check_words(&message, lengths[i]);
    }
}

static void a_longer_message_is_cut(void)
{
    setup();
    (void)thread_start(sender, 100, PRIORITY_HIGH);
    struct bh_message message = bh_recv(shared.endpoint, 0);
    check_words(&message, BH_MESSAGE_MAX);
}

/* A thread without IPC buffer has the words in registers, no more. */
static void without_an_ipc_buffer_registers_still_travel(void)
{
    setup();
    struct thread thread = thread_prepare(sender, 8, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_configure(thread.tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, test_faults, 0));
    thread_aim(&thread, sender, 20);
    thread_resume(&thread);
    struct bh_message message = bh_recv(shared.endpoint, 0);
    check_words(&message, BH_MESSAGE_REGISTERS);
    CHECK_EQUAL(message.status, BH_OK);
}

/* The kernel's own bits of the information word cannot be forged. */
static void a_sender_cannot_pose_as_the_kernel(void)
{
    setup();
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_send(shared.endpoint, UINT64_MAX << 40 | bh_info(3, 0), none), BH_OK);
    CHECK_EQUAL(shared.message.info & (BH_INFO_FAULT | BH_INFO_NOTIFICATION), 0);
    CHECK_EQUAL(shared.message.info >> 48, 0);
    CHECK_EQUAL(bh_info_label(shared.message.info) & 0xffffff, 3);
}

static void the_badge_arrives(void)
{
    setup();
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    bh_cptr badged = new_mint(shared.endpoint, BH_RIGHT_WRITE, 0xbad9e);
    CHECK_EQUAL(bh_send(badged, bh_info(0, 0), none), BH_OK);
    CHECK_EQUAL(shared.message.badge, 0xbad9e);
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_send(shared.endpoint, bh_info(0, 0), none), BH_OK);
    CHECK_EQUAL(shared.message.badge, 0);
}

static void nb_send_without_receiver_would_block(void)
{
    setup();
    CHECK_EQUAL(bh_nb_send(shared.endpoint, bh_info(0, 0), none), BH_ERROR_WOULD_BLOCK);
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_nb_send(shared.endpoint, bh_info(0, 0), none), BH_OK);
    CHECK_EQUAL(shared.status, BH_OK);
    CHECK_EQUAL(bh_nb_send(shared.endpoint, bh_info(0, 0), none), BH_ERROR_WOULD_BLOCK);
}

static void nb_recv_without_sender_would_block(void)
{
    setup();
    struct bh_message message = bh_nb_recv(shared.endpoint, 0);
    CHECK_EQUAL(message.status, BH_ERROR_WOULD_BLOCK);
    CHECK_EQUAL(message.info, 0);
    CHECK_EQUAL(message.badge, 0);
    (void)thread_start(sender, 4, PRIORITY_HIGH);
    message = bh_nb_recv(shared.endpoint, 0);
    CHECK_EQUAL(message.status, BH_OK);
    check_words(&message, 4);
}

static void messages_need_rights(void)
{
    setup();
    bh_cptr read_only = new_copy(shared.endpoint, BH_RIGHT_READ | BH_RIGHT_GRANT | BH_RIGHT_CALL);
    bh_cptr write_only = new_copy(shared.endpoint, BH_RIGHT_WRITE | BH_RIGHT_GRANT);
    CHECK_EQUAL(bh_send(read_only, 0, none), BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_nb_send(read_only, 0, none), BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_call(read_only, 0, none).status, BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_call(write_only, 0, none).status, BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_recv(write_only, 0).status, BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_nb_recv(write_only, 0).status, BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_reply_recv(write_only, 0, none, shared.reply).status, BH_ERROR_RIGHTS);
}

static void only_endpoints_take_messages(void)
{
    setup();
    bh_cptr bad[] = {new_slot(), 0, UINT64_MAX, new_object(BH_TYPE_NOTIFICATION), BH_ROOT_SLOT_TCB};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQUAL(bh_send(bad[i], 0, none), BH_ERROR_INVALID_CAPABILITY);
        CHECK_EQUAL(bh_nb_send(bad[i], 0, none), BH_ERROR_INVALID_CAPABILITY);
        CHECK_EQUAL(bh_call(bad[i], 0, none).status, BH_ERROR_INVALID_CAPABILITY);
        CHECK_EQUAL(bh_recv(bad[i], 0).status, BH_ERROR_INVALID_CAPABILITY);
        CHECK_EQUAL(bh_nb_recv(bad[i], shared.reply).status, BH_ERROR_INVALID_CAPABILITY);
        CHECK_EQUAL(bh_reply_recv(bad[i], 0, none, shared.reply).status, BH_ERROR_INVALID_CAPABILITY);
    }
    CHECK_EQUAL(bh_recv(shared.endpoint, new_slot()).status, BH_ERROR_INVALID_CAPABILITY);
    CHECK_EQUAL(bh_recv(shared.endpoint, shared.endpoint).status, BH_ERROR_INVALID_CAPABILITY);
    CHECK_EQUAL(bh_call(shared.reply, 0, none).status, BH_ERROR_INVALID_CAPABILITY);
}

/* --- calls --- */

static void caller(uint64_t length)
{
    uint64_t word[BH_MESSAGE_REGISTERS];
    load_words(word, length);
    shared.message = bh_call(shared.endpoint, bh_info(7, length), word);
    shared.status = shared.message.status;
    if (shared.length != 0) {
        check_words(&shared.message, shared.length);
    }
    shared.count++;
}

static void call_is_answered_by_reply(void)
{
    setup();
    shared.length = 6;
    (void)thread_start(caller, 3, PRIORITY_HIGH);
    struct bh_message message = bh_recv(shared.endpoint, shared.reply);
    CHECK_EQUAL(message.status, BH_OK);
    check_words(&message, 3);
    CHECK_EQUAL(shared.status, UINT64_MAX);
    uint64_t word[BH_MESSAGE_REGISTERS];
    load_words(word, 6);
    CHECK_EQUAL(bh_send(shared.reply, bh_info(9, 6), word), BH_OK);
    CHECK_EQUAL(shared.status, BH_OK);
    CHECK_EQUAL(bh_info_label(shared.message.info), 9);
    CHECK_EQUAL(shared.message.badge, 0);
}

static void long_calls_and_replies_travel_whole(void)
{
    setup();
    shared.length = 64;
    (void)thread_start(caller, 64, PRIORITY_HIGH);
    struct bh_message message = bh_recv(shared.endpoint, shared.reply);
    check_words(&message, 64);
    uint64_t word[BH_MESSAGE_REGISTERS];
    load_words(word, 64);
    CHECK_EQUAL(bh_send(shared.reply, bh_info(9, 64), word), BH_OK);
    CHECK_EQUAL(shared.count, 1);
}

static void echo_server(uint64_t argument)
{
    (void)argument;
    struct bh_message message = bh_recv(shared.endpoint, shared.reply);
    for (;;) {
        if (message.status != BH_OK) {
            test_fail(__FILE__, __LINE__, "the server got error %u", message.status);
        }
        message.word[0] += 1;
        message = bh_reply_recv(shared.endpoint, message.info, message.word, shared.reply);
    }
}

static void reply_recv_serves_call_after_call(void)
{
    setup();
    (void)thread_start(echo_server, 0, PRIORITY_HIGH);
    for (uint64_t i = 0; i < 100; i++) {
        const uint64_t word[BH_MESSAGE_REGISTERS] = {i, i * 2};
        struct bh_message answer = bh_call(shared.endpoint, bh_info((uint32_t)i, 2), word);
        CHECK_EQUAL(answer.status, BH_OK);
        CHECK_EQUAL(answer.word[0], i + 1);
        CHECK_EQUAL(answer.word[1], i * 2);
        CHECK_EQUAL(bh_info_label(answer.info), i);
    }
}

/* A server below its client is served as well: the call blocks the client. */
static void a_lower_server_answers(void)
{
    setup();
    (void)thread_start(echo_server, 0, PRIORITY_LOW);
    for (uint64_t i = 0; i < 10; i++) {
        const uint64_t word[BH_MESSAGE_REGISTERS] = {i};
        CHECK_EQUAL(bh_call(shared.endpoint, bh_info(1, 1), word).word[0], i + 1);
    }
}

static void a_reply_nobody_waits_for_is_ignored(void)
{
    setup();
    CHECK_EQUAL(bh_send(shared.reply, bh_info(1, 0), none), BH_OK);
    (void)thread_start(sender, 2, PRIORITY_HIGH);
    struct bh_message message = bh_reply_recv(shared.endpoint, bh_info(1, 0), none, shared.reply);
    CHECK_EQUAL(message.status, BH_OK);
    check_words(&message, 2);
    /* A send leaves nobody to answer. */
    CHECK_EQUAL(bh_send(shared.reply, bh_info(1, 0), none), BH_OK);
}

static void an_answer_is_given_once(void)
{
    setup();
    (void)thread_start(caller, 1, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint, shared.reply).status, BH_OK);
    CHECK_EQUAL(bh_send(shared.reply, bh_info(1, 0), none), BH_OK);
    CHECK_EQUAL(shared.count, 1);
    CHECK_EQUAL(bh_send(shared.reply, bh_info(2, 0), none), BH_OK);
    CHECK_EQUAL(bh_info_label(shared.message.info), 1);
    CHECK_EQUAL(shared.count, 1);
}

/* --- order --- */

static uint64_t order[8];
static volatile uint64_t order_count;

static void ordered_sender(uint64_t badge)
{
    const uint64_t word[BH_MESSAGE_REGISTERS] = {badge};
    (void)bh_send(shared.endpoint, bh_info(0, 1), word);
}

static void ordered_receiver(uint64_t id)
{
    (void)bh_recv(shared.endpoint, 0);
    order[order_count++ % 8] = id;
}

static void senders_are_served_by_priority(void)
{
    setup();
    (void)thread_start(ordered_sender, 2, PRIORITY_HIGH + 2);
    (void)thread_start(ordered_sender, 3, PRIORITY_HIGH + 3);
    (void)thread_start(ordered_sender, 1, PRIORITY_HIGH + 1);
    (void)thread_start(ordered_sender, 13, PRIORITY_HIGH + 3);
    static const uint64_t expected[] = {3, 13, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQUAL(bh_recv(shared.endpoint, 0).word[0], expected[i]);
    }
}

static void receivers_are_served_by_priority(void)
{
    setup();
    order_count = 0;
    (void)thread_start(ordered_receiver, 1, PRIORITY_HIGH + 1);
    (void)thread_start(ordered_receiver, 3, PRIORITY_HIGH + 3);
    (void)thread_start(ordered_receiver, 2, PRIORITY_HIGH + 2);
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(bh_send(shared.endpoint, 0, none), BH_OK);
    }
    CHECK_EQUAL(order_count, 3);
    CHECK(order[0] == 3 && order[1] == 2 && order[2] == 1);
}

TEST_GROUP(ipc, false, TEST_CASE(send_waits_for_the_receiver), TEST_CASE(receive_waits_for_the_sender),
           TEST_CASE(messages_of_every_length_arrive), TEST_CASE(a_longer_message_is_cut),
           TEST_CASE(without_an_ipc_buffer_registers_still_travel), TEST_CASE(a_sender_cannot_pose_as_the_kernel),
           TEST_CASE(the_badge_arrives), TEST_CASE(nb_send_without_receiver_would_block),
           TEST_CASE(nb_recv_without_sender_would_block), TEST_CASE(messages_need_rights),
           TEST_CASE(only_endpoints_take_messages), TEST_CASE(call_is_answered_by_reply),
           TEST_CASE(long_calls_and_replies_travel_whole), TEST_CASE(reply_recv_serves_call_after_call),
           TEST_CASE(a_lower_server_answers), TEST_CASE(a_reply_nobody_waits_for_is_ignored),
           TEST_CASE(an_answer_is_given_once), TEST_CASE(senders_are_served_by_priority),
           TEST_CASE(receivers_are_served_by_priority));
