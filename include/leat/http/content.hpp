#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "leat/io/path.hpp"
#include "leat/io/reader.hpp"
#include "leat/task/task.hpp"

namespace leat::http {

/// The body of a request, read piece by piece as it is sent, so that it need not fit into memory. Make one with the functions below, with http::multipart, or derive from it.
///
/// One request at a time reads it. It is sent with a Content-Length where size() knows it, chunked otherwise (by DATA frames over HTTP/2).
class content {
public:
    virtual ~content() = default;
    /// The bytes it will give; nothing: unknown.
    virtual std::optional<std::uint64_t> size() const = 0;
    /// The next piece, valid until the next call; nullopt at the end.
    /// Completes when: a piece is there. Errors: as the source has them. Cancellation: as the source.
    virtual task<std::optional<std::string_view>> read() = 0;
    /// Goes back to the beginning, for a redirect, a challenge or a retry. False: it cannot, and the request fails where it would have to.
    virtual bool rewind() = 0;
    /// The Content-Type that it is sent with unless the request has one; empty: none.
    virtual std::string_view type() const { return {}; }
};

/// A text, or any bytes, which it keeps. For a short one, request_options::body does as well.
/// Allocates: the object. Its read() completes at once, in one piece, and never fails.
std::unique_ptr<content> text_content(std::string text, std::string_view type = {});

/// A file's content, which is opened when it is first read, and read in pieces of up to 256 KiB. The size is asked for now: what the file grows by
/// later is not sent; where it has become shorter, read() throws `incomplete_read`. What is no regular file (a FIFO, a device) has no known
/// size, and is opened anew to be read again. Without a `type`, it is guessed from the name.
/// Completes when: the file's size is known. @return the content. Errors: `leat::error` "stat NAME: …"; of its read(): those of leat::open and file::read.
/// Cancellation: nothing is lost; of its read(): nothing stays open once the content dies. Threads: the loop's own. Allocates: the object; buffers of the loop's while it is read.
/// Source: aiohttp FilePayload.
task<std::unique_ptr<content>> file_content(path name, std::string_view type = {});

/// What a stream gives until its end, or, with a `size`, so many bytes of it: read() throws `incomplete_read` if it ends before. It can be sent again only
/// as long as nothing of it has been read. Allocates: the object. Errors and cancellation of its read(): as for stream_reader::read. Source: aiohttp StreamReaderPayload.
std::unique_ptr<content> stream_content(stream_reader from, std::optional<std::uint64_t> size = {}, std::string_view type = {});

/// One entry of a form.
struct form_field {
    std::string_view name;   ///< any text
    std::string_view value;  ///< any text
};
/// A form as one text, "name=value&other=more+words": a request's body of the type `form_type`. Allocates the text. Source: urllib.parse.urlencode; WHATWG URL 5.2.
std::string form_text(std::span<const form_field> fields);
/// The same from names and values in turn: `form_text("name", "leat", "for", "streams and files")`.
template <class... Text>
    requires(sizeof...(Text) % 2 == 0 && (std::convertible_to<const Text&, std::string_view> && ...))
std::string form_text(const Text&... names_and_values) {
    const std::array<std::string_view, sizeof...(Text)> all{names_and_values...};
    std::array<form_field, sizeof...(Text) / 2> fields;
    for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = {all[2 * i], all[2 * i + 1]};
    return form_text(std::span<const form_field>{fields});
}
/// The Content-Type of form_text().
inline constexpr std::string_view form_type = "application/x-www-form-urlencoded";

}  // namespace leat::http
