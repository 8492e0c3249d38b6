#include "task/mailbox.hpp"

#include <unistd.h>

#include <cstdint>

namespace leat::detail {

bool mailbox::post(letter& mail) noexcept {
    std::lock_guard lock{mutex_};
    if (!open_) return false;
    const bool was_empty = first_ == nullptr;
    mail.posted_ = true;
    mail.next_ = nullptr;
    mail.previous_ = last_;
    (last_ ? last_->next_ : first_) = &mail;
    last_ = &mail;
    ++size_;
    any_.store(true, std::memory_order_relaxed);
    if (was_empty) wake_locked();
    if (blocked_) changed_.notify_all();
    return true;
}

bool mailbox::take_back(letter& mail) noexcept {
    std::lock_guard lock{mutex_};
    if (!mail.posted_) return false;
    unlink(mail);
    return true;
}

void mailbox::wake() noexcept {
    std::lock_guard lock{mutex_};
    wake_locked();
}

void mailbox::wake_locked() noexcept {
    if (wake_ < 0) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void mailbox::unlink(letter& mail) noexcept {
    (mail.previous_ ? mail.previous_->next_ : first_) = mail.next_;
    (mail.next_ ? mail.next_->previous_ : last_) = mail.previous_;
    mail.posted_ = false;
    --size_;
    if (!first_) any_.store(false, std::memory_order_relaxed);
}

void mailbox::deliver() noexcept {
    std::unique_lock lock{mutex_};
    // What is posted meanwhile has its turn next time; one at a time, since an arrival may take back those behind it.
    for (std::size_t left = size_; left > 0 && first_; --left) {
        letter* const mail = first_;
        unlink(*mail);
        lock.unlock();
        mail->arrive();
        lock.lock();
    }
}

void mailbox::close() noexcept {
    std::unique_lock lock{mutex_};
    open_ = false;
    while (first_) {
        letter* const mail = first_;
        unlink(*mail);
        lock.unlock();
        mail->refused();
        lock.lock();
    }
}

void mailbox::forget_wake_descriptor() noexcept {
    std::lock_guard lock{mutex_};
    wake_ = -1;
}

void mailbox::wait_for(const bool& flag) noexcept {
    std::unique_lock lock{mutex_};
    ++blocked_;
    while (!flag) {
        letter* urgent = first_;
        while (urgent && !urgent->urgent()) urgent = urgent->next_;
        if (!urgent) {
            changed_.wait(lock);
            continue;
        }
        unlink(*urgent);
        lock.unlock();
        urgent->arrive();
        lock.lock();
    }
    --blocked_;
}

void mailbox::set(bool& flag) noexcept {
    std::lock_guard lock{mutex_};
    flag = true;
    changed_.notify_all();
}

}  // namespace leat::detail
