#include "input/input.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace {

using leat::download_item;
using leat::existing_file;

/// The text of what is thrown; empty if nothing is.
template <class Callable>
std::string thrown_by(Callable work) {
    try {
        work();
    } catch (const std::exception& e) {
        return e.what();
    }
    return {};
}

std::vector<download_item> drain(tool::input_reader& from) {
    std::vector<download_item> items;
    while (auto item = from.next()) items.push_back(std::move(*item));
    return items;
}

std::vector<download_item> read(const std::string& text, tool::input_options options = {}, std::vector<std::string>* warnings = nullptr) {
    tool::input_reader reader{options};
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
        reader.feed(std::string_view{text}.substr(at, end - at));
        at = end;
    }
    reader.finish();
    if (warnings) *warnings = reader.take_warnings();
    return drain(reader);
}

std::vector<std::string> expand(const std::string& text) {
    std::vector<std::string> all;
    tool::url_pattern pattern{text};
    while (auto each = pattern.next()) all.push_back(*each);
    EXPECT_EQ(all.size(), pattern.size());
    EXPECT_FALSE(pattern.next());
    return all;
}

using texts = std::vector<std::string>;

// --- quantities ------------------------------------------------------------------------------------------------------------

TEST(quantity, sizes_with_their_units) {
    EXPECT_EQ(tool::parse_size("0"), 0u);
    EXPECT_EQ(tool::parse_size("512"), 512u);
    EXPECT_EQ(tool::parse_size("512B"), 512u);
    EXPECT_EQ(tool::parse_size(" 10K "), 10240u);
    EXPECT_EQ(tool::parse_size("10k"), 10240u);
    EXPECT_EQ(tool::parse_size("10Ki"), 10240u);
    EXPECT_EQ(tool::parse_size("10 KiB"), 10240u);
    EXPECT_EQ(tool::parse_size("10kB"), 10000u);
    EXPECT_EQ(tool::parse_size("1.5M"), 1572864u);
    EXPECT_EQ(tool::parse_size(".5m"), 524288u);
    EXPECT_EQ(tool::parse_size("2G"), 2147483648u);
    EXPECT_EQ(tool::parse_size("1T"), 1099511627776u);
    EXPECT_EQ(tool::parse_size("1P"), 1125899906842624u);
    EXPECT_EQ(tool::parse_size("0.1"), 0u);
    EXPECT_EQ(tool::parse_size("18446744073709551615"), UINT64_MAX);
    for (const char* text : {"", " ", "K", ".", "-1", "+1", "1e3", "1X", "1KK", "1KBs", "1.2.3", "0x10", "18446744073709551616", "99999999P", "1 0"})
        EXPECT_NE(thrown_by([&] { tool::parse_size(text); }).find("is not a size"), std::string::npos) << text;
}

TEST(quantity, rates) {
    EXPECT_EQ(tool::parse_rate("2M"), 2097152u);
    EXPECT_EQ(tool::parse_rate("2M/s"), 2097152u);
    EXPECT_EQ(tool::parse_rate("100KB/s"), 100000u);
    EXPECT_EQ(tool::parse_rate("0"), 0u);
    EXPECT_EQ(thrown_by([] { tool::parse_rate("2M/h"); }), "'2M/h' is not a rate like 500K or 2M/s");
}

TEST(quantity, durations) {
    EXPECT_EQ(tool::parse_duration("30"), 30s);
    EXPECT_EQ(tool::parse_duration("0.5"), 500ms);
    EXPECT_EQ(tool::parse_duration("500ms"), 500ms);
    EXPECT_EQ(tool::parse_duration("1h30m"), 90min);
    EXPECT_EQ(tool::parse_duration("1.5h"), 90min);
    EXPECT_EQ(tool::parse_duration("5min"), 5min);
    EXPECT_EQ(tool::parse_duration("1d2h3m4s5ms"), 26h + 3min + 4s + 5ms);
    EXPECT_EQ(tool::parse_duration("0"), 0s);
    for (const char* text : {"", "s", "-1", "1x", "1h30", "30m1h", "1s1s", "99999999999", "1e5"})
        EXPECT_NE(thrown_by([&] { tool::parse_duration(text); }), "") << text;
}

// --- patterns --------------------------------------------------------------------------------------------------------------

TEST(pattern, ranges_of_numbers_keep_their_width) {
    EXPECT_EQ(expand("a[8-11]b"), (texts{"a8b", "a9b", "a10b", "a11b"}));
    EXPECT_EQ(expand("[008-010]"), (texts{"008", "009", "010"}));
    EXPECT_EQ(expand("[0-2]"), (texts{"0", "1", "2"}));
    EXPECT_EQ(expand("[0-100:50]"), (texts{"0", "50", "100"}));
    EXPECT_EQ(expand("[0-99:50]"), (texts{"0", "50"}));
    EXPECT_EQ(expand("[5-5]"), (texts{"5"}));
}

TEST(pattern, letters_and_alternatives) {
    EXPECT_EQ(expand("[a-e:2]"), (texts{"a", "c", "e"}));
    EXPECT_EQ(expand("[X-Z]"), (texts{"X", "Y", "Z"}));
    EXPECT_EQ(expand("x{one,,three}y"), (texts{"xoney", "xy", "xthreey"}));
    EXPECT_EQ(expand("{a\\,b,c\\}}"), (texts{"a,b", "c}"}));
}

TEST(pattern, the_last_one_varies_fastest) {
    EXPECT_EQ(expand("{a,b}[1-2]{x,y}"), (texts{"a1x", "a1y", "a2x", "a2y", "b1x", "b1y", "b2x", "b2y"}));
}

TEST(pattern, brackets_that_are_none) {
    EXPECT_EQ(expand("http://[::1]:80/[1-2]"), (texts{"http://[::1]:80/1", "http://[::1]:80/2"}));
    EXPECT_EQ(expand("http://u:p@[fe80::1%25eth-0]/"), (texts{"http://u:p@[fe80::1%25eth-0]/"}));
    EXPECT_EQ(expand("http://h/?a[]=1"), (texts{"http://h/?a[]=1"}));
    EXPECT_EQ(expand("a\\[1-2\\]\\{b\\}\\\\c\\d"), (texts{"a[1-2]{b}\\c\\d"}));
    EXPECT_EQ(expand("plain"), (texts{"plain"}));
    EXPECT_TRUE(tool::url_pattern{"plain"}.plain());
    EXPECT_EQ(expand(""), (texts{""}));
}

TEST(pattern, what_makes_no_sense_is_refused) {
    for (const char* text : {"[1-2", "1-2]", "{a,b", "a}", "{a,{b}}", "[5-1]", "[a-5]", "[a-Z]", "[1]", "[1-2:0]", "[1-2:]", "[-]", "[1-2-3]", "{}", "[1234567890123456789012-2]"})
        EXPECT_TRUE(thrown_by([&] { tool::url_pattern{text}; }).starts_with("column ")) << text;
    EXPECT_TRUE(thrown_by([] { tool::url_pattern{"ab[5-1]"}; }).starts_with("column 3: '[5-1]' is no range"));
}

TEST(pattern, there_is_a_limit_and_nothing_is_made_ahead) {
    EXPECT_EQ(thrown_by([] { tool::url_pattern{"[1-1000000]"}; }), "");
    EXPECT_NE(thrown_by([] { tool::url_pattern{"[0-1000000]"}; }).find("more than 1000000"), std::string::npos);
    EXPECT_NE(thrown_by([] { tool::url_pattern{"[1-1000][1-1000][1-2]"}; }), "");
    EXPECT_NE(thrown_by([] { tool::url_pattern{"[0-999999999999999999][0-999999999999999999]"}; }), "");
    tool::url_pattern many{"[1-1000][001-1000]"};
    std::string last;
    std::size_t count = 0;
    while (auto each = many.next()) last = std::move(*each), ++count;
    EXPECT_EQ(count, 1'000'000u);
    EXPECT_EQ(last, "10001000");
}

TEST(pattern, numbers_in_a_name_are_what_patterns_stood_for) {
    tool::url_pattern pattern{"{a,b}/[01-02]"};
    pattern.next();
    pattern.next();
    EXPECT_EQ(pattern.substitute("#1-#2.txt"), "a-02.txt");
    EXPECT_EQ(pattern.substitute("#3 # #x ##1 #0"), "#3 # #x #a #0");
}

// --- lists -------------------------------------------------------------------------------------------------------------------

TEST(input, a_plain_list) {
    const auto items = read("\xEF\xBB\xBF# a comment\nhttp://h/a\r\n\n  \nhttp://h/b[1-2]  \n#http://h/c\nhttp://h/d");
    ASSERT_EQ(items.size(), 3u);
    EXPECT_EQ(items[0].url, "http://h/a");
    EXPECT_EQ(items[1].url, "http://h/b[1-2]") << "not asked for";
    EXPECT_EQ(items[2].url, "http://h/d");
    EXPECT_EQ(items[0].name, "");
    EXPECT_EQ(items[0].options, nullptr);
}

TEST(input, a_list_in_utf_16_is_refused_once_and_says_why) {
    for (const std::string& text : {std::string{"\xFF\xFEh\0t\0\n\0t\0", 10}, std::string{"\xFE\xFF\0h\0\n\0t", 8}}) {
        tool::input_reader reader{{.source = "list"}};
        const auto end = text.find('\n') + 1;
        EXPECT_EQ(thrown_by([&] { reader.feed(text.substr(0, end)); }), "list:1: this is a text in UTF-16; it has to be in UTF-8");
        EXPECT_EQ(thrown_by([&] { reader.feed(text.substr(end)); }), "");
        reader.finish();
        EXPECT_TRUE(drain(reader).empty());
    }
}

TEST(input, a_plain_url_may_still_get_options_and_mirrors) {
    const auto items = read("http://h/a\nhttp://h/b\n  out=c\nhttp://h/d\thttp://m/d\nhttp://h/e\n");
    ASSERT_EQ(items.size(), 4u);
    EXPECT_EQ(items[0].url, "http://h/a");
    EXPECT_EQ(items[1].url, "http://h/b");
    EXPECT_EQ(items[1].name, "c");
    EXPECT_EQ(items[2].options->mirrors, (texts{"http://m/d"}));
    EXPECT_EQ(items[3].url, "http://h/e");
    EXPECT_EQ(items[3].options, nullptr);
}

TEST(input, an_input_file_of_aria2s) {
    std::vector<std::string> warnings;
    const auto items = read(
        "# aria2c -i this\n"
        "http://a/x.iso\thttp://b/x.iso\t\thttps://c/x.iso\n"
        "  dir=/iso/images\n"
        "  out=sub/x.iso\n"
        "\n"
        "  checksum=SHA-256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF\n"
        "# in between\n"
        "\theader=X-One: 1\n"
        "\theader=X-Two:2 = two\n"
        "  referer=http://from/\n"
        "  user-agent=test/1\n"
        "  http-user=me\n"
        "  http-passwd=a=b\n"
        "  max-download-limit=1M\n"
        "  split=8\n"
        "  max-connection-per-server=4\n"
        "  continue=true\n"
        "  gid=0123456789abcdef\n"
        "  allow-overwrite=false\n"
        "http://a/y\n"
        "  seed-ratio=1.0\n"
        "  conditional-get=true\n"
        "  allow-overwrite=true\n"
        "http://a/z\n"
        "  auto-file-renaming=false\n"
        "http://a/plain\n",
        {.source = "list.txt"}, &warnings);
    ASSERT_EQ(items.size(), 4u);
    const auto& first = *items[0].options;
    EXPECT_EQ(items[0].url, "http://a/x.iso");
    EXPECT_EQ(first.mirrors, (texts{"http://b/x.iso", "https://c/x.iso"}));
    EXPECT_EQ(items[0].name, "sub/x.iso");
    EXPECT_EQ(first.directory, "/iso/images");
    EXPECT_EQ(first.checksum, "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    EXPECT_EQ(first.headers.get("x-one"), "1");
    EXPECT_EQ(first.headers.get("X-Two"), "2 = two");
    EXPECT_EQ(first.headers.get("Referer"), "http://from/");
    EXPECT_EQ(first.headers.get("User-Agent"), "test/1");
    EXPECT_EQ(first.user, "me");
    EXPECT_EQ(first.password, "a=b");
    EXPECT_EQ(first.max_rate, 1048576u);
    EXPECT_EQ(first.segments, 4u);
    EXPECT_EQ(first.existing, existing_file::fail);
    EXPECT_EQ(items[1].options->existing, existing_file::if_newer);
    EXPECT_EQ(items[2].options->existing, existing_file::fail);
    EXPECT_EQ(items[3].options, nullptr);
    EXPECT_EQ(warnings, (texts{"list.txt:21: the option 'seed-ratio' is ignored"}));
}

TEST(input, a_wrong_option_loses_its_file_and_no_other) {
    tool::input_reader reader{{.source = "list"}};
    reader.feed("http://h/a");
    reader.feed("http://h/b");
    EXPECT_EQ(thrown_by([&] { reader.feed("  checksum=sha-256=12"); }), "list:3: checksum: checksum 'sha-256=12': not of that algorithm's length");
    reader.feed("  out=b");  // of the lost one
    reader.feed("http://h/c");
    EXPECT_NE(thrown_by([&] { reader.feed("  split=0"); }), "");
    EXPECT_NE(thrown_by([&] { reader.feed(std::string(tool::input_reader::longest_line + 1, 'x')); }), "");
    reader.feed("http://h/d");
    for (const char* line : {"  max-download-limit=x", "  header=none", "  header=a b: c", "  allow-overwrite=maybe", "  http://h/indented?a=b", "  nonsense"}) {
        reader.feed("http://h/lost");
        EXPECT_NE(thrown_by([&] { reader.feed(line); }), "") << line;
    }
    reader.finish();
    const auto items = drain(reader);
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].url, "http://h/a");
    EXPECT_EQ(items[1].url, "http://h/d");
    EXPECT_EQ(thrown_by([] { read("  out=x\n"); }), "input:1: an option without a URL before it; in a pipe that stays open an entry has to be written at once");
}

TEST(input, an_entry_is_complete_when_the_next_begins) {
    tool::input_reader reader;
    reader.feed("http://h/a\n");
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.open());
    reader.feed("\n");
    reader.idle();  // means nothing in a file
    EXPECT_FALSE(reader.next());
    reader.feed("  out=name\n");
    reader.feed("http://h/b\n");
    EXPECT_EQ(reader.next()->name, "name");
    EXPECT_FALSE(reader.next());
    reader.finish();
    EXPECT_EQ(reader.next()->url, "http://h/b");
    EXPECT_FALSE(reader.open());
    EXPECT_EQ(reader.line(), 4u);
}

TEST(input, in_a_live_input_an_empty_line_or_a_pause_completes_an_entry) {
    tool::input_reader reader{{.live = true}};
    reader.feed("http://h/a\n");
    reader.feed("  out=name\n");
    EXPECT_FALSE(reader.next());
    reader.feed("\n");
    EXPECT_EQ(reader.next()->name, "name");
    EXPECT_NE(thrown_by([&] { reader.feed("  out=late\n"); }), "");
    reader.feed("http://h/b\n");
    EXPECT_TRUE(reader.open());
    reader.idle();
    EXPECT_EQ(reader.next()->url, "http://h/b");
    EXPECT_FALSE(reader.open());
    EXPECT_NE(thrown_by([&] { reader.feed("  checksum=md5=d41d8cd98f00b204e9800998ecf8427e\n"); }), "") << "must not get lost silently";
    reader.idle();
    EXPECT_FALSE(reader.next());
}

TEST(input, patterns_in_lists_where_they_are_asked_for) {
    const auto items = read(
        "http://h/[1-2].{a,b}\n"
        "  out=f#1-#2\n"
        "  dir=d\n"
        "http://a/[1-2]\thttp://b/[3-4]\n"
        "http://h/plain\\[1\\]\thttp://m/plain\n",
        {.patterns = true});
    ASSERT_EQ(items.size(), 7u);
    EXPECT_EQ(items[1].url, "http://h/1.b");
    EXPECT_EQ(items[1].name, "f1-b");
    EXPECT_EQ(items[1].options, items[0].options) << "shared";
    EXPECT_EQ(items[0].options->directory, "d");
    EXPECT_EQ(items[5].url, "http://a/2");
    EXPECT_EQ(items[5].options->mirrors, (texts{"http://b/4"}));
    EXPECT_EQ(items[6].url, "http://h/plain[1]");
    EXPECT_EQ(items[6].options->mirrors, (texts{"http://m/plain"}));
    tool::input_reader reader{{.source = "l", .patterns = true}};
    EXPECT_TRUE(thrown_by([&] { reader.feed("http://h/[3-1]"); }).starts_with("l:1: column 10: "));
    EXPECT_NE(thrown_by([&] { reader.feed("http://h/[1-3]\thttp://m/x"); }), "");
    reader.feed("http://h/[1-3]");
    EXPECT_NE(thrown_by([&] { reader.feed("  out=same"); }), "");
}

// --- JSON --------------------------------------------------------------------------------------------------------------------

TEST(input, json_lines) {
    std::vector<std::string> warnings;
    const auto objects = read(
        "{\"url\": \"http://h/a\"}\n\n# comment\n"
        "{\"urls\": [\"http://h/b\", \"http://m/b\"], \"name\": \"b.bin\", \"dir\": \"d\", \"checksum\": \"md5:D41D8CD98F00B204E9800998ECF8427E\", \"size\": 18446744073709551615, "
        "\"headers\": {\"A\": \"1\", \"B\": [\"2\", \"3\"]}, \"user\": \"u\", \"password\": \"p\", \"max_rate\": \"1M\", \"segments\": 3, \"existing\": \"skip\", \"comment\": 1}\n"
        "{\"url\": \"http://h/c\", \"urls\": [\"http://m/c\"], \"out\": \"c\", \"max_rate\": 5, \"dir\": null}\n",
        {.source = "in", .format = tool::input_format::json_lines}, &warnings);
    ASSERT_EQ(objects.size(), 3u);
    EXPECT_EQ(objects[0].url, "http://h/a");
    EXPECT_EQ(objects[0].options, nullptr);
    const auto& options = *objects[1].options;
    EXPECT_EQ(objects[1].url, "http://h/b");
    EXPECT_EQ(objects[1].name, "b.bin");
    EXPECT_EQ(options.mirrors, (texts{"http://m/b"}));
    EXPECT_EQ(options.directory, "d");
    EXPECT_EQ(options.checksum, "md5:d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(options.size, UINT64_MAX);
    EXPECT_EQ(options.headers.get("a"), "1");
    EXPECT_EQ(options.headers.get_all("b").size(), 2u);
    EXPECT_EQ(options.user, "u");
    EXPECT_EQ(options.password, "p");
    EXPECT_EQ(options.max_rate, 1048576u);
    EXPECT_EQ(options.segments, 3u);
    EXPECT_EQ(options.existing, existing_file::skip);
    EXPECT_EQ(objects[2].name, "c");
    EXPECT_EQ(objects[2].options->max_rate, 5u);
    EXPECT_EQ(objects[2].options->mirrors, (texts{"http://m/c"}));
    EXPECT_EQ(warnings, (texts{"in:4: the field 'comment' is not known and is ignored"}));
}

TEST(input, json_that_is_wrong_names_line_and_field) {
    tool::input_reader reader{{.source = "in", .format = tool::input_format::json_lines}};
    const auto refusal = [&](const char* line) { return thrown_by([&] { reader.feed(line); }); };
    EXPECT_EQ(refusal("{\"url\": "), "in:1: not JSON at column 8");
    EXPECT_EQ(refusal("[1]"), "in:2: not a JSON object");
    EXPECT_EQ(refusal("{}"), "in:3: neither 'url' nor 'urls'");
    EXPECT_EQ(refusal(R"({"url": 5})"), "in:4: the field 'url' has to be a string");
    EXPECT_EQ(refusal(R"({"url": "x", "size": -1})"), "in:5: the field 'size' has to be a number from 0");
    EXPECT_EQ(refusal(R"({"url": "x", "size": 1.5})"), "in:6: the field 'size' has to be a number from 0");
    EXPECT_EQ(refusal(R"({"url": "x", "checksum": "1"})"), "in:7: the field 'checksum' is wrong: checksum '1': neither ALGORITHM:HEX nor hexadecimal digits");
    EXPECT_EQ(refusal(R"({"url": "x", "existing": "maybe"})"), "in:8: the field 'existing' is wrong: 'maybe' is none of overwrite, skip, newer, fail");
    EXPECT_EQ(refusal(R"({"url": "x", "name": "a", "out": "b"})"), "in:9: the field 'out' is given twice, as 'name' and as 'out'");
    EXPECT_NE(refusal(R"({"url": "x", "headers": {"a b": "c"}})"), "");
    EXPECT_NE(refusal(R"({"url": "x", "headers": {"a": "c\r\nd"}})"), "");
    EXPECT_NE(refusal(R"({"url": "x", "headers": ["a"]})"), "");
    EXPECT_NE(refusal(R"({"url": "x", "size": 1e999})"), "");
    EXPECT_NE(refusal("{\"url\": \"\xff\"}"), "");
    EXPECT_NE(refusal(R"({"urls": "x"})"), "");
    EXPECT_NE(refusal((std::string(400'000, '[')).c_str()), "");
    reader.feed(R"({"url": "http://good"})");
    reader.finish();
    EXPECT_EQ(drain(reader).size(), 1u);
}

}  // namespace
