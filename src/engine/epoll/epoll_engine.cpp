#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <memory>
#include <new>
#include <vector>

#include "engine/engine.hpp"
#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t scratch_size = 64 * 1024;
constexpr int events_per_wait = 256;
constexpr int repeats_per_event = 64;  // accepts in a row before the other descriptors get their turn

}  // namespace

/// Level-triggered readiness, one system call an event. Interest in a descriptor is dropped lazily: when it turns out ready and
/// nobody asks, so that an operation that is started again and again costs no epoll_ctl.
class epoll_engine final : public engine {
public:
    epoll_engine() : scratch_(new char[scratch_size]), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0) throw error(errno, "epoll_create1", "event loop");
        try {
            for (auto* room : {&finished_, &delivering_}) room->reserve(events_per_wait);  // so that what finishes at once seldom needs memory
        } catch (...) {
            ::close(epoll_);
            throw;
        }
    }
    ~epoll_engine() override { ::close(epoll_); }

    void submit(operation& op) override {
        op.in_flight_ = true;
        op.cancelling_ = false;
        if (op.how_ == operation::waits_for::writable) {  // most sends and writes succeed at once
            completion done = op.attempt({scratch_.get(), scratch_size});
            if (done.result != -EAGAIN) return finish(op, done);
        }
        if (!make_room_for(op.fd_)) return finish(op, {.result = -ENOMEM});
        slot& at = slot_of(op.fd_);
        bool reads = op.how_ == operation::waits_for::readable;
        if (reads ? at.in : at.out) return finish(op, {.result = -EBUSY});  // one of each kind at a time
        (reads ? at.in : at.out) = &op;
        if (int failed = want(op.fd_, mask_of(op.fd_) | (reads ? EPOLLIN : EPOLLOUT)); failed != 0) {
            (reads ? at.in : at.out) = nullptr;
            finish(op, {.result = -failed});
        }
    }

    void cancel(operation& op) override {
        if (!op.in_flight_ || op.cancelling_) return;
        if (!is_known(op.fd_)) return;
        slot& at = slot_of(op.fd_);
        if (at.in == &op)
            at.in = nullptr;
        else if (at.out == &op)
            at.out = nullptr;
        else
            return;  // finished, and about to be told
        op.cancelling_ = true;
        finish(op, {.result = -ECANCELED});
    }

    void deliver_known() override {
        if (!finished_.empty()) deliver_finished();
    }

    void wait(duration timeout) override {
        if (!finished_.empty()) timeout = duration::zero();
        epoll_event events[events_per_wait];
        int count = poll(events, timeout);
        for (int i = 0; i < count; ++i) ready(events[i].data.fd, events[i].events);
        deliver_finished();
    }

    void close(int fd) noexcept override {
        clear(fd);
        ::close(fd);
    }
    void forget(int fd) noexcept override {
        if (is_known(fd) && mask_of(fd) != 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
        clear(fd);
    }

    std::string_view name() const noexcept override { return "epoll"; }
    bool runs_files() const noexcept override { return false; }

private:
    struct slot {
        operation* in = nullptr;
        operation* out = nullptr;
    };
    static constexpr std::size_t page_size = 256;
    struct page {
        std::array<slot, page_size> slots{};
        std::array<std::uint8_t, page_size> masks{};  // EPOLLIN and EPOLLOUT, as registered
    };
    struct finished {
        operation* op;
        completion done;
    };

    bool is_known(int fd) const noexcept { return static_cast<std::size_t>(fd) / page_size < pages_.size(); }
    bool make_room_for(int fd) noexcept {
        try {
            while (!is_known(fd)) pages_.push_back(std::make_unique<page>());
            return true;
        } catch (...) {
            return false;
        }
    }
    slot& slot_of(int fd) noexcept {
        return pages_[static_cast<std::size_t>(fd) / page_size]->slots[static_cast<std::size_t>(fd) % page_size];
    }
    std::uint8_t& mask_of(int fd) noexcept { return pages_[static_cast<std::size_t>(fd) / page_size]->masks[static_cast<std::size_t>(fd) % page_size]; }
    void clear(int fd) noexcept {
        if (is_known(fd)) slot_of(fd) = {}, mask_of(fd) = 0;
    }

    int want(int fd, unsigned mask) noexcept {
        if (mask_of(fd) == mask) return 0;
        epoll_event event{};
        event.events = mask;
        event.data.fd = fd;
        int call = mask == 0 ? EPOLL_CTL_DEL : mask_of(fd) == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        if (::epoll_ctl(epoll_, call, fd, &event) != 0 && mask != 0) return errno;
        mask_of(fd) = static_cast<std::uint8_t>(mask);
        return 0;
    }

    int poll(epoll_event* events, duration timeout) noexcept {
        if (timeout < duration::zero()) return ::epoll_wait(epoll_, events, events_per_wait, -1);
        if (timeout == duration::zero()) return ::epoll_wait(epoll_, events, events_per_wait, 0);
        if (precise_) {
            timespec limit{static_cast<time_t>(timeout.count() / 1'000'000'000), static_cast<long>(timeout.count() % 1'000'000'000)};
            auto count = static_cast<int>(::syscall(SYS_epoll_pwait2, epoll_, events, events_per_wait, &limit, nullptr, 0));
            if (count >= 0 || errno != ENOSYS) return count;
            precise_ = false;
        }
        auto milliseconds = (timeout.count() + 999'999) / 1'000'000;
        return ::epoll_wait(epoll_, events, events_per_wait, static_cast<int>(std::min<long long>(milliseconds, 3'600'000)));
    }

    void ready(int fd, unsigned events) {
        constexpr unsigned trouble = EPOLLHUP | EPOLLERR;
        unsigned unwanted = 0;
        if (events & (EPOLLIN | trouble)) {
            if (slot& at = slot_of(fd); at.in) run(fd, *at.in);
            else unwanted |= EPOLLIN;
        }
        if (events & (EPOLLOUT | trouble)) {
            if (slot& at = slot_of(fd); at.out) run(fd, *at.out);
            else unwanted |= EPOLLOUT;
        }
        // An operation that has just ended is often started again before the next wait: what it asked for is kept until it turns out idle.
        if (unwanted != 0 && mask_of(fd) != 0) want(fd, mask_of(fd) & ~unwanted);
    }

    void run(int fd, operation& op) {
        const auto kind = op.repeats();
        const bool reads = op.how_ == operation::waits_for::readable;
        for (int i = 0; i < repeats_per_event; ++i) {
            completion done = op.attempt({scratch_.get(), scratch_size});
            if (done.result == -EAGAIN) return;
            done.more = kind == operation::repetition::burst ? done.result >= 0
                                                             : kind == operation::repetition::each_event && done.result > 0;
            if (!done.more) {
                slot& at = slot_of(fd);
                (reads ? at.in : at.out) = nullptr;
                op.in_flight_ = false;
            }
            op.complete(done);  // which may cancel the operation, close the descriptor, or end the operation's life
            if (kind != operation::repetition::burst || slot_of(fd).in != &op) return;
        }
    }

    /// Grows before it is full: who submits or cancels cannot be told that there is no memory just now.
    void finish(operation& op, completion done) {
        constexpr std::size_t spare = 32;
        if (finished_.capacity() - finished_.size() < spare) {
            try {
                finished_.reserve(2 * finished_.capacity());
            } catch (const std::bad_alloc&) {
                if (finished_.capacity() == finished_.size()) throw;
            }
        }
        finished_.push_back({&op, done});
    }

    void deliver_finished() {
        delivering_.swap(finished_);
        for (auto [op, done] : delivering_) {
            op->in_flight_ = false;
            op->complete(done);
        }
        delivering_.clear();
    }

    std::unique_ptr<char[]> scratch_;  // before the descriptor, which would stay open
    int epoll_;
    bool precise_ = true;
    std::vector<std::unique_ptr<page>> pages_;  // by descriptor; a slot stays where it is, and none is made in reserve
    std::vector<finished> finished_;
    std::vector<finished> delivering_;
};

std::unique_ptr<engine> make_epoll_engine() { return std::make_unique<epoll_engine>(); }

}  // namespace leat::detail
