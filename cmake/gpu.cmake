# The source of the kernels becomes a part of the library, which compiles it where it runs.
file(GLOB gpu_texts CONFIGURE_DEPENDS src/gpu/kernels/*.cl)
list(APPEND gpu_texts ${PROJECT_SOURCE_DIR}/src/gpu/structures.h)
set(gpu_embedded ${PROJECT_BINARY_DIR}/gpu_texts.c)
add_custom_command(OUTPUT ${gpu_embedded}
  COMMAND ${CMAKE_COMMAND} -DOUT=${gpu_embedded} -DNAME=prnn_gpu_texts "-DFILES=${gpu_texts}"
    -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${gpu_texts} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
list(APPEND sources ${gpu_embedded})
