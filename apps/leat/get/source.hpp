#pragma once
#include <cstddef>
#include <limits>
#include <optional>

#include "leat/download/download.hpp"
#include "leat/task/task.hpp"

namespace tool {

/// Where the files of a run come from, and who is told how each of them ended: the command line and its lists, or a queue that other machines share.
/// `fetch` (get/run.hpp) asks for one file after the other and gives them to a leat::downloader. Everything happens on the one loop.
class item_source {
public:
    virtual ~item_source() = default;

    /// Makes ready what has to be there before the first file. What it throws ends the run.
    virtual leat::task<> open() { co_return; }

    /// The job that it fills, told before `next` is called. It lives as long as `next` may run.
    virtual void fills(leat::downloader& job) { static_cast<void>(job); }

    /// The next file; nullopt: there will be no more. It may wait as long as it likes while others are fetched, and is not asked again before it has
    /// answered. What it throws ends the run. It is cancelled when the run is.
    virtual leat::task<std::optional<leat::download_item>> next() = 0;

    /// How many files may stand between `next` and their first request. One that shares its files with others takes no more than it needs.
    virtual std::size_t ahead() const noexcept { return std::numeric_limits<std::size_t>::max(); }

    /// Does it want to be told?
    virtual bool wants_ends() const noexcept { return false; }
    /// How a file ended, once for each if `wants_ends()`: `index` counts the answers of `next` from 0. Several may run at once; the run ends after all
    /// of them have. What it throws ends the run. A file that a cancelled run had not finished is not told.
    virtual leat::task<> ended(std::size_t index, leat::file_report report) {
        static_cast<void>(index);
        static_cast<void>(report);
        co_return;
    }
};

}  // namespace tool
