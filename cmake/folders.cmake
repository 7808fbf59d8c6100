# Our own libraries and programs: one static library per folder.

# troupe_link(TARGET SCOPE FOLDER...): links the folders' libraries that exist.
function(troupe_link target scope)
  foreach(folder IN LISTS ARGN)
    if(TARGET troupe_${folder})
      target_link_libraries(${target} ${scope} troupe_${folder})
    endif()
  endforeach()
endfunction()

# troupe_unity(TARGET): the sources of a folder are compiled in batches, since
# half of their time goes into headers; their names must not collide. Batches
# are small where people build after each change, larger under sanitizers.
function(troupe_unity target)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()  # ./dev lint looks at every file by itself
  endif()
  set(batch 4)
  if(TROUPE_SANITIZE)
    set(batch 8)
  endif()
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
endfunction()

# troupe_unity_but_actors(FOLDER): as troupe_unity, but for sources that hold an
# actor: each calls its own type SelfActor.
function(troupe_unity_but_actors folder)
  if(NOT TARGET troupe_${folder})
    return()
  endif()
  troupe_unity(troupe_${folder})
  file(GLOB_RECURSE sources ${folder}/*.cpp)
  foreach(source IN LISTS sources)
    file(STRINGS ${source} actor REGEX "^using SelfActor " LIMIT_COUNT 1)
    if(actor)
      set_source_files_properties(${source} PROPERTIES
        SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# troupe_folder(NAME [CAF] [LINKS FOLDER...] [PUBLIC LIB...] [PRIVATE LIB...])
# Makes troupe_NAME from NAME/**/*.cpp but *_main.cpp, which are programs.
# A folder without files gives no library; one with headers alone gives an
# INTERFACE library. CAF: left out where CAF was not found.
function(troupe_folder name)
  cmake_parse_arguments(arg "CAF" "" "LINKS;PUBLIC;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_main\\.cpp$")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${name}/*.hpp)
  if(NOT sources AND NOT headers)
    return()
  endif()
  if(arg_CAF AND NOT TROUPE_HAS_CAF)
    message(STATUS "${name}/ is left out: it needs CAF")
    return()
  endif()
  if(sources)
    add_library(troupe_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(troupe_${name} PRIVATE ${arg_PRIVATE})
    if(arg_CAF)
      troupe_use_pch(troupe_${name} caf)
    endif()
  else()
    add_library(troupe_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(troupe_${name} ${scope} troupe_flags ${arg_PUBLIC})
  troupe_link(troupe_${name} ${scope} ${arg_LINKS})
  set_property(GLOBAL APPEND PROPERTY TROUPE_FOLDERS ${name})
endfunction()

# Version and commit, written into one small source file at each build and
# touched only when they change.
function(troupe_build_info)
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/core/build_info.cpp.in)
    return()
  endif()
  set(out ${PROJECT_BINARY_DIR}/generated/core/build_info.cpp)
  add_custom_target(troupe_build_info_source
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DOUT=${out}
      -DVERSION=${PROJECT_VERSION} -P ${PROJECT_SOURCE_DIR}/cmake/build_info.cmake
    BYPRODUCTS ${out} COMMENT "")
  target_sources(troupe_core PRIVATE ${out})
  set_source_files_properties(${out} PROPERTIES GENERATED TRUE)
  add_dependencies(troupe_core troupe_build_info_source)
endfunction()

# troupe_program(NAME SOURCES FILE... [LINKS FOLDER...]): <build>/bin/NAME,
# when its first source exists.
function(troupe_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  list(GET arg_SOURCES 0 first)
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${first})
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE troupe_flags)
  troupe_link(${name} PRIVATE ${arg_LINKS})
endfunction()

# troupe_shipped_models(): TROUPE_SHIPPED_MODELS are the models that come with
# the program, the folders models/NAME with a config.json. They are linked where
# the program looks for them, in the build as installed: ../share/troupe/models.
function(troupe_shipped_models)
  file(GLOB configs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/models/*/config.json)
  set(place ${PROJECT_BINARY_DIR}/share/troupe/models)
  file(REMOVE_RECURSE ${place})
  file(MAKE_DIRECTORY ${place})
  set(models "")
  foreach(config IN LISTS configs)
    get_filename_component(model ${config} DIRECTORY)
    get_filename_component(name ${model} NAME)
    file(CREATE_LINK ${model} ${place}/${name} SYMBOLIC)
    list(APPEND models ${model})
  endforeach()
  set(TROUPE_SHIPPED_MODELS ${models} PARENT_SCOPE)
endfunction()

# troupe_device_program(NAME MAIN): a process that the node starts beside itself.
function(troupe_device_program name main)
  troupe_program(${name} SOURCES ${main} apps/device_program.cpp
    LINKS core codec platform models actors cluster)
  if(TARGET ${name})
    troupe_use_pch(${name} caf)
    if(TARGET troupe)
      add_dependencies(troupe ${name})
    endif()
  endif()
endfunction()

# The command line: everything of apps/ but main.cpp is a library, so that
# tests reach it.
function(troupe_app)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS apps/*.cpp)
  list(FILTER sources EXCLUDE REGEX "(_?main|/device_program)\\.cpp$")
  if(NOT TROUPE_HAS_CAF)
    message(STATUS "apps/ is left out: it needs CAF")
    return()
  endif()
  get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)
  if(sources)
    add_library(troupe_apps STATIC ${sources})
    target_link_libraries(troupe_apps PUBLIC troupe_flags CLI11::CLI11
      OpenSSL::SSL OpenSSL::Crypto)
    if(TROUPE_READLINE_LIBRARY)
      target_link_libraries(troupe_apps PRIVATE ${TROUPE_READLINE_LIBRARY})
    endif()
    troupe_link(troupe_apps PUBLIC ${folders})
    troupe_use_pch(troupe_apps apps)
    troupe_unity(troupe_apps)
    list(APPEND folders apps)
    set_property(GLOBAL APPEND PROPERTY TROUPE_FOLDERS apps)
  endif()
  troupe_program(troupe SOURCES apps/main.cpp LINKS ${folders})
  if(TARGET troupe AND NOT TROUPE_SANITIZE)
    target_link_libraries(troupe PRIVATE mimalloc)
  endif()
  if(TARGET troupe AND TARGET troupe-guard)
    add_dependencies(troupe troupe-guard)
  endif()
  # What computes: a process of its own, which the node starts.
  troupe_device_program(troupe-device apps/device_main.cpp)
  if(TARGET troupe_kernels_cuda)
    troupe_device_program(troupe-device-cuda apps/device_cuda_main.cpp)
    target_link_libraries(troupe-device-cuda PRIVATE troupe_hopper
      troupe_kernels_cuda)
    # cuBLASLt where this build found it, beside where the linker looks.
    set_target_properties(troupe-device-cuda PROPERTIES
      INSTALL_RPATH_USE_LINK_PATH ON)
  endif()
endfunction()
