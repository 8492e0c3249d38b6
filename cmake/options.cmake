# The switches of the build, and the flags that hold for every target of ours.

option(LEAT_WERROR "Warnings are errors in leat's own targets" ${PROJECT_IS_TOP_LEVEL})
option(LEAT_BUILD_TOOL "Build the command-line tool" ${PROJECT_IS_TOP_LEVEL})
option(LEAT_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(LEAT_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(LEAT_BUILD_BENCHMARKS "Build the benchmarks and their rivals" OFF)
option(LEAT_INSTALL "Add the install rules" ${PROJECT_IS_TOP_LEVEL})
set(LEAT_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread; empty for none")
set_property(CACHE LEAT_SANITIZE PROPERTY STRINGS "" "address,undefined" "thread")

if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_CXX_EXTENSIONS OFF)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
    if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
        find_program(LEAT_CCACHE ccache)
        if(LEAT_CCACHE)
            set(CMAKE_CXX_COMPILER_LAUNCHER "${LEAT_CCACHE}")
        endif()
    endif()
endif()

# A finding ends the program: a test that goes on after one would pass.
if(LEAT_SANITIZE)
    add_compile_options(-fsanitize=${LEAT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${LEAT_SANITIZE})
endif()

# leat_warnings(<target>): the flags of our own code, never of those who use it.
function(leat_warnings target)
    target_compile_options(${target} PRIVATE -Wall -Wextra)
    # Memory is given back with its size, which clang takes for granted from version 19 on only.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
        target_compile_options(${target} PRIVATE -fsized-deallocation)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # Its -Wrestrict takes `"text" + string` for overlapping memory at -O3 (GCC bug 105651).
        target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
    if(LEAT_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
endfunction()
