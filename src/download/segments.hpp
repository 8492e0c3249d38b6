#pragma once
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "download/job.hpp"
#include "leat/http/response.hpp"
#include "leat/task/group.hpp"

namespace leat::detail {

/// The connections that bring one file: the one whose answer is there, and others that take parts of what remains. It also hashes behind them, and
/// minds the least rate.
class crew {
public:
    crew(download_job& job, file_work& work) noexcept : job_(job), work_(work), data_(*work.data) {}
    crew(const crew&) = delete;

    /// Brings what is missing, beginning with this answer, which is the file's from wanted.first on. Throws if something is still missing in the end.
    task<> run(http::response& response, span_of_bytes wanted);

private:
    class listed;
    task<> carry(http::response& response, piece& part);
    task<> copy_piece(http::body& body, leat::file& to, piece& part);
    task<> first(http::response& response, span_of_bytes wanted);
    task<> helper(std::size_t source);
    task<> help(std::size_t source);
    task<> bring_part(piece& part);
    task<> bring_first(http::response& response, span_of_bytes wanted);
    task<> supervise();
    std::optional<span_of_bytes> take_part();
    std::optional<span_of_bytes> split();
    void share_out(std::size_t more);
    void confirm(const piece& part);
    void put_back(span_of_bytes part);
    void add_connections(std::size_t most);
    byte_ranges taken() const;
    bool soon_over() const noexcept;
    void look_whether_complete();
    bool may_ask_for_parts() const noexcept;
    bool add_connection();
    std::size_t next_source();
    void mind_rate(time_point here);
    void mind_gain(time_point here);
    void part_ended() noexcept;

    download_job& job_;
    file_work& work_;
    file_data& data_;
    task_group* group_ = nullptr;
    std::size_t active_ = 0;           // connections, those that are being made included
    std::size_t last_source_ = 0;
    bool splits_ = false;              // parts of what a connection brings may go to others
    bool refused_ = false;             // the server gives no parts
    std::vector<span_of_bytes> shares_;  // of the beginning, for connections that have not begun
    event over_;
    std::exception_ptr failure_;
    time_point began_{};
    std::uint64_t there_at_first_ = 0;
    std::uint64_t came_before_ = 0;    // at the last look at the gain
    double rate_before_ = 0;
    time_point looked_at_{};
    std::uint64_t slow_since_bytes_ = 0;
    time_point slow_since_{};
};

}  // namespace leat::detail
