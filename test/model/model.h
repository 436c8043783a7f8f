/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An abstract model of the capability system, with a representation of its own: objects in a set, capabilities as nodes
 * of an explicit derivation tree, page tables as tables of pointers. It says what each system call answers and what the
 * state is afterwards; compare.c holds the kernel's structures against it.
 *
 * The tree: what retype makes is a child of the Untyped; a copy is a child of its source if that is original (made by
 * retype, or given its badge there), and otherwise of its source's parent. What a deleted capability leaves behind
 * becomes its parent's, in its place. One thing the kernel does not keep apart: two original capabilities with one badge.
 * A copy that has lost its own ancestor is adopted by an original one of the same badge that comes to stand before it.
 */
#ifndef TEST_MODEL_MODEL_H
#define TEST_MODEL_MODEL_H

#include <bh/error.h>
#include <bh/message.h>
#include <bh/object.h>
#include <bh/syscall.h>

struct slot;
struct m_object;
struct m_slot;

struct m_cap {
    struct m_object *object;
    uint64_t rights, badge;
    bool original;
    uint64_t space; /* Frame, PageTable: serial number of the space it was mapped in; 0: none */
    uint64_t page;
    bool shared; /* the frame of a VCPU, which the kernel marks */
    struct m_cap *parent, *first_child, *next_sibling, *previous_sibling;
    struct m_slot *slot;
};

struct m_slot {
    struct m_cap *cap;
    struct slot *real; /* the kernel's; NULL if not known yet */
};

/* A descriptor: of a table or of a page. */
struct m_entry {
    struct m_object *target;
    uint64_t rights, attributes;
};

enum m_state {
    M_INACTIVE,
    M_RUNNABLE,
    M_SUSPENDED,
    M_BLOCKED_SEND,
    M_BLOCKED_RECV,
    M_BLOCKED_REPLY,
    M_BLOCKED_WAIT,
};

/* What a thread shall find in x0, x1 and x10. */
#define M_TOLD_STATUS 1u
#define M_TOLD_INFO 2u
#define M_TOLD_BADGE 4u
#define M_TOLD_ALL 7u

struct m_message {
    unsigned known;
    uint64_t status, info, badge;
    uint64_t length; /* words in registers */
    uint64_t word[BH_MESSAGE_REGISTERS];
};

struct m_thread {
    enum m_state state;
    uint64_t priority, limit;
    struct m_object *sched_context, *notification, *vcpu;
    struct m_object *waits_for; /* Endpoint or Notification */
    struct m_object *reply;     /* blocked in a receive: to be filled; in a Call: the one it is in */
    uint64_t send_badge;
    bool send_call, send_grant;
    uint64_t info; /* of the message being sent, and its words */
    uint64_t word[BH_MESSAGE_REGISTERS];
    struct m_message message; /* of the last call */
};

#define M_QUEUE 4
#define M_IRQS 2048 /* the first half SPIs, the second LPIs */

struct m_object {
    enum bh_type type;
    unsigned size_bits; /* as the capability has it: Untyped, Frame log2 bytes; CNode radix */
    uint64_t address;   /* IRQHandler: INTID */
    uint64_t serial;    /* never used again */
    bool device;
    uint64_t caps; /* that name it */
    struct m_slot *slots;
    uint64_t slot_count;
    bool on_the_way; /* being emptied */
    struct m_object *next, *previous; /* of all */

    uint64_t used, cleared; /* Untyped, bytes */
    struct m_entry *entries; /* spaces, PageTable */
    bool bound;              /* IOSpace, to `stream` */
    uint64_t stream;         /* or, of a message, the DeviceID */
    uint64_t event;
    struct m_thread thread; /* TCB */
    struct m_object *tcb;   /* SchedContext, VCPU: its thread; Notification: the one bound */
    struct m_object *loans[M_QUEUE]; /* SchedContext: replies that give it back, oldest first */
    uint64_t loan_count;
    uint64_t bits; /* Notification */
    struct m_object *queue[M_QUEUE]; /* Endpoint, Notification */
    uint64_t queue_length;
    bool receivers;            /* what an Endpoint's queue consists of */
    struct m_object *caller;   /* Reply */
    struct m_object *receiver;
    struct m_object *lent;     /* Reply: the scheduling context */
};

struct m_call {
    uint64_t x[13]; /* registers x0 to x12 */
};

/* Of an invocation. */
struct m_result {
    bool preempted; /* nothing is answered: the call is to be issued again */
    uint64_t error, argument;
    uint64_t value[4];
    bool value_known[4];
};

struct model {
    struct m_object *objects; /* all that live */
    uint64_t next_serial;
    uint64_t preempt_at; /* as host_preempt_at */
    struct m_cap *origins[32]; /* parents of what exists at boot */
    uint64_t origin_count;
    uint64_t now; /* does not change */
};

extern struct model model;

void model_reset(void);

/* What start-up does. */
struct m_object *model_boot_object(enum bh_type type, unsigned size_bits, uint64_t address);
void model_boot_cap(struct m_slot *slot, struct m_object *object);
void model_boot_copy(struct m_slot *slot, struct m_slot *source);

/* A system call of `thread`. The result is one of BH_SYS_INVOKE; what the others answer is in the threads' messages. */
struct m_result model_call(struct m_object *thread, const struct m_call *call);

/* Deletes one capability, as the kernel does; false: preempted. */
bool model_delete(struct m_slot *slot);

/* The slot that `cptr` names for a thread, or NULL. */
struct m_slot *model_lookup(const struct m_object *thread, uint64_t cptr);

uint64_t object_bytes(const struct m_object *object);
unsigned entry_count(const struct m_object *object);
struct m_object *space_by_serial(uint64_t serial);
struct m_slot *model_irq_slot(uint64_t intid);

/* The invocations, in invoke.c. */
enum bh_error model_invoke(struct m_object *thread, struct m_slot *slot, const struct m_call *call,
                           struct m_result *result);

/* For invoke.c and ipc.c. */
struct m_cap *cap_insert(struct m_slot *slot, struct m_cap *source, uint64_t rights, uint64_t badge);
enum bh_error cap_can_derive(const struct m_cap *source, uint64_t badge);
struct m_object *object_new(enum bh_type type, unsigned size_bits, uint64_t address, bool device);
bool model_poll(void);
bool has_children(const struct m_slot *slot);
void cap_move(struct m_slot *to, struct m_slot *from);
void cap_insert_child(struct m_slot *slot, struct m_cap *parent, struct m_object *object, bool original);
void thread_stop_waiting(struct m_object *thread);
void frame_unmap(struct m_cap *cap);
void table_unmap(struct m_cap *cap);
struct m_entry *find_entry(struct m_object *space, uint64_t address, unsigned level, unsigned *reached);
struct m_entry *mapping_entry(const struct m_cap *cap, unsigned level, struct m_object **space);
unsigned frame_level(const struct m_object *frame);
bool entry_is_table(const struct m_entry *entry);

/* ipc.c */
void ipc_call(struct m_object *thread, const struct m_call *call);
void notification_signalled(struct m_object *notification, uint64_t bits);
void notification_let_go(struct m_object *thread);
void endpoint_gone(struct m_object *endpoint);
void endpoint_cancel(struct m_object *endpoint, uint64_t badge);
void notification_gone(struct m_object *notification);
void reply_gone(struct m_object *reply);
void sched_context_take(struct m_object *sched_context);

#endif
