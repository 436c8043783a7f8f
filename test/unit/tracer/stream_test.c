/* SPDX-License-Identifier: BSD-2-Clause */
/* The tracer's stream: in order, complete, and honest about what is lost while the core goes on. */
#include "domains/tracer/stream.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "test/unit/check.h"

#define PAGE   4096u
#define BUFFER 65536u
#define FULL   ((BUFFER - sizeof(struct bh_trace_block)) / sizeof(struct bh_trace_entry))

static _Alignas(PAGE) struct bh_trace_ring rings[2];
static struct bh_trace_thread_table threads;
static _Alignas(8) uint8_t buffer[BUFFER];
static struct stream stream;

static const struct bh_trace_block *const block = (const struct bh_trace_block *)buffer;
static const struct bh_trace_entry *const entries =
    (const struct bh_trace_entry *)(buffer + sizeof(struct bh_trace_block));

/* As the kernel does it (kernel/trace.c). What entry n says follows from n. */
static void write_entries(struct bh_trace_ring *ring, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t next = ring->next;
        __atomic_thread_fence(__ATOMIC_RELEASE);
        volatile struct bh_trace_entry *entry = &ring->entry[next % BH_TRACE_ENTRIES];
        entry->time = next;
        entry->thread = (uint32_t)next;
        entry->kind = BH_TRACE_WAKE;
        entry->word[0] = ~next;
        entry->word[1] = next;
        __atomic_store_n(&ring->next, next + 1, __ATOMIC_RELEASE);
    }
}

static void begin(uint32_t core_count)
{
    memset(rings, 0, sizeof(rings));
    memset(&threads, 0, sizeof(threads));
    stream = (struct stream){
        .rings = rings, .threads = &threads, .core_count = core_count, .frequency = 1000};
}

static void check_block(uint32_t size, uint32_t core, uint64_t first, uint64_t count)
{
    CHECK_EQUAL(block->magic, BH_TRACE_BLOCK_MAGIC);
    CHECK_EQUAL(block->frequency, 1000);
    CHECK_EQUAL(block->kind, BH_TRACE_BLOCK_EVENTS);
    CHECK_EQUAL(block->core, core);
    CHECK_EQUAL(block->first, first);
    CHECK_EQUAL(block->count, count);
    CHECK_EQUAL(size, sizeof(*block) + count * sizeof(struct bh_trace_entry));
    for (uint64_t i = 0; i < count; i++) {
        CHECK_EQUAL(entries[i].time, first + i);
        CHECK_EQUAL(entries[i].word[0], ~(first + i));
        CHECK_EQUAL(entries[i].word[1], first + i);
    }
}

static void nothing_new_is_nothing(void)
{
    begin(1);
    CHECK_EQUAL(stream_next(&stream, buffer, BUFFER), 0);
    write_entries(&rings[0], 3);
    check_block(stream_next(&stream, buffer, BUFFER), 0, 0, 3);
    CHECK_EQUAL(stream_next(&stream, buffer, BUFFER), 0);
}

static void many_entries_take_several_blocks(void)
{
    begin(1);
    write_entries(&rings[0], FULL + 10);
    check_block(stream_next(&stream, buffer, BUFFER), 0, 0, FULL);
    check_block(stream_next(&stream, buffer, BUFFER), 0, FULL, 10);
    CHECK_EQUAL(stream_next(&stream, buffer, BUFFER), 0);
}

static void no_core_starves(void)
{
    begin(2);
    write_entries(&rings[0], 3 * FULL);
    write_entries(&rings[1], 2);
    check_block(stream_next(&stream, buffer, BUFFER), 0, 0, FULL);
    check_block(stream_next(&stream, buffer, BUFFER), 1, 0, 2);
    check_block(stream_next(&stream, buffer, BUFFER), 0, FULL, FULL);
    check_block(stream_next(&stream, buffer, BUFFER), 0, 2 * FULL, FULL);
    CHECK_EQUAL(stream_next(&stream, buffer, BUFFER), 0);
}

static void what_was_overwritten_is_left_out(void)
{
    begin(1);
    write_entries(&rings[0], 5);
    check_block(stream_next(&stream, buffer, BUFFER), 0, 0, 5);
    write_entries(&rings[0], 3 * BH_TRACE_ENTRIES);
    /* The oldest of all is the one that the core writes next: it may be half written. */
    uint64_t first = 5 + 2 * (uint64_t)BH_TRACE_ENTRIES + 1;
    check_block(stream_next(&stream, buffer, BUFFER), 0, first, FULL);
    check_block(stream_next(&stream, buffer, BUFFER), 0, first + FULL, FULL);
}

static void a_full_ring_loses_its_oldest_only(void)
{
    begin(1);
    write_entries(&rings[0], BH_TRACE_ENTRIES);
    check_block(stream_next(&stream, buffer, BUFFER), 0, 1, FULL);
}

static void add_thread(const char *name)
{
    struct bh_trace_thread *entry = &threads.entry[threads.count % BH_TRACE_THREADS];
    *entry = (struct bh_trace_thread){.since = threads.count, .thread = 77};
    strcpy(entry->name, name);
    threads.count++;
}

static void names_come_first(void)
{
    const struct bh_trace_thread *named =
        (const struct bh_trace_thread *)(buffer + sizeof(struct bh_trace_block));
    begin(1);
    write_entries(&rings[0], 1);
    add_thread("root");
    add_thread("storage");
    uint32_t size = stream_next(&stream, buffer, BUFFER);
    CHECK_EQUAL(size, sizeof(*block) + 2 * sizeof(struct bh_trace_thread));
    CHECK_EQUAL(block->kind, BH_TRACE_BLOCK_THREADS);
    CHECK_EQUAL(block->first, 0);
    CHECK(strcmp(named[1].name, "storage") == 0);
    check_block(stream_next(&stream, buffer, BUFFER), 0, 0, 1);
    CHECK_EQUAL(stream_next(&stream, buffer, BUFFER), 0);

    /* More than the table holds: the last ones. */
    for (unsigned i = 0; i < BH_TRACE_THREADS + 3; i++) {
        add_thread("guest");
    }
    (void)stream_next(&stream, buffer, BUFFER);
    CHECK_EQUAL(block->first, 2 + 3);
    CHECK_EQUAL(block->count, BH_TRACE_THREADS);
    CHECK_EQUAL(named[0].since, 2 + 3);
    CHECK_EQUAL(named[BH_TRACE_THREADS - 1].since, 2 + 3 + BH_TRACE_THREADS - 1);
}

static uint64_t
    overtaking; /* entries that the core writes when the reader comes to the protected page */

static void overtake(int number)
{
    (void)number;
    CHECK(mprotect(rings, sizeof(rings), PROT_READ | PROT_WRITE) == 0);
    write_entries(&rings[0], overtaking);
}

/* The core goes on while a block is copied, and overwrites `count` entries. */
static uint32_t next_while_overtaken(uint64_t count)
{
    uint64_t page = (uint64_t)&rings[0].entry[FULL / 2] / PAGE * PAGE;
    overtaking = count;
    CHECK(signal(SIGSEGV, overtake) != SIG_ERR);
    CHECK(mprotect((void *)page, PAGE, PROT_NONE) == 0);
    uint32_t size = stream_next(&stream, buffer, BUFFER);
    CHECK(signal(SIGSEGV, SIG_DFL) == overtake);
    return size;
}

static void what_is_overwritten_meanwhile_is_left_out(void)
{
    begin(1);
    write_entries(&rings[0], BH_TRACE_ENTRIES);
    check_block(next_while_overtaken(FULL - 100), 0, FULL - 100 + 1, 100);
    check_block(stream_next(&stream, buffer, BUFFER), 0, FULL + 1, FULL);

    begin(1);
    write_entries(&rings[0], BH_TRACE_ENTRIES);
    CHECK_EQUAL(next_while_overtaken(FULL + 100), 0); /* all of it */
    check_block(stream_next(&stream, buffer, BUFFER), 0, FULL + 100 + 1, FULL);
}

#define RACE_ENTRIES (20 * (uint64_t)BH_TRACE_ENTRIES)

static void *race(void *unused)
{
    (void)unused;
    write_entries(&rings[0], RACE_ENTRIES);
    return NULL;
}

/* The reader is slower than the core: it may lose entries, but what it gets is whole and in order.
 */
static void a_core_that_overtakes_spoils_nothing(void)
{
    pthread_t thread;
    begin(1);
    CHECK(pthread_create(&thread, NULL, race, NULL) == 0);
    uint64_t next = 0;
    while (next < RACE_ENTRIES) {
        uint32_t size = stream_next(&stream, buffer, BUFFER);
        if (size == 0) {
            continue;
        }
        CHECK(block->first >= next);
        check_block(size, 0, block->first, block->count);
        next = block->first + block->count;
    }
    CHECK_EQUAL(next, RACE_ENTRIES);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
    nothing_new_is_nothing();
    many_entries_take_several_blocks();
    no_core_starves();
    what_was_overwritten_is_left_out();
    a_full_ring_loses_its_oldest_only();
    names_come_first();
    what_is_overwritten_meanwhile_is_left_out();
    a_core_that_overtakes_spoils_nothing();
    return 0;
}
