# Every op's CUDA version is in the library, with code for devices; no program
# that must run without CUDA needs a library of CUDA's; and the one that has the
# kernels starts without a driver: it needs no library of the driver's, and the
# runtime is in it.
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

foreach(program IN LISTS CUDA_PROGRAMS)
  execute_process(COMMAND ${READELF} -d ${BIN}/${program}
    OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
  if(needed MATCHES "NEEDED[^\n]*lib(cuda|cudart|nvidia)[^\n]*")
    message(FATAL_ERROR "${program} does not start without a driver: "
      "${CMAKE_MATCH_0}")
  endif()
  # cuBLASLt is the only one that has to be there.
  string(REGEX MATCHALL "NEEDED[^\n]*lib(cu|nv)[^\n]*" cuda "${needed}")
  list(FILTER cuda EXCLUDE REGEX "libcublasLt\\.so")
  if(cuda)
    message(FATAL_ERROR "${program} needs more of CUDA's than cuBLASLt: ${cuda}")
  endif()
  execute_process(COMMAND ${NM} -D --undefined-only ${BIN}/${program}
    OUTPUT_VARIABLE undefined COMMAND_ERROR_IS_FATAL ANY)
  if(undefined MATCHES " U (cu[A-Z][A-Za-z]+|cuda[A-Z][A-Za-z]+)")
    message(FATAL_ERROR "${program} does not find ${CMAKE_MATCH_1} at run time "
      "but is linked to it")
  endif()
endforeach()

# Tensor maps are made by the driver, whose entry is asked for at run time.
foreach(object IN LISTS DRIVER_CALLERS)
  execute_process(COMMAND ${NM} -C --undefined-only ${object}
    OUTPUT_VARIABLE undefined COMMAND_ERROR_IS_FATAL ANY)
  if(NOT undefined MATCHES "cudaGetDriverEntryPoint")
    message(FATAL_ERROR "${object} does not ask for the driver's entry points")
  endif()
  if(undefined MATCHES " U (cu[A-Z][A-Za-z]+)")
    message(FATAL_ERROR "${object} is to be linked to the driver's "
      "${CMAKE_MATCH_1}")
  endif()
endforeach()
