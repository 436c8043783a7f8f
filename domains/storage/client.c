/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/client.h"

#include <string.h>

#include "domains/storage/request.h"
#include "libs/runtime/runtime.h"

#define NO_REQUEST CLIENT_REQUESTS

void client_open(struct client *client, const char *name, const struct bh_channel *channel,
                 const struct volume *volume, bool read_only)
{
    *client = (struct client){
        .channel = *channel,
        .volume = volume,
        .read_only = read_only || (volume != NULL && volume->read_only),
        .free_count = CLIENT_REQUESTS,
        .current = NO_REQUEST,
    };
    memcpy(client->name, name, strnlen(name, sizeof client->name - 1));
    for (uint8_t i = 0; i < CLIENT_REQUESTS; i++) {
        client->free[i] = (uint8_t)(CLIENT_REQUESTS - 1 - i);
        client->request[i].client = client;
    }
}

static uint8_t number_of(const struct request *request)
{
    return (uint8_t)(request - request->client->request);
}

static void free_request(struct request *request)
{
    struct client *client = request->client;
    request->state = REQUEST_FREE;
    client->free[client->free_count++] = number_of(request);
}

static void note_broken(struct client *client)
{
    if (!client->broken && bh_channel_broken(&client->channel)) {
        bh_log("%s: broke its channel to volume \"%s\" and is cut off", client->name,
               client->volume != NULL ? client->volume->name : "");
        client_close(client);
        client->broken = true;
    }
}

/* True: the answer is in the ring, or nobody wants it any more. */
static bool produce_answer(struct client *client, const struct request *request)
{
    if (client->closing) {
        return true;
    }
    struct bh_block_response response = {.id = request->id, .status = (uint32_t)request->status};
    enum bh_ring_status status = bh_ring_produce(&client->channel.complete, &response);
    client->produced |= status == BH_RING_OK;
    return status != BH_RING_FULL;
}

static void answer(struct request *request)
{
    struct client *client = request->client;
    /* Those that wait already go first. */
    if (client->answers_waiting == 0 && produce_answer(client, request)) {
        free_request(request);
        return;
    }
    request->state = REQUEST_ANSWER_WAITS;
    client->answer[client->answers_waiting++] = number_of(request);
}

static void deliver(struct client *client)
{
    uint8_t done = 0;
    while (done < client->answers_waiting &&
           produce_answer(client, &client->request[client->answer[done]])) {
        free_request(&client->request[client->answer[done]]);
        done++;
    }
    client->answers_waiting = (uint8_t)(client->answers_waiting - done);
    memmove(client->answer, client->answer + done, client->answers_waiting);
}

/* A write is over: flushes that came behind it have one less to wait for. */
static void write_done(const struct request *write)
{
    struct client *client = write->client;
    client->writes--;
    for (uint8_t i = 0; i < CLIENT_REQUESTS && client->flushes_waiting != 0; i++) {
        struct request *flush = &client->request[i];
        if (flush->state == REQUEST_FLUSH_WAITS &&
            (int32_t)(flush->sequence - write->sequence) > 0 && --flush->writes_before == 0) {
            flush->state = REQUEST_FLUSH_READY;
            client->flushes_waiting--;
            client->flushes_ready++;
        }
    }
}

/* A request that was accepted is over. */
static void finish(struct request *request)
{
    struct client *client = request->client;
    client->bytes -= request->length;
    if (client->current == number_of(request)) {
        client->current = NO_REQUEST;
    }
    if (request->operation == BH_BLOCK_WRITE) {
        write_done(request);
    }
    counters_request(&client->counters, request->operation, request->length, request->status);
    answer(request);
}

static bool over(const struct request *request)
{
    bool all = request->submitted == request->length || request->status != BH_BLOCK_OK;
    return all && request->in_flight == 0;
}

static enum client_step submit(struct request *request, struct block_device *device, uint64_t now,
                               uint32_t *cost)
{
    struct client *client = request->client;
    bool flush = request->operation == BH_BLOCK_FLUSH;
    if (device == NULL) {
        request->status = BH_BLOCK_IO_ERROR;
        finish(request); /* nothing is in flight on a dead disk */
        *cost = CLIENT_COST_OF_ANSWER;
        return CLIENT_ANSWERED;
    }
    uint32_t limit = device->depth - device->depth / 4; /* the rest is for others */
    if (client->in_flight >= limit || client->in_flight >= CLIENT_REQUESTS) {
        return CLIENT_STALLED;
    }
    uint32_t length = request->length - request->submitted;
    length = length > device->transfer_max ? device->transfer_max : length;
    struct block_command command = {
        .operation = (enum block_operation)request->operation,
        .length = length,
        .sector = flush ? 0 : request->sector + request->submitted / BH_BLOCK_SECTOR,
        .address = flush ? 0 : request->address + request->submitted,
        .token = (uintptr_t)request,
    };
    if (!device->operations->submit(device, &command)) {
        return CLIENT_DEVICE_FULL;
    }
    request->submitted += length;
    request->in_flight++;
    request->given_at = now;
    client->in_flight++;
    if (flush) {
        request->state = REQUEST_ACTIVE;
        client->flushes_ready--;
    } else if (request->submitted == request->length) {
        client->current = NO_REQUEST;
    }
    *cost = flush ? CLIENT_COST_OF_FLUSH : length + CLIENT_COST_OF_ANSWER;
    return CLIENT_SUBMITTED;
}

static struct request *ready_flush(struct client *client)
{
    for (uint8_t i = 0; i < CLIENT_REQUESTS && client->flushes_ready != 0; i++) {
        if (client->request[i].state == REQUEST_FLUSH_READY) {
            return &client->request[i];
        }
    }
    return NULL;
}

static void accept(struct client *client, struct request *request,
                   const struct bh_block_request *entry)
{
    request->sequence = ++client->sequence;
    client->bytes += request->length;
    if (entry->operation == BH_BLOCK_FLUSH) {
        request->writes_before = client->writes;
        request->state = client->writes != 0 ? REQUEST_FLUSH_WAITS : REQUEST_FLUSH_READY;
        client->flushes_waiting = (uint8_t)(client->flushes_waiting + (client->writes != 0));
        client->flushes_ready = (uint8_t)(client->flushes_ready + (client->writes == 0));
    } else {
        request->sector = client->volume->first + entry->sector;
        request->address = (uintptr_t)client->channel.data + entry->offset;
        request->state = REQUEST_ACTIVE;
        client->current = number_of(request);
        client->writes += entry->operation == BH_BLOCK_WRITE;
    }
}

/* The private copy of the next entry becomes a request, or is answered at once. */
static enum client_step take(struct client *client, uint32_t *cost)
{
    if (client->free_count == 0 || client->bytes >= CLIENT_BYTES) {
        return CLIENT_STALLED;
    }
    struct bh_block_request entry;
    switch (bh_ring_consume(&client->channel.submit, &entry)) {
    case BH_RING_OK:
        break;
    case BH_RING_EMPTY:
        *cost = 0;
        return bh_ring_consumer_sleep(&client->channel.submit) ? CLIENT_IDLE : CLIENT_ANSWERED;
    default:
        note_broken(client);
        return CLIENT_CLOSED;
    }
    client->consumed = true;
    *cost = CLIENT_COST_OF_ANSWER;
    struct request *request = &client->request[client->free[--client->free_count]];
    *request = (struct request){
        .client = client, .id = entry.id, .operation = entry.operation, .state = REQUEST_ACTIVE};
    uint64_t sectors = client->volume != NULL ? client->volume->sectors : UINT64_MAX;
    request->status = request_check(&entry, sectors, client->read_only, client->channel.data_size);
    if (request->status == BH_BLOCK_OK && client->volume == NULL) {
        request->status = BH_BLOCK_IO_ERROR;
    }
    if (request->status != BH_BLOCK_OK) {
        counters_request(&client->counters, request->operation, 0, request->status);
        answer(request);
        return CLIENT_ANSWERED;
    }
    request->length = entry.length;
    accept(client, request, &entry);
    return CLIENT_ANSWERED;
}

/* The oldest request that begins anew becomes the current one. */
static void take_up_retry(struct client *client)
{
    struct request *oldest = NULL;
    for (uint8_t i = 0; i < CLIENT_REQUESTS; i++) {
        struct request *request = &client->request[i];
        if (request->state == REQUEST_RETRY &&
            (oldest == NULL || (int32_t)(request->sequence - oldest->sequence) < 0)) {
            oldest = request;
        }
    }
    oldest->state = REQUEST_ACTIVE;
    client->current = number_of(oldest);
    client->retries--;
}

enum client_step client_step(struct client *client, struct block_device *device, uint64_t now,
                             uint32_t *cost)
{
    *cost = 0;
    if (client->closing) {
        return CLIENT_CLOSED;
    }
    struct request *flush = ready_flush(client);
    if (flush != NULL && device == NULL) {
        client->flushes_ready--;
    }
    if (flush != NULL) {
        return submit(flush, device, now, cost);
    }
    if (client->current == NO_REQUEST && client->retries != 0) {
        take_up_retry(client);
    }
    if (client->current != NO_REQUEST) {
        return submit(&client->request[client->current], device, now, cost);
    }
    return take(client, cost);
}

void client_command_done(struct request *request, enum block_result result)
{
    struct client *client = request->client;
    request->in_flight--;
    client->in_flight--;
    if (result != BLOCK_OK && request->status == BH_BLOCK_OK) {
        request->status = result == BLOCK_WRITE_PROTECTED ? BH_BLOCK_READ_ONLY : BH_BLOCK_IO_ERROR;
        if (client->current == number_of(request)) {
            client->current = NO_REQUEST; /* the rest of it is not worth the disk's time */
        }
    }
    if (over(request)) {
        finish(request);
    }
}

static void begin_anew(struct request *request)
{
    struct client *client = request->client;
    request->retried = true;
    request->submitted = 0;
    if (request->operation == BH_BLOCK_FLUSH) {
        request->state = REQUEST_FLUSH_READY;
        client->flushes_ready++;
    } else if (client->current != number_of(request)) {
        request->state = REQUEST_RETRY;
        client->retries++;
    }
}

void client_commands_lost(struct client *client, bool retry)
{
    for (uint8_t i = 0; i < CLIENT_REQUESTS && client->in_flight != 0; i++) {
        struct request *request = &client->request[i];
        if (request->in_flight == 0) {
            continue;
        }
        client->in_flight -= request->in_flight;
        request->in_flight = 0;
        if (retry && !request->retried && request->status == BH_BLOCK_OK) {
            begin_anew(request);
            continue;
        }
        if (request->status == BH_BLOCK_OK) {
            request->status = BH_BLOCK_IO_ERROR;
        }
        finish(request);
    }
}

bool client_waits_since(const struct client *client, uint64_t then)
{
    for (uint8_t i = 0; i < CLIENT_REQUESTS && client->in_flight != 0; i++) {
        const struct request *request = &client->request[i];
        if (request->in_flight != 0 && request->given_at <= then) {
            return true;
        }
    }
    return false;
}

void client_wake(struct client *client)
{
    if (client->closing) {
        return;
    }
    bh_ring_consumer_awake(&client->channel.submit);
    if (client->answers_waiting != 0) {
        bh_ring_producer_awake(&client->channel.complete);
        deliver(client);
    }
}

bool client_settle(struct client *client)
{
    if (client->closing) {
        return false;
    }
    bool signal = false;
    if (client->consumed) {
        signal |= bh_ring_release(&client->channel.submit);
    }
    /* A peer that makes room just now is served; one that does so for ever waits for its signal. */
    for (unsigned i = 0; i < 2; i++) {
        if (client->produced) {
            signal |= bh_ring_publish(&client->channel.complete);
            client->produced = false;
        }
        if (client->answers_waiting == 0 || bh_ring_producer_sleep(&client->channel.complete)) {
            break;
        }
        deliver(client);
    }
    client->consumed = false;
    note_broken(client);
    return signal;
}

void client_close(struct client *client)
{
    client->closing = true;
    deliver(client); /* which forgets the answers */
    client->current = NO_REQUEST;
    for (uint8_t i = 0; i < CLIENT_REQUESTS; i++) {
        struct request *request = &client->request[i];
        if (request->state != REQUEST_FREE && request->in_flight == 0) {
            free_request(request);
        } else if (request->state == REQUEST_ACTIVE && request->status == BH_BLOCK_OK) {
            request->status = BH_BLOCK_IO_ERROR; /* so it ends with what is in flight */
        }
    }
    client->flushes_waiting = 0;
    client->flushes_ready = 0;
    client->retries = 0;
}
