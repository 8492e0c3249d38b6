#pragma once
#include <string>
#include <string_view>

#include "leat/download/report.hpp"

namespace tool {

/// A URL as it may be shown: without the password, if there is one before its host.
std::string without_password(std::string_view url);

/// An error's text as it may be shown, though it names the URL.
std::string error_of(const leat::file_report& file);
std::string error_of(const std::string& url, std::string text);

/// Keeps in mind which words of the command line have a password or a token in them, whatever they were meant to be: a mistyped URL is taken for a file's name.
void remember_passwords(int argc, const char* const* argv);
/// A text as it may be shown, though it names such a word.
std::string without_known_passwords(std::string text);

/// "complete", "verified", "skipped", or "failed".
std::string_view state_of(const leat::file_report& file) noexcept;

}  // namespace tool
