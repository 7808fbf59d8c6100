# The layering test must fail for each kind of wrong include, and only then.
cmake_minimum_required(VERSION 3.25)

# Of its own, so that two runs in one build folder do not meet.
string(RANDOM LENGTH 12 run)
set(SCRATCH ${SCRATCH}-${run})

function(expect outcome file text)
  file(REMOVE_RECURSE ${SCRATCH})
  file(WRITE ${SCRATCH}/${file} "${text}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${SCRATCH}
    -P ${ROOT}/tests/layering.cmake RESULT_VARIABLE code ERROR_QUIET)
  if(outcome STREQUAL "refused" AND code EQUAL 0)
    message(FATAL_ERROR "not caught: ${file}: ${text}")
  elseif(outcome STREQUAL "allowed" AND NOT code EQUAL 0)
    message(FATAL_ERROR "wrongly refused: ${file}: ${text}")
  endif()
endfunction()

expect(allowed actors/a.cpp "#include \"core/result.hpp\"")
expect(refused core/a.hpp "#include \"codec/json.hpp\"")
expect(allowed actors/a.cpp "#include \"models/model.hpp\"")
expect(refused actors/a.cpp "#include \"models/echo/echo.hpp\"")
expect(refused connectors/process/a.cpp "#include \"actors/scheduler.hpp\"")
expect(allowed cluster/a.cpp "#include <caf/io/middleman.hpp>")
expect(refused actors/a.cpp "#include <caf/io/middleman.hpp>")
expect(refused persistence/a.cpp "#include <caf/all.hpp>")
expect(refused kinds/a.cpp "#include <rocksdb/db.h>")
expect(refused models/a.cpp "#include <cuda_runtime.h>")
expect(refused client/client.hpp "#include <caf/actor.hpp>")
file(REMOVE_RECURSE ${SCRATCH})
