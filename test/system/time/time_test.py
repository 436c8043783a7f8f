#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who gets how much of the processor, in virtual time.

Budgets: above all drivers run a driver domain that has been taken over and takes all it can get, and a guest that
does the same. A third guest, and the services it uses, have what is left, all the time.

Partitions: two guests in windows of their own run there and nowhere else, beside services in theirs.
"""

import re

import harness
import qemu
from harness import check

HOG = qemu.TARGET / "test" / "system" / "time" / "hog.elf"
MANAGER = '/ { domains { storage { arguments = "poll"; }; }; };\n'
ROUNDS = 3


def guest(name, properties="", devices=True):
    return f"""
        {name} {{
            memory = <MIB(16)>;
            kernel = "witness";
            autostart;
            {properties}
            {f'disk0 {{ volume = "scratch-{name}"; }}; net0 {{ network = "lan"; }};' if devices else ""}
        }};"""


def boot(name, more, guests):
    volumes = [f"witness={harness.payload('witness')}", "state=empty:1M",
               *(f"scratch-{other}=empty:1M" for other in guests)]
    return harness.boot(name, harness.demo(guests=0, more=MANAGER + more), volumes, files={"hog": HOG},
                        icount=True)


def rounds(system, name):
    """What a guest says in ROUNDS whole rounds: a list of words and numbers each."""
    system.show(name)
    text = ""
    for number in range(ROUNDS + 1):
        begin = system.position
        if system.expect(r"^(?:round \d+|FAILED: .*)\r?$", timeout=60).group(0).startswith(b"FAILED"):
            raise system.failure(f"{name} failed")
        if number > 0: # the first began before it was on the line
            text += system.output[begin:system.position].decode(errors="replace")
    return [(words[0], *map(int, words[1:])) for words in
            (line.split() for line in text.replace("\r", "").splitlines())
            if re.fullmatch(r"[a-z]+( \d+)+", " ".join(words))]


def values(said, word):
    found = [numbers[0] for name, *numbers in said if name == word]
    if len(found) != ROUNDS:
        raise qemu.Failure(f"{word} was said {len(found)} times, not {ROUNDS}")
    return found


def budgets():
    more = f"""
/ {{
    domains {{ hog {{ priority = <190>; budget-us = <2000>; period-us = <10000>; }}; }};
    guests {{{guest("greedy", "priority = <180>; budget-us = <4000>; period-us = <10000>;", devices=False)}
        {guest("modest")}
    }};
}};
"""
    with boot("budgets", more, ("modest",)) as system:
        system.system_ready()
        greedy = values(rounds(system, "greedy"), "share")
        check(f"a guest above the drivers gets its 40 % and no more: {greedy}",
              all(3950 <= share <= 4050 for share in greedy))
        modest = rounds(system, "modest")
        shares, pauses = values(modest, "share"), values(modest, "pause")
        check(f"a guest below a driver that takes all it can has the rest: {shares}",
              all(3800 <= share <= 4050 for share in shares))
        check(f"its longest pause is as long as the two budgets: {pauses} us",
              all(pause <= 6500 for pause in pauses))
        reads, answers = values(modest, "read"), values(modest, "answer")
        check(f"a guest that takes all it can does not starve the disk's driver: {reads} us",
              all(read <= 20000 for read in reads))
        check(f"nor the network's: {answers} us", all(answer <= 20000 for answer in answers))


FRAME = 10000
WINDOWS = (("services", 0, 3000), ("left", 1, 4000), ("idle", 7, 1000), ("right", 2, 2000))


def partitions():
    windows = "".join(f"{name} {{ partition = <{number}>; length-us = <{length}>; }}; "
                      for name, number, length in WINDOWS)
    more = f"""
/ {{
    schedule {{ {windows} }};
    guests {{{guest("left", "partition = <1>; priority = <250>;")}{guest("right", "partition = <2>;")}
    }};
}};
"""
    with boot("partitions", more, ("left", "right")) as system:
        system.system_ready()
        phases = {}
        for name, _, length in WINDOWS:
            if name not in ("left", "right"):
                continue
            said = rounds(system, name)
            pieces = [numbers for word, *numbers in said if word == "piece"]
            check(f"{name} runs {len(pieces)} times", len(pieces) >= ROUNDS * 30)
            first = pieces[0][0]
            drift = [(start - first + FRAME // 2) % FRAME - FRAME // 2 for start, _ in pieces]
            check(f"{name} always begins at the same time of the frame: {min(drift)} to {max(drift)} us",
                  max(drift) - min(drift) <= 40)
            longest, shortest = max(piece[1] for piece in pieces), min(piece[1] for piece in pieces)
            check(f"{name} has its window of {length} us, all of it and no more: {shortest} to {longest} us",
                  length - 60 <= shortest and longest <= length + 5)
            reads, answers = values(said, "read"), values(said, "answer")
            check(f"{name} has its disk and its network: {reads}, {answers} us",
                  all(took <= 5 * FRAME for took in reads + answers))
            phases[name] = first


harness.main(budgets, partitions)
