# Precompiled headers, of third parties only: our own sources include what
# they use all the same, and ./dev lint, which goes without, holds them to it.

# troupe_pch(NAME HEADERS HEADER... LINKS LIB... [OPTIONS FLAG...]): compiled
# once, reused by targets through troupe_use_pch(), which are compiled with the
# same FLAGs.
function(troupe_pch name)
  cmake_parse_arguments(arg "" "" "HEADERS;LINKS;OPTIONS" ${ARGN})
  add_library(troupe_pch_${name} OBJECT ${PROJECT_SOURCE_DIR}/cmake/pch.cpp)
  target_link_libraries(troupe_pch_${name} PRIVATE troupe_flags ${arg_LINKS})
  target_compile_options(troupe_pch_${name} PRIVATE ${arg_OPTIONS})
  target_precompile_headers(troupe_pch_${name} PRIVATE ${arg_HEADERS})
endfunction()

function(troupe_use_pch target name)
  if(TARGET troupe_pch_${name})
    target_precompile_headers(${target} REUSE_FROM troupe_pch_${name})
  endif()
endfunction()

if(TROUPE_HAS_CAF)
  troupe_pch(caf HEADERS <caf/all.hpp> LINKS CAF::core)
  troupe_pch(apps HEADERS <caf/all.hpp> <CLI/CLI.hpp> <nlohmann/json.hpp>
    LINKS CAF::core CLI11::CLI11 nlohmann_json::nlohmann_json)
  troupe_pch(actor_tests
    HEADERS <caf/all.hpp> <gtest/gtest.h> <gmock/gmock.h> <rapidcheck.h>
    LINKS CAF::core GTest::gtest GTest::gmock rapidcheck
    OPTIONS ${TROUPE_TEST_OPTIMISATION})
endif()
troupe_pch(tests HEADERS <gtest/gtest.h> <gmock/gmock.h> <rapidcheck.h>
  LINKS GTest::gtest GTest::gmock rapidcheck
  OPTIONS ${TROUPE_TEST_OPTIMISATION})
