/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MANAGER_VERSION_H
#define MANAGER_VERSION_H

#define BULKHEAD_VERSION "0.1.0"

#endif
