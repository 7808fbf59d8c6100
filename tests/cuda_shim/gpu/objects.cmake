# Every op's CUDA version is in the library, with code for devices; and no
# program that must run without a driver needs a library of CUDA's.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${NM} -C --defined-only ${LIBRARY}
  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
set(missing "")
foreach(op Embedding RmsNorm RopeTable Rope Linear SwiGlu KvAppend Attention
    Sampling)
  if(NOT symbols MATCHES "T troupe::kernels::${op}::cuda\\(")
    string(APPEND missing "  ${op}::cuda\n")
  endif()
endforeach()
foreach(name "troupe::kernels::cuda_ops\\(" "troupe::kernels::matmul\\(")
  if(NOT symbols MATCHES "T ${name}")
    string(APPEND missing "  ${name}\n")
  endif()
endforeach()
execute_process(COMMAND ${READELF} -S -W ${LIBRARY}
  OUTPUT_VARIABLE sections COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\.nv_fatbin" fat "${sections}")
list(LENGTH fat count)
if(count LESS 8)
  string(APPEND missing "  code for devices: ${count} objects have some\n")
endif()
if(missing)
  message(FATAL_ERROR "${LIBRARY} lacks\n${missing}")
endif()

foreach(program IN LISTS PROGRAMS)
  execute_process(COMMAND ${READELF} -d ${BIN}/${program}
    OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
  if(needed MATCHES "lib(cuda|cublas|cudart|cudnn)")
    message(FATAL_ERROR "${program} needs a library of CUDA's:\n${needed}")
  endif()
endforeach()
