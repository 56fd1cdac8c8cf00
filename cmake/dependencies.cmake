# Finds the libraries; sets PRNN_LIBRARIES, RANDOM123_INCLUDE_DIR, PRNN_HAVE_LIBZIP, PRNN_HAVE_TURBOJPEG,
# PRNN_HAVE_WEBP and PRNN_HAVE_TIFF, for the pkg-config file PRNN_PC_REQUIRES, and for the program PRNN_HAVE_MICROHTTPD.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
  message(FATAL_ERROR "pixelrnn needs pkg-config to find its libraries: install the package pkg-config "
    "(Debian), or run scripts/setup.sh, which installs all that is missing.")
endif()
find_package(ZLIB QUIET)
pkg_search_module(SPNG QUIET IMPORTED_TARGET spng libspng)
pkg_check_modules(JANSSON QUIET IMPORTED_TARGET jansson)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h DOC "The folder that holds Random123/philox.h")
mark_as_advanced(RANDOM123_INCLUDE_DIR)

set(missing)
set(packages)
macro(need found what package)
  if(NOT ${found})
    list(APPEND missing ${what})
    list(APPEND packages ${package})
  endif()
endmacro()
need(ZLIB_FOUND zlib zlib1g-dev)
need(SPNG_FOUND libspng libspng-dev)
need(JANSSON_FOUND jansson libjansson-dev)
need(RANDOM123_INCLUDE_DIR "the header Random123/philox.h" librandom123-dev)
if(missing)
  list(JOIN missing ", " missing)
  list(JOIN packages " " packages)
  message(FATAL_ERROR "pixelrnn needs ${missing}: apt-get install ${packages} (Debian), or run "
    "scripts/setup.sh, which installs all that is missing.")
endif()

set(PRNN_LIBRARIES Threads::Threads ZLIB::ZLIB PkgConfig::SPNG PkgConfig::JANSSON m ${CMAKE_DL_LIBS})
set(PRNN_PC_REQUIRES "zlib ${SPNG_MODULE_NAME} jansson")

# A library that the build can do without: `setting` is AUTO, ON or OFF, `have` gets ON or OFF; a last argument such as
# >=1.2 asks for a version.
macro(may_need setting have module package what)
  set(${have} OFF)
  if(${setting})
    pkg_check_modules(${module} QUIET IMPORTED_TARGET ${module}${ARGN})
    if(${module}_FOUND)
      set(${have} ON)
      list(APPEND PRNN_LIBRARIES PkgConfig::${module})
      string(APPEND PRNN_PC_REQUIRES " ${module}")
    elseif(NOT ${setting} STREQUAL "AUTO")
      message(FATAL_ERROR "${setting} is ${${setting}}, and ${module}${ARGN} is not there: "
        "apt-get install ${package} (Debian), or set it to OFF to do without ${what}.")
    else()
      message(STATUS "No ${module}${ARGN}: ${what} will not be read (Debian: ${package})")
    endif()
  endif()
endmacro()
may_need(PRNN_WITH_LIBZIP PRNN_HAVE_LIBZIP libzip libzip-dev ".npz files")
may_need(PRNN_WITH_TURBOJPEG PRNN_HAVE_TURBOJPEG libturbojpeg libturbojpeg0-dev "JPEG files")
may_need(PRNN_WITH_WEBP PRNN_HAVE_WEBP libwebp libwebp-dev "WebP files")
may_need(PRNN_WITH_TIFF PRNN_HAVE_TIFF libtiff-4 libtiff-dev "TIFF files" >=4.5) # from where on messages belong to a file

# The program alone needs it. Its version says when suspended connections became dependable.
set(PRNN_HAVE_MICROHTTPD OFF)
if(PRNN_BUILD_PROGRAM AND PRNN_WITH_MICROHTTPD)
  pkg_check_modules(libmicrohttpd QUIET IMPORTED_TARGET libmicrohttpd>=0.9.71)
  if(libmicrohttpd_FOUND)
    set(PRNN_HAVE_MICROHTTPD ON)
  elseif(NOT PRNN_WITH_MICROHTTPD STREQUAL "AUTO")
    message(FATAL_ERROR "PRNN_WITH_MICROHTTPD is ${PRNN_WITH_MICROHTTPD}, and libmicrohttpd>=0.9.71 is not there: "
      "apt-get install libmicrohttpd-dev (Debian), or set it to OFF to do without the command serve.")
  else()
    message(STATUS "No libmicrohttpd>=0.9.71: there will be no command serve (Debian: libmicrohttpd-dev)")
  endif()
endif()
