# Third-party packages. All but CAF are Debian's; CAF is ours, built by
# `./dev setup` into a cache outside the source tree.
find_package(OpenSSL 3 REQUIRED)
# Debian's package names its files after another one.
find_package(msgpackc-cxx REQUIRED CONFIGS msgpack-config.cmake)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(RocksDB 7.8 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)

# The line editor of `troupe console`.
find_library(TROUPE_READLINE_LIBRARY readline)

# The allocator of the program (not of the client library): messages are made
# on one thread and freed on another, which costs glibc's twice as much.
find_package(mimalloc 2.0 REQUIRED)

# -- CAF ----------------------------------------------------------------------
set(TROUPE_CAF_ROOT "$ENV{TROUPE_CAF_ROOT}" CACHE PATH
  "Where our CAF is installed; empty: the cache that ./dev setup fills")
set(caf_root "${TROUPE_CAF_ROOT}")
if(NOT caf_root)
  set(caf_variant "")
  if(TROUPE_SANITIZE STREQUAL "thread")
    set(caf_variant thread)
  endif()
  execute_process(
    COMMAND ${PROJECT_SOURCE_DIR}/cmake/caf_root.sh ${caf_variant}
    OUTPUT_VARIABLE caf_root OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
# Look anew each time: the cache folder's name changes with our patches.
unset(CAF_DIR CACHE)
find_package(CAF 0.18.7 QUIET COMPONENTS core io openssl
  PATHS "${caf_root}" NO_DEFAULT_PATH)
set(TROUPE_HAS_CAF ${CAF_FOUND})
file(GLOB caf_patches CONFIGURE_DEPENDS third_party/caf/*)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${caf_patches})
if(CAF_FOUND)
  message(STATUS "CAF: ${caf_root}")
  set(TROUPE_HAD_CAF TRUE CACHE INTERNAL "This build folder has known CAF")
elseif(TROUPE_HAD_CAF)
  message(FATAL_ERROR "CAF's patches changed, and '${caf_root}' is not there: "
    "'./dev setup' builds it.")
else()
  message(WARNING "CAF is not at '${caf_root}': folders and programs that "
    "need it are left out. './dev setup' builds it; or say where it is with "
    "-DTROUPE_CAF_ROOT=DIR.")
endif()
