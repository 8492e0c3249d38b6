#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "get/arguments.hpp"
#include "get/source.hpp"
#include "input/input.hpp"
#include "leat/fs/file.hpp"
#include "leat/io/reader.hpp"

namespace tool {

/// The files that the command line names: its URLs, Metalink documents, and lists, in this order. A list that is a pipe gives each file as soon as it is known.
class list_source final : public item_source {
public:
    /// @param warn is told, while files are fetched, what is wrong with lists. The arguments have to outlive the source.
    list_source(const get_arguments& asked, std::function<void(const std::string&)> warn);
    ~list_source() override;

    /// Opens the lists, and reads what has to be there before the first file: checksums, Metalink documents. What is not there ends everything.
    leat::task<> open() override;

    leat::task<std::optional<leat::download_item>> next() override;

    /// How many lines of the lists could not be used; each was told.
    std::size_t refused() const noexcept { return refused_; }
    /// May there be more files than have been given?
    bool more() const noexcept { return !exhausted_; }

private:
    struct list;
    void add_checksums(const std::string& name, std::string_view text);
    leat::task<std::string> read_metalink(std::string name);
    std::optional<leat::download_item> next_of_patterns();
    leat::task<std::optional<leat::download_item>> next_of(list& from);
    void complete(leat::download_item& item);
    void warn_of(list& from);

    const get_arguments& asked_;
    std::function<void(const std::string&)> warn_;
    std::shared_ptr<const leat::item_options> usual_;  // null: nothing
    std::size_t url_ = 0;                              // the next of the command line
    std::optional<url_pattern> pattern_;               // the present one
    std::deque<leat::download_item> metalinks_;
    std::deque<std::unique_ptr<list>> lists_;
    std::unordered_map<std::string, std::string> checksums_;       // by their names
    std::unordered_map<std::string, std::string> base_checksums_;  // without folders; empty: there are several
    std::size_t refused_ = 0;
    bool exhausted_ = false;
};

}  // namespace tool
