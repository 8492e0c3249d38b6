#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "download/file_work.hpp"
#include "download/journal.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

class download_job;

/// Writes down what a job has reached, in batches and off the loop, and remembers what an earlier one had. Without a journal it does nothing.
class keeper {
public:
    explicit keeper(download_job& job) noexcept : job_(job) {}

    /// A journal that cannot be used is said, and the job goes on without one.
    task<> open(path file);
    bool active() const noexcept { return journal_ != nullptr; }

    /// Was the file finished by an earlier job, and left as it was?
    bool was_finished(const file_work& work, std::uint64_t size, std::int64_t modified_ns) const noexcept;
    bool knows_finished(const file_work& work) const noexcept;
    std::optional<partial_record> partial(const file_work& work);
    /// What the journal of a job that is no more says about a file becomes this one's.
    task<> adopt(path other, std::string name);
    void forget(const file_work& work);

    /// It is there, under its own name.
    void finished(const file_work& work);
    /// Its part file stays for a later job, if that can go on from it; else it will be removed.
    void keep_or_drop(file_work& work);

    /// Checkpoints until the job has ended.
    task<> tend(event& over);
    /// Brings the parts that grow to the disk now and then.
    task<> sync(event& over);
    /// The job has ended: with nothing left to do, or not.
    task<> end(bool all_there);

private:
    partial_record record_of(const file_work& work) const;
    void note(file_work& work);
    task<> commit();
    task<> leave(bool all_there);

    download_job& job_;
    std::unique_ptr<journal> journal_;
    bool worth_it_ = false;                // there is something partial, or the job lasts
    bool failing_ = false;
    std::set<std::string> met_;            // partial files of an earlier job that are this one's too
    std::map<std::string, partial_record, std::less<>> left_;  // adopted, or given up by this job: of use if the file is added (again)
};

}  // namespace leat::detail
