#pragma once
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "download/file_work.hpp"
#include "download/keeper.hpp"
#include "download/limits.hpp"
#include "download/name_table.hpp"
#include "download/part_file.hpp"
#include "download/retry.hpp"
#include "download/schedule.hpp"
#include "download/speed.hpp"
#include "leat/download/download.hpp"
#include "leat/http/client.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"

namespace leat::detail {

/// What a handle points at: a file of a job, for as long as somebody watches it.
struct job_file {
    job_file(download_job& of, std::size_t file) noexcept : job(&of), index(file) {}
    ~job_file();

    download_job* job;                    // null once that is over
    std::size_t index;
    std::string name;                     // of one that has not begun, for progress()
    std::unique_ptr<file_report> result;  // once it has ended
    event ended;
};

/// The files of a leat::downloader: the options, copied, and what has become of each file. It knows who fetches what, and when; how one file is
/// fetched is the transfer's.
class download_job {
public:
    explicit download_job(const download_options& options);
    download_job(const download_job&) = delete;
    ~download_job();

    /// So many will be added: saves the memory of growing.
    void reserve(std::size_t files) { reports_.reserve(files); }
    std::size_t add(download_item item);
    std::shared_ptr<job_file> watch(std::size_t file);
    void close() noexcept;
    std::size_t waiting() const noexcept;
    void set_max_rate(std::uint64_t per_second);
    task<> adopt(path journal, std::string name);
    task<download_report> run();

    // For handles:
    running_file row_of(job_file& file);
    void pause(std::size_t file);
    void resume(std::size_t file);
    void cancel(std::size_t file);
    void set_max_rate(std::size_t file, std::uint64_t per_second);
    void forget_handle(std::size_t file) noexcept { entries_[file].handle = nullptr; }

    // For transfers:
    const download_options& options() const noexcept { return options_; }
    const item_options* own_options(std::size_t file) const noexcept { return entries_[file].options.get(); }
    bool named_by_caller(std::size_t file) const noexcept { return (entries_[file].flags & has_name) != 0; }
    /// Valid until a file is added.
    file_report& report(std::size_t file) noexcept { return reports_[file]; }
    const target_directory& target() const noexcept { return target_; }
    http::client& client() noexcept { return client_; }
    detail::limits& limits() noexcept { return limits_; }
    detail::schedule& schedule() noexcept { return schedule_; }
    std::string claim_name(file_work& work, const std::string& wanted);
    std::string_view url_of(const file_work& work) const noexcept { return source_of(work.index, work.source); }
    std::string_view source_of(std::size_t file, std::size_t source) const noexcept;
    std::size_t sources_of(std::size_t file) const noexcept;
    detail::keeper& keeper() noexcept { return keeper_; }
    std::list<file_work>& works() noexcept { return works_; }
    file_work* work_of(std::size_t file) noexcept { return entries_[file].work; }
    /// What the journal knows a finished file by.
    std::uint64_t key_of(const file_work& work) const;
    std::uint32_t host_of(const file_work& work) const noexcept { return schedule_.host_number(work.index); }
    void tell(download_event::kind what, const file_work& work, std::string_view detail = {}, duration pause = {});
    /// What is there of it cannot be used: it begins anew with the next request.
    void start_over(file_work& work, std::string_view why);
    void came(std::uint64_t bytes) noexcept { wire_bytes_ += bytes; }
    /// Ends its attempt at the loop's next turn.
    void strike(file_work& work, stop_reason why);

private:
    enum flag : std::uint8_t {
        has_name = 1,   // the caller gave it one
        is_paused = 2,
        is_held = 4,    // given out, and waiting for resume() in nobody's queue
        is_given_up = 8,
        is_over = 16,
        is_planned = 32,  // it has not begun, and its report's target is the name that it will ask for
    };
    /// What is kept of each file beside its report, from the beginning to the end.
    struct entry {
        std::uint32_t number = 0;  // in its name, where another file has that already
        std::uint8_t flags = 0;
        file_work* work = nullptr;
        job_file* handle = nullptr;
        std::shared_ptr<const item_options> options;
    };

    void name_file(std::size_t file);
    void plan(std::size_t most);
    task<> plan_the_rest();
    void hire();
    std::string name_of_file(std::size_t file) const;
    std::string wanted_name(std::size_t file) const;
    std::string_view directory_of(std::size_t file) const noexcept;
    task<> work();
    task<> attempt(std::size_t file);
    task<> verify(std::size_t file);
    void next_source(file_work& work, verdict& found);
    file_work& begin(std::size_t file);
    void failed(file_work& work, const std::exception_ptr& why);
    void stopped(file_work& work);
    void give_up(std::size_t file, failure_class why, std::string text);
    void ended(std::size_t file);
    task<> wait_until_closed();
    task<> report_progress();
    void tell_progress(bool last);
    running_file row(const file_work& work) const;
    void release_handles() noexcept;
    bool is_verified_now(std::size_t file) const noexcept;

    std::string directory_;
    std::string ca_file_;
    std::string user_agent_;
    std::string journal_name_;
    download_options options_;
    target_directory target_;
    http::client client_;
    detail::schedule schedule_;
    detail::limits limits_;
    detail::keeper keeper_;
    std::deque<entry> entries_;            // stay where they are while others are added
    std::vector<file_report> reports_;     // do not; the target of a file that has not begun is the name that it asks for, once that is known
    name_table names_;
    std::size_t planned_ = 0;
    download_report report_;               // but for the files
    std::list<file_work> works_;           // begun, and not ended; oldest first
    std::unordered_map<std::size_t, std::uint64_t> rates_;  // set by handles before the file began
    std::vector<running_file> shown_;
    std::uint64_t wire_bytes_ = 0;         // of bodies, those of failed attempts included
    detail::speed speed_;
    std::size_t workers_ = 0;              // that have not ended
    task_group* group_ = nullptr;          // while it runs
    event closed_;
    event opened_;  // the journal
    event finished_;
    bool ran_ = false;
    time_point began_{};
    std::minstd_rand random_;
};

}  // namespace leat::detail
