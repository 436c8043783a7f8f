/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests as JSON: what a client sends to define one, and what it is shown. Pure. The fields are in
 * docs/api.yaml. */
#ifndef MANAGER_GUEST_JSON_H
#define MANAGER_GUEST_JSON_H

#include "domains/manager/json.h"
#include "ipc/root.h"

/*
 * Reads a definition. Everything is checked that can be checked without looking at the rest of the
 * system; false: `problem` names the field and says what it must be.
 */
bool guest_from_json(const cJSON *json, struct bh_guest_config *config,
                     char problem[JSON_PROBLEM_MAX]);

/* Adds the fields of a guest to `object`. */
void guest_to_json(struct json_writer *writer, cJSON *object, const struct bh_guest_info *guest,
                   uint64_t timer_frequency);

/* 1 to 31 characters of a-z, 0-9 and '-', neither beginning nor ending with '-'. */
bool guest_name_ok(const char *name);

/* "running" and so on. */
const char *guest_state_name(uint32_t state);

#endif
