# Objects compiled for newer processors must not define code that others share:
# of several copies of an inline function the linker keeps any one, and an
# older processor would stumble over it. All they may share carries the name of
# the level's own lanes.
cmake_minimum_required(VERSION 3.25)

set(looked 0)
set(bad "")
foreach(object IN LISTS OBJECTS)
  if(NOT object MATCHES "level_(avx2|avx512|avx512_vnni|avx512_bf16)\\.cpp")
    continue()
  endif()
  execute_process(COMMAND ${NM} -C --defined-only ${object}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "," symbols "${symbols}")
  string(REPLACE "\n" ";" symbols "${symbols}")
  foreach(symbol IN LISTS symbols)
    if(symbol MATCHES "^[0-9a-f]+ [WVu] " AND NOT symbol MATCHES "Lanes")
      string(APPEND bad "  ${object}: ${symbol}\n")
    endif()
  endforeach()
  math(EXPR looked "${looked} + 1")
endforeach()
if(bad)
  message(FATAL_ERROR "code that levels share:\n${bad}")
endif()
message(STATUS "looked at ${looked} objects")
