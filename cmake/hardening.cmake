# What makes a defect end the program, or be of no use, instead of giving it away: for optimised builds, with PRNN_HARDENING.
# Each flag is used if the compiler and linker have it. Sanitizers do more, and would be in the way.
# Sets the target pixelrnn_hardening, and PRNN_UNPROTECTED: how kernels are compiled. They see no file, only arrays that were
# measured before, and a check at each return of the innermost functions would cost time.

include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported()
add_library(pixelrnn_hardening INTERFACE)
set(PRNN_UNPROTECTED)
if(NOT PRNN_HARDENING OR CMAKE_C_FLAGS MATCHES "-fsanitize")
  return()
endif()
set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)

macro(harden_compiler name flag)
  check_c_compiler_flag(${flag} PRNN_COMPILER_HAS_${name})
  if(PRNN_COMPILER_HAS_${name})
    target_compile_options(pixelrnn_hardening INTERFACE $<${optimised}:${flag}>)
  endif()
endmacro()
harden_compiler(STACK_PROTECTOR -fstack-protector-strong)
harden_compiler(STACK_CLASH_PROTECTION -fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i.86)$")
  harden_compiler(CF_PROTECTION -fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  harden_compiler(BRANCH_PROTECTION -mbranch-protection=standard)
endif()
if(PRNN_COMPILER_HAS_STACK_PROTECTOR)
  set(PRNN_UNPROTECTED $<${optimised}:-fno-stack-protector>)
endif()

# Level 3 also knows sizes that are known only at run time; a C library that lacks it says so in a warning.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <string.h>\nint main(void) { return (int)strlen(\"\"); }" PRNN_HAVE_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(level 2)
if(PRNN_HAVE_FORTIFY_3)
  set(level 3)
endif()
target_compile_options(pixelrnn_hardening INTERFACE
  $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=${level}>)

macro(harden_linker name flag)
  check_linker_flag(C ${flag} PRNN_LINKER_HAS_${name})
  if(PRNN_LINKER_HAS_${name})
    target_link_options(pixelrnn_hardening INTERFACE $<${optimised}:${flag}>)
  endif()
endmacro()
harden_linker(RELRO -Wl,-z,relro)
harden_linker(NOW -Wl,-z,now)
harden_linker(NOEXECSTACK -Wl,-z,noexecstack)
