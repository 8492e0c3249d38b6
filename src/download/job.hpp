#pragma once
#include <cstdint>
#include <list>
#include <random>
#include <string>
#include <vector>

#include "download/part_file.hpp"
#include "download/retry.hpp"
#include "download/schedule.hpp"
#include "download/speed.hpp"
#include "leat/download/download.hpp"
#include "leat/http/client.hpp"
#include "leat/sync/event.hpp"

namespace leat::detail {

/// One call of leat::download: the options, copied, the files, and what has become of them.
class download_job {
public:
    download_job(std::vector<download_item> items, const download_options& options);

    task<download_report> run();

private:
    /// A file while it is fetched; what progress is computed from.
    struct running {
        std::size_t file;
        const http::body* body = nullptr;  // once there is one
    };
    struct in_list;

    void plan();
    task<> work();
    task<> attempt(std::size_t file);
    task<> fetch(std::size_t file);
    task<> save(std::size_t file, http::response& response);
    void failed(std::size_t file, const std::exception_ptr& why);
    void ended(std::size_t file);
    task<> report_progress();
    void tell_progress(bool last);

    std::string directory_;
    std::string ca_file_;
    std::string user_agent_;
    download_options options_;
    target_directory target_;
    http::client client_;
    schedule schedule_;
    std::vector<download_item> items_;
    std::vector<std::string> names_;      // relative to the directory, or absolute; none like another
    std::vector<time_point> started_;
    download_report report_;
    std::list<running> running_;           // oldest first
    std::vector<running_file> shown_;
    std::uint64_t wire_bytes_ = 0;         // of bodies, those of failed attempts included
    speed speed_;
    std::size_t workers_ = 0;              // that have not ended
    event finished_;
    time_point began_{};
    std::minstd_rand random_;
};

}  // namespace leat::detail
