# Everything that decides how our own code is compiled. No other place sets
# compiler flags.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(TROUPE_SANITIZE "" CACHE STRING
  "Sanitizers: address, thread, fuzzer (clang) or empty")
set_property(CACHE TROUPE_SANITIZE PROPERTY STRINGS "" address thread fuzzer)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Line tables only: a readable stack trace at little compile time.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1")
set(CMAKE_EXE_LINKER_FLAGS_SANITIZE "")
set(CMAKE_SHARED_LINKER_FLAGS_SANITIZE "")
set(CMAKE_MODULE_LINKER_FLAGS_SANITIZE "")

# What only tests are made of is run once or twice and compiled as often.
if(TROUPE_SANITIZE)
  set(TROUPE_TEST_OPTIMISATION -O0)
else()
  set(TROUPE_TEST_OPTIMISATION -O1)
endif()

find_package(Threads REQUIRED)

add_library(troupe_flags INTERFACE)
target_include_directories(troupe_flags INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_link_libraries(troupe_flags INTERFACE Threads::Threads)
# g++ 12 warns falsely on inlined std::string and std::vector code (GCC bugs
# 105329, 105651, 107852); ASan finds what these would.
# Designated initialisers name what differs from the defaults; the rest is meant.
set(false_alarms -Wno-missing-field-initializers -Wno-restrict
  -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
target_compile_options(troupe_flags INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Werror;${false_alarms}>"
  $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)

if(TROUPE_SANITIZE STREQUAL "address")
  # ASan finds what these three would, and they cost a third of the compile.
  set(sanitize -fsanitize=address,undefined
    -fno-sanitize=null,vptr,object-size -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  # Under instrumentation g++ 12 loses track of values and warns falsely.
  target_compile_options(troupe_flags INTERFACE -Wno-maybe-uninitialized)
elseif(TROUPE_SANITIZE STREQUAL "thread")
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
  # std::atomic_thread_fence, used inside third-party headers.
  target_compile_options(troupe_flags INTERFACE -Wno-tsan)
elseif(TROUPE_SANITIZE STREQUAL "fuzzer")
  # The fuzzers add libFuzzer's own main(); see troupe_fuzzers().
  set(sanitize -fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # g++'s false alarms have names that clang does not know.
  target_compile_options(troupe_flags INTERFACE -Wno-unknown-warning-option)
elseif(TROUPE_SANITIZE)
  message(FATAL_ERROR "TROUPE_SANITIZE is '${TROUPE_SANITIZE}': "
    "known are address, thread, fuzzer and the empty string")
endif()
if(sanitize)
  target_compile_options(troupe_flags INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:${sanitize}>")
  target_link_options(troupe_flags INTERFACE ${sanitize})
endif()

# ccache: hits are shared between checkouts, so paths must not enter the hash.
find_program(TROUPE_CCACHE ccache)
if(TROUPE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${TROUPE_CCACHE})
endif()

find_program(TROUPE_LLD ld.lld)
if(TROUPE_LLD)
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--as-needed)
