/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every register that can be named, in guests and in native threads: which of them are reached without the kernel being
 * asked, and that what is written there is seen by nobody else.
 */
#include "guest_registers.h"

#define MOV_X0_SP UINT32_C(0x910003e0)
#define MOV_SP_X0 UINT32_C(0x9100001f)
#define MOV_X0_X(n) (UINT32_C(0xaa0003e0) | (n) << 16)
#define MOV_X_X0(n) (UINT32_C(0xaa0003e0) | (n))
#define FMOV_X0_D(n) (UINT32_C(0x9e660000) | (n) << 5)
#define FMOV_D_X0(n) (UINT32_C(0x9e670000) | (n))
#define FMOV_X0_V_HIGH(n) (UINT32_C(0x9eae0000) | (n) << 5)
#define FMOV_V_HIGH_X0(n) (UINT32_C(0x9eaf0000) | (n))
#define PACGA_X0_X0_X0 UINT32_C(0x9ac03000)
#define RDVL_X0 UINT32_C(0x04bf5020)
#define SMSTART UINT32_C(0xd503477f)

#define TPIDR_EL0 SYSREG(3, 3, 13, 0, 2)
#define NZCV SYSREG(3, 3, 4, 2, 0)

#define ITEMS_MAX 256
#define GUESTS 4

/* What is compared. */
struct item {
    const char *name;
    uint32_t number; /* of a general or vector register, or the encoding of a system register */
    uint32_t read, write; /* instructions; write 0: none */
    enum register_kind kind;
    uint64_t mask, fixed;
};

static struct item items[ITEMS_MAX];
static uint32_t item_count;
static struct walker walkers[GUESTS];
static uint64_t own[GUESTS][ITEMS_MAX]; /* what each guest has found after it wrote */
static uint64_t fresh[ITEMS_MAX];       /* what a guest finds that has not written anything */
static bool prepared;

static void add_item(const char *name, uint32_t number, uint32_t read, uint32_t write, enum register_kind kind,
                     uint64_t mask, uint64_t fixed)
{
    CHECK(item_count < ITEMS_MAX);
    items[item_count++] = (struct item){name, number, read, write, kind, mask, fixed};
}

static const struct known_register *find_known(uint32_t sysreg)
{
    static const struct known_register own_of_implementation = {
        .kind = CONSTANT, .name = "IMPLEMENTATION DEFINED", .mask = UINT64_MAX};
    for (uint32_t i = 0; i < known_register_count; i++) {
        if (known_registers[i].sysreg == sysreg) {
            return &known_registers[i];
        }
    }
    /* HCR_EL2.TIDCP traps these (D17.2.48); QEMU 7.2 does not, and lets them hold nothing. */
    uint32_t crn = sysreg >> 7 & 0xf;
    return sysreg >= SYSREG_COUNT / 2 && (crn == 11 || crn == 15) ? &own_of_implementation : NULL;
}

/* --- What can be reached --- */

__attribute__((noreturn)) static void unknown_register(const char *who, uint32_t sysreg, const char *how)
{
    test_fail(__FILE__, __LINE__, "%s S%u_%u_C%u_C%u_%u without the kernel, and nothing here knows it: %s", who,
              (uint64_t)(sysreg >> 14) + 2, (uint64_t)(sysreg >> 11 & 7), (uint64_t)(sysreg >> 7 & 15),
              (uint64_t)(sysreg >> 3 & 15), (uint64_t)(sysreg & 7), how);
}

static void guests_reach_no_register_but_those_that_are_kept_apart(void)
{
    struct walker *walker = &walkers[0];
    struct step *table;
    static bool reads[WALK_STEPS];
    uint64_t outcomes[STEP_TRAPPED + 1] = {0};

    walker_prepare(walker);
    table = walker->table;
    item_count = 0;
    for (uint32_t first = 0; first < SYSREG_COUNT; first += WALK_STEPS) {
        for (uint32_t i = 0; i < WALK_STEPS; i++) {
            table[i] = (struct step){.instruction = MRS_X0(first + i)};
        }
        walker_run(walker, WALK_STEPS);
        for (uint32_t i = 0; i < WALK_STEPS; i++) { /* each gets back what it had, or 0 */
            outcomes[table[i].outcome]++;
            reads[i] = table[i].outcome == STEP_WORKED;
            table[i] = (struct step){.instruction = MSR_X0(first + i), .value = reads[i] ? table[i].value : 0};
        }
        walker_run(walker, WALK_STEPS);
        for (uint32_t i = 0; i < WALK_STEPS; i++) {
            uint32_t sysreg = first + i;
            bool writes = table[i].outcome == STEP_WORKED;
            if (!reads[i] && !writes) {
                continue;
            }
            const struct known_register *known = find_known(sysreg);
            if (known == NULL || (known->kind == WRITE_ONLY) != !reads[i]) {
                unknown_register("a guest reaches", sysreg, !writes ? "reads" : reads[i] ? "reads, writes" : "writes");
            }
            if (known->kind != WRITE_ONLY && known->kind != MOVES) {
                bool writable = writes && known->mask != 0;
                add_item(known->name, sysreg, MRS_X0(sysreg), writable ? MSR_X0(sysreg) : 0, known->kind, known->mask,
                         known->fixed);
            }
        }
    }
    for (uint32_t i = 0; i < known_register_count; i++) { /* the walk has found what there must be */
        bool found = known_registers[i].kind != KEPT;
        for (uint32_t j = 0; j < item_count; j++) {
            found |= items[j].number == known_registers[i].sysreg;
        }
        if (!found) {
            test_fail(__FILE__, __LINE__, "a guest cannot read %s", known_registers[i].name);
        }
    }
    print("registers a guest can name: %u read, %u undefined, %u trapped\n", outcomes[STEP_WORKED],
          outcomes[STEP_UNDEFINED], outcomes[STEP_TRAPPED]);

    static const char *const names[] = {"x", "v low", "v high"};
    add_item("SP_EL1", 0, MOV_X0_SP, MOV_SP_X0, KEPT, UINT64_MAX, 0);
    for (uint32_t n = 1; n < 30; n++) {
        if (n < 10 || n > 14) { /* the walk's own */
            add_item(names[0], n, MOV_X0_X(n), MOV_X_X0(n), KEPT, UINT64_MAX, 0);
        }
    }
    for (uint32_t n = 0; n < 32; n++) {
        add_item(names[1], n, FMOV_X0_D(n), FMOV_D_X0(n), KEPT, UINT64_MAX, 0);
    }
    for (uint32_t n = 0; n < 32; n++) { /* a write of the low half clears the high one */
        add_item(names[2], n, FMOV_X0_V_HIGH(n), FMOV_V_HIGH_X0(n), KEPT, UINT64_MAX, 0);
    }
    prepared = true;
}

/* Nor scalable ones, which no instruction above names: they are not kept apart. */
static void guests_have_no_scalable_vectors(void)
{
    walker_prepare(&walkers[0]);
    walkers[0].table[0] = (struct step){.instruction = RDVL_X0};
    walkers[0].table[1] = (struct step){.instruction = SMSTART};
    walker_run(&walkers[0], 2);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(walkers[0].table[i].outcome != STEP_WORKED);
    }
}

/* --- Guests among themselves --- */

static uint64_t pattern(uint32_t item, uint64_t seed)
{
    uint64_t mixed = ((uint64_t)item + 1) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
    mixed *= UINT64_C(0xbf58476d1ce4e5b9);
    mixed ^= mixed >> 32;
    mixed ^= (seed >> 1) * UINT64_C(0x0101010101010101);
    return (seed & 1) != 0 ? ~mixed : mixed;
}

/* Walks, and takes the values of the last item_count steps. */
static void walk(uint32_t guest, uint32_t count, uint64_t value[ITEMS_MAX])
{
    const struct step *table = walkers[guest].table;
    walker_run(&walkers[guest], count);
    for (uint32_t i = 0; i < count; i++) {
        CHECK_EQUAL(table[i].outcome, STEP_WORKED);
    }
    for (uint32_t i = 0; i < item_count; i++) {
        value[i] = table[count - item_count + i].value;
    }
}

static void look(uint32_t guest, uint64_t value[ITEMS_MAX])
{
    for (uint32_t i = 0; i < item_count; i++) {
        walkers[guest].table[i] = (struct step){.instruction = items[i].read};
    }
    walk(guest, item_count, value);
}

/* Seeds 2 n and 2 n + 1 make patterns that differ in every bit. What holds is found before the guest exits. */
static void fill(uint32_t guest, uint64_t seed)
{
    struct step *table = walkers[guest].table;
    uint32_t count = 0;
    for (uint32_t i = 0; i < item_count; i++) {
        if (items[i].write != 0) {
            table[count++] = (struct step){.instruction = items[i].write,
                                           .value = (pattern(i, seed) & items[i].mask) | items[i].fixed};
        }
    }
    for (uint32_t i = 0; i < item_count; i++) {
        table[count++] = (struct step){.instruction = items[i].read};
    }
    walk(guest, count, own[guest]);
}

static void expect(const char *who, const struct item *item, uint64_t actual, uint64_t expected)
{
    bool right = actual == expected;
    if (item->kind == ADVANCES) {
        right = actual - expected < UINT64_C(1) << 40;
    } else if (item->kind == FORGOTTEN) {
        right |= actual == 0;
    }
    if (!right) {
        test_fail(__FILE__, __LINE__, "%s finds %x in %s (%x), expected %x", who, actual, item->name,
                  (uint64_t)item->number, expected);
    }
}

static void expect_own(uint32_t guest)
{
    static const char *const names[GUESTS] = {"guest 0", "guest 1", "guest 2", "guest 3"};
    static uint64_t value[ITEMS_MAX];
    look(guest, value);
    for (uint32_t i = 0; i < item_count; i++) {
        expect(names[guest], &items[i], value[i], own[guest][i]);
    }
}

static void expect_fresh(uint32_t guest)
{
    static uint64_t value[ITEMS_MAX];
    look(guest, value);
    for (uint32_t i = 0; i < item_count; i++) {
        expect("a fresh guest", &items[i], value[i], fresh[i]);
    }
}

/* What guests 0 and 1 have written tells them apart, so that neither could take the other's for its own. */
static void expect_difference(void)
{
    for (uint32_t i = 0; i < item_count; i++) {
        bool may_be_equal = items[i].kind != KEPT;
        if (own[0][i] == own[1][i] && !may_be_equal) {
            test_fail(__FILE__, __LINE__, "%s (%x) holds %x in both guests", items[i].name, (uint64_t)items[i].number,
                      own[0][i]);
        }
    }
}

static void prepare(uint32_t guest)
{
    CHECK(prepared);
    walker_prepare(&walkers[guest]);
}

static void guests_keep_every_register_apart(void)
{
    static const uint8_t order[] = {0, 1, 0, 0, 1, 1, 0, 1};
    for (uint32_t i = 0; i < 2; i++) {
        prepare(i);
        struct bh_vcpu_state *state = &walkers[i].guest.frame->state;
        state->vpidr ^= i;
        state->vmpidr ^= i;
        state->cntvoff = (uint64_t)i << 60;
        CHECK_OK(bh_vcpu_load(walkers[i].guest.vcpu));
    }
    for (uint64_t round = 0; round < 3; round++) {
        fill(0, round);
        fill(1, round ^ 1);
        expect_difference();
        for (uint32_t i = 0; i < sizeof(order); i++) {
            expect_own(order[i]);
        }
        for (uint32_t i = 0; i < 2; i++) { /* a VMM that takes the state and puts it back changes nothing */
            CHECK_OK(bh_vcpu_save(walkers[i].guest.vcpu));
            CHECK_OK(bh_vcpu_load(walkers[i].guest.vcpu));
            expect_own(i);
            expect_own(1 - i);
        }
    }
}

static void a_fresh_guest_finds_nothing_of_others(void)
{
    prepare(0);
    look(0, fresh);
    prepare(1);
    expect_fresh(1);
    fill(0, 0);
    fill(1, 1);
    prepare(2);
    expect_fresh(2);
    fill(2, 2);
    expect_own(0);
    prepare(3);
    expect_fresh(3);
    expect_own(1);
    expect_own(2);
}

/* --- Guests and native threads --- */

static struct step native_table[WALK_STEPS];
static uint64_t native_fresh[ITEMS_MAX + 1];
static uint32_t native_outcome[ITEMS_MAX + 1];

/* General registers are the native walk's own; the kernel keeps them apart like any thread's. */
static bool native_can_name(const struct item *item)
{
    return (item->read >> 20 & 0xfff) == 0xd53 || item->read >> 24 == 0x9e;
}

static void native_threads_reach_no_register_but_those_that_are_kept_apart(void)
{
    for (uint32_t first = 0; first < SYSREG_COUNT; first += WALK_STEPS) {
        for (uint32_t i = 0; i < WALK_STEPS; i++) {
            native_table[i] = (struct step){.instruction = MRS_X0(first + i)};
        }
        native_walk(native_table, WALK_STEPS, BH_TCB_FP, NULL);
        for (uint32_t i = 0; i < WALK_STEPS; i++) {
            if (native_table[i].outcome == STEP_WORKED && find_known(first + i) == NULL) {
                unknown_register("a native thread reaches", first + i, "reads");
            }
        }
    }
    native_table[0] = (struct step){.instruction = FMOV_X0_D(0)}; /* opens what the flag allows */
    native_table[1] = (struct step){.instruction = RDVL_X0};
    native_table[2] = (struct step){.instruction = SMSTART};
    native_walk(native_table, 3, BH_TCB_FP, NULL);
    CHECK_EQUAL(native_table[0].outcome, STEP_WORKED);
    CHECK_EQUAL(native_table[1].outcome, STEP_TRAPPED);
    CHECK_EQUAL(native_table[2].outcome, STEP_TRAPPED);
}

/* What a thread finds that starts now; the last is made with the key that has no enable bit (FEAT_PAuth, PACGA). */
static void native_look(uint64_t flags)
{
    for (uint32_t i = 0; i < item_count; i++) {
        native_table[i] = (struct step){.instruction = native_can_name(&items[i]) ? items[i].read : STEP_NOP};
    }
    native_table[item_count] = (struct step){.instruction = PACGA_X0_X0_X0, .value = UINT64_C(0x123456789)};
    native_walk(native_table, item_count + 1, flags, NULL);
}

static void native_threads_find_nothing_of_guests(void)
{
    static const uint64_t flags[] = {0, BH_TCB_FP};
    for (uint64_t round = 0; round < 2; round++) {
        native_look(flags[round]);
        for (uint32_t i = 0; i <= item_count; i++) {
            native_fresh[i] = native_table[i].value;
            native_outcome[i] = native_table[i].outcome;
        }
        for (uint32_t guest = 0; guest < 2; guest++) {
            prepare(guest);
            fill(guest, guest);
            native_look(flags[round]);
            for (uint32_t i = 0; i < item_count; i++) {
                CHECK_EQUAL(native_table[i].outcome, native_outcome[i]);
                if (items[i].number == TPIDR_EL0) { /* each thread has a value of its own */
                    CHECK(native_table[i].value != own[guest][i]);
                } else {
                    expect("a native thread", &items[i], native_table[i].value, native_fresh[i]);
                }
            }
            CHECK_EQUAL(native_table[item_count].outcome, native_outcome[item_count]);
            CHECK_EQUAL(native_table[item_count].value, native_fresh[item_count]);
        }
    }
}

static void look_from_guests(void)
{
    expect_own(0);
    expect_fresh(1);
}

static void guests_find_nothing_of_native_threads(void)
{
    prepare(0);
    look(0, fresh);
    fill(0, 0);
    prepare(1);
    for (uint32_t i = 0; i < item_count; i++) {
        bool writable = native_can_name(&items[i]) && items[i].write != 0;
        uint64_t value = (pattern(i, 5) & items[i].mask) | items[i].fixed;
        native_table[i] = (struct step){.instruction = writable ? items[i].write : STEP_NOP, .value = value};
        native_table[item_count + 1 + i] = (struct step){.instruction = writable ? items[i].read : STEP_NOP};
    }
    native_table[item_count] = (struct step){.instruction = STEP_PAUSE};
    native_walk(native_table, 2 * item_count + 1, BH_TCB_FP, look_from_guests);
    look_from_guests();
    uint32_t kept = 0;
    for (uint32_t i = 0; i < item_count; i++) {
        const struct step *write = &native_table[i];
        if (write->instruction != STEP_NOP && write->outcome == STEP_WORKED && items[i].number != NZCV) {
            expect("a native thread", &items[i], native_table[item_count + 1 + i].value, write->value);
            kept++;
        }
    }
    CHECK(kept >= 64 + 3); /* V0 to V31, FPCR, FPSR, TPIDR_EL0 */
}

TEST_GROUP(guest_registers, false, TEST_CASE(guests_reach_no_register_but_those_that_are_kept_apart),
           TEST_CASE(guests_have_no_scalable_vectors), TEST_CASE(guests_keep_every_register_apart),
           TEST_CASE(a_fresh_guest_finds_nothing_of_others),
           TEST_CASE(native_threads_reach_no_register_but_those_that_are_kept_apart),
           TEST_CASE(native_threads_find_nothing_of_guests), TEST_CASE(guests_find_nothing_of_native_threads));
