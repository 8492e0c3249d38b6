#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "leat/fs/file.hpp"

namespace tool {

/// What a server answers: a status, fields, and a body that is either text or a part of a file.
struct reply {
    int status = 200;
    std::string fields;          // whole lines, with their CRLF
    std::string text;
    leat::file content;
    std::uint64_t offset = 0;    // in the file
    std::uint64_t length = 0;    // of the body, in whichever form; 304 sends none, and says so by `bodiless`
    bool bodiless = false;

    void add(std::string_view name, std::string_view value);
};

/// "Not Found".
std::string_view reason_of(int status) noexcept;

/// A plain text that says the status and, behind a colon, the detail.
reply text_reply(int status, std::string_view detail = {});

/// The whole head: status line, date and server, the reply's fields, length, how the connection goes on.
std::string head_of(const reply& answer, bool keep_alive, int version);

}  // namespace tool
