# Writes OUT from core/build_info.cpp.in: run at each build.
execute_process(COMMAND git rev-parse --short=12 HEAD
  WORKING_DIRECTORY ${ROOT} OUTPUT_VARIABLE COMMIT
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT COMMIT)
  set(COMMIT unknown)
endif()
configure_file(${ROOT}/core/build_info.cpp.in ${OUT} @ONLY)
