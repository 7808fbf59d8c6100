# Hopper's own kernels (kernels/hopper). Wherever there is an nvcc they are
# compiled and what ptxas says of them is checked. The CUDA device program has
# them, and uses them only when asked to: no run on a device stands behind them
# yet.
find_program(TROUPE_NVDISASM nvdisasm DOC "Counts the kernels' instructions")
mark_as_advanced(TROUPE_NVDISASM)

set(TROUPE_HOPPER_SOURCES kernels/hopper/sequence_attention_sm90.cu
  kernels/hopper/decode_sm90.cu kernels/hopper/prefill_sm90.cu)

# hopper_checked: builds with everything else, fails where a kernel is slower
# than it looks.
function(troupe_hopper_kernels)
  if(NOT TROUPE_CUDA_BOOL)
    return()
  endif()
  file(GLOB headers CONFIGURE_DEPENDS kernels/hopper/*.cuh kernels/hopper/*.hpp)
  file(GLOB plain CONFIGURE_DEPENDS kernels/*.cuh)
  set(folder ${PROJECT_BINARY_DIR}/hopper)
  file(MAKE_DIRECTORY ${folder})
  set(cubins)
  foreach(source IN LISTS TROUPE_HOPPER_SOURCES)
    get_filename_component(name ${source} NAME_WE)
    set(cubin ${folder}/${name}.cubin)
    add_custom_command(OUTPUT ${cubin}
      COMMAND ${CMAKE_COMMAND} -DNVCC=${CMAKE_CUDA_COMPILER}
        -DROOT=${PROJECT_SOURCE_DIR} -DSOURCE=${PROJECT_SOURCE_DIR}/${source}
        -DOUT=${cubin} -P ${PROJECT_SOURCE_DIR}/cmake/hopper_check.cmake
      DEPENDS ${source} ${headers} ${plain} kernels/sequence_attention.hpp
        cmake/hopper_check.cmake
      COMMENT "Checking ${source}" VERBATIM)
    list(APPEND cubins ${cubin})
  endforeach()
  add_custom_target(hopper_checked ALL DEPENDS ${cubins})
  set_property(GLOBAL PROPERTY TROUPE_HOPPER_CUBINS ${cubins})
  add_library(troupe_hopper STATIC ${TROUPE_HOPPER_SOURCES}
    kernels/hopper/ops.cu)
  set_target_properties(troupe_hopper PROPERTIES
    CUDA_ARCHITECTURES OFF LINKER_LANGUAGE CXX)
  target_compile_options(troupe_hopper PRIVATE --expt-relaxed-constexpr
    "SHELL:-gencode arch=compute_90a,code=sm_90a")
  target_link_libraries(troupe_hopper PUBLIC troupe_kernels_cuda)
endfunction()

# The same sources under the tests' imitation of Hopper, which comes first on
# the include path.
function(troupe_hopper_shim)
  set(shim tests/hopper_shim/shim)
  set(wrapped)
  foreach(source IN LISTS TROUPE_HOPPER_SOURCES ITEMS
      kernels/kv_pages_cuda.cu)
    get_filename_component(name ${source} NAME_WE)
    set(wrapper ${PROJECT_BINARY_DIR}/generated/hopper_shim/${name}.cpp)
    file(CONFIGURE OUTPUT ${wrapper} CONTENT "#include \"${source}\"\n")
    list(APPEND wrapped ${wrapper})
  endforeach()
  set(fiber tests/cuda_shim/shim/fiber_other.cpp)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(fiber tests/cuda_shim/shim/fiber_x86_64.cpp)
  endif()
  add_library(troupe_hopper_shim STATIC ${wrapped}
    ${shim}/warpgroups.cpp ${shim}/products.cpp ${fiber})
  target_include_directories(troupe_hopper_shim BEFORE PUBLIC
    ${shim} tests/cuda_shim/shim)
  # Tiles of halves are cleared and written sixteen bytes at a time.
  target_compile_options(troupe_hopper_shim PRIVATE
    -Wno-unknown-pragmas -fno-strict-aliasing)
  target_link_libraries(troupe_hopper_shim PUBLIC troupe_kernels)
endfunction()

# The kernels on a device: each case a process of its own, skipped where there
# is none.
function(troupe_hopper_device_tests)
  if(NOT TARGET troupe_hopper)
    return()
  endif()
  add_executable(hopper_device_test tests/hopper_device/attention_main.cpp)
  target_link_libraries(hopper_device_test PRIVATE troupe_hopper troupe_kernels
    troupe_core GTest::gtest CUDA::cudart)
  foreach(case IN ITEMS one_tile_64 one_tile_128 partial_64 partial_128
      causal_64 causal_128 lengths_64 lengths_128 no_keys many_tiles_64
      many_tiles_128 decode_64 decode_128 decode_16_heads decode_long
      prefill_64 prefill_128)
    add_test(NAME hopper_device.${case} COMMAND hopper_device_test ${case})
    set_tests_properties(hopper_device.${case} PROPERTIES
      SKIP_RETURN_CODE 77 TIMEOUT 20 LABELS gpu)
  endforeach()
endfunction()

# That the check refuses, and that the docs say what is built.
function(troupe_hopper_tests)
  if(NOT TROUPE_CUDA_BOOL)
    return()
  endif()
  troupe_hopper_device_tests()
  set(serialised "C75[0-9][0-9]")
  set(spills "bytes spill stores")
  foreach(name IN ITEMS serialised spills)
    add_test(NAME hopper.check_refuses_${name} COMMAND ${CMAKE_COMMAND}
      -DNVCC=${CMAKE_CUDA_COMPILER} -DROOT=${PROJECT_SOURCE_DIR}
      -DSOURCE=${PROJECT_SOURCE_DIR}/tests/hopper_check/${name}.cu
      -DOUT=${PROJECT_BINARY_DIR}/hopper/${name}.cubin
      -P ${PROJECT_SOURCE_DIR}/cmake/hopper_check.cmake)
    set_tests_properties(hopper.check_refuses_${name} PROPERTIES
      PASS_REGULAR_EXPRESSION "slower than it looks.*${${name}}")
  endforeach()
  find_package(Python3 QUIET COMPONENTS Interpreter)
  if(Python3_FOUND)
    get_property(cubins GLOBAL PROPERTY TROUPE_HOPPER_CUBINS)
    add_test(NAME hopper.docs_say_what_is_built COMMAND Python3::Interpreter
      ${PROJECT_SOURCE_DIR}/tools/hopper/counts.py
      --nvdisasm "${TROUPE_NVDISASM}" --check ${PROJECT_SOURCE_DIR}/docs/hopper.md
      ${cubins})
    set_tests_properties(hopper.docs_say_what_is_built PROPERTIES
      SKIP_RETURN_CODE 77)
  endif()
endfunction()
