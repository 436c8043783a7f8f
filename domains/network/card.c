/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/network/card.h"

#include <bh/syscall.h>
#include <string.h>

#include "libs/runtime/runtime.h"

#define RESET_POLL_US  1000u
#define RESET_LIMIT_US 1000000u
#define RETRY_FIRST_US 1000000u
#define RETRY_LAST_US  64000000u

_Static_assert(UPLINK_FRAME_MAX <= VIRTIO_NET_FRAME_MAX, "a tagged frame fits the card's buffers");

static const uint8_t *card_receive(void *card, uint32_t *length)
{
    return virtio_net_receive(card, length);
}

static void card_release(void *card)
{
    virtio_net_release(card);
}

static uint8_t *card_transmit_buffer(void *card)
{
    return virtio_net_transmit_buffer(card);
}

static void card_transmit(void *card, uint32_t length)
{
    virtio_net_transmit(card, length);
}

static void card_flush(void *card)
{
    virtio_net_flush(card);
}

static bool card_sleep(void *card)
{
    return virtio_net_sleep(card);
}

static const struct uplink_operations operations = {
    .receive = card_receive,
    .release = card_release,
    .transmit_buffer = card_transmit_buffer,
    .transmit = card_transmit,
    .flush = card_flush,
    .sleep = card_sleep,
};

struct card_resources {
    const struct bh_resource *config;
    const struct bh_resource *dma;
    const struct bh_resource *irq;
    struct virtio_bar bars[PCI_BARS];
};

static struct card_resources find_resources(const char *name)
{
    const struct bh_domain_page *page = bh_domain();
    struct card_resources found = {.config = NULL};
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) != BH_RESOURCE_ATTACHED ||
            strcmp(resource->name, name) != 0) {
            continue;
        }
        if (resource->kind == BH_RESOURCE_DMA) {
            found.dma = resource;
        } else if (resource->kind == BH_RESOURCE_IRQ) {
            found.irq = resource;
        } else if (resource->kind == BH_RESOURCE_MMIO &&
                   resource->argument[0] == BH_MMIO_PCI_CONFIG) {
            found.config = resource;
        } else if (resource->kind == BH_RESOURCE_MMIO && resource->argument[0] < PCI_BARS) {
            found.bars[resource->argument[0]] = (struct virtio_bar){
                .address = (volatile void *)(uintptr_t)resource->address, .size = resource->size};
        }
    }
    return found;
}

static void fail(struct card *card, const char *reason)
{
    bh_log("card %s: %s; trying again in %lu s", card->name, reason,
           (unsigned long)(card->retry_us / 1000000));
    card->state = CARD_FAILED;
    card->deadline = bh_ticks() + bh_ticks_from_us(card->retry_us);
    card->retry_us = card->retry_us < RETRY_LAST_US ? card->retry_us * 2 : RETRY_LAST_US;
}

static void begin(struct card *card)
{
    struct card_resources resources = find_resources(card->name);
    if (resources.config == NULL || resources.irq == NULL) {
        fail(card, "its configuration space or its interrupt is missing");
        return;
    }
    card->irq_cap = resources.irq->cap;
    card->irq_bits = resources.irq->bits;
    enum virtio_net_error error = virtio_net_open(
        &card->net, (const volatile void *)(uintptr_t)resources.config->address, resources.bars,
        (void *)(uintptr_t)resources.dma->address, resources.dma->size);
    if (error != VIRTIO_NET_OK) {
        fail(card, virtio_net_error_text(&card->net, error));
        return;
    }
    card->state = CARD_RESETTING;
    card->deadline = bh_ticks() + bh_ticks_from_us(RESET_LIMIT_US);
}

void cards_init(struct card cards[SWITCH_UPLINKS])
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (resource->kind != BH_RESOURCE_DMA ||
            bh_resource_state(resource) != BH_RESOURCE_ATTACHED) {
            continue;
        }
        uint64_t number = resource->argument[1];
        if (strcmp(resource->object, "virtio-net") != 0) {
            bh_log("device %s: no driver for %s", resource->name, resource->object);
        } else if (number >= SWITCH_UPLINKS || cards[number].state != CARD_ABSENT) {
            bh_log("device %s: one card too many, at most %u", resource->name, SWITCH_UPLINKS);
        } else {
            struct card *card = &cards[number];
            memcpy(card->name, resource->name, sizeof(card->name));
            card->number = (uint32_t)number;
            card->retry_us = RETRY_FIRST_US;
            begin(card);
        }
    }
}

static void bring_up(struct card *card, struct network_switch *sw)
{
    enum virtio_net_error error = virtio_net_start(&card->net);
    if (error != VIRTIO_NET_OK) {
        fail(card, virtio_net_error_text(&card->net, error));
        return;
    }
    uint64_t mac = card->net.mac;
    bh_log("card %s is up: %02x:%02x:%02x:%02x:%02x:%02x, queues of %u", card->name,
           (unsigned)(mac >> 40) & 0xff, (unsigned)(mac >> 32) & 0xff, (unsigned)(mac >> 24) & 0xff,
           (unsigned)(mac >> 16) & 0xff, (unsigned)(mac >> 8) & 0xff, (unsigned)mac & 0xff,
           (unsigned)card->net.receive.size);
    card->state = CARD_UP;
    const struct uplink uplink = {.operations = &operations, .card = &card->net};
    switch_set_uplink(sw, card->number, card->name, &uplink);
}

static void take_down(struct card *card, struct network_switch *sw)
{
    const struct uplink none = {.operations = &operations};
    switch_set_uplink(sw, card->number, card->name, &none);
    fail(card, "it has failed");
}

static uint64_t poll_card(struct card *card, struct network_switch *sw, uint64_t now)
{
    if (card->state == CARD_FAILED && now >= card->deadline) {
        begin(card);
    }
    if (card->state == CARD_RESETTING) {
        if (virtio_reset_done(&card->net.device)) {
            bring_up(card, sw);
        } else if (now >= card->deadline) {
            fail(card, "its reset takes too long");
        } else {
            return now + bh_ticks_from_us(RESET_POLL_US);
        }
    }
    if (card->state == CARD_UP && virtio_net_broken(&card->net)) {
        take_down(card, sw);
    }
    return card->state == CARD_FAILED ? card->deadline : UINT64_MAX;
}

uint64_t cards_poll(struct card cards[SWITCH_UPLINKS], struct network_switch *sw, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < SWITCH_UPLINKS; i++) {
        uint64_t wanted = poll_card(&cards[i], sw, now);
        next = wanted < next ? wanted : next;
    }
    return next;
}

void cards_interrupt(struct card cards[SWITCH_UPLINKS], struct network_switch *sw, uint64_t bits)
{
    for (uint32_t i = 0; i < SWITCH_UPLINKS; i++) {
        struct card *card = &cards[i];
        if (card->state == CARD_ABSENT || (card->irq_bits & bits) == 0) {
            continue;
        }
        uint32_t causes = virtio_interrupt_causes(&card->net.device);
        if (card->state == CARD_UP && (causes & VIRTIO_CAUSE_CONFIG) != 0 &&
            virtio_failed(&card->net.device)) {
            take_down(card, sw);
        }
        if (card->state == CARD_UP) {
            virtio_net_awake(&card->net);
            switch_wake_uplink(sw, card->number);
        }
        (void)bh_irq_handler_ack(card->irq_cap);
    }
}
