#include "leat/task/run_on.hpp"
#include "io/error_from.hpp"

#include <atomic>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <vector>

#include "leat/io/error.hpp"
#include "task/error_trace.hpp"
#include "task/loop.hpp"

namespace leat::detail {

/// One call from loop to loop: `home` waits for it, `there` runs it. The frame and the fields marked so change hands with a letter; the object
/// dies with the last who may still look at it.
class remote_call {
public:
    remote_call(run_on_base& waiting, promise_base& first, std::shared_ptr<shared_loop> there) noexcept
        : waiting_(&waiting), first_(first), home_(loop::current().shared()), there_(std::move(there)) {}

    bool begin() noexcept {
        users_ = 2;
        if (there_->mail.post(begin_)) return true;
        users_ = 1;
        return false;
    }
    void cancel() noexcept {
        if (std::exchange(asked_to_cancel_, true)) return;
        ++users_;
        if (!there_->mail.post(cancel_)) release();  // the end is on its way
    }

    /// Home gives up. True if the frame has been destroyed; false if that is left to home.
    bool abandon() noexcept {
        if (there_->mail.take_back(begin_)) {
            release();  // their part
            return false;
        }
        if (home_->mail.take_back(end_)) return false;
        if (there_ == home_) {
            destroy_frame();
            release();
            return true;
        }
        if (there_->mail.post(destroy_)) {
            home_->mail.wait_for(gone_);
            return !home_->mail.take_back(end_);
        }
        // It takes no letters any more: what has run there has ended and is in our mail by now, but what came too late to begin may be
        // on its way back at this very moment.
        if (!home_->mail.take_back(end_)) {
            home_->mail.wait_for(gone_);
            home_->mail.take_back(end_);
        }
        return false;
    }

    void release() noexcept {
        if (--users_ == 0) delete this;
    }

private:
    friend class run_on_base;

    struct strand_there final : context {
        strand_there(context& guests, remote_call& call) noexcept
            : context(&guests, [](context& ended) noexcept { static_cast<strand_there&>(ended).owner.ended(); }), owner(call) {}
        remote_call& owner;
    };

    struct letter_of_call : letter {
        explicit letter_of_call(remote_call& call) noexcept : owner(call) {}
        remote_call& owner;
    };
    struct begin_letter final : letter_of_call {
        using letter_of_call::letter_of_call;
        void arrive() noexcept override { owner.arrived(); }
        void refused() noexcept override { owner.turned_away(); }
    };
    struct cancel_letter final : letter_of_call {
        using letter_of_call::letter_of_call;
        void arrive() noexcept override { owner.cancel_arrived(); }
    };
    struct destroy_letter final : letter_of_call {
        using letter_of_call::letter_of_call;
        void arrive() noexcept override { owner.destroy_arrived(); }
        bool urgent() const noexcept override { return owner.is_suspended(); }
    };
    struct end_letter final : letter_of_call {
        using letter_of_call::letter_of_call;
        void arrive() noexcept override { owner.end_arrived(); }
    };

    // There.

    void arrived() noexcept {
        strand_.emplace(loop::current().guests(), *this);
        schedule_strand(*strand_, first_);
    }
    void turned_away() noexcept {
        refused_ = true;
        [[maybe_unused]] const bool posted = home_->mail.post(end_);
        home_->mail.set(gone_);  // nothing is here that could be destroyed
        release();
    }
    void cancel_arrived() noexcept {
        if (strand_) strand_->cancel();
        release();
    }
    void ended() noexcept {
        strand_.reset();
        places_ = take_trace(first_.error);
        send_end();
    }
    void send_end() noexcept {
        [[maybe_unused]] const bool posted = home_->mail.post(end_);  // a loop with somebody who waits is still there
        release();
    }
    void destroy_arrived() noexcept {
        const bool unfinished = strand_.has_value();
        if (unfinished) destroy_frame();
        home_->mail.set(gone_);
        if (unfinished) release();
    }
    void destroy_frame() noexcept {
        first_.handle().destroy();
        strand_.reset();
    }
    /// A frame that is on the stack cannot be destroyed now.
    bool is_suspended() const noexcept {
        for (const context* running = running_strand(); running; running = running->parent)
            if (strand_ && running == &*strand_) return false;
        return true;
    }

    // At home.

    void end_arrived() noexcept {
        run_on_base& waiting = *waiting_;
        waiting.call_ = nullptr;
        waiting.refused_ = refused_;
        adopt_trace(first_.error, std::move(places_));
        waiting.wake();
        release();
    }

    std::atomic<int> users_ = 1;
    run_on_base* waiting_;
    bool asked_to_cancel_ = false;
    bool gone_ = false;                      // under the lock of home's mailbox
    promise_base& first_;                    // theirs from begin_ to end_, with what follows
    std::optional<strand_there> strand_;
    std::vector<std::source_location> places_;
    bool refused_ = false;
    const std::shared_ptr<shared_loop> home_;
    const std::shared_ptr<shared_loop> there_;
    begin_letter begin_{*this};
    cancel_letter cancel_{*this};
    destroy_letter destroy_{*this};
    end_letter end_{*this};
};

bool run_on_base::start(promise_base& frame, promise_base& first, const loop_handle& where, std::source_location at) {
    if (!where) throw std::logic_error("run_on: an empty loop_handle");
    if (!suspend(frame, at)) return false;
    call_ = new remote_call(*this, first, where.shared());
    if (call_->begin()) return true;
    std::exchange(call_, nullptr)->release();
    refused_ = true;
    leave();
    return false;
}

void run_on_base::cancel() noexcept { call_->cancel(); }

bool run_on_base::abandon() noexcept {
    if (!call_) return false;
    const bool destroyed = call_->abandon();
    std::exchange(call_, nullptr)->release();
    return destroyed;
}

std::exception_ptr run_on_base::settle() noexcept {
    if (was_cancelled()) return std::make_exception_ptr(cancelled{});
    if (refused_) return error_from([&] { return error(ECANCELED, "run_on", "the loop has ended"); });
    return nullptr;
}

}  // namespace leat::detail
