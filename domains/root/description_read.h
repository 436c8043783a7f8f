/* SPDX-License-Identifier: BSD-2-Clause */
/* The stages of description_read, private to it. */
#ifndef ROOT_DESCRIPTION_READ_H
#define ROOT_DESCRIPTION_READ_H

#include "domains/root/description.h"

#define WHERE_MAX 96u

struct reader {
    const void *tree;
    struct description *description;
    const struct description_programs *programs;
    const struct description_report *report;
};

/* Writes the path of the child `name` of `parent` to `where` (WHERE_MAX bytes), cut if need be. */
void where_child(char *where, const char *parent, const char *name);

/* Each reads the nodes of one kind; `node` is /domains, /devices and so on. */
void read_domains(const struct reader *reader, int node);
void read_devices(const struct reader *reader, int node);
void read_channels(const struct reader *reader, int node);
void read_networks(const struct reader *reader, int node);
void read_volumes(const struct reader *reader, int node);
void read_guests(const struct reader *reader, int node);
void read_quota(const struct reader *reader, int node);
void read_schedule(const struct reader *reader, int node);

/* Whether a node may have subnodes at all: reports each of them otherwise. */
bool no_subnodes(const struct reader *reader, int node, const char *where);

/* Whether `name` is a name, and none of `count` entries of `size` bytes that begin with their name
 * has it. */
bool name_is_new(const struct reader *reader, const char *where, const char *name,
                 const void *entries, uint32_t count, size_t size, const char *reason);

/* Leaves out what refers to something that is not there, until nothing does. */
void check_references(const struct reader *reader);

#endif
