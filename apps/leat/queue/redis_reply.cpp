#include "queue/redis_reply.hpp"

#include <fmt/format.h>
#include <hiredis/read.h>

#include <charconv>
#include <new>

#include "leat/log/printable.hpp"

namespace tool::redis {
namespace {

std::string_view name_of(reply::kind what) {
    switch (what) {
        case reply::kind::nil: return "nothing";
        case reply::kind::status: return "a status";
        case reply::kind::text: return "a text";
        case reply::kind::integer: return "a number";
        case reply::kind::error: return "an error";
        case reply::kind::array: return "a list";
    }
    return "something else";
}

[[noreturn]] void mismatch(std::string_view expected, const reply& found) {
    if (found.is_error()) throw protocol_error(leat::printable(found.text(), 200));
    throw protocol_error(fmt::format("the reply is {} where {} was expected", name_of(found.what()), expected));
}

constexpr std::size_t element_cost = 64;

}  // namespace

const std::string& reply::text() const {
    if (kind_ != kind::text && kind_ != kind::status && kind_ != kind::error) mismatch("a text", *this);
    return text_;
}

long long reply::integer() const {
    if (kind_ == kind::integer) return integer_;
    long long value = 0;
    if (kind_ != kind::text) mismatch("a number", *this);
    const auto [end, ec] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (ec != std::errc{} || end != text_.data() + text_.size()) mismatch("a number", *this);
    return value;
}

const std::vector<reply>& reply::elements() const {
    if (kind_ != kind::array && kind_ != kind::nil) mismatch("a list", *this);
    return elements_;
}

const reply& reply::at(std::size_t index) const {
    const auto& all = elements();
    if (index >= all.size()) throw protocol_error(fmt::format("the reply has {} elements where more were expected", all.size()));
    return all[index];
}

const reply* reply::value_of(std::string_view name) const {
    const auto& all = elements();
    for (std::size_t i = 0; i + 1 < all.size(); i += 2)
        if (all[i].text() == name) return &all[i + 1];
    return nullptr;
}

struct reply_parser::state {
    redisReader* reader = nullptr;
    std::size_t limit = 0;
    std::size_t used = 0;  // by the reply that is being made
    bool too_large = false;

    ~state() {
        if (reader) redisReaderFree(reader);
    }
};

/// The callbacks. hiredis makes an array's elements in their order and each of them whole before the next, so that an element may move when
/// the next one is appended: nothing points at it any more. A null pointer is an error to hiredis, and no exception may pass through it.
struct reply_maker {
    static reply* place(const redisReadTask* task, std::size_t bytes) noexcept {
        auto& of = *static_cast<reply_parser::state*>(task->privdata);
        of.used += bytes + element_cost;
        if (of.used > of.limit) {
            of.too_large = true;
            return nullptr;
        }
        try {
            if (!task->parent) return new reply;
            return &static_cast<reply*>(task->parent->obj)->elements_.emplace_back();
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }
    static void* text(const redisReadTask* task, char* text, std::size_t length) noexcept {
        reply* made = place(task, length);
        if (!made) return nullptr;
        made->kind_ = task->type == REDIS_REPLY_ERROR    ? reply::kind::error
                      : task->type == REDIS_REPLY_STATUS ? reply::kind::status
                                                         : reply::kind::text;
        try {
            made->text_.assign(text, length);
        } catch (const std::bad_alloc&) {
            return give_up(task, made);
        }
        return made;
    }
    static void* array(const redisReadTask* task, int elements) noexcept {
        // Their room is taken as they come: a length alone, which is all that a liar has to send, costs nothing.
        if (elements < 0) return nullptr;
        reply* made = place(task, 0);
        if (made) made->kind_ = reply::kind::array;
        return made;
    }
    static void* integer(const redisReadTask* task, long long value) noexcept {
        reply* made = place(task, 0);
        if (!made) return nullptr;
        made->kind_ = reply::kind::integer;
        made->integer_ = value;
        return made;
    }
    static void* nil(const redisReadTask* task) noexcept { return place(task, 0); }
    static void* give_up(const redisReadTask* task, reply* made) noexcept {
        if (!task->parent) delete made;
        return nullptr;
    }
    /// Only ever called for a whole reply.
    static void destroy(void* made) noexcept { delete static_cast<reply*>(made); }

    static constexpr redisReplyObjectFunctions functions{text, array, integer, nil, destroy};
};

reply_parser::reply_parser(std::size_t limit) : state_(std::make_unique<state>()) {
    state_->limit = limit;
    // The reader keeps the table's address and never writes to it.
    state_->reader = redisReaderCreateWithFunctions(const_cast<redisReplyObjectFunctions*>(&reply_maker::functions));
    if (!state_->reader) throw std::bad_alloc{};
    state_->reader->privdata = state_.get();
}
reply_parser::reply_parser(reply_parser&&) noexcept = default;
reply_parser& reply_parser::operator=(reply_parser&&) noexcept = default;
reply_parser::~reply_parser() = default;

void reply_parser::feed(std::string_view bytes) {
    if (redisReaderFeed(state_->reader, bytes.data(), bytes.size()) != REDIS_OK) throw protocol_error("no memory for a reply");
}

std::optional<reply> reply_parser::next() {
    void* made = nullptr;
    const int status = redisReaderGetReply(state_->reader, &made);
    const std::unique_ptr<reply> whole(static_cast<reply*>(made));
    // What a text has yet to bring is in the reader's buffer, not in the reply.
    if (state_->too_large || (!whole && state_->reader->len - state_->reader->pos > state_->limit))
        throw protocol_error(fmt::format("a reply is larger than {} bytes", state_->limit));
    if (status != REDIS_OK) throw protocol_error(fmt::format("what came is no reply: {}", state_->reader->errstr));
    if (!whole) return std::nullopt;
    state_->used = 0;
    return std::move(*whole);
}

bool reply_parser::idle() const noexcept {
    const redisReader& reader = *state_->reader;
    const bool begun = reader.ridx > 0 || (reader.ridx == 0 && reader.rstack[0].type >= 0);
    return reader.len == reader.pos && !begun;
}

}  // namespace tool::redis
