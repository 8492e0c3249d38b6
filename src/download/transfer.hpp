#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "download/job.hpp"
#include "leat/http/response.hpp"

namespace leat::detail {

/// One attempt to fetch one file.
class transfer {
public:
    transfer(download_job& job, file_work& work) noexcept : job_(job), work_(work) {}
    /// Sets work.result. Throws what went wrong.
    task<> run();

private:
    enum class answer : std::uint8_t {
        whole,       // the whole file, from its first byte on
        rest,        // what was asked for behind what is there
        all_there,   // nothing is missing
        unchanged,   // the file that is there already is the server's
        ask_again,   // what is there cannot be used, and the server sent nothing that can
    };
    task<> look();
    task<> mind_existing();
    task<> take_up();
    bool knows_url(std::string_view url) const noexcept;
    http::request_options request_for(span_of_bytes wanted);
    answer judge_answer(http::response& response, span_of_bytes wanted);
    void refuse_page(const http::headers& fields) const;
    bool same_file(const http::response& response) const;
    task<> save(http::response& response);
    task<> pour(http::response& response, const path& target);
    task<> save_whole(std::string_view content);
    void check_size(std::uint64_t size) const;
    bool name_by(const http::headers& fields);
    task<> bring(http::response& response, span_of_bytes wanted);
    void arrived(const file_data& data);
    std::vector<expected_digest> digests_of(const http::headers& fields) const;
    void expect_digests(const http::headers& fields);

    download_job& job_;
    file_work& work_;
    http::headers fields_;   // of a request that has some of its own
};

}  // namespace leat::detail
