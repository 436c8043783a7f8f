# SPDX-License-Identifier: BSD-2-Clause
"""The rows of the table: what is measured, what it should cost, and what others take on the same model of machine."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    what: str
    goal: float = None
    stretch: float = None
    kvm: int = None
    xen: int = None
    sel4: int = None        # without MCS
    sel4_mcs: int = None
    path: str = None        # the recorded round that the row is, or is part of; else the row's own name
    part: tuple = None      # (from, to): the kernel's way from a program of the one owner to one of the other
    interrupt: bool = False # the way begins with the kernel's first instruction, not with one that caused it
    planned: bool = False   # the kernel cannot do it yet
    unit: str = "instructions"

    @property
    def recorded(self):
        return self.path or self.name


EXITS = (
    Row("hypercall_psci_version", "hypercall (PSCI_VERSION by HVC), VMM at EL0", 350, 250, 1055, 474, 1375, 1903),
    Row("gicd_typer_read", "trapped read of GICD_TYPER", 400, 300, 1816, 601, 3167, 3866),
    Row("uart_read", "emulated UART register read", 400, 300, 6189, 624, 3167, 3866),
    Row("id_register_read", "trapped ID register read", 300, 150, 1417, 433, 2022, 2720),
    Row("sgi_to_self", "SGI to self, until the handler has run", 550, 400, 2541, 1149),
    Row("timer_interrupt", "virtual timer interrupt, guest running", 250, 180, 2492, 1138, 1633, 2264),
    Row("passthrough_interrupt", "passed-through interrupt, until the guest's vector", 300, 220, None, None, 1298, 1682,
        planned=True),
    Row("wfi_wake_up", "timer wake-up from WFI, lateness (50 us)", 700, 400, 2279, 7243, part=("idle", "guest")),
    Row("sgi_to_running_vcpu", "SGI to another vCPU that runs, on both cores", 900, 650, 4208, 1740),
    Row("sgi_to_waiting_vcpu", "SGI to a vCPU in WFI, on both cores", 1200, 900, 4548, 7651),
    Row("vm_exit", "VM exit, until the VMM's first instruction", 130, 100, None, None, 542, 723,
        path="vm_exit_and_enter", part=("guest", "user")),
    Row("vm_enter", "VMM's resume, until the guest's next instruction", 150, 110, None, None, 630, 998,
        path="vm_exit_and_enter", part=("user", "guest")),
    Row("vcpu_switch", "switch from vCPU to vCPU", 500, 380, None, None, 1221, 1395, part=("guest", "guest")),
)

PRIMITIVES = (
    Row("null_system_call", "system call that finds nothing to do"),
    Row("call_reply_0_words", "Call + ReplyRecv, other address space, 0 words", 340, 280, None, None, 450, 512),
    Row("call_reply_4_words", "the same, 4 words", 360, 300, None, None, 498, 559),
    Row("call_reply_8_words", "the same, 8 words", 400, 330, None, None, 1400, 2060),
    Row("signal_and_switch", "Signal that switches to a higher-priority waiter", 250, 180, None, None, 513, 667,
        path="signal_switch_and_wait", part=("user", "user")),
    Row("signal_nobody_waits", "Signal, no waiter", 90, 70, None, None, 336, 406),
    Row("poll_nothing", "Poll, nothing there", 80, 60, None, None, 217, 269),
    Row("interrupt_idle", "interrupt, until the user thread runs, idle before", 260, 200, None, None, 344, 478,
        part=("idle", "user")),
    Row("interrupt_guest", "interrupt, until the user thread runs, from a guest", 300, 220, None, None, 390, 523,
        path="interrupt_guest_round", part=("guest", "user"), interrupt=True),
    Row("retype_tcb", "Retype one TCB", 400, 300, None, None, 712, 776),
    Row("frame_map", "Frame map", 300, 200, None, None, 537, 646),
    Row("frame_unmap", "Frame unmap", 300, 200, None, None, 503, 602),
    Row("fault_and_back", "fault of a native thread, to its passive handler and back", 500, 380, None, None, 1182, 1759),
)

SIZE = (
    Row("kernel_text", "kernel text with boot and SMMU", 49152, 40960, None, 983000, 106000, 118000, unit="bytes"),
    Row("kernel_lines", "kernel, lines of code (C and assembly, no comments or blanks)", 8000, None, None, 71487,
        unit="lines"),
)

SYSTEM = (
    Row("boot_to_prompts", "boot to both Debian guests' prompts (one bare Debian: 900)", 5000, unit="ms"),
    Row("vmm_overhead", "memory of a VMM beyond its guest's RAM (Xen: 1,741, and 922 in dom0)", 2048, unit="KiB"),
)

SECTIONS = {"exits": ("Exits", EXITS), "primitives": ("Kernel primitives", PRIMITIVES), "size": ("Size", SIZE),
            "system": ("System", SYSTEM)}
ALL = {row.name: row for _, rows in SECTIONS.values() for row in rows}

# Lines of code (cloc), bytes of text.
OTHER_KERNELS = {"NOVA, for Arm": (10575, None), "Bao, for Arm": (10106, None), "Jailhouse, for Arm": (9102, None),
                 "Xen 4.17, for Arm": (71487, 983000), "seL4 MCS, for Arm": (None, 118000)}
