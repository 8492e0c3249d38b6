#pragma once

namespace leat::detail {

/// Has bytes to send, and is asked to before the loop enters the kernel.
class flushable {
public:
    virtual void flush() noexcept = 0;

protected:
    ~flushable() = default;
    /// Puts it on the loop's list, once.
    void mark_dirty() noexcept;

private:
    friend class loop;
    flushable* next_dirty_ = nullptr;

protected:
    bool dirty_ = false;
};

}  // namespace leat::detail
