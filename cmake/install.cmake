# `cmake --install`: headers, both libraries, program, man page, documents, completions, pkg-config file and CMake package. All of it
# can be moved afterwards: paths are relative to where the files lie.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pixelrnn)

install(FILES include/pixelrnn/pixelrnn.h include/pixelrnn/io.h include/pixelrnn/ranks.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pixelrnn)
install(TARGETS pixelrnn_shared EXPORT pixelrnn)
install(TARGETS pixelrnn_static EXPORT pixelrnn_static)
if(TARGET pixelrnn_program)
  install(TARGETS pixelrnn_program)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/man/pixelrnn.1)
  install(FILES man/pixelrnn.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(EXISTS ${PROJECT_SOURCE_DIR}/completions)
  install(FILES completions/pixelrnn.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME pixelrnn)
  install(FILES completions/_pixelrnn DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES completions/pixelrnn.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
cmake_path(APPEND pc_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND pc_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(cmake/pixelrnn.pc.in pixelrnn.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pixelrnn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(pixelrnnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_package_config_file(cmake/pixelrnnConfig.cmake.in pixelrnnConfig.cmake
  INSTALL_DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/pixelrnnConfig.cmake ${PROJECT_BINARY_DIR}/pixelrnnConfigVersion.cmake
  DESTINATION ${package_dir})
install(EXPORT pixelrnn FILE pixelrnnShared.cmake NAMESPACE pixelrnn:: DESTINATION ${package_dir})
install(EXPORT pixelrnn_static FILE pixelrnnStatic.cmake NAMESPACE pixelrnn:: DESTINATION ${package_dir})
