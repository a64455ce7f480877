# What `make install` puts under the prefix, and how hosts find it. Included
# from CMakeLists.txt.

# As lib*.so the loader finds the module by its name alone, and SQLite still
# derives the entry point from that: `.load libactorkv`.
install(FILES $<TARGET_FILE:actorkv>
  DESTINATION ${CMAKE_INSTALL_LIBDIR} RENAME libactorkv.so)
install(FILES $<TARGET_FILE:actorkv_static>
  DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ext/actorkv.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Paths are relative, so that what is installed can be moved.
set(ACTORKV_PKGCONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(ACTORKV_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/actorkv)
file(RELATIVE_PATH ACTORKV_INCLUDE_FROM_PC
  /${ACTORKV_PKGCONFIG_DIR} /${CMAKE_INSTALL_INCLUDEDIR})
file(RELATIVE_PATH ACTORKV_INCLUDE_FROM_CMAKE
  /${ACTORKV_CMAKE_DIR} /${CMAKE_INSTALL_INCLUDEDIR})

# "rocksdb >= 7.8, ..." and "rocksdb>=7.8 ...": as each of the two wants it.
set(ACTORKV_HOST_NEEDS
  "${ACTORKV_ROCKSDB};${ACTORKV_LIBRARIES};sqlite3>=3.39")
list(JOIN ACTORKV_HOST_NEEDS ", " ACTORKV_PC_REQUIRES)
string(REPLACE ">=" " >= " ACTORKV_PC_REQUIRES "${ACTORKV_PC_REQUIRES}")
list(JOIN ACTORKV_HOST_NEEDS " " ACTORKV_CMAKE_REQUIRES)

configure_file(ext/actorkv.pc.in actorkv.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/actorkv.pc
  DESTINATION ${ACTORKV_PKGCONFIG_DIR})

include(CMakePackageConfigHelpers)
configure_file(ext/actorkvConfig.cmake.in actorkvConfig.cmake @ONLY)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/actorkvConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/actorkvConfig.cmake
  ${PROJECT_BINARY_DIR}/actorkvConfigVersion.cmake
  DESTINATION ${ACTORKV_CMAKE_DIR})

configure_file(ext/after_install.cmake.in after_install.cmake @ONLY)
install(SCRIPT ${PROJECT_BINARY_DIR}/after_install.cmake)
