#include "leat/task/loop_handle.hpp"

#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "task/loop.hpp"

namespace leat {

void detail::posted_call::arrive() noexcept {
    const std::unique_ptr<posted_call> self{this};
    try {
        call();
    } catch (const std::exception& error) {
        log::error("a posted call threw: {}", error.what());
    } catch (...) {
        log::error("a posted call threw what is no std::exception");
    }
}

bool loop_handle::post_call(std::unique_ptr<detail::posted_call> call) const {
    if (!shared_ || !shared_->mail.post(*call)) return false;
    call.release();  // it deletes itself
    return true;
}

bool loop_handle::is_running_here() const noexcept {
    auto* here = detail::loop::current_or_null();
    return here && here->shared() == shared_;
}

std::uint32_t loop_handle::number() const noexcept { return shared_ ? shared_->number : 0; }

loop_handle running_loop() { return loop_handle{detail::loop::current().shared()}; }

std::vector<loop_handle> sibling_loops() {
    const auto& here = detail::loop::current().shared();
    if (!here->set) return {loop_handle{here}};
    std::vector<loop_handle> all;
    for (const auto& each : here->set->loops()) all.emplace_back(each);
    return all;
}

}  // namespace leat
