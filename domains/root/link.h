/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one domain sees of another: entries of its domain page and capabilities of its CNode that go
 * when the other one goes. Taking them away is a handshake: root marks the entry DETACHING, the
 * domain answers BH_ROOT_DETACHED, and only then (or when it is dead, or too late) root takes the
 * memory back.
 */
#ifndef ROOT_LINK_H
#define ROOT_LINK_H

#include "domains/root/domain.h"

/* `holder` sees something of `owner`: entry `resource` of its page, and capability `slot` of its
 * CNode (0: none). False: the table is full. */
bool link_add(const struct domain *owner, struct domain *holder, uint32_t resource, uint32_t slot);

/* Asks all holders of links to `owner` to let go. */
void links_detach(const struct domain *owner);

/* The holder has let go of the entry. False: root did not ask for it. */
bool link_released(struct domain *holder, uint64_t resource);

/* How many links to `owner` are not yet released; holders that can't answer any more don't count.
 */
uint32_t links_outstanding(const struct domain *owner);

/* Takes the capabilities back and frees the entries, released or not (what was not is logged); the
 * caller destroys the memory behind them at once. */
void links_remove(const struct domain *owner);

#endif
