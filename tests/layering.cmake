# Fails when a folder includes a header of a folder, or of a third party, that
# it may not know. The table is the one in docs/architecture.md.
cmake_minimum_required(VERSION 3.25)

set(core)
set(codec core)
set(platform core codec)
set(config core codec)
set(kernels core codec)
set(persistence core codec platform)
set(models core codec platform kernels)
set(kinds core codec config)
set(actors core codec config kinds persistence models/model.hpp)
set(cluster core codec config platform actors)
set(client core codec config platform actors/protocol.hpp actors/errors.hpp
  cluster)
set(connectors core codec config kinds platform actors/protocol.hpp
  actors/executor.hpp)

# Third-party headers and the folders that may include them.
set(third_party caf caf_io rocksdb cuda)
set(caf_headers "<caf/")
set(caf_folders actors cluster client connectors)
set(caf_io_headers "<caf/(io|openssl)/")
set(caf_io_folders cluster)
set(rocksdb_headers "<rocksdb/")
set(rocksdb_folders persistence)
set(cuda_headers "<(cuda|cublas|cudnn|curand)")
set(cuda_folders kernels)

set(bad "")
set(folders core codec platform config kernels persistence models kinds actors
  cluster client connectors)
foreach(folder IN LISTS folders)
  file(GLOB_RECURSE files ${ROOT}/${folder}/*.hpp ${ROOT}/${folder}/*.cpp
                          ${ROOT}/${folder}/*.cu ${ROOT}/${folder}/*.cuh)
  foreach(file IN LISTS files)
    file(STRINGS ${file} lines REGEX "^#[ ]*include [\"<]")
    foreach(line IN LISTS lines)
      if(line MATCHES "\"(([a-z_]+)/[^\"]+)\"")
        set(header ${CMAKE_MATCH_1})
        set(used ${CMAKE_MATCH_2})
        if(NOT used STREQUAL folder AND NOT used IN_LIST ${folder}
           AND NOT header IN_LIST ${folder})
          string(APPEND bad "  ${file}: ${line}\n")
        endif()
      endif()
      foreach(party IN LISTS third_party)
        if(line MATCHES "${${party}_headers}"
           AND NOT folder IN_LIST ${party}_folders)
          string(APPEND bad "  ${file}: ${line}\n")
        endif()
      endforeach()
    endforeach()
  endforeach()
endforeach()

# The client library's header is what other people's programs include.
foreach(header client/client.hpp)
  if(EXISTS ${ROOT}/${header})
    file(STRINGS ${ROOT}/${header} lines REGEX "[<\"]caf/|caf::")
    foreach(line IN LISTS lines)
      string(APPEND bad "  ${header} must be free of CAF: ${line}\n")
    endforeach()
  endif()
endforeach()

if(bad)
  message(FATAL_ERROR "includes against the layering:\n${bad}")
endif()
