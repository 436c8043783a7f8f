/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/network/mac_table.h"

#include <string.h>

static uint32_t block_start(uint32_t port)
{
    return port == MAC_TABLE_UPLINK
               ? 0
               : MAC_TABLE_UPLINK_ENTRIES + (port - 1) * MAC_TABLE_PORT_ENTRIES;
}

static uint32_t block_size(uint32_t port)
{
    return port == MAC_TABLE_UPLINK ? MAC_TABLE_UPLINK_ENTRIES : MAC_TABLE_PORT_ENTRIES;
}

static uint32_t entry_port(uint32_t number)
{
    return number < MAC_TABLE_UPLINK_ENTRIES
               ? MAC_TABLE_UPLINK
               : 1 + (number - MAC_TABLE_UPLINK_ENTRIES) / MAC_TABLE_PORT_ENTRIES;
}

static uint16_t *bucket_of(struct mac_table *table, uint64_t address)
{
    uint64_t hash = (address ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 29) ^ table->seed) * UINT64_C(0xbf58476d1ce4e5b9);
    return &table->bucket[(hash >> 40) % MAC_TABLE_BUCKETS];
}

static struct mac_table_entry *lookup(struct mac_table *table, uint64_t address)
{
    uint32_t link = *bucket_of(table, address);
    while (link != 0) {
        struct mac_table_entry *entry = &table->entry[link - 1];
        if (entry->address == address) {
            return entry;
        }
        link = entry->next;
    }
    return NULL;
}

static void remove_entry(struct mac_table *table, struct mac_table_entry *entry)
{
    uint16_t *link = bucket_of(table, entry->address);
    while (&table->entry[*link - 1] != entry) {
        link = &table->entry[*link - 1].next;
    }
    *link = entry->next;
    *entry = (struct mac_table_entry){.address = 0};
}

static void insert_entry(struct mac_table *table, uint32_t number, uint64_t address, uint64_t now,
                         bool is_static)
{
    uint16_t *bucket = bucket_of(table, address);
    table->entry[number] = (struct mac_table_entry){
        .address = address, .seen = now, .next = *bucket, .is_static = is_static};
    *bucket = (uint16_t)(number + 1);
}

static bool expired(const struct mac_table *table, const struct mac_table_entry *entry,
                    uint64_t now)
{
    return !entry->is_static && now - entry->seen > table->lifetime;
}

void mac_table_init(struct mac_table *table, uint64_t seed, uint64_t lifetime)
{
    memset(table, 0, sizeof(*table));
    table->seed = seed;
    table->lifetime = lifetime;
}

/* The entry of the port's block that a new address shall take. */
static uint32_t take_entry(struct mac_table *table, uint32_t port)
{
    uint32_t start = block_start(port);
    uint32_t size = block_size(port);
    uint32_t cursor = table->cursor[port];
    if (table->entry[start + cursor]
            .is_static) { /* a block has at most one, see mac_table_assign */
        cursor = (cursor + 1) % size;
    }
    table->cursor[port] = (uint16_t)((cursor + 1) % size);
    struct mac_table_entry *entry = &table->entry[start + cursor];
    if (entry->address != 0) {
        remove_entry(table, entry);
    }
    return start + cursor;
}

bool mac_table_assign(struct mac_table *table, uint32_t port, uint64_t address)
{
    uint32_t start = block_start(port);
    struct mac_table_entry *entry = lookup(table, address);
    if (entry != NULL) {
        uint32_t owner = entry_port((uint32_t)(entry - table->entry));
        if (entry->is_static) {
            return owner == port;
        }
        remove_entry(table, entry);
    }
    for (uint32_t i = start; i < start + block_size(port); i++) {
        if (table->entry[i].is_static) {
            remove_entry(table, &table->entry[i]);
        }
    }
    insert_entry(table, take_entry(table, port), address, 0, true);
    return true;
}

enum mac_table_result mac_table_learn(struct mac_table *table, uint32_t port, uint64_t address,
                                      uint64_t now)
{
    struct mac_table_entry *entry = lookup(table, address);
    if (entry != NULL) {
        if (entry_port((uint32_t)(entry - table->entry)) == port) {
            entry->seen = now;
            return MAC_TABLE_LEARNED;
        }
        if (entry->is_static) {
            return MAC_TABLE_FOREIGN;
        }
        remove_entry(table, entry);
    }
    insert_entry(table, take_entry(table, port), address, now, false);
    return MAC_TABLE_LEARNED;
}

uint32_t mac_table_find(const struct mac_table *table, uint64_t address, uint64_t now)
{
    const struct mac_table_entry *entry = lookup((struct mac_table *)(uintptr_t)table, address);
    if (entry == NULL || expired(table, entry, now)) {
        return MAC_TABLE_NO_PORT;
    }
    return entry_port((uint32_t)(entry - table->entry));
}

void mac_table_remove_port(struct mac_table *table, uint32_t port)
{
    uint32_t start = block_start(port);
    for (uint32_t i = start; i < start + block_size(port); i++) {
        if (table->entry[i].address != 0) {
            remove_entry(table, &table->entry[i]);
        }
    }
    table->cursor[port] = 0;
}
