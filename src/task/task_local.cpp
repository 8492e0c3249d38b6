#include "leat/task/task_local.hpp"

#include <stdexcept>
#include <utility>

#include "task/local_value.hpp"
#include "task/loop.hpp"

namespace leat::detail {
namespace {

void release_locals(local_value* newest) noexcept;

void release_one(local_value& value) noexcept {
    if (value.destroy) return value.destroy(value);
    release_locals(value.original);
    delete &value;
}

/// A link that shows the value of another.
local_value* stand_in(local_value& shown) {
    local_value& original = shown.original ? *shown.original : shown;
    ++original.users;
    return new local_value{1, nullptr, nullptr, original.variable, original.value, nullptr, &original};
}

void release_locals(local_value* newest) noexcept {
    while (newest && --newest->users == 0) {
        local_value* outer = newest->outer;
        release_one(*newest);
        newest = outer;
    }
}

}  // namespace

void forget_locals(context& strand) noexcept {
    // A binding may outlive the strand, in a generator that was asked for a value inside a timeout.
    for (local_value* link = strand.locals; link; link = link->outer) {
        local_value& bound = link->original ? *link->original : *link;
        if (bound.strand == &strand) bound.strand = nullptr;
    }
    release_locals(strand.locals);
}

void inherit_locals(context& strand, const context& from) noexcept {
    if (from.locals) ++from.locals->users;
    release_locals(std::exchange(strand.locals, from.locals));
}

void bind_local(local_value& value) {
    context* strand = running_strand();
    if (!strand) {
        value.destroy(value);
        throw std::logic_error("task_local: set outside a task");
    }
    ++value.users;  // the binding's, and the strand's
    value.strand = strand;
    value.outer = std::exchange(strand->locals, &value);
}

void unbind_local(local_value& value) noexcept {
    if (!value.strand) return release_locals(&value);
    context& strand = *value.strand;
    local_value* gone = strand.locals;
    while (gone && gone != &value && gone->original != &value) gone = gone->outer;
    if (gone) {
        // Usually the newest. Where values are unbound in another order, as a generator and its reader may, this strand gets links of its own
        // for those above: others may share the old ones.
        local_value* old = strand.locals;
        local_value** at = &strand.locals;
        for (local_value* link = old; link != gone; link = link->outer) {
            *at = stand_in(*link);
            at = &(*at)->outer;
        }
        *at = gone->outer;
        if (gone->outer) ++gone->outer->users;
        release_locals(old);
    }
    release_locals(&value);
}

const void* find_local(const void* variable) noexcept {
    const context* strand = running_strand();
    if (!strand) return nullptr;
    for (const local_value* link = strand->locals; link; link = link->outer)
        if (link->variable == variable) return link->value;
    return nullptr;
}

}  // namespace leat::detail
