# Compiles one Hopper source and refuses what makes its kernels slow without a
# word: products that wait for one another (ptxas' advisories C75xx), registers
# that spill, stack frames. Leaves the machine code, and what ptxas said of each
# kernel beside it.
#
#   cmake -DNVCC=... -DROOT=... -DSOURCE=... -DOUT=x.cubin -P hopper_check.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND ${NVCC} -std=c++20 -Werror=all-warnings --expt-relaxed-constexpr
    -I${ROOT} -gencode arch=compute_90a,code=sm_90a -Xptxas -v
    -cubin -o ${OUT} ${SOURCE}
  OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${SOURCE} does not compile:\n${said}")
endif()
execute_process(COMMAND ${NVCC} --version OUTPUT_VARIABLE version)
string(REGEX MATCH "release [0-9.]+" release "${version}")
file(WRITE ${OUT}.ptxas "nvcc, ${release}\n${said}")

set(bad "")
set(kernels 0)
file(STRINGS ${OUT}.ptxas lines)
foreach(line IN LISTS lines)
  if(line MATCHES "Compiling entry function '([^']*)'")
    set(kernel ${CMAKE_MATCH_1})
    math(EXPR kernels "${kernels} + 1")
  elseif(line MATCHES "\\((C75[0-9][0-9])\\)")
    string(APPEND bad "  ${line}\n")
  elseif(line MATCHES "([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores")
    if(NOT "${CMAKE_MATCH_1}${CMAKE_MATCH_2}" STREQUAL "00")
      string(APPEND bad "  ${kernel}:${line}\n")
    endif()
  endif()
endforeach()
if(kernels EQUAL 0)
  string(APPEND bad "  no kernel\n")
endif()
if(bad)
  file(REMOVE ${OUT})
  message(FATAL_ERROR "${SOURCE}: slower than it looks:\n${bad}")
endif()
