#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leat/http/content.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat::http {

/// A form with files: multipart/form-data (RFC 7578), as a browser sends it.
///
///     leat::http::multipart form;
///     form.add_field("title", "A cat");
///     co_await form.add_file("picture", "cat.jpg");
///     auto response = co_await http.request("POST", url, {.content = &form});
///
/// Names and file names go as they are but for quotes and line breaks (%22, %0D, %0A). The boundary is random. The size is known if every part knows its own;
/// it can be sent again if every part can. Nothing may be added once it is being read (std::logic_error). Files are opened one at a time, as their turn comes.
/// Allocates: the small parts; the files stay where they are. Source: aiohttp FormData.
class multipart final : public content {
public:
    multipart();
    multipart(multipart&&) noexcept;
    multipart& operator=(multipart&&) noexcept;
    ~multipart() override;

    /// Adds a text.
    void add_field(std::string_view name, std::string_view value);
    /// Adds a file. It is announced by the last part of its name unless `file_name` says otherwise, and without a `type` by the one its name has.
    /// Completes when: its size is known. Errors: `leat::error` "stat FILE: …"; std::invalid_argument for a type with a line break. Cancellation: nothing is added.
    /// The object must outlive the task and stay where it is. Allocates: the part. Source: FormData.add_field.
    task<> add_file(std::string_view name, path file, std::string_view file_name = {}, std::string_view type = {});
    /// Adds anything else, with the type that it has; as a file if there is a `file_name`. Errors: std::invalid_argument for a type with a line break, or for none.
    void add_content(std::string_view name, std::unique_ptr<content> part, std::string_view file_name = {});

    std::optional<std::uint64_t> size() const override;
    /// The next piece: of a part, or of what stands between them.
    /// Completes when: a piece is there. Errors: those of the parts. Cancellation: as the part has it.
    task<std::optional<std::string_view>> read() override;
    bool rewind() override;
    /// "multipart/form-data; boundary=…".
    std::string_view type() const override { return type_; }
    /// What stands between the parts.
    std::string_view boundary() const noexcept;

private:
    struct part {
        std::string before;            // what comes before the content: the heads, and fields with their values
        std::unique_ptr<content> body;
    };
    void may_add() const;
    std::string head(std::string_view name, std::string_view file_name, std::string_view type) const;
    task<> add(std::string name, path file, std::string file_name, std::string type);

    std::vector<part> parts_;
    std::string tail_;           // what comes behind the last content so far
    std::string type_;
    std::string end_;            // the tail with the closing line, while it is read
    std::size_t next_ = 0;       // the part that is read
    bool in_body_ = false;
    bool begun_ = false;
};

}  // namespace leat::http
