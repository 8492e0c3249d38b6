#include "leat/http/content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>

#include "leat/http/multipart.hpp"
#include "leat/process/pipe.hpp"
#include "leat/fs/file.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using testing::in_loop;
using testing::put;
using testing::temporary_directory;
using testing::thrown_by;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using namespace std::chrono_literals;

task<std::string> all_of(http::content& content) {
    std::string all;
    while (auto piece = co_await content.read()) all += *piece;
    co_return all;
}

task<> text() {
    const auto content = http::text_content("hello", "text/plain");
    EXPECT_EQ(content->size(), 5u);
    EXPECT_EQ(content->type(), "text/plain");
    for (int i = 0; i < 2; ++i) {
        auto all = co_await all_of(*content);
        EXPECT_EQ(all, "hello");
        auto again = co_await content->read();
        EXPECT_FALSE(again.has_value());
        EXPECT_TRUE(content->rewind());
    }
    const auto nothing = http::text_content("");
    auto all = co_await all_of(*nothing);
    EXPECT_EQ(all, "");
    EXPECT_EQ(nothing->size(), 0u);
    EXPECT_EQ(nothing->type(), "");
}
TEST(http_content, a_text_is_given_as_often_as_it_is_rewound) { in_loop(text()); }

task<> whole_file() {
    const temporary_directory directory;
    std::string bytes;
    while (bytes.size() < 1'000'000) bytes += std::to_string(bytes.size());
    put(directory / "data.json", bytes);
    auto content = co_await http::file_content(directory / "data.json");
    EXPECT_EQ(content->size(), bytes.size());
    EXPECT_EQ(content->type(), "application/json");
    auto all = co_await all_of(*content);
    EXPECT_TRUE(all == bytes);
    EXPECT_TRUE(content->rewind());
    // In the middle of it, too.
    auto first = co_await content->read();
    EXPECT_TRUE(first && !first->empty() && first->size() < bytes.size());
    EXPECT_TRUE(content->rewind());
    all = co_await all_of(*content);
    EXPECT_TRUE(all == bytes);
    auto typed = co_await http::file_content(directory / "data.json", "x/y");
    EXPECT_EQ(typed->type(), "x/y");
}
TEST(http_content, a_file_is_read_in_pieces_and_again_when_it_is_rewound) { in_loop(whole_file()); }

task<> file_that_changes() {
    const temporary_directory directory;
    put(directory / "log", "12345");
    auto content = co_await http::file_content(directory / "log");
    put(directory / "log", "1234567");
    auto all = co_await all_of(*content);
    EXPECT_EQ(all, "12345");
    put(directory / "log", "123");
    EXPECT_TRUE(content->rewind());
    auto failed = co_await (all_of(*content) | as_result);
    EXPECT_FALSE(failed.has_value());
    EXPECT_THAT(failed.error().message(), HasSubstr("log: "));
    EXPECT_THROW(std::rethrow_exception(failed.error().exception()), incomplete_read);
}
TEST(http_content, of_a_file_that_grows_or_shrinks_the_announced_size_is_sent_or_none) { in_loop(file_that_changes()); }

task<> file_that_is_not_there() {
    const temporary_directory directory;
    auto missing = co_await (http::file_content(directory / "missing") | as_result);
    EXPECT_FALSE(missing.has_value());
    EXPECT_THAT(missing.error().message(), MatchesRegex("stat .*missing: .*No such file.*"));
    // Opened when it is read, not before.
    put(directory / "here", "x");
    auto content = co_await http::file_content(directory / "here");
    std::filesystem::remove(directory / "here");
    auto read = co_await (content->read() | as_result);
    EXPECT_FALSE(read.has_value());
    EXPECT_THAT(read.error().message(), MatchesRegex("open .*here: .*No such file.*"));
}
TEST(http_content, a_file_that_is_not_there_is_named) { in_loop(file_that_is_not_there()); }

task<> device() {
    auto content = co_await http::file_content("/dev/null", "x/y");
    EXPECT_EQ(content->size(), std::nullopt);
    for (int i = 0; i < 2; ++i) {
        auto all = co_await all_of(*content);
        EXPECT_EQ(all, "");
        EXPECT_TRUE(content->rewind());
    }
}
TEST(http_content, a_device_has_no_size) { in_loop(device()); }

task<> a_stream() {
    auto [reader, writer] = open_pipe();
    co_await writer.write("hello world");
    co_await writer.close();
    const auto content = http::stream_content(std::move(reader), {}, "x/y");
    EXPECT_EQ(content->size(), std::nullopt);
    EXPECT_EQ(content->type(), "x/y");
    EXPECT_TRUE(content->rewind());
    auto all = co_await all_of(*content);
    EXPECT_EQ(all, "hello world");
    EXPECT_FALSE(content->rewind());
}
TEST(http_content, a_stream_is_given_once) { in_loop(a_stream()); }

task<> part_of_a_stream() {
    for (const std::uint64_t size : {5u, 11u, 12u}) {
        auto [reader, writer] = open_pipe();
        co_await writer.write("hello world");
        co_await writer.close();
        const auto content = http::stream_content(std::move(reader), size);
        EXPECT_EQ(content->size(), size);
        auto all = co_await (all_of(*content) | as_result);
        EXPECT_EQ(all.has_value(), size != 12);
        if (all) {
            EXPECT_EQ(*all, std::string{"hello world"}.substr(0, size));
        } else {
            EXPECT_THROW(std::rethrow_exception(all.error().exception()), incomplete_read);
        }
    }
}
TEST(http_content, of_a_stream_with_a_size_so_much_is_given_and_not_less) { in_loop(part_of_a_stream()); }

task<> cancelled_stream() {
    auto [reader, writer] = open_pipe();
    const auto content = http::stream_content(std::move(reader));
    auto late = co_await (timeout(1ms, content->read()) | as_result);
    EXPECT_FALSE(late.has_value());
    EXPECT_TRUE(content->rewind());
    co_await writer.write("kept");
    co_await writer.close();
    auto all = co_await all_of(*content);
    EXPECT_EQ(all, "kept");
}
TEST(http_content, a_cancelled_read_of_a_stream_loses_nothing) { in_loop(cancelled_stream()); }

task<> cancelled_files() {
    const temporary_directory directory;
    put(directory / "data", "content");
    EXPECT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
    {
        auto never_started = http::file_content(directory / "data");
        http::multipart form;
        auto neither = form.add_file("x", directory / "data");
        EXPECT_EQ(form.size(), form.boundary().size() + 6);
    }
    // The FIFO has no writer: opening it waits.
    auto content = co_await http::file_content(directory / "fifo", "x/y");
    for (int i = 0; i < 2; ++i) {
        auto late = co_await (timeout(1ms, content->read()) | as_result);
        EXPECT_FALSE(late.has_value());
        EXPECT_TRUE(content->rewind());
    }
    http::multipart form;
    co_await form.add_file("fifo", directory / "fifo");
    EXPECT_EQ(form.size(), std::nullopt);
    auto head = co_await form.read();
    EXPECT_TRUE(head && head->starts_with("--leat-"));
    auto late = co_await (timeout(1ms, form.read()) | as_result);
    EXPECT_FALSE(late.has_value());
    {
        task_group group;
        group.spawn([](http::content& from) -> task<> { (void)co_await from.read(); }(form));
        co_await testing::settle();
        // The group goes, and the task with it while it waits.
    }
    // Whoever was cancelled may go on where it was.
    auto writer = [](std::string name) -> task<> {
        auto out = co_await open(name, "w");
        co_await out.write("at last");
        co_await out.close();
    };
    task_group group;
    group.spawn(writer(directory / "fifo"));
    auto rest = co_await all_of(form);
    co_await group.join();
    EXPECT_EQ(rest, "at last\r\n--" + std::string{form.boundary()} + "--\r\n");
}
TEST(http_content, reads_of_files_may_be_cancelled_and_dropped) { in_loop(cancelled_files()); }

// ---- forms

TEST(http_form, is_written_as_browsers_do) {
    EXPECT_EQ(http::form_text("a", "b c", "&=", std::string{"~*-._"}, "\xC3\xA9", "", "", "1\r\n2+3"), "a=b+c&%26%3D=%7E*-._&%C3%A9=&=1%0D%0A2%2B3");
    EXPECT_EQ(http::form_text(), "");
    const std::vector<http::form_field> fields{{"x", "1"}, {"x", "2"}};
    EXPECT_EQ(http::form_text(fields), "x=1&x=2");
    EXPECT_EQ(http::form_type, "application/x-www-form-urlencoded");
}

task<> whole_form() {
    const temporary_directory directory;
    put(directory / "a \"b\"\n.txt", "file content");
    put(directory / "empty", "");
    http::multipart form;
    form.add_field("plain", "value");
    form.add_field("na\"me\r\n", "two\r\nlines");
    co_await form.add_file("file", directory / "a \"b\"\n.txt");
    co_await form.add_file("second", directory / "empty", "gr\xC3\xBC\xC3\x9F.bin", "x/y");
    form.add_content("json", http::text_content("{}", "application/json"));
    form.add_content("named", http::text_content("bytes"), "bytes.bin");
    form.add_field("last", "");
    const std::string b{form.boundary()};
    EXPECT_THAT(b, MatchesRegex("leat-[0-9a-f]{32}"));
    EXPECT_EQ(form.type(), "multipart/form-data; boundary=" + b);
    const std::string expected = "--" + b + "\r\nContent-Disposition: form-data; name=\"plain\"\r\n\r\nvalue\r\n" +                      //
                                 "--" + b + "\r\nContent-Disposition: form-data; name=\"na%22me%0D%0A\"\r\n\r\ntwo\r\nlines\r\n" +      //
                                 "--" + b + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22b%22%0A.txt\"\r\n" +    //
                                 "Content-Type: text/plain; charset=utf-8\r\n\r\nfile content\r\n" +                                    //
                                 "--" + b + "\r\nContent-Disposition: form-data; name=\"second\"; filename=\"gr\xC3\xBC\xC3\x9F.bin\"\r\n" +  //
                                 "Content-Type: x/y\r\n\r\n\r\n" +                                                                      //
                                 "--" + b + "\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n{}\r\n" +
                                 "--" + b + "\r\nContent-Disposition: form-data; name=\"named\"; filename=\"bytes.bin\"\r\n\r\nbytes\r\n" +
                                 "--" + b + "\r\nContent-Disposition: form-data; name=\"last\"\r\n\r\n\r\n" +                           //
                                 "--" + b + "--\r\n";
    EXPECT_EQ(form.size(), expected.size());
    for (int i = 0; i < 2; ++i) {
        auto all = co_await all_of(form);
        EXPECT_EQ(all, expected);
        auto again = co_await form.read();
        EXPECT_FALSE(again.has_value());
        EXPECT_TRUE(form.rewind());
    }
}
TEST(http_multipart, sends_fields_and_files_as_browsers_do_and_again_when_it_is_rewound) { in_loop(whole_form()); }

task<> form_with_a_stream() {
    auto [reader, writer] = open_pipe();
    co_await writer.write("streamed");
    co_await writer.close();
    http::multipart form;
    form.add_content("stream", http::stream_content(std::move(reader)), "s.bin");
    EXPECT_EQ(form.size(), std::nullopt);
    EXPECT_TRUE(form.rewind());
    http::multipart moved{std::move(form)};
    auto all = co_await all_of(moved);
    EXPECT_THAT(all, HasSubstr("\r\n\r\nstreamed\r\n--"));
    EXPECT_FALSE(moved.rewind());
}
TEST(http_multipart, knows_no_size_and_no_way_back_if_a_part_does_not) { in_loop(form_with_a_stream()); }

task<> form_that_is_misused() {
    http::multipart form;
    EXPECT_THAT(thrown_by([&] { form.add_content("x", http::text_content("x", "a/b\r\nX: y")); }), HasSubstr("line break"));
    EXPECT_THAT(thrown_by([&] { (void)form.add_file("x", "/dev/null", "x", "a/b\nX: y"); }), HasSubstr("line break"));
    EXPECT_THAT(thrown_by([&] { form.add_content("x", nullptr); }), HasSubstr("without content"));
    const temporary_directory directory;
    auto missing = co_await (form.add_file("x", directory / "missing") | as_result);
    EXPECT_FALSE(missing.has_value());
    // Nothing of that was added.
    auto all = co_await all_of(form);
    EXPECT_EQ(all, "--" + std::string{form.boundary()} + "--\r\n");
    EXPECT_THAT(thrown_by([&] { form.add_field("late", "x"); }), HasSubstr("while it is sent"));
    EXPECT_TRUE(form.rewind());
    form.add_field("now", "x");
}
TEST(http_multipart, refuses_what_would_break_it) { in_loop(form_that_is_misused()); }

TEST(http_multipart, no_two_have_one_boundary) {
    const http::multipart one, other;
    EXPECT_NE(one.boundary(), other.boundary());
}

}  // namespace
}  // namespace leat
