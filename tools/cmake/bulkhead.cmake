# SPDX-License-Identifier: BSD-2-Clause
#
# The functions that every folder's CMakeLists.txt is written with.
#
#   bulkhead_library(NAME SOURCES ... [LIBRARIES ...] [INCLUDES ...] [OPTIONS ...] [FP] [QUIET])
#   bulkhead_domain(NAME SOURCES ... [LIBRARIES ...] [INCLUDES ...] [OPTIONS ...] [FP])
#   bulkhead_bundle(NAME DESCRIPTION file.dts DOMAINS root ... [FILES name=path ...])
#   bulkhead_host_test(NAME SOURCES ... [LIBRARIES ...] [INCLUDES ...] [OPTIONS ...] [ARGS ...])
#   bulkhead_script_test(NAME LABEL label SCRIPT test.py [ARGS ...] [TIMEOUT s] [SERIAL])
#   bulkhead_source(NAME VARIABLE)
#
# Includes are written from the top of the repository ("ipc/ring.h") or are the kernel's interface (<bh/...>), which
# libs/syscall completes.

include_guard(GLOBAL)
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)

set(BULKHEAD_DIR "${PROJECT_SOURCE_DIR}")
set(BULKHEAD_TOOLS "${PROJECT_SOURCE_DIR}/tools")
set(BULKHEAD_TARGET_BUILD "${PROJECT_SOURCE_DIR}/build/target")

# The same sources give the same bytes in any directory; gdb is told where /bulkhead is.
set(BULKHEAD_REPRODUCIBLE
    "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=" "-fdebug-prefix-map=${PROJECT_SOURCE_DIR}=/bulkhead"
    -Wdate-time -fno-record-gcc-switches)
set(BULKHEAD_WARNINGS -Wall -Wextra -Werror -Wconversion)
set(BULKHEAD_INCLUDES "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/libs/syscall" "${PROJECT_SOURCE_DIR}/kernel/api")

if(BULKHEAD_PRESET STREQUAL "target")
    # Code of domains: Armv8.1-A, static, at a fixed address. -mgeneral-regs-only is added for
    # everything that does not say FP, so that a guest's FP registers survive in place. Indirect
    # branches arrive at landing pads only (docs/decisions/0015-branch-targets.md); libgcc, and what
    # musl has in assembly, have none: check_landing_pads.py sees that nobody takes their addresses.
    set(BULKHEAD_MACHINE
        -march=armv8.1-a -mno-outline-atomics -fno-pic -fno-pie -fno-stack-protector
        -mbranch-protection=bti -ffunction-sections -fdata-sections -fno-common
        -fno-asynchronous-unwind-tables -fno-unwind-tables)
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
        OUTPUT_VARIABLE BULKHEAD_GCC_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE
        COMMAND_ERROR_IS_FATAL ANY)
    set(BULKHEAD_MUSL_INCLUDE "${PROJECT_BINARY_DIR}/libs/musl/include")
    set(BULKHEAD_LIBC -nostdinc "SHELL:-isystem ${BULKHEAD_MUSL_INCLUDE}"
        "SHELL:-isystem ${BULKHEAD_GCC_INCLUDE}" -D_GNU_SOURCE)
endif()

# Where the unmodified upstream source NAME (a section of tools/sources.lock) lies; fetched and
# verified if need be.
function(bulkhead_source name variable)
    execute_process(
        COMMAND ${Python3_EXECUTABLE} -B ${BULKHEAD_TOOLS}/fetch.py --print ${name}
        OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "could not fetch the source of ${name}")
    endif()
    set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY
        CMAKE_CONFIGURE_DEPENDS "${BULKHEAD_TOOLS}/sources.lock")
    set(${variable} "${path}" PARENT_SCOPE)
endfunction()

function(bulkhead_compile_options target)
    cmake_parse_arguments(arg "FP;QUIET" "" "INCLUDES;OPTIONS" ${ARGN})
    if(arg_QUIET)
        set(warnings -w)
    else()
        set(warnings ${BULKHEAD_WARNINGS})
    endif()
    if(NOT arg_FP)
        set(general -mgeneral-regs-only)
    endif()
    target_compile_options(${target} PRIVATE
        "$<$<COMPILE_LANGUAGE:C>:-std=c17;${warnings};${general}>"
        ${BULKHEAD_MACHINE} ${BULKHEAD_REPRODUCIBLE} ${BULKHEAD_LIBC} ${arg_OPTIONS})
    target_include_directories(${target} PRIVATE ${BULKHEAD_INCLUDES} ${arg_INCLUDES})
endfunction()

# A static library for domains. INCLUDES are public; QUIET is for third-party code; a library that
# computes in floating point says FP, and then only domains that say FP may link it.
function(bulkhead_library name)
    cmake_parse_arguments(arg "FP;QUIET" "" "SOURCES;LIBRARIES;INCLUDES;OPTIONS" ${ARGN})
    set(flags)
    foreach(flag IN ITEMS FP QUIET)
        if(arg_${flag})
            list(APPEND flags ${flag})
        endif()
    endforeach()
    add_library(${name} STATIC ${arg_SOURCES})
    bulkhead_compile_options(${name} ${flags} OPTIONS ${arg_OPTIONS})
    if(arg_QUIET)
        target_include_directories(${name} SYSTEM INTERFACE ${arg_INCLUDES})
        target_include_directories(${name} PRIVATE ${arg_INCLUDES})
    else()
        target_include_directories(${name} PUBLIC ${arg_INCLUDES})
    endif()
    target_link_libraries(${name} PUBLIC ${arg_LIBRARIES})
endfunction()

# The folders below DIR that have a CMakeLists.txt, in order of name; used unless DIR has its own.
function(bulkhead_libraries_below dir)
    cmake_parse_arguments(arg "" "" "EXCEPT" ${ARGN})
    file(GLOB lists CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
        "${PROJECT_SOURCE_DIR}/${dir}/*/CMakeLists.txt")
    foreach(list IN LISTS lists)
        cmake_path(GET list PARENT_PATH subdir)
        cmake_path(GET subdir FILENAME base)
        if(NOT base IN_LIST arg_EXCEPT)
            add_subdirectory("${PROJECT_SOURCE_DIR}/${subdir}" "${PROJECT_BINARY_DIR}/${subdir}")
        endif()
    endforeach()
endfunction()

# One native domain: <build>/<folder>/NAME (with symbols) and NAME.elf (stripped, for bundles).
# Always linked with the runtime, musl and libgcc.
function(bulkhead_domain name)
    cmake_parse_arguments(arg "FP" "" "SOURCES;LIBRARIES;INCLUDES;OPTIONS" ${ARGN})
    set(script "${BULKHEAD_TOOLS}/cmake/domain.ld")
    add_executable(${name} ${arg_SOURCES})
    if(arg_FP)
        bulkhead_compile_options(${name} FP INCLUDES ${arg_INCLUDES} OPTIONS ${arg_OPTIONS})
        set(printf musl_fp)
        set(check ${CMAKE_COMMAND} -E true)
    else()
        bulkhead_compile_options(${name} INCLUDES ${arg_INCLUDES} OPTIONS ${arg_OPTIONS})
        set(printf musl_int)
        set(check ${Python3_EXECUTABLE} -B ${BULKHEAD_TOOLS}/check_fp.py ${CMAKE_OBJDUMP}
            $<TARGET_FILE:${name}>)
    endif()
    target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} runtime musl ${printf} gcc)
    target_link_options(${name} PRIVATE
        -nostdlib -static -no-pie "-Wl,-T,${script}" -Wl,--gc-sections -Wl,--build-id=none
        -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments
        "-Wl,-Map,$<TARGET_FILE:${name}>.map")
    set_target_properties(${name} PROPERTIES LINK_DEPENDS "${script}" SUFFIX "")
    add_custom_command(TARGET ${name} POST_BUILD
        COMMAND ${check}
        COMMAND ${Python3_EXECUTABLE} -B ${BULKHEAD_TOOLS}/check_landing_pads.py ${CMAKE_OBJDUMP}
            $<TARGET_FILE:${name}>
        COMMAND ${CMAKE_STRIP} --strip-all -o $<TARGET_FILE:${name}>.elf $<TARGET_FILE:${name}>
        BYPRODUCTS ${name}.elf VERBATIM)
endfunction()

# A system description (device-tree source, preprocessed) compiled to OUTPUT.
function(bulkhead_description output source)
    cmake_path(ABSOLUTE_PATH source)
    set(depfile "${output}.d")
    add_custom_command(OUTPUT ${output}
        COMMAND ${Python3_EXECUTABLE} -B ${BULKHEAD_TOOLS}/dtb.py ${source} ${output}
            --include ${PROJECT_SOURCE_DIR} --include ${PROJECT_SOURCE_DIR}/kernel/api
            --depfile ${depfile}
        COMMAND ${Python3_EXECUTABLE} -B ${BULKHEAD_TOOLS}/description.py ${output}
        DEPENDS ${source} ${BULKHEAD_TOOLS}/dtb.py ${BULKHEAD_TOOLS}/description.py DEPFILE ${depfile} VERBATIM
        COMMENT "Compiling the system description ${source}")
endfunction()

# <build>/NAME.cpio: the archive that the loader passes to the kernel. The first of DOMAINS is the
# kernel's first program. FILES are further entries, name=path. A test's only program may be bundled
# without a DESCRIPTION.
function(bulkhead_bundle name)
    cmake_parse_arguments(arg "" "DESCRIPTION" "DOMAINS;FILES" ${ARGN})
    set(output "${PROJECT_BINARY_DIR}/${name}.cpio")
    set(entries)
    set(depends)
    list(GET arg_DOMAINS 0 first)
    list(APPEND entries "root=$<TARGET_FILE:${first}>.elf")
    if(arg_DESCRIPTION)
        set(dtb "${PROJECT_BINARY_DIR}/${name}.dtb")
        bulkhead_description(${dtb} ${arg_DESCRIPTION})
        list(APPEND entries "system.dtb=${dtb}")
        list(APPEND depends ${dtb})
    endif()
    foreach(domain IN LISTS arg_DOMAINS)
        list(APPEND depends ${domain})
        if(NOT domain STREQUAL first)
            list(APPEND entries "${domain}=$<TARGET_FILE:${domain}>.elf")
        endif()
    endforeach()
    foreach(file IN LISTS arg_FILES)
        list(APPEND entries ${file})
        string(REGEX REPLACE "^[^=]*=" "" path ${file})
        list(APPEND depends ${path})
    endforeach()
    add_custom_command(OUTPUT ${output}
        COMMAND ${Python3_EXECUTABLE} -B ${BULKHEAD_TOOLS}/bundle.py ${output} ${entries}
        DEPENDS ${depends} ${BULKHEAD_TOOLS}/bundle.py VERBATIM
        COMMENT "Bundling ${name}.cpio")
    add_custom_target(${name}_bundle ALL DEPENDS ${output})
endfunction()

# ---- host -------------------------------------------------------------------------------------

set(BULKHEAD_SANITIZE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)

function(bulkhead_host_options target)
    target_compile_options(${target} PRIVATE -std=gnu17 ${BULKHEAD_WARNINGS} -O1 -g
        ${BULKHEAD_SANITIZE} ${BULKHEAD_REPRODUCIBLE})
    target_include_directories(${target} PRIVATE ${BULKHEAD_INCLUDES})
    target_link_options(${target} PRIVATE ${BULKHEAD_SANITIZE})
endfunction()

# A unit test: a program that runs on the host, with sanitizers, and exits 0 when all is well.
function(bulkhead_host_test name)
    cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES;INCLUDES;OPTIONS;ARGS" ${ARGN})
    if(NOT arg_LABEL)
        set(arg_LABEL unit)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    bulkhead_host_options(${name})
    target_include_directories(${name} PRIVATE ${arg_INCLUDES})
    target_compile_options(${name} PRIVATE ${arg_OPTIONS})
    target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
    add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
    set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

# A test that is a Python program: exit 0 passed, 1 failed, 77 skipped (it says why). Scripts that boot
# QEMU import tools/qemu.py; SERIAL keeps everything else from running beside it.
function(bulkhead_script_test name)
    cmake_parse_arguments(arg "SERIAL" "LABEL;SCRIPT;TIMEOUT" "ARGS" ${ARGN})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 600)
    endif()
    cmake_path(ABSOLUTE_PATH arg_SCRIPT)
    add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} -B ${arg_SCRIPT} ${arg_ARGS})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT}
        SKIP_RETURN_CODE 77
        ENVIRONMENT "PYTHONPATH=${BULKHEAD_TOOLS};BULKHEAD_TEST=${name}")
    if(arg_SERIAL)
        set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
    endif()
endfunction()
