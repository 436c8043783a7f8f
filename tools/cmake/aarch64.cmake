# SPDX-License-Identifier: BSD-2-Clause
#
# Toolchain: Debian's cross compiler, used as a bare-metal one. The C library headers and start-up
# files that come with it are never used (see bulkhead.cmake).

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(BULKHEAD_CROSS aarch64-linux-gnu-)
set(CMAKE_C_COMPILER ${BULKHEAD_CROSS}gcc)
set(CMAKE_ASM_COMPILER ${BULKHEAD_CROSS}gcc)
set(CMAKE_AR ${BULKHEAD_CROSS}ar)
set(CMAKE_RANLIB ${BULKHEAD_CROSS}ranlib)
set(CMAKE_OBJCOPY ${BULKHEAD_CROSS}objcopy)
set(CMAKE_OBJDUMP ${BULKHEAD_CROSS}objdump)
set(CMAKE_STRIP ${BULKHEAD_CROSS}strip)
set(CMAKE_NM ${BULKHEAD_CROSS}nm)

set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

# No -DNDEBUG: assertions stay in unless a component's own option takes them out.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g" CACHE STRING "")
set(CMAKE_ASM_FLAGS_RELWITHDEBINFO "-g" CACHE STRING "")

# Libraries may need each other in any order (musl calls the runtime, which calls musl).
set(CMAKE_C_LINK_EXECUTABLE
    "<CMAKE_C_COMPILER> <FLAGS> <CMAKE_C_LINK_FLAGS> <LINK_FLAGS> -Wl,--start-group <OBJECTS> <LINK_LIBRARIES> -Wl,--end-group -o <TARGET>")
