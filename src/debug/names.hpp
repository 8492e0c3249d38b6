#pragma once
#include <source_location>
#include <string>
#include <string_view>

namespace leat::debug {

/// The last part of a source file's path.
inline std::string_view file_only(std::string_view path) {
    auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// "void serve(serve()::_Z5servev.Frame*)" as g++ 12 names a coroutine, "task<> serve()" as clang does: the name alone.
inline std::string_view function_only(std::string_view name) {
    constexpr std::string_view unnamed = "(anonymous namespace)";  // clang's; its parenthesis begins no parameters, its space ends no type
    auto open = name.find('(');
    auto space_before = std::string_view::npos;
    while (open != std::string_view::npos && name.substr(open).starts_with(unnamed)) {
        if (space_before == std::string_view::npos) space_before = open;
        open = name.find('(', open + unnamed.size());
    }
    name = name.substr(0, open);
    if (auto space = name.rfind(' ', space_before); space != std::string_view::npos) name = name.substr(space + 1);
    return name;
}

/// "echo.cpp:20".
inline std::string line_of(const std::source_location& at) {
    return std::string{file_only(at.file_name())} + ":" + std::to_string(at.line());
}

/// "handle_client at echo.cpp:20".
inline std::string place_of(const std::source_location& at) {
    return std::string{function_only(at.function_name())} + " at " + line_of(at);
}

}  // namespace leat::debug
