# The CUDA compiler, where there is one, and the kernels' library.
include(CheckLanguage)

set(TROUPE_CUDA AUTO CACHE STRING "Build the CUDA kernels: AUTO, ON or OFF")
set_property(CACHE TROUPE_CUDA PROPERTY STRINGS AUTO ON OFF)

# Adds kernels/NAME_cpu.cpp to troupe_kernels and, where it exists,
# kernels/NAME_cuda.cu to what troupe_cuda_kernels() and the tests' imitation of
# CUDA compile. The test, tests/kernels/NAME_test.cpp, is found with the others.
function(troupe_kernel name)
  target_sources(troupe_kernels PRIVATE kernels/${name}_cpu.cpp)
  if(EXISTS ${PROJECT_SOURCE_DIR}/kernels/${name}_cuda.cu)
    set_property(GLOBAL APPEND PROPERTY TROUPE_CUDA_SOURCES
      kernels/${name}_cuda.cu)
  endif()
endfunction()

# troupe_kernels_cuda: the CUDA versions, compiled where there is an nvcc and
# linked by nothing that must run without a driver. Plain kernels for 8.0 and
# up, and once more for Hopper. Registers that spill to memory are errors.
function(troupe_cuda_kernels)
  if(NOT TROUPE_CUDA_BOOL)
    return()
  endif()
  get_property(sources GLOBAL PROPERTY TROUPE_CUDA_SOURCES)
  add_library(troupe_kernels_cuda STATIC ${sources}
    kernels/cuda_context.cu kernels/cuda_memory.cu kernels/cuda_ops.cu
    kernels/matmul_cublas.cu)
  set_target_properties(troupe_kernels_cuda PROPERTIES
    CUDA_ARCHITECTURES OFF LINKER_LANGUAGE CXX)
  target_compile_options(troupe_kernels_cuda PRIVATE
    --expt-relaxed-constexpr
    "SHELL:-gencode arch=compute_80,code=[sm_80,compute_80]"
    "SHELL:-gencode arch=compute_90a,code=sm_90a"
    -Xptxas=--warn-on-spills,--warning-as-error)
  target_link_libraries(troupe_kernels_cuda PUBLIC troupe_kernels
    CUDA::cudart_static CUDA::cublasLt)
endfunction()

# troupe_cuda_shim: the same sources compiled by the C++ compiler under the
# tests' imitation of CUDA, which comes first on the include path.
function(troupe_cuda_shim)
  set(shim tests/cuda_shim/shim)
  get_property(sources GLOBAL PROPERTY TROUPE_CUDA_SOURCES)
  set(wrapped)
  foreach(source IN LISTS sources ITEMS kernels/cuda_context.cu
      kernels/cuda_memory.cu kernels/cuda_ops.cu)
    get_filename_component(name ${source} NAME_WE)
    set(wrapper ${PROJECT_BINARY_DIR}/generated/cuda_shim/${name}.cpp)
    file(CONFIGURE OUTPUT ${wrapper} CONTENT "#include \"${source}\"\n")
    list(APPEND wrapped ${wrapper})
  endforeach()
  set(fiber ${shim}/fiber_other.cpp)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(fiber ${shim}/fiber_x86_64.cpp)
  endif()
  add_library(troupe_cuda_shim STATIC ${wrapped}
    ${shim}/block.cpp ${shim}/runtime.cpp ${shim}/streams.cpp ${shim}/matmul.cpp
    ${fiber})
  target_include_directories(troupe_cuda_shim BEFORE PUBLIC ${shim})
  # Loops are unrolled by pragmas that are nvcc's.
  target_compile_options(troupe_cuda_shim PUBLIC -Wno-unknown-pragmas)
  target_link_libraries(troupe_cuda_shim PUBLIC troupe_kernels)
endfunction()

# <build>/tests/cuda_twin/troupe-device-cuda: the CUDA device program with the
# shim in place of CUDA, for tests that install it beside the other programs.
function(troupe_cuda_twin)
  if(NOT TARGET troupe OR TROUPE_SANITIZE)
    return()
  endif()
  add_executable(cuda_twin apps/device_cuda_main.cpp apps/device_program.cpp
    tests/cuda_shim/shim/hopper_ops.cpp)
  set_target_properties(cuda_twin PROPERTIES OUTPUT_NAME troupe-device-cuda
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cuda_twin)
  target_link_libraries(cuda_twin PRIVATE troupe_flags troupe_cuda_shim)
  troupe_link(cuda_twin PRIVATE core codec platform models actors cluster)
endfunction()

# The inner work of the CPU versions, once for each instruction level. These
# are the only sources with instructions of their own; nothing in them is
# shared with other sources (kernels/cpu/level.hpp). Products and sums are
# fused where the code says so, and nowhere else, or a result would depend on
# what the compiler made of a loop.
function(troupe_kernel_levels)
  target_compile_options(troupe_kernels PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)
  set(levels baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    list(APPEND levels avx2 avx512 avx512_vnni avx512_bf16)
    target_sources(troupe_kernels PRIVATE kernels/cpu/isa_x86.cpp)
  else()
    target_sources(troupe_kernels PRIVATE kernels/cpu/isa_other.cpp)
  endif()
  set(flags_baseline)
  set(flags_avx2 -mavx2 -mfma -mf16c)
  # g++ 12 warns falsely inside its own intrinsics (GCC bug 105593).
  set(flags_avx512 ${flags_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl
    -Wno-uninitialized -Wno-maybe-uninitialized)
  set(flags_avx512_vnni ${flags_avx512} -mavx512vnni)
  set(flags_avx512_bf16 ${flags_avx512_vnni} -mavx512bf16)
  foreach(level IN LISTS levels)
    set(source kernels/cpu/level_${level}.cpp)
    target_sources(troupe_kernels PRIVATE ${source})
    # Tiles live in registers only when their loops are unrolled.
    set_source_files_properties(${source} PROPERTIES
      COMPILE_OPTIONS "-O3;${flags_${level}}")
  endforeach()
endfunction()

# Creates troupe_kernels from what its ops share, and looks for nvcc only when
# the folder holds CUDA kernels: finding it costs seconds.
macro(troupe_kernels_begin)
  set(TROUPE_CUDA_BOOL false)
  file(GLOB cuda_kernels CONFIGURE_DEPENDS kernels/*.cu)
  # Sanitizers see what a compiler for devices makes as little as we do.
  if(cuda_kernels AND NOT TROUPE_SANITIZE)
    if(TROUPE_CUDA STREQUAL "AUTO")
      check_language(CUDA)
      if(CMAKE_CUDA_COMPILER)
        set(TROUPE_CUDA_BOOL true)
      endif()
    elseif(TROUPE_CUDA)
      set(TROUPE_CUDA_BOOL true)
    endif()
  endif()
  file(GLOB shared_sources CONFIGURE_DEPENDS kernels/*.cpp)
  list(FILTER shared_sources EXCLUDE REGEX "_cpu\\.cpp$")
  add_library(troupe_kernels STATIC ${shared_sources})
  set_target_properties(troupe_kernels PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(troupe_kernels PUBLIC troupe_flags troupe_core)
  if(TROUPE_CUDA_BOOL)
    # Which devices is said with the sources, in nvcc's own words.
    set(CMAKE_CUDA_ARCHITECTURES OFF)
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    if(NOT TARGET CUDA::cublasLt)
      if(NOT TROUPE_CUDA STREQUAL "AUTO")
        message(FATAL_ERROR "There is an nvcc, but not cuBLASLt: install it, "
          "or configure with -DTROUPE_CUDA=OFF")
      endif()
      message(STATUS "CUDA kernels are left out: cuBLASLt is not there")
      set(TROUPE_CUDA_BOOL false)
    endif()
    # CMake 3.25.1 (Debian 12) does not know nvcc's C++20 flag: tell it.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
  endif()
  message(STATUS "CUDA kernels: ${TROUPE_CUDA_BOOL}")
  troupe_kernel_levels()
  set_property(GLOBAL APPEND PROPERTY TROUPE_FOLDERS kernels)
endmacro()

# cuda_gpu_tests, cuda_models_gpu_tests: the tests of tests/cuda_shim and
# tests/cuda_models once more for a real device with CUDA's own libraries. Each
# is a process of its own, labelled gpu; where no device answers they are
# skipped and say why.
function(troupe_cuda_gpu_tests)
  if(NOT TARGET troupe_kernels_cuda OR TROUPE_SANITIZE)
    return()
  endif()
  add_executable(cuda_gpu_tests
    tests/cuda_shim/gpu/device_main.cpp tests/cuda_shim/gpu/managed_memory.cpp
    tests/cuda_shim/plain_ops_test.cpp tests/cuda_shim/linear_test.cpp
    tests/cuda_shim/attention_test.cpp tests/cuda_shim/sampling_test.cpp)
  set_target_properties(cuda_gpu_tests PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_include_directories(cuda_gpu_tests PRIVATE tests/cuda_shim/gpu)
  target_compile_options(cuda_gpu_tests PRIVATE ${TROUPE_TEST_OPTIMISATION})
  target_link_libraries(cuda_gpu_tests PRIVATE troupe_kernels_cuda troupe_codec
    GTest::gtest GTest::gmock)
  add_executable(cuda_models_gpu_tests tests/cuda_models/gpu/device_main.cpp
    tests/cuda_models/weights_test.cpp tests/cuda_models/forward_test.cpp
    tests/cuda_models/engine_test.cpp)
  set_target_properties(cuda_models_gpu_tests PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_compile_options(cuda_models_gpu_tests PRIVATE
    ${TROUPE_TEST_OPTIMISATION})
  target_link_libraries(cuda_models_gpu_tests PRIVATE troupe_kernels_cuda
    troupe_models GTest::gtest GTest::gmock OpenSSL::Crypto)
  foreach(tests cuda_gpu cuda_models_gpu)
    gtest_discover_tests(${tests}_tests DISCOVERY_MODE PRE_TEST
      TEST_PREFIX "${tests}." WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      PROPERTIES LABELS gpu TIMEOUT 20 SKIP_RETURN_CODE 77)
  endforeach()
  add_library(hopper_driver_calls OBJECT tests/hopper_check/driver_calls.cu)
  set_target_properties(hopper_driver_calls PROPERTIES CUDA_ARCHITECTURES OFF)
  target_compile_options(hopper_driver_calls PRIVATE
    --expt-relaxed-constexpr
    "SHELL:-gencode arch=compute_90a,code=sm_90a")
  target_link_libraries(hopper_driver_calls PRIVATE troupe_kernels_cuda)
  set(driver_callers $<TARGET_OBJECTS:hopper_driver_calls>)
  if(TARGET troupe_hopper)
    list(APPEND driver_callers $<TARGET_FILE:troupe_hopper>)
  endif()
  add_test(NAME kernels.cuda_objects COMMAND ${CMAKE_COMMAND}
    "-DDRIVER_CALLERS=${driver_callers}"
    -DNM=${CMAKE_NM} -DREADELF=${CMAKE_READELF}
    -DLIBRARY=$<TARGET_FILE:troupe_kernels_cuda>
    "-DPROGRAMS=$<TARGET_NAME_IF_EXISTS:troupe>;$<TARGET_NAME_IF_EXISTS:troupe-device>"
    "-DCUDA_PROGRAMS=$<TARGET_NAME_IF_EXISTS:troupe-device-cuda>"
    -DBIN=${PROJECT_BINARY_DIR}/bin
    -P ${PROJECT_SOURCE_DIR}/tests/cuda_shim/gpu/objects.cmake)
endfunction()
