# What `cmake --install` lays out:
#   bin/                     the programs
#   share/troupe/models/     the models that come with them
#   include/troupe/          client.hpp and client_actor.hpp, and beneath, as in
#                            the source tree, the headers these need
#   lib/libtroupe.a          what the client library is made of, in one archive
#   lib/troupe/caf/          our CAF
#   lib/cmake/troupe/        the package: troupe::client
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# The folders whose code a client may run; persistence is not one of them, so
# a client needs no RocksDB.
set(TROUPE_CLIENT_FOLDERS core codec platform config kinds actors cluster client)

function(troupe_install)
  if(TROUPE_SANITIZE OR NOT TARGET troupe_client OR NOT TARGET troupe)
    return()
  endif()
  get_target_property(type troupe_client TYPE)
  if(NOT type STREQUAL "STATIC_LIBRARY")
    return()  # still headers alone
  endif()

  add_library(troupe_installed STATIC)
  set_target_properties(troupe_installed PROPERTIES
    OUTPUT_NAME troupe LINKER_LANGUAGE CXX)
  foreach(folder IN LISTS TROUPE_CLIENT_FOLDERS)
    get_target_property(type troupe_${folder} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      target_sources(troupe_installed PRIVATE
        $<TARGET_OBJECTS:troupe_${folder}>)
    endif()
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/troupe
      FILES_MATCHING PATTERN *.hpp)
  endforeach()
  install(TARGETS troupe_installed
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

  foreach(header client client_actor)
    if(EXISTS ${PROJECT_SOURCE_DIR}/client/${header}.hpp)
      file(CONFIGURE OUTPUT generated/install/${header}.hpp CONTENT
        "#pragma once\n#include \"client/${header}.hpp\"\n")
      install(FILES ${PROJECT_BINARY_DIR}/generated/install/${header}.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/troupe)
    endif()
  endforeach()

  set(programs troupe troupe-guard troupe-device)
  if(TARGET troupe-device-cuda)
    list(APPEND programs troupe-device-cuda)
  endif()
  install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # What cmake --install needs, by one name.
  add_custom_target(troupe_installable DEPENDS ${programs} troupe_installed)

  foreach(model IN LISTS TROUPE_SHIPPED_MODELS)
    install(DIRECTORY ${model} DESTINATION ${CMAKE_INSTALL_DATADIR}/troupe/models)
  endforeach()

  get_filename_component(caf_prefix ${CAF_DIR}/../../.. ABSOLUTE)
  install(DIRECTORY ${caf_prefix}/include ${caf_prefix}/lib
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/troupe/caf)

  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/troupeConfig.cmake.in
    ${PROJECT_BINARY_DIR}/generated/install/troupeConfig.cmake
    INSTALL_DESTINATION ${package_dir}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
  write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/generated/install/troupeConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES
    ${PROJECT_BINARY_DIR}/generated/install/troupeConfig.cmake
    ${PROJECT_BINARY_DIR}/generated/install/troupeConfigVersion.cmake
    DESTINATION ${package_dir})

  add_test(NAME package.AProgramBuiltAgainstTheInstalledLibrarySubmitsAJob
    COMMAND ${PROJECT_SOURCE_DIR}/tests/package/package_test.sh
      ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(
    package.AProgramBuiltAgainstTheInstalledLibrarySubmitsAJob
    PROPERTIES LABELS package TIMEOUT 600)
endfunction()
