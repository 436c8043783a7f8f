# SPDX-License-Identifier: BSD-2-Clause
"""Records the path of one round of each row, instruction by instruction.

The measuring programs mark each round by two symbols, BEGIN and END with the row's name behind. QEMU runs to the first
as under a debugger, lets some rounds pass, and then logs every instruction up to the second.
"""

import dataclasses
import pathlib
import re
import tempfile

import disassembly
import gdb_remote
import qemu

BEGIN, END = "row_begin_", "row_end_"
ROUNDS_BEFORE = 3  # by then everything has been touched once
EXECUTED = re.compile(r"^Trace (\d+): 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")
NOT_EXECUTED = re.compile(r"^Stopped execution of TB chain")  # an interrupt came first: the last line does not count


@dataclasses.dataclass(frozen=True)
class Program:
    """Instructions of `elf` from `low` to `high`, as linked, run `bias` higher. `owner`: kernel, user or guest."""

    owner: str
    elf: object
    bias: int = 0
    low: int = 0
    high: int = 1 << 64

    def find(self, pc):
        address = pc - self.bias
        return disassembly.instructions(self.elf).get(address) if self.low <= address < self.high else None


@dataclasses.dataclass(frozen=True)
class Step:
    owner: str
    pc: int
    instruction: disassembly.Instruction


def read_log(path):
    """Pairs of core and address."""
    executed = []
    with open(path, encoding="ascii", errors="replace") as log:
        for line in log:
            if match := EXECUTED.match(line):
                executed.append((int(match.group(1)), int(match.group(2), 16)))
            elif NOT_EXECUTED.match(line):
                executed.pop()
    return executed


def one_round(executed, begin):
    """Addresses of the last round in the log: from where a core is at `begin` to the last of what that core executed;
    others go on for a while when QEMU stops."""
    first = max(i for i, (_, pc) in enumerate(executed) if pc == begin)
    core = executed[first][0]
    last = max(i for i in range(first, len(executed)) if executed[i][0] == core)
    return [pc for _, pc in executed[first:last + 1]]


def step(pc, programs):
    for program in programs:
        if instruction := program.find(pc):
            return Step(program.owner, pc, instruction)
    raise qemu.Failure(f"an instruction at {pc:#x} was executed that is in none of the programs")


def steps(executed, programs):
    result = []
    for pc in executed:
        following = step(pc, programs)
        # QEMU begins an access to a device again, after it has found out that it is one.
        if result and result[-1] == following and following.instruction.mnemonic.startswith(("ld", "st")):
            continue
        result.append(following)
    return result


def marks(program):
    """Row name to the addresses of its two marks, of the rows that the program has."""
    symbols = disassembly.symbols(program.elf)
    return {name.removeprefix(BEGIN): (address + program.bias, symbols[END + name.removeprefix(BEGIN)] + program.bias)
            for name, address in symbols.items()
            if name.startswith(BEGIN) and program.low <= address < program.high}


class Recorder:
    """A machine that runs from mark to mark. Use as a context."""

    def __init__(self, machine, name, directory):
        self.log = directory / f"{name}.trace"
        self.directory = tempfile.TemporaryDirectory()  # names of sockets must be short
        self.socket = pathlib.Path(self.directory.name) / "gdb"
        machine.extra = (*machine.extra, "-S", "-gdb", f"unix:{self.socket},server=on,wait=off")
        self.console = qemu.Console(machine, f"bench-{name}-trace")

    def __enter__(self):
        self.console.start()
        try:
            self.remote = gdb_remote.Remote(self.socket, qemu.time_limit(60))
        except BaseException:
            self.console.close()
            raise
        return self

    def __exit__(self, *_):
        self.remote.close()
        self.console.close()
        self.directory.cleanup()

    def _run_to(self, address):
        self.remote.break_at(address)
        self.remote.go()
        self.remote.unbreak(address)

    def _instruction_by_instruction(self, on):
        # One instruction a block, by the command's name in old and new QEMU.
        for command in ("singlestep", "one-insn-per-tb"):
            if "unknown command" not in self.remote.monitor(f"{command} {'on' if on else 'off'}"):
                return
        raise qemu.Failure("QEMU's monitor cannot make it run instruction by instruction")

    def record(self, begin, end):
        """The addresses that a round between these two executes; the machine stands at `begin` already."""
        # A stopped machine's clock jumps to the next timer under `sleep=off`, so that an interrupt follows each stop.
        # The last stop is therefore within the loop's own instructions, one behind `end`.
        behind = end + 4
        self._run_to(behind)
        for _ in range(ROUNDS_BEFORE):
            self._run_to(begin)
            self._run_to(behind)
        self.log.unlink(missing_ok=True)
        self.remote.monitor(f"logfile {self.log}")
        self._instruction_by_instruction(True)
        self.remote.monitor("log exec,nochain")
        self._run_to(end)
        self.remote.monitor("log none")
        self._instruction_by_instruction(False)
        return one_round(read_log(self.log), begin)

    def record_all(self, rows):
        """`rows`: name to marks. Yields names and what was executed, in the order in which the program runs them."""
        left = dict(rows)
        while left:
            for begin, _ in left.values():
                self.remote.break_at(begin)
            self.remote.go()
            for begin, _ in left.values():
                self.remote.unbreak(begin)
            here = self.remote.pc()
            name = next(name for name, (begin, _) in left.items() if begin == here)
            yield name, self.record(*left.pop(name))
