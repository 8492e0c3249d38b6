#pragma once
#include <string_view>
#include <utility>

#include "leat/fs/directory.hpp"
#include "leat/http/headers.hpp"
#include "leat/task/task.hpp"
#include "site/reply.hpp"

namespace tool {

/// A directory as a web site: says what to answer, and does no HTTP of its own. Must outlive the tasks that it returns.
class site {
public:
    explicit site(leat::directory root) noexcept : root_(std::move(root)) {}

    /// The answer to a GET or HEAD of this target. Never throws for what a client can ask; a file that cannot be opened is an answer too.
    /// The views must live until the task has ended.
    leat::task<reply> answer(std::string_view target, const leat::http::headers& request) const;

private:
    leat::task<reply> find(std::string_view target, const leat::http::headers& request) const;
    leat::task<reply> folder(std::string relative, const leat::http::headers& request) const;

    leat::directory root_;
};

}  // namespace tool
