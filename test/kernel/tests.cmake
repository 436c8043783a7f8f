# SPDX-License-Identifier: BSD-2-Clause
#
# The kernel tests, on the host's side: each boots QEMU with what the target's build has made.

set(kernel_tests_dir "${PROJECT_SOURCE_DIR}/test/kernel")

foreach(cpu IN ITEMS max cortex-a76 neoverse-n1)
    if(cpu STREQUAL "max")
        set(model "max,pauth-impdef=on")
    else()
        set(model ${cpu})
    endif()
    bulkhead_script_test(kernel_suite_${cpu} LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
        ARGS suite ${model} TIMEOUT 400)
endforeach()

# Memory above 4 GiB, and cores that wait; and as little memory as the suite can do with.
bulkhead_script_test(kernel_suite_large LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
    ARGS suite max,pauth-impdef=on 8G 4 TIMEOUT 400)
bulkhead_script_test(kernel_suite_small LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
    ARGS suite max,pauth-impdef=on 128M 1 TIMEOUT 400)

# Several cores, in parallel as the host schedules them: under icount QEMU runs one up to the next timer interrupt of
# another, which then gets no further than that.
foreach(cpus IN ITEMS 2 4 8)
    bulkhead_script_test(kernel_suite_${cpus}_cores LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
        ARGS suite max,pauth-impdef=on 1G ${cpus} TIMEOUT 400)
    bulkhead_script_test(kernel_cores_${cpus} LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
        ARGS cores ${cpus} TIMEOUT 400)
endforeach()

# The kernel that traces is as good as the other.
foreach(cpus IN ITEMS 1 4)
    bulkhead_script_test(kernel_suite_trace_${cpus} LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
        ARGS trace ${cpus} TIMEOUT 400)
endforeach()
bulkhead_script_test(kernel_cores_trace LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
    ARGS cores 4 trace TIMEOUT 400)

# Devices without messages.
bulkhead_script_test(kernel_no_its LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
    ARGS no-its TIMEOUT 400)

# At least five minutes: python3 test/kernel/run.py stress 300 4 SEED (PYTHONPATH=tools).
bulkhead_script_test(kernel_stress LABEL kernel SCRIPT "${kernel_tests_dir}/run.py" ARGS stress 15 4 TIMEOUT 400)

# To search longer: python3 test/kernel/run.py hostile SEED COUNT [CPUS] (PYTHONPATH=tools).
bulkhead_script_test(kernel_hostile LABEL kernel SCRIPT "${kernel_tests_dir}/run.py" ARGS hostile 1 4 TIMEOUT 300)
bulkhead_script_test(kernel_hostile_cores SERIAL LABEL kernel SCRIPT "${kernel_tests_dir}/run.py"
    ARGS hostile 1 4 4 TIMEOUT 600)
bulkhead_script_test(kernel_reset LABEL kernel SCRIPT "${kernel_tests_dir}/run.py" ARGS reset TIMEOUT 120)

foreach(case IN ITEMS tables access stack branch)
    bulkhead_script_test(kernel_protects_${case} LABEL kernel SCRIPT "${kernel_tests_dir}/protection.py"
        ARGS ${case} TIMEOUT 120)
endforeach()

foreach(case IN ITEMS
        no_el2 no_vhe gic_v2 little_memory no_bundle garbage empty_archive short_header truncated huge_size
        huge_name other_name not_elf empty_root elf_header_only elf_32 elf_x86 headers_beyond segment_beyond
        segment_in_kernel segment_over_stack segment_at_null segment_too_large segment_unaligned
        segment_write_execute segments_overlap)
    bulkhead_script_test(kernel_refuses_${case} LABEL kernel SCRIPT "${kernel_tests_dir}/refuse.py"
        ARGS ${case} TIMEOUT 90)
endforeach()
