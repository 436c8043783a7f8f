/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of the kernel, so that all of root runs on the host: capabilities with their derivation,
 * untyped memory, and address spaces with page tables, of which root's own is mapped for real. It
 * checks what root does as strictly as the kernel (slots that are occupied, memory that is mapped
 * twice, tables that are missing), and fails operations on demand.
 *
 * The header stands in for the system call wrappers, which exist for the target only: root's
 * sources are compiled with this file included first.
 */
#ifndef TEST_UNIT_ROOT_MODEL_KERNEL_H
#define TEST_UNIT_ROOT_MODEL_KERNEL_H

#include <bh/syscall.h>

struct bh_message bh_recv(bh_cptr endpoint, bh_cptr reply);
struct bh_message bh_reply_recv(bh_cptr endpoint, uint64_t info,
                                const uint64_t word[BH_MESSAGE_REGISTERS], bh_cptr reply);
uint64_t bh_signal(bh_cptr notification);
uint64_t bh_wait(bh_cptr notification, uint64_t *bits);
uint64_t bh_debug_putchar(char c);
struct bh_result bh_untyped_retype(bh_cptr untyped, enum bh_type type, uint64_t size_bits,
                                   uint64_t offset, bh_cptr dest, uint64_t index, uint64_t count);
struct bh_result bh_cnode_copy(bh_cptr cnode, uint64_t index, bh_cptr source, uint64_t source_index,
                               uint64_t rights);
struct bh_result bh_cnode_mint(bh_cptr cnode, uint64_t index, bh_cptr source, uint64_t source_index,
                               uint64_t rights, uint64_t badge);
struct bh_result bh_cnode_delete(bh_cptr cnode, uint64_t index);
struct bh_result bh_cnode_revoke(bh_cptr cnode, uint64_t index);
struct bh_result bh_cnode_inspect(bh_cptr cnode, uint64_t index);
struct bh_result bh_tcb_configure(bh_cptr tcb, bh_cptr cnode, bh_cptr vspace,
                                  bh_cptr fault_endpoint, bh_cptr ipc_buffer);
struct bh_result bh_tcb_set_priority(bh_cptr tcb, uint64_t priority, uint64_t max_controlled);
struct bh_result bh_tcb_write_registers(bh_cptr tcb, uint64_t pc, uint64_t sp, uint64_t x0,
                                        uint64_t x1, uint64_t x2, uint64_t tpidr);
struct bh_result bh_tcb_read_registers(bh_cptr tcb, uint64_t first);
struct bh_result bh_tcb_resume(bh_cptr tcb);
struct bh_result bh_tcb_suspend(bh_cptr tcb);
struct bh_result bh_tcb_bind_notification(bh_cptr tcb, bh_cptr notification);
struct bh_result bh_tcb_set_flags(bh_cptr tcb, uint64_t flags);
struct bh_result bh_tcb_set_affinity(bh_cptr tcb, uint64_t core);
struct bh_result bh_notification_arm(bh_cptr notification, uint64_t deadline, uint64_t bits);
struct bh_result bh_notification_disarm(bh_cptr notification);
struct bh_result bh_sched_context_bind(bh_cptr sched_context, bh_cptr tcb);
struct bh_result bh_sched_context_consumed(bh_cptr sched_context);
struct bh_result bh_sched_control_configure(bh_cptr control, bh_cptr sched_context, uint64_t budget,
                                            uint64_t period);
struct bh_result bh_sched_control_configure_in(bh_cptr control, bh_cptr sched_context,
                                               uint64_t budget, uint64_t period, uint64_t badge,
                                               uint64_t partition);
struct bh_result bh_sched_control_set_window(bh_cptr control, uint64_t index, uint64_t partition,
                                             uint64_t length);
struct bh_result bh_sched_control_start_schedule(bh_cptr control);
struct bh_result bh_frame_map(bh_cptr frame, bh_cptr space, uint64_t address, uint64_t rights,
                              uint64_t attributes);
struct bh_result bh_frame_unmap(bh_cptr frame);
struct bh_result bh_page_table_map(bh_cptr table, bh_cptr space, uint64_t address);
struct bh_result bh_io_control_bind(bh_cptr control, bh_cptr io_space, uint64_t stream);
struct bh_result bh_vcpu_configure(bh_cptr vcpu, bh_cptr tcb, bh_cptr guest_space, bh_cptr frame);
struct bh_result bh_irq_control_get_msi(bh_cptr control, uint64_t device, uint64_t event,
                                        bh_cptr dest, uint64_t index);
struct bh_result bh_irq_control_get(bh_cptr control, uint64_t intid, uint64_t edge, bh_cptr dest,
                                    uint64_t index);
struct bh_result bh_irq_handler_bind(bh_cptr handler, bh_cptr notification);
struct bh_result bh_machine_off(bh_cptr machine);
struct bh_result bh_machine_reset(bh_cptr machine);

/* --- for tests --- */

/* Windows of the schedule that was started last. */
uint64_t model_windows_running(void);

struct bh_boot_info;

/* Makes root's objects, `ram_bits` of memory, and MODEL_BUNDLE_SIZE for the bundle, whose place is
 * returned; fills the boot information. */
#define MODEL_BUNDLE_SIZE (UINT32_C(1) << 18)
uint8_t *model_start(struct bh_boot_info *info, unsigned ram_bits);

/* Fails the operation that comes after `count` more; UINT32_MAX: none. True from model_failed on:
 * it has happened. */
void model_fail_after(uint32_t count);
bool model_failed(void);

/* Where the test finds the memory that is mapped at `address` of the space in root's slot `space`;
 * NULL: nothing is. */
void *model_pointer(bh_cptr space, uint64_t address);

/* How many capabilities exist, in all CNodes. */
uint32_t model_capabilities(void);

/* Whether the thread in root's slot `tcb` runs. */
bool model_runs(bh_cptr tcb);

/* On which core (of MODEL_CORES) it runs. */
#define MODEL_CORES 3u
uint64_t model_core(bh_cptr tcb);

/* What root has written to the debug console. */
const char *model_log(void);
void model_log_clear(void);

/* The deadline that root has armed; UINT64_MAX: none. */
uint64_t model_deadline(void);

/* How the test's thread and root's talk. */
void model_run_root(int (*root_main)(void)); /* until root waits for a message */
/* Root handles the message, as from the sender with the badge. True: it answered, *answer. */
bool model_send(uint64_t badge, uint64_t info, const uint64_t word[3], uint64_t answer[4]);
bool model_is_off(void);

#endif
