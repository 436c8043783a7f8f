/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/schedule.h"

static void append(struct schedule *schedule, struct client *client)
{
    client->active_next = NULL;
    if (schedule->tail != NULL) {
        schedule->tail->active_next = client;
    } else {
        schedule->head = client;
    }
    schedule->tail = client;
}

static struct client *take_head(struct schedule *schedule)
{
    struct client *client = schedule->head;
    schedule->head = client->active_next;
    if (schedule->head == NULL) {
        schedule->tail = NULL;
    }
    return client;
}

static void settle_later(struct schedule *schedule, struct client *client)
{
    if (!client->settle) {
        client->settle = true;
        client->settle_next = schedule->settle;
        schedule->settle = client;
    }
}

void schedule_add(struct schedule *schedule, struct client *client)
{
    settle_later(schedule, client);
    client->stalled = false;
    if (!client->active && !client->closing) {
        client->active = true;
        append(schedule, client);
    }
}

void schedule_remove(struct schedule *schedule, struct client *client)
{
    struct client *rest = schedule->head;
    schedule->head = NULL;
    schedule->tail = NULL;
    while (rest != NULL) {
        struct client *next = rest->active_next;
        if (rest != client) {
            append(schedule, rest);
        }
        rest = next;
    }
    client->active = false;
    struct client **link = &schedule->settle;
    while (*link != NULL && *link != client) {
        link = &(*link)->settle_next;
    }
    if (*link != NULL) {
        *link = client->settle_next;
    }
    client->settle = false;
}

void schedule_answered(struct schedule *schedule, struct client *client)
{
    settle_later(schedule, client);
    if (client->stalled || client->flushes_ready != 0) {
        schedule_add(schedule, client);
    }
}

/* The head leaves the queue until something happens. Credit is not saved up, debts are kept. */
static void retire(struct schedule *schedule, bool stalled)
{
    struct client *client = take_head(schedule);
    client->active = false;
    client->turn = false;
    client->stalled = stalled;
    if (client->credit > 0) {
        client->credit = 0;
    }
}

static void end_turn(struct schedule *schedule)
{
    schedule->head->turn = false;
    append(schedule, take_head(schedule));
}

enum schedule_end schedule_run(struct schedule *schedule, struct block_device *device, uint64_t now,
                               uint32_t *submitted)
{
    *submitted = 0;
    for (uint32_t i = 0; i < SCHEDULE_STEPS && schedule->head != NULL; i++) {
        struct client *client = schedule->head;
        bool alone = client->active_next == NULL;
        if (!client->turn) {
            client->turn = true;
            client->credit = alone ? SCHEDULE_QUANTUM : client->credit + SCHEDULE_QUANTUM;
        }
        if (client->credit <= 0) {
            end_turn(schedule);
            continue;
        }
        settle_later(schedule, client);
        uint32_t cost;
        switch (client_step(client, device, now, &cost)) {
        case CLIENT_SUBMITTED:
            (*submitted)++;
            client->credit -= cost;
            break;
        case CLIENT_ANSWERED:
            client->credit -= cost;
            break;
        case CLIENT_STALLED:
            retire(schedule, true);
            break;
        case CLIENT_IDLE:
        case CLIENT_CLOSED:
            retire(schedule, false);
            break;
        case CLIENT_DEVICE_FULL:
            return SCHEDULE_FULL;
        }
    }
    return schedule->head != NULL ? SCHEDULE_MORE : SCHEDULE_DONE;
}

bool schedule_settle(struct schedule *schedule, void (*signal)(uint64_t cap))
{
    bool more = false;
    while (schedule->settle != NULL) {
        struct client *client = schedule->settle;
        schedule->settle = client->settle_next;
        client->settle = false;
        bool out_of_slots = client->free_count == 0;
        if (client_settle(client)) {
            signal(client->channel.signal_cap);
        }
        /* Answers that waited for room, and went out just now, have freed what it needs to go on.
         */
        if (client->stalled && out_of_slots && client->free_count != 0 && !client->closing) {
            client->stalled = false;
            client->active = true;
            append(schedule, client);
            more = true;
        }
    }
    return more;
}
