#include "leat/download/metalink.hpp"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>
#include <stdexcept>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "download/hasher.hpp"
#include "http/ascii.hpp"
#include "http/safe_name.hpp"
#include "leat/log/printable.hpp"

namespace leat {
namespace {

namespace ascii = http::ascii;

constexpr std::size_t longest_document = 16 * 1024 * 1024;
constexpr std::size_t most_files = 100'000;
constexpr unsigned lowest_priority = 1'000'000;  // below all that can be given

std::invalid_argument refusal(const std::string& why) { return std::invalid_argument("metalink: " + why); }

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The elements of Metalink, whatever prefix its namespace has in this document.
class vocabulary {
public:
    explicit vocabulary(const pugi::xml_node& root) {
        const std::string_view name = root.name();
        const auto colon = name.find(':');
        if (colon != std::string_view::npos) prefix_ = name.substr(0, colon + 1);
        if (name.substr(prefix_.size()) != "metalink") throw refusal("the document is none, it begins with <" + printable(name, 100) + ">");
        const std::string declared = prefix_.empty() ? "xmlns" : "xmlns:" + prefix_.substr(0, prefix_.size() - 1);
        const std::string_view space = root.attribute(declared.c_str()).value(), version = root.attribute("version").value();
        if (space == "http://www.metalinker.org/" || version.starts_with("3")) throw refusal("version 3 is not read, only version 4 (RFC 5854)");
        if (space != "urn:ietf:params:xml:ns:metalink") throw refusal("the namespace is not that of version 4 (RFC 5854)");
    }
    bool is(const pugi::xml_node& node, std::string_view name) const {
        const std::string_view whole = node.name();
        return whole.size() == prefix_.size() + name.size() && whole.starts_with(prefix_) && whole.ends_with(name);
    }

private:
    std::string prefix_;  // with its colon
};

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Its directories stay, as long as they lead downwards.
std::string safe_name(std::string_view text) {
    const auto refuse = [&](const char* why) { return refusal("the name '" + printable(text, 200) + "' " + why); };
    if (text.empty()) throw refusal("a file has no name");
    if (text.size() > 4000) throw refuse("is too long");
    if (text.starts_with('/')) throw refuse("is absolute");
    if (text.ends_with('/')) throw refuse("is that of a directory");
    std::string name;
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = std::min(rest.find('/'), rest.size());
        const std::string_view component = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (component == "..") throw refuse("leads out of its directory");
        if (component.empty() || component == ".") continue;
        if (!name.empty()) name += '/';
        name += http::safe_visible_component(component);
    }
    if (name.empty()) throw refuse("is that of a directory");
    return name;
}

bool is_fetchable(std::string_view url) {
    const auto begins = [&](std::string_view scheme) { return url.size() > scheme.size() && ascii::equal(url.substr(0, scheme.size()), scheme); };
    return begins("http://") || begins("https://");
}

class file_reader {
public:
    file_reader(const vocabulary& words, const pugi::xml_node& file) : name_(safe_name(file.attribute("name").value())) {
        for (const pugi::xml_node& each : file.children()) {
            const std::string_view text = trimmed(each.child_value());
            if (words.is(each, "size")) take_size(text);
            if (words.is(each, "hash")) take_hash(each.attribute("type").value(), text);
            if (words.is(each, "url") && is_fetchable(text)) take_url(each.attribute("priority").value(), text);
        }
        if (!digest_) throw wrong("has no hash of a kind that is known here");
        if (urls_.empty()) throw wrong("has no http or https URL");
        std::sort(urls_.begin(), urls_.end(), [](const source& a, const source& b) { return std::tie(a.priority, a.place) < std::tie(b.priority, b.place); });
    }
    const std::string& name() const noexcept { return name_; }
    download_item item() const {
        item_options options;
        options.checksum = digest_->to_string();
        options.size = size_;
        for (std::size_t i = 1; i < urls_.size(); ++i) options.mirrors.push_back(urls_[i].url);
        return {urls_.front().url, name_, std::make_shared<const item_options>(std::move(options))};
    }

private:
    std::invalid_argument wrong(const std::string& what) const { return refusal("the file '" + printable(name_, 200) + "' " + what); }
    void take_size(std::string_view text) {
        const auto size = number_in<std::uint64_t>(text);
        if (!size || (size_ && *size_ != *size)) throw wrong("has a size that is none, or two: '" + printable(text, 100) + "'");
        size_ = size;
    }
    void take_hash(std::string_view type, std::string_view text) {
        constexpr std::string_view known[] = {"md5", "sha-1", "sha-224", "sha-256", "sha-384", "sha-512"};  // the better the later
        const auto found = std::find_if(std::begin(known), std::end(known), [&](std::string_view each) { return ascii::equal(each, type); });
        if (found == std::end(known)) return;
        try {
            auto digest = detail::expected_digest::parse(std::string{type} + ":" + std::string{text});
            if (!digest_ || digest.value.size() > digest_->value.size()) digest_ = std::move(digest);
        } catch (const std::invalid_argument& e) {
            throw wrong(std::string{"has a wrong hash: "} + e.what());
        }
    }
    void take_url(std::string_view priority, std::string_view url) {
        const auto given = number_in<unsigned>(trimmed(priority));
        urls_.push_back({given && *given > 0 && *given < lowest_priority ? *given : lowest_priority, urls_.size(), std::string{url}});
    }

    std::string name_;
    std::optional<std::uint64_t> size_;
    std::optional<detail::expected_digest> digest_;
    struct source {
        unsigned priority;
        std::size_t place;  // in the document, which decides among equals
        std::string url;
    };
    std::vector<source> urls_;
};

}  // namespace

std::vector<download_item> parse_metalink(std::string_view document) {
    if (document.size() > longest_document) throw refusal("the document is larger than 16 MiB");
    pugi::xml_document tree;
    // It knows the five entities of XML and no others; a document type is only looked for, to be refused.
    const auto parsed = tree.load_buffer(document.data(), document.size(), pugi::parse_default | pugi::parse_doctype);
    if (!parsed) throw refusal("not XML at byte " + std::to_string(parsed.offset) + ": " + parsed.description());
    for (const pugi::xml_node& each : tree.children())
        if (each.type() == pugi::node_doctype) throw refusal("a document type (DTD) is not accepted");
    const pugi::xml_node root = tree.document_element();
    const vocabulary words{root};
    std::vector<download_item> items;
    std::unordered_set<std::string> names;
    for (const pugi::xml_node& each : root.children()) {
        if (!words.is(each, "file")) continue;
        if (items.size() == most_files) throw refusal("more than 100000 files");
        const file_reader file{words, each};
        if (!names.insert(file.name()).second) throw refusal("two files are called '" + printable(file.name(), 200) + "'");
        items.push_back(file.item());
    }
    if (items.empty()) throw refusal("no files");
    return items;
}

}  // namespace leat
