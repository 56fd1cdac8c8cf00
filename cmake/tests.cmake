# tests/test_X.c: a program of cmocka tests, target pixelrnn_test_X. tests/test_X.sh: a script that gets the program and the source
# folder. fuzz/fuzz_X.c: replayed over fuzz/corpus/X.

pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
  message(STATUS "No cmocka: tests in C will not be built (Debian: libcmocka-dev)")
endif()

# For a slow machine under sanitizers, which should return NULL where malloc does.
set(PRNN_TEST_TIMEOUT 600 CACHE STRING "Seconds that a test may take")
set(test_environment "ASAN_OPTIONS=allocator_may_return_null=1;UBSAN_OPTIONS=print_stacktrace=1"
  "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/leaks-of-others.txt:print_suppressions=0")
# PoCL's threads are not under test: the thread sanitizer, which does not know how they wait, sees no OpenCL.
if(CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
  list(APPEND test_environment OCL_ICD_VENDORS=${PROJECT_BINARY_DIR}/none)
endif()
# Sanitizers take ten times as long, an emulator up to sixty times: with them the laws are over fewer networks and without
# their costliest tests, and what takes minutes nevertheless is labelled slow.
set(slow test_archive_models)
if(CMAKE_C_FLAGS MATCHES "-fsanitize" OR CMAKE_CROSSCOMPILING)
  set(test_laws_causality_choice * "field of *")
  set(test_laws_multiscale_choice * "*sums to 1*")
endif()
if(CMAKE_C_FLAGS MATCHES "-fsanitize")
  list(APPEND test_environment PRNN_LAWS_EVERY=5)
  set(test_check_choice * "leaks*")
  list(APPEND slow test_bits test_bits_sh test_gpu_compile test_mpi_sh test_python_sh test_serve_browser_sh)
elseif(CMAKE_CROSSCOMPILING)
  list(APPEND test_environment PRNN_LAWS_EVERY=7)
  list(APPEND slow test_check test_checkpoint test_ranks test_ranks_train test_ranks_archive test_train test_multiscale_sh
    test_bits_sh test_threads test_faults_sh)
endif()
# They take longest and begin first, so that none of them is left alone at the end.
set(longest test_races_sh test_faults_sh test_bits test_check test_gpu_compile test_gpu_bf16 test_gpu_networks test_mpi_sh
  test_archive_models test_threads test_train test_serve_browser_sh test_serve_sh test_python_sh)
function(set_test name label)
  if(name IN_LIST slow)
    list(APPEND label slow)
  endif()
  if(name IN_LIST longest)
    set_property(TEST ${name} PROPERTY COST 1000)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${label}" TIMEOUT ${PRNN_TEST_TIMEOUT} ENVIRONMENT "${test_environment}")
endfunction()

# Under sanitizers they would take minutes, and the tests of kernels are on every instruction set anyway.
option(PRNN_TEST_EVERY_CPU "Run the laws on every instruction set" ON)

set(test_options)
# gcc 12 for arm64 breaks off ("in vect_transform_reduction") at nested loops over fmax, which only tests have.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 13
    AND CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  list(APPEND test_options -fno-tree-loop-vectorize)
endif()

file(GLOB test_sources CONFIGURE_DEPENDS tests/test_*.c)
if(NOT CMOCKA_FOUND)
  set(test_sources)
endif()
foreach(source ${test_sources})
  get_filename_component(name ${source} NAME_WE)
  set(target pixelrnn_${name})
  add_executable(${target} ${source})
  target_link_libraries(${target} PRIVATE pixelrnn_static pixelrnn_inside ${PRNN_LIBRARIES} PkgConfig::CMOCKA)
  target_include_directories(${target} SYSTEM PRIVATE ${RANDOM123_INCLUDE_DIR})
  target_compile_options(${target} PRIVATE ${test_options})
  target_compile_definitions(${target} PRIVATE
    PRNN_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/golden" PRNN_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    PRNN_PROJECT_VERSION="${PROJECT_VERSION}")
  if(TARGET pixelrnn_program)
    target_compile_definitions(${target} PRIVATE PRNN_PROGRAM="$<TARGET_FILE:pixelrnn_program>")
  endif()
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${target} ${${name}_choice} WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set_test(${name} unit)
  set_property(TEST ${name} PROPERTY SKIP_RETURN_CODE 77)
  # The laws hold on every instruction set: above on the best of the machine, here, over fewer networks, on the others that
  # it may have.
  if(name MATCHES "^test_laws_" AND PRNN_TEST_EVERY_CPU)
    foreach(cpu generic avx2)
      add_test(NAME ${name}_${cpu} COMMAND ${target} WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
      set_test(${name}_${cpu} unit)
      set_property(TEST ${name}_${cpu} APPEND PROPERTY ENVIRONMENT PRNN_CPU=${cpu} PRNN_LAWS_EVERY=5)
    endforeach()
  endif()
endforeach()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

# What test_faults.sh loads before the program. It replaces the allocator, as sanitizers do.
include(CheckFunctionExists)
check_function_exists(__libc_memalign PRNN_HAVE_GLIBC_ALLOCATOR)
if(PRNN_HAVE_GLIBC_ALLOCATOR AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  add_library(pixelrnn_faults MODULE tests/faults.c)
  target_link_libraries(pixelrnn_faults PRIVATE pixelrnn_warnings ${CMAKE_DL_LIBS})
  set_target_properties(pixelrnn_faults PROPERTIES OUTPUT_NAME faults LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set(faults_environment "FAULTS=$<TARGET_FILE:pixelrnn_faults>")
endif()

# What test_device.sh puts between OpenCL's loader and its drivers: a device with less local memory.
if(NOT CMAKE_CROSSCOMPILING)
  add_library(pixelrnn_limits MODULE tests/limits.c)
  target_link_libraries(pixelrnn_limits PRIVATE pixelrnn_warnings)
  set_target_properties(pixelrnn_limits PROPERTIES OUTPUT_NAME limits LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set(limits_environment "LIMITS=$<TARGET_FILE:pixelrnn_limits>")
endif()

# What test_cuda.sh puts in the place of NVIDIA's driver and of its compiler.
if(NOT CMAKE_CROSSCOMPILING AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  foreach(file libcuda.so.1 libnvrtc.so.13)
    add_library(pixelrnn_${file} MODULE tests/cuda.c)
    target_link_libraries(pixelrnn_${file} PRIVATE pixelrnn_warnings)
    set_target_properties(pixelrnn_${file} PROPERTIES PREFIX "" OUTPUT_NAME ${file} SUFFIX ""
      LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cuda)
  endforeach()
  set(cuda_environment "CUDA_STAND_IN=${PROJECT_BINARY_DIR}/tests/cuda")
endif()

# What test_races.sh puts in the place of OpenCL's loader: oclgrind alone, by the library that it loads before a program.
find_library(PRNN_OCLGRIND oclgrind-rt PATH_SUFFIXES oclgrind)
if(PRNN_OCLGRIND AND NOT CMAKE_CROSSCOMPILING AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  add_library(pixelrnn_simulator MODULE tests/simulator.c)
  target_link_options(pixelrnn_simulator PRIVATE -Wl,--no-as-needed)
  target_link_libraries(pixelrnn_simulator PRIVATE pixelrnn_warnings ${PRNN_OCLGRIND} ${CMAKE_DL_LIBS})
  set_target_properties(pixelrnn_simulator PROPERTIES PREFIX "" OUTPUT_NAME libOpenCL SUFFIX .so.1
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/simulator)
  set(simulator_environment "SIMULATOR=$<TARGET_FILE_DIR:pixelrnn_simulator>")
endif()

file(GLOB test_scripts CONFIGURE_DEPENDS tests/test_*.sh)
list(FILTER test_scripts EXCLUDE REGEX "/test_python\\.sh$") # see below
if(TARGET pixelrnn_program)
  set(program $<TARGET_FILE:pixelrnn_program>)
  if(CMAKE_CROSSCOMPILING)
    file(GENERATE OUTPUT tests/pixelrnn CONTENT "#!/bin/sh\nexec ${CMAKE_CROSSCOMPILING_EMULATOR} ${program} \"$@\"\n"
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
    set(program ${PROJECT_BINARY_DIR}/tests/pixelrnn)
  endif()
  foreach(script ${test_scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME ${name}_sh
      COMMAND bash ${script} ${program} ${PROJECT_SOURCE_DIR}
      WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    set_test(${name}_sh program)
    set_property(TEST ${name}_sh APPEND PROPERTY ENVIRONMENT ${faults_environment} ${limits_environment}
      ${cuda_environment} ${simulator_environment})
    set_property(TEST ${name}_sh PROPERTY SKIP_RETURN_CODE 77)
  endforeach()
  set_property(TEST test_races_sh PROPERTY TIMEOUT 1800) # a simulator: a minute or two where nothing else runs
endif()

# The Python package, with the shared library of this build. A label of its own: it takes a minute where PyTorch is.
if(TARGET pixelrnn_program)
  add_test(NAME test_python_sh
    COMMAND bash ${PROJECT_SOURCE_DIR}/tests/test_python.sh ${program} ${PROJECT_SOURCE_DIR}
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set_test(test_python_sh python)
  set_property(TEST test_python_sh PROPERTY SKIP_RETURN_CODE 77)
endif()

add_test(NAME check_includes COMMAND bash ${PROJECT_SOURCE_DIR}/scripts/check-includes.sh)
set_test(check_includes style)
add_test(NAME check_planted_bugs COMMAND bash ${PROJECT_SOURCE_DIR}/tests/planted-bugs.sh --stale)
set_test(check_planted_bugs style)
# Sanitizers have symbols of their own.
if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  add_test(NAME check_symbols
    COMMAND bash ${PROJECT_SOURCE_DIR}/scripts/check-symbols.sh $<TARGET_FILE:pixelrnn_shared> ${CMAKE_NM})
  set_test(check_symbols style)
endif()
