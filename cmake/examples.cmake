# examples/X.c: a program of the public headers alone, build/examples/X; tests/test_examples.sh runs them.

file(GLOB example_sources CONFIGURE_DEPENDS examples/*.c)
set(example_folder ${PROJECT_BINARY_DIR}/examples)
foreach(source ${example_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(pixelrnn_example_${name} ${source})
  target_link_libraries(pixelrnn_example_${name} PRIVATE pixelrnn_static pixelrnn_warnings m)
  set_target_properties(pixelrnn_example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${example_folder})
  if(CMAKE_CROSSCOMPILING)
    file(GENERATE OUTPUT examples/emulated/${name}
      CONTENT "#!/bin/sh\nexec ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:pixelrnn_example_${name}> \"$@\"\n"
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  endif()
endforeach()
if(CMAKE_CROSSCOMPILING)
  set(example_folder ${example_folder}/emulated)
endif()
if(TEST test_examples_sh)
  set_property(TEST test_examples_sh APPEND PROPERTY ENVIRONMENT "EXAMPLES=${example_folder}")
endif()
