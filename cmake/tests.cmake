# Test programs and benches: one per folder, found by globbing.
include(GoogleTest)

set(TROUPE_TEST_DIR ${PROJECT_BINARY_DIR}/tests)

# Tests that need CAF, and the main() that sets up its messages.
set(TROUPE_ACTOR_TESTS support actors cluster client connectors simulation apps
  e2e crash cuts)
# Those of them that may use apps/.
set(TROUPE_APP_TESTS apps e2e crash cuts)
# Tests of the whole program: not built under sanitizers.
set(TROUPE_WHOLE_PROGRAM_TESTS e2e crash cuts package)

# Those that compute: without optimisation sanitizers make minutes of seconds.
set(TROUPE_COMPUTING_TESTS kernels cuda_shim hopper_shim)

# Tests that compute do less of the same under sanitizers.
set(TROUPE_SANITIZED false)
if(TROUPE_SANITIZE)
  set(TROUPE_SANITIZED true)
endif()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/tests/sanitized.hpp
  CONTENT "// Whether this is a build with sanitizers; made by cmake/tests.cmake.
#pragma once

namespace troupe {
inline constexpr bool kSanitized = @TROUPE_SANITIZED@;
}
" @ONLY)

# What tests share: tests/support/*.cpp but its own tests and main().
function(troupe_test_support)
  file(GLOB sources CONFIGURE_DEPENDS tests/support/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_(test|main)\\.cpp$")
  add_library(troupe_test_support INTERFACE)
  target_link_libraries(troupe_test_support INTERFACE
    troupe_flags GTest::gtest GTest::gmock rapidcheck)
  if(sources)
    add_library(troupe_test_support_objects STATIC ${sources})
    get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)
    list(REMOVE_ITEM folders apps)
    troupe_link(troupe_test_support_objects PUBLIC ${folders})
    target_link_libraries(troupe_test_support_objects PUBLIC
      troupe_flags GTest::gtest GTest::gmock rapidcheck)
    target_link_libraries(troupe_test_support INTERFACE
      troupe_test_support_objects)
  endif()
endfunction()

# tests/FOLDER/*.cpp -> <build>/tests/FOLDER_tests, each TEST known to ctest
# and labelled FOLDER. tests/FOLDER/programs/X.cpp -> <build>/tests/X, a
# process for tests to run; tests/FOLDER/preload/X.cpp -> <build>/tests/X.so.
# A test runs in the source folder and finds those beside its own executable;
# the program is in ../bin.
function(troupe_test_folder folder)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_main\\.cpp$")
  if(folder STREQUAL "support")
    list(FILTER sources INCLUDE REGEX "_test\\.cpp$")
  endif()
  if(TROUPE_SANITIZE)
    # How often tokens are drawn hangs on no address: minutes for nothing.
    list(FILTER sources EXCLUDE REGEX "/sampling_draws_test\\.cpp$")
  endif()
  if(NOT sources)
    return()
  endif()
  if(folder IN_LIST TROUPE_WHOLE_PROGRAM_TESTS AND NOT TARGET troupe)
    message(STATUS "tests/${folder} is left out: it needs the program")
    return()
  endif()
  set(main GTest::gtest_main)
  if(folder IN_LIST TROUPE_ACTOR_TESTS)
    if(NOT TROUPE_HAS_CAF)
      message(STATUS "tests/${folder} is left out: it needs CAF")
      return()
    endif()
    if(EXISTS ${PROJECT_SOURCE_DIR}/tests/support/actor_test_main.cpp)
      list(APPEND sources tests/support/actor_test_main.cpp)
      set(main "")
    endif()
  endif()
  set(target ${folder}_tests)
  add_executable(${target} ${sources})
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${TROUPE_TEST_DIR})
  set(optimisation ${TROUPE_TEST_OPTIMISATION})
  if(folder IN_LIST TROUPE_COMPUTING_TESTS)
    set(optimisation -O1)
  endif()
  target_compile_options(${target} PRIVATE ${optimisation})
  target_link_libraries(${target} PRIVATE troupe_flags ${main}
    GTest::gtest GTest::gmock rapidcheck)
  if(folder IN_LIST TROUPE_ACTOR_TESTS)
    target_link_libraries(${target} PRIVATE troupe_test_support
      RocksDB::rocksdb-shared OpenSSL::SSL OpenSSL::Crypto)
    get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)
    if(NOT folder IN_LIST TROUPE_APP_TESTS)
      list(REMOVE_ITEM folders apps)  # no relink after a change in apps/
    endif()
    troupe_link(${target} PRIVATE ${folders})
    troupe_use_pch(${target} actor_tests)
  else()
    troupe_link(${target} PRIVATE ${folder} core codec)
    if(folder STREQUAL "models")
      # What text.enhance asks with.
      troupe_link(${target} PRIVATE config kinds)
    elseif(folder STREQUAL "cuda_models")
      troupe_link(${target} PRIVATE cuda_shim models)
    endif()
    # Compiled as the tests that share it.
    if(optimisation STREQUAL TROUPE_TEST_OPTIMISATION)
      troupe_use_pch(${target} tests)
    endif()
    target_link_libraries(${target} PRIVATE OpenSSL::Crypto)
    if(folder STREQUAL "persistence")
      target_link_libraries(${target} PRIVATE RocksDB::rocksdb-shared)
    endif()
  endif()
  troupe_unity(${target})
  troupe_test_programs(${folder} ${target})
  if(folder IN_LIST TROUPE_WHOLE_PROGRAM_TESTS)
    add_dependencies(${target} troupe)
    if(folder STREQUAL "e2e")
      add_dependencies(${target} cuda_twin)
    endif()
  elseif(TARGET troupe-guard)
    add_dependencies(${target} troupe-guard)
  endif()
  if(folder STREQUAL "cluster")
    foreach(program IN ITEMS troupe-device troupe-device-cuda cuda_twin)
      if(TARGET ${program})
        add_dependencies(${target} ${program})
      endif()
    endforeach()
  endif()
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST
    TEST_PREFIX "${folder}." WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    PROPERTIES LABELS ${folder} TIMEOUT 1200)
endfunction()

# The helper processes and preloaded libraries of one folder of tests.
function(troupe_test_programs folder target)
  file(GLOB programs CONFIGURE_DEPENDS tests/${folder}/programs/*.cpp)
  foreach(source IN LISTS programs)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${TROUPE_TEST_DIR})
    target_link_libraries(${name} PRIVATE troupe_flags)
    get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)
    if(NOT folder IN_LIST TROUPE_ACTOR_TESTS)
      set(folders ${folder} core codec)
    elseif(NOT folder IN_LIST TROUPE_APP_TESTS)
      list(REMOVE_ITEM folders apps)
    endif()
    troupe_link(${name} PRIVATE ${folders})
    add_dependencies(${target} ${name})
  endforeach()
  file(GLOB preloads CONFIGURE_DEPENDS tests/${folder}/preload/*.cpp)
  foreach(source IN LISTS preloads)
    get_filename_component(name ${source} NAME_WE)
    add_library(${name} MODULE ${source})
    set_target_properties(${name} PROPERTIES PREFIX ""
      LIBRARY_OUTPUT_DIRECTORY ${TROUPE_TEST_DIR})
    target_link_libraries(${name} PRIVATE troupe_flags ${CMAKE_DL_LIBS})
    add_dependencies(${target} ${name})
  endforeach()
endfunction()

# tests/fuzz/X_main.cpp -> <build>/fuzz/X, in the build of the preset `fuzz`;
# the target `fuzzers` is all of them.
function(troupe_fuzzers)
  if(NOT TROUPE_SANITIZE STREQUAL "fuzzer")
    return()
  endif()
  add_custom_target(fuzzers)
  file(GLOB mains CONFIGURE_DEPENDS tests/fuzz/*_main.cpp)
  foreach(main IN LISTS mains)
    get_filename_component(name ${main} NAME_WE)
    string(REGEX REPLACE "_main$" "" name ${name})
    add_executable(fuzz_${name} ${main})
    set_target_properties(fuzz_${name} PROPERTIES OUTPUT_NAME ${name}
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    target_link_libraries(fuzz_${name} PRIVATE troupe_flags)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    troupe_link(fuzz_${name} PRIVATE models)
    add_dependencies(fuzzers fuzz_${name})
  endforeach()
endfunction()

function(troupe_all_test_folders)
  troupe_test_support()
  file(GLOB folders CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/tests
    tests/*)
  foreach(folder IN LISTS folders)
    if(NOT IS_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/${folder})
      continue()
    endif()
    if(TROUPE_SANITIZE AND folder IN_LIST TROUPE_WHOLE_PROGRAM_TESTS)
      continue()
    endif()
    # Under TSan only what has more than one thread is of interest.
    if(TROUPE_SANITIZE STREQUAL "thread"
       AND NOT folder IN_LIST TROUPE_ACTOR_TESTS
       AND NOT folder STREQUAL "kernels")
      continue()
    endif()
    troupe_test_folder(${folder})
  endforeach()
  if(NOT TROUPE_SANITIZE)
    add_test(NAME layering COMMAND ${CMAKE_COMMAND}
      -DROOT=${PROJECT_SOURCE_DIR}
      -P ${PROJECT_SOURCE_DIR}/tests/layering.cmake)
    add_test(NAME docs.quote_the_code COMMAND ${CMAKE_COMMAND}
      -DROOT=${PROJECT_SOURCE_DIR} -P ${PROJECT_SOURCE_DIR}/tests/quotes.cmake)
    add_test(NAME kernels.levels_share_no_code COMMAND ${CMAKE_COMMAND}
      -DNM=${CMAKE_NM} "-DOBJECTS=$<TARGET_OBJECTS:troupe_kernels>"
      -P ${PROJECT_SOURCE_DIR}/tests/kernels/levels.cmake)
    add_test(NAME layering.catches_a_wrong_include COMMAND ${CMAKE_COMMAND}
      -DROOT=${PROJECT_SOURCE_DIR} -DSCRATCH=${PROJECT_BINARY_DIR}/layering
      -P ${PROJECT_SOURCE_DIR}/tests/layering_test.cmake)
  endif()
endfunction()

# bench_device: what is measured on a CUDA device, from kernels and models
# alone, so that a machine lent for an hour need not have the rest.
function(troupe_device_bench)
  if(TROUPE_SANITIZE)
    return()
  endif()
  if(NOT TARGET troupe_hopper)
    message(STATUS "bench/device is left out: it needs nvcc and cuBLASLt")
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS bench/device/*.cpp)
  add_executable(bench_device ${sources} bench/support/figures.cpp)
  set_target_properties(bench_device PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  target_link_libraries(bench_device PRIVATE troupe_flags troupe_hopper
    troupe_kernels_cuda CLI11::CLI11)
  troupe_link(bench_device PRIVATE core codec platform kernels models)
endfunction()

# bench/NAME/*.cpp -> <build>/bench/bench_NAME. bench/support is shared.
function(troupe_all_benches)
  troupe_device_bench()
  if(TROUPE_SANITIZE OR NOT TROUPE_HAS_CAF)
    return()
  endif()
  # The peer that bench/jobs measures beside us; never used by the product.
  find_library(TROUPE_HIREDIS_LIBRARY hiredis)
  get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)
  file(GLOB support CONFIGURE_DEPENDS bench/support/*.cpp)
  file(GLOB names CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/bench
    bench/*)
  foreach(name IN LISTS names)
    file(GLOB sources CONFIGURE_DEPENDS bench/${name}/*.cpp)
    if(name MATCHES "^(support|device)$" OR NOT sources)
      continue()
    endif()
    if(name STREQUAL "jobs" AND NOT TROUPE_HIREDIS_LIBRARY)
      message(STATUS "bench/jobs is left out: it needs hiredis "
        "('./dev bench jobs' installs it)")
      continue()
    endif()
    if(name STREQUAL "kernels" AND
       NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
      message(STATUS "bench/kernels is left out: its ceilings are x86-64's")
      continue()
    endif()
    add_executable(bench_${name} ${sources} ${support})
    set_target_properties(bench_${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
    target_link_libraries(bench_${name} PRIVATE troupe_flags
      RocksDB::rocksdb-shared OpenSSL::SSL OpenSSL::Crypto)
    troupe_link(bench_${name} PRIVATE ${folders})
    if(name STREQUAL "jobs")
      target_link_libraries(bench_${name} PRIVATE ${TROUPE_HIREDIS_LIBRARY})
      add_dependencies(bench_${name} troupe)
    endif()
  endforeach()
endfunction()
