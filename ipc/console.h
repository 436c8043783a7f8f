/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console protocol: bytes between a client (a VMM's guest console, or any domain's log) and the console domain.
 * Submit entries carry output, complete entries input, both as chunks. There is no data region. Output that finds the
 * ring full waits or is dropped, as the client likes.
 *
 * A channel's console is named by `object` of its resource; several clients may share one. All logs (the channels called
 * "log") share the console BH_CONSOLE_SYSTEM, which is made of lines and takes no input.
 *
 * The console domain keeps the last output of every console in its history region, which the manager maps read-only,
 * and takes input for any console from the manager's own channel (protocol BH_PROTOCOL_CONSOLE_INPUT, submit entries
 * of struct bh_console_input; no complete entries).
 */
#ifndef IPC_CONSOLE_H
#define IPC_CONSOLE_H

#include <stdint.h>

#define BH_CONSOLE_SYSTEM "system"
#define BH_CONSOLE_CHUNK_MAX 60u

/* submit and complete entry */
struct bh_console_chunk {
    uint32_t length; /* 0 to BH_CONSOLE_CHUNK_MAX; more is a broken peer */
    uint8_t data[BH_CONSOLE_CHUNK_MAX];
};

_Static_assert(sizeof(struct bh_console_chunk) == 64, "fixed by the protocol");

#define BH_CONSOLE_NAME_MAX 32u
#define BH_CONSOLE_INPUT_MAX 24u

struct bh_console_input {
    char console[BH_CONSOLE_NAME_MAX]; /* NUL-terminated */
    uint32_t length;
    uint8_t data[BH_CONSOLE_INPUT_MAX];
    uint32_t reserved;
};

_Static_assert(sizeof(struct bh_console_input) == 64, "fixed by the protocol");

/*
 * The history region is an array of these. `written` counts all bytes ever put out on the console; the last
 * min(written, BH_CONSOLE_HISTORY) of them are in `data`, byte n at data[n % BH_CONSOLE_HISTORY]. A reader loads
 * `written` with acquire, copies, loads it again and drops what was overwritten meanwhile: the console domain may have
 * put up to BH_CONSOLE_HISTORY_STEP bytes beyond `written`. An unused entry has an empty name; the entry of a console that
 * is gone may be given to another one, so a reader checks the name again after copying.
 */
#define BH_CONSOLE_HISTORY 16320u
#define BH_CONSOLE_HISTORY_STEP 64u

struct bh_console_history {
    char name[BH_CONSOLE_NAME_MAX];
    uint64_t written;
    uint64_t reserved[3];
    uint8_t data[BH_CONSOLE_HISTORY];
};

_Static_assert(sizeof(struct bh_console_history) == 16384, "four pages");

#endif
