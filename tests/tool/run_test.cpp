// What `leat get` does with a source of files that is no list, as a queue is.
#include "get/run.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "leat/io/error.hpp"
#include "leat/net/server.hpp"
#include "leat/task/group.hpp"
#include "leat/task/run.hpp"

namespace {

struct folder {
    folder() {
        char name[] = "/tmp/leat-run-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~folder() { std::filesystem::remove_all(path); }
    std::string path;
};

/// Answers every request with "x", or with 404 if its path has "missing" in it.
leat::task<> answer(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) {
        const bool missing = line->find("missing") != std::string_view::npos;
        while (auto field = co_await reader.read_line())
            if (*field == "\r\n") break;
        const std::string reply = missing ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
        co_await writer.write(reply);
    }
    co_await writer.close();
}

class some_files final : public tool::item_source {
public:
    some_files(std::string base, std::size_t count) : base_(std::move(base)), count_(count) {}

    leat::task<std::optional<leat::download_item>> next() override {
        most_out = std::max(most_out, given_ - ends.size());
        if (given_ == count_) co_return std::nullopt;
        const std::size_t index = given_++;
        leat::download_item item{fmt::format("{}/{}{}", base_, index % 5 == 4 ? "missing" : "f", index), {}, {}};
        co_return item;
    }
    std::size_t ahead() const noexcept override { return 1; }
    bool wants_ends() const noexcept override { return true; }
    leat::task<> ended(std::size_t index, leat::file_report report) override {
        if (fails_at == index) throw std::runtime_error("the queue is gone");
        ends.emplace(index, std::move(report));
        co_return;
    }

    std::map<std::size_t, leat::file_report> ends;
    std::size_t most_out = 0;  // between `next` and `ended`
    std::size_t fails_at = static_cast<std::size_t>(-1);

private:
    std::string base_;
    std::size_t count_;
    std::size_t given_ = 0;
};

tool::get_arguments quiet_arguments(const folder& to) {
    tool::get_arguments asked;
    asked.directory = to.path;
    asked.quiet = true;
    asked.jobs = 4;
    asked.retries = 0;
    return asked;
}

TEST(run, a_source_is_told_how_each_file_ended_and_asked_for_no_more_than_can_be_begun) {
    folder to;
    auto main = [&]() -> leat::task<> {
        auto server = co_await leat::start_server(answer, {"127.0.0.1", 0});
        const auto asked = quiet_arguments(to);
        tool::display show({.quiet = true});
        some_files source{fmt::format("http://127.0.0.1:{}", server.address().port()), 50};
        const int status = co_await tool::fetch(source, nullptr, asked, show);
        EXPECT_EQ(status, 8);
        EXPECT_EQ(source.ends.size(), 50u);
        for (const auto& [index, report] : source.ends) {
            EXPECT_EQ(report.ok(), index % 5 != 4) << index;
            EXPECT_TRUE(report.url.ends_with(std::to_string(index))) << report.url;
        }
        // Four run, one waits, one has just been asked for, and ends are told a turn later.
        EXPECT_LE(source.most_out, 12u);
        EXPECT_GE(source.most_out, 4u);
        co_await server.close();
    };
    EXPECT_EQ(leat::run(main()), 0);
}

TEST(run, an_error_of_the_source_ends_the_run) {
    folder to;
    auto main = [&]() -> leat::task<> {
        auto server = co_await leat::start_server(answer, {"127.0.0.1", 0});
        const auto asked = quiet_arguments(to);
        tool::display show({.quiet = true});
        some_files source{fmt::format("http://127.0.0.1:{}", server.address().port()), 50};
        source.fails_at = 3;
        std::string why;
        try {
            co_await tool::fetch(source, nullptr, asked, show);
        } catch (const std::runtime_error& error) {
            why = error.what();
        }
        EXPECT_EQ(why, "the queue is gone");
        co_await server.close();
    };
    EXPECT_EQ(leat::run(main()), 0);
}

}  // namespace
