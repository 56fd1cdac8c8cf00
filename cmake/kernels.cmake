# One file of kernels per instruction set; kernels.c chooses among them at run time, so that one binary runs
# on any processor. Takes the files that this processor or compiler cannot have out of `sources`.

include(CheckCCompilerFlag)
set(kernels ${PROJECT_SOURCE_DIR}/src/kernels)
set(have)
# Fuzzing is of readers; clang takes many minutes for kernels with its sanitizers and coverage.
set(plain ${PRNN_UNPROTECTED})
if(CMAKE_C_FLAGS MATCHES "-fsanitize=fuzzer")
  list(APPEND plain -fno-sanitize=all)
endif()

# kernels_<lower>.c is built with the flags that follow, for processors of that name, and kernels.c told so.
macro(instruction_set lower upper processors)
  set(flags ${ARGN})
  list(JOIN flags " " flags_text)
  check_c_compiler_flag("${flags_text}" PRNN_COMPILER_HAS_${upper})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(${processors})$" AND CMAKE_SIZEOF_VOID_P EQUAL 8
      AND PRNN_COMPILER_HAS_${upper} AND EXISTS ${kernels}/kernels_${lower}.c)
    list(APPEND have PRNN_HAVE_${upper})
    set_source_files_properties(${kernels}/kernels_${lower}.c PROPERTIES
      COMPILE_OPTIONS "${flags};${plain}")
  else()
    list(REMOVE_ITEM sources ${kernels}/kernels_${lower}.c)
  endif()
endmacro()
set(x86_64 "x86_64|AMD64|amd64")
instruction_set(avx2 AVX2 ${x86_64} -mavx2 -mfma)
instruction_set(avx512 AVX512 ${x86_64} -mavx512f -mavx512dq -mavx512vl -mavx512bw)
instruction_set(avx512bf16 AVX512BF16 ${x86_64} -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx512bf16)
instruction_set(neon NEON "aarch64|arm64")

set_source_files_properties(${kernels}/kernels_generic.c PROPERTIES COMPILE_OPTIONS "${plain}")
set_source_files_properties(${kernels}/kernels.c PROPERTIES COMPILE_DEFINITIONS "${have}")
