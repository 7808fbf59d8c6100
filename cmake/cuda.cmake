# The CUDA compiler, where there is one, and the kernels' library.
include(CheckLanguage)

set(TROUPE_CUDA AUTO CACHE STRING "Build the CUDA kernels: AUTO, ON or OFF")
set_property(CACHE TROUPE_CUDA PROPERTY STRINGS AUTO ON OFF)

# Adds kernels/NAME_cpu.cpp and, with CUDA, kernels/NAME_cuda.cu. Their test,
# tests/kernels/NAME_test.cpp, is found with the others.
function(troupe_kernel name)
  target_sources(troupe_kernels PRIVATE kernels/${name}_cpu.cpp)
  if(TROUPE_CUDA_BOOL)
    target_sources(troupe_kernels PRIVATE kernels/${name}_cuda.cu)
  endif()
endfunction()

# Creates troupe_kernels when the folder holds kernels, and only then looks
# for nvcc: finding it costs seconds.
macro(troupe_kernels_begin)
  file(GLOB kernel_headers CONFIGURE_DEPENDS kernels/*.hpp)
  file(GLOB kernel_sources CONFIGURE_DEPENDS kernels/*_cpu.cpp)
  if(kernel_headers AND NOT kernel_sources)
    add_library(troupe_kernels INTERFACE)
    target_link_libraries(troupe_kernels INTERFACE troupe_flags troupe_core)
  elseif(kernel_sources)
    set(TROUPE_CUDA_BOOL false)
    if(TROUPE_CUDA STREQUAL "AUTO")
      check_language(CUDA)
      if(CMAKE_CUDA_COMPILER)
        set(TROUPE_CUDA_BOOL true)
      endif()
    elseif(TROUPE_CUDA)
      set(TROUPE_CUDA_BOOL true)
    endif()
    add_library(troupe_kernels STATIC)
    set_target_properties(troupe_kernels PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(troupe_kernels PUBLIC troupe_flags troupe_core)
    if(TROUPE_CUDA_BOOL)
      enable_language(CUDA)
      find_package(CUDAToolkit REQUIRED)
      # CMake 3.25.1 (Debian 12) does not know nvcc's C++20 flag: tell it.
      if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
        set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
        set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
      endif()
      set(CMAKE_CUDA_STANDARD 20)
      target_link_libraries(troupe_kernels PUBLIC CUDA::cudart)
    endif()
    configure_file(kernels/build_config.hpp.in
      generated/kernels/build_config.hpp)
    message(STATUS "CUDA kernels: ${TROUPE_CUDA_BOOL}")
  endif()
endmacro()
