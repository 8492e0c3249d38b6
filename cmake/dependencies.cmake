# What leat stands on: Debian 12's packages, found, never downloaded. leatConfig.cmake.in repeats this list for whoever
# links the installed archive; scripts/install-packages names the packages.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
# Boost.URL first came with 1.81, and Debian 12 has 1.74 as well: the configuration files tell them apart.
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS url)
pkg_check_modules(LIBURING REQUIRED IMPORTED_TARGET "liburing>=2.3")
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET "libcares>=1.18")
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET "libnghttp2>=1.52")
pkg_check_modules(CODINGS REQUIRED IMPORTED_TARGET zlib libbrotlidec "libzstd>=1.5")
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET "libpsl>=0.21")
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET "sqlite3>=3.40")
find_package(pugixml REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
