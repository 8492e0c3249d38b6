#pragma once
// What `leat get` reads its files from: lists of URLs, aria2's input files, JSON lines, and URLs with patterns in them. Nothing here waits or reads: whoever has the
// lines feeds them.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "input/pattern.hpp"
#include "input/quantity.hpp"
#include "leat/download/download.hpp"

namespace tool {

/// A line that cannot be used. The text is "SOURCE:LINE: what is wrong".
class input_error : public std::runtime_error {
public:
    input_error(std::string_view source, std::size_t line, std::string_view what);
    std::size_t line() const noexcept { return line_; }

private:
    std::size_t line_;
};

enum class input_format : std::uint8_t {
    lines,       // URLs, or aria2's input file
    json_lines,  // an object a line
};

struct input_options {
    std::string source = "input";  // as messages name it
    input_format format = input_format::lines;
    bool patterns = false;  // are "[1-9]" and "{a,b}" in URLs patterns? Not in aria2's files, unless it is asked (-P)
    bool live = false;      // more may come at any time (a pipe that stays open): an empty line ends an entry
};

struct input_entry;

/// Makes download_items of lines.
///
///     tool::input_reader list({.source = name});
///     while (auto line = co_await file.read_line()) {
///         list.feed(*line);                               // throws input_error; the next line may be fed all the same
///         while (auto item = list.next()) job.add(std::move(*item));
///     }
///     list.finish();
///     while (auto item = list.next()) …
///
/// The form `lines`: a line that begins with a URL is an entry; more URLs behind TABs are mirrors of the same file. Lines that begin with a blank are options
/// of the entry above them, NAME=VALUE, as aria2 has them. An entry is therefore complete when the next one begins, and at the end. In a live input it is
/// complete as well at an empty line, and at `idle()`: call that when there is no further line in the reader's buffer and none has come for a moment
/// (`idle_pause`). An option line that comes later than that belongs to nothing and is an input_error, since a checksum must not get lost silently. Empty
/// lines, and those that begin with '#', do not count.
///
/// The form `json_lines`: {"url": "…", "urls": ["…"], "name" or "out": "…", "dir": "…", "checksum": "sha256:HEX", "size": 1, "headers": {"name": "value" or
/// ["…"]}, "user": "…", "password": "…", "max_rate": 1 or "1M", "segments": 1, "existing": "overwrite|skip|newer|fail"}. Each line is complete by itself.
///
/// The list is as trusted as the command line: names in it may lead anywhere.
class input_reader {
public:
    explicit input_reader(input_options options = {});
    ~input_reader();

    /// Takes one line, with or without its end. Throws input_error, and forgets the entry that the line belongs to; what was complete stays.
    void feed(std::string_view line);
    /// No further line for now: the entry so far is complete. Only in a live input.
    void idle();
    /// The end of the input.
    void finish();
    /// The next file that is complete.
    std::optional<leat::download_item> next();
    /// What has been ignored since the last call: "SOURCE:LINE: …".
    std::vector<std::string> take_warnings();
    /// How many lines were fed.
    std::size_t line() const noexcept { return line_; }
    /// Is there an entry that may still get options? Then idle() is worth calling.
    bool open() const noexcept { return open_ != nullptr || !plain_.empty(); }

    static constexpr std::size_t longest_line = 1024 * 1024;
    static constexpr leat::duration idle_pause = std::chrono::milliseconds{100};

private:
    void feed_uri_line(std::string_view line);
    void feed_option(std::string_view line);
    void feed_json(std::string_view line);
    void close_entry();
    void forget_entry() noexcept;
    void warn(std::string text);

    input_options options_;
    std::size_t line_ = 0;
    bool bad_ = false;  // the entry that option lines belong to was refused
    bool unreadable_ = false;  // all of it, which was said once
    /// A file that is complete: an entry, or nothing but a URL, as in most lists of many files.
    struct ready_file {
        std::string url;
        std::unique_ptr<input_entry> entry;
    };
    std::string plain_;  // the entry above, as long as it is a URL without mirrors or options
    std::unique_ptr<input_entry> open_;
    std::deque<ready_file> ready_;
    std::vector<std::string> warnings_;
};

/// "overwrite", "skip", "newer" (or "if_newer"), "fail". Throws std::invalid_argument.
leat::existing_file parse_existing(std::string_view text);

}  // namespace tool
