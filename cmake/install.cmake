# cmake --install: headers, libleat.a, the tool (its own CMakeLists installs it), find_package(leat) and pkg-config.

if(NOT LEAT_INSTALL)
    return()
endif()

include(CMakePackageConfigHelpers)
set(leat_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/leat")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/leat" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.hpp")
install(TARGETS leat EXPORT leatTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT leatTargets NAMESPACE leat:: DESTINATION "${leat_config_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/leatConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/leatConfig.cmake" INSTALL_DESTINATION "${leat_config_dir}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/leatConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/leatConfig.cmake" "${PROJECT_BINARY_DIR}/leatConfigVersion.cmake"
    DESTINATION "${leat_config_dir}")

# The .pc file finds its prefix from where it lies, so that the tree may be moved or staged.
file(RELATIVE_PATH leat_pc_to_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" leat_pc_to_prefix "${leat_pc_to_prefix}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/leat.pc.in" "${PROJECT_BINARY_DIR}/leat.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/leat.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
