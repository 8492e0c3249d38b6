#pragma once
#include <liburing.h>
#include <sys/mman.h>

#include <cerrno>

namespace leat::detail {

/// The buffers that multishot receives share, so that a connection which waits owns none. The kernel takes one when bytes
/// arrive; it comes back as soon as they are copied out.
class buffer_ring {
public:
    static constexpr unsigned count = 512;  // a power of two
    static constexpr unsigned size = 4096;
    static constexpr int group = 0;

    buffer_ring() = default;
    buffer_ring(const buffer_ring&) = delete;
    buffer_ring& operator=(const buffer_ring&) = delete;
    ~buffer_ring() {
        if (memory_ != MAP_FAILED) ::munmap(memory_, mapped);
    }

    /// 0, or -errno (ENOMEM: the memlock limit; EINVAL: a kernel before 5.19).
    int attach(io_uring& ring) noexcept {
        memory_ = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory_ == MAP_FAILED) return -errno;
        ring_ = static_cast<io_uring_buf_ring*>(memory_);
        buffers_ = static_cast<char*>(memory_) + count * sizeof(io_uring_buf);
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<__u64>(ring_);
        registration.ring_entries = count;
        registration.bgid = group;
        if (int failed = io_uring_register_buf_ring(&ring, &registration, 0); failed < 0) return failed;
        io_uring_buf_ring_init(ring_);
        for (unsigned id = 0; id < count; ++id) give_back(static_cast<unsigned short>(id));
        publish();
        return 0;
    }
    void detach(io_uring& ring) noexcept { io_uring_unregister_buf_ring(&ring, group); }

    const char* data(unsigned short id) const noexcept { return buffers_ + static_cast<std::size_t>(id) * size; }
    void give_back(unsigned short id) noexcept {
        io_uring_buf_ring_add(ring_, buffers_ + static_cast<std::size_t>(id) * size, size, id, count - 1, returned_++);
    }
    /// Lets the kernel see what was given back.
    void publish() noexcept {
        if (returned_ != 0) io_uring_buf_ring_advance(ring_, returned_);
        returned_ = 0;
    }

private:
    static constexpr std::size_t mapped = count * (sizeof(io_uring_buf) + size);
    void* memory_ = MAP_FAILED;
    io_uring_buf_ring* ring_ = nullptr;
    char* buffers_ = nullptr;
    int returned_ = 0;
};

}  // namespace leat::detail
