#pragma once
#include <cstdint>

namespace leat::detail {

class mailbox;

/// Something that any thread hands to one loop, for the loop's own thread to act on. Lies inside an awaiter or a heap object; whoever
/// owns it takes it back (`mailbox::take_back`) before it dies.
class letter {
public:
    letter(const letter&) = delete;
    letter& operator=(const letter&) = delete;

protected:
    letter() = default;
    ~letter() = default;

    /// On the loop's thread, outside any task. It may destroy itself.
    virtual void arrive() noexcept = 0;
    /// Instead, if the loop ends first: on the loop's thread too.
    virtual void refused() noexcept { arrive(); }
    /// May it be acted on while the loop's thread is blocked, waiting for another loop to destroy something?
    virtual bool urgent() const noexcept { return false; }

private:
    friend class mailbox;
    letter* previous_ = nullptr;
    letter* next_ = nullptr;
    bool posted_ = false;
};

}  // namespace leat::detail
