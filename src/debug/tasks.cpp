#include "leat/debug/tasks.hpp"

#include <cstdio>
#include <vector>

#include "debug/names.hpp"
#include "task/loop.hpp"

namespace leat::debug {
namespace {

using detail::context;
using detail::promise_base;

void append_strand(std::string& text, const context& strand, int depth) {
    std::vector<const promise_base*> frames;  // outermost first
    for (const promise_base* frame = strand.top; frame; frame = frame->parent) frames.insert(frames.begin(), frame);
    auto indent = [&](int by) { text.append(static_cast<std::size_t>(depth + by) * 2, ' '); };
    indent(0);
    if (frames.empty()) {
        text += strand.first_child ? "scope\n" : "task, not started\n";
    } else {
        bool outermost = true;
        for (const promise_base* frame : frames) {
            if (!outermost) {
                text += '\n';
                indent(1);
            }
            text += outermost ? "task " : "awaits ";
            outermost = false;
            if (frame->waits_at.line() == 0)
                text += "not started";
            else
                text += place_of(frame->waits_at);
        }
        if (strand.ready_slot != 0)
            text += ", ready to run";
        else if (strand.leaf)
            text.append(", waits for ").append(strand.leaf->describe());
        else
            text += ", running";
        text += '\n';
    }
    std::vector<const context*> children;  // oldest first
    for (const context* child = strand.first_child; child; child = child->next) children.insert(children.begin(), child);
    for (const context* child : children) append_strand(text, *child, depth + 1);
}

}  // namespace

std::string format_tasks() {
    std::string text;
    auto* here = detail::loop::current_or_null();
    if (!here) return text;
    if (here->root()) append_strand(text, *here->root(), 0);
    std::vector<const context*> guests;  // oldest first
    for (const context* guest = here->guests().first_child; guest; guest = guest->next) guests.insert(guests.begin(), guest);
    for (const context* guest : guests) append_strand(text, *guest, 0);
    return text;
}

void print_tasks() {
    auto* here = detail::loop::current_or_null();
    if (!here) return;
    std::string text = "leat: tasks of loop " + std::to_string(here->shared()->number) + " (" + here->shared()->engine + ")\n" + format_tasks();
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace leat::debug
