# SPDX-License-Identifier: BSD-2-Clause
#
# The kernel's own sources for the host's processor. They include "aarch64/cpu.h" and the like next to themselves, so
# they are seen through a folder of links in which the stand-ins of test/host_kernel/aarch64 lie where the hardware's are.
#
#   HOST_KERNEL_SOURCES, HOST_KERNEL_INCLUDES, HOST_KERNEL_OPTIONS

include_guard(DIRECTORY)

set(HOST_KERNEL_LINKS "${PROJECT_BINARY_DIR}/host_kernel")
# Start-up and console are the host's; so is memory.c, which is the host's C library.
set(host_kernel_not boot.c boot_image.c boot_root.c console.c device_tree.c machine.c memory.c)
# Of the hardware layer only what is arithmetic on registers that are variables here.
set(host_kernel_own aarch64/virtual_gic.c aarch64/vcpu_registers.c)
set(host_kernel_stand_ins "${PROJECT_SOURCE_DIR}/test/host_kernel")

set(HOST_KERNEL_SOURCES "${host_kernel_stand_ins}/hardware.c")
file(MAKE_DIRECTORY "${HOST_KERNEL_LINKS}/aarch64")
file(GLOB host_kernel_files CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/kernel"
    "${PROJECT_SOURCE_DIR}/kernel/*.c" "${PROJECT_SOURCE_DIR}/kernel/*.h" "${PROJECT_SOURCE_DIR}/kernel/aarch64/*.h")
list(REMOVE_ITEM host_kernel_files ${host_kernel_not})
foreach(file IN LISTS host_kernel_files host_kernel_own)
    set(target "${PROJECT_SOURCE_DIR}/kernel/${file}")
    if(EXISTS "${host_kernel_stand_ins}/${file}")
        set(target "${host_kernel_stand_ins}/${file}")
    endif()
    file(CREATE_LINK "${target}" "${HOST_KERNEL_LINKS}/${file}" SYMBOLIC)
    if(file MATCHES "\\.c$")
        list(APPEND HOST_KERNEL_SOURCES "${HOST_KERNEL_LINKS}/${file}")
    endif()
endforeach()

set(HOST_KERNEL_INCLUDES "${HOST_KERNEL_LINKS}" "${PROJECT_SOURCE_DIR}/kernel/api")
set(HOST_KERNEL_OPTIONS -Wno-unused-parameter -D_GNU_SOURCE -DBULKHEAD_DEBUG -DDIRECT_MAP_BASE=0x200000000000)
