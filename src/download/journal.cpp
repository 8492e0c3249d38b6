#include "download/journal.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "download/journal_file.hpp"
#include "download/journal_store.hpp"
#include "leat/sync/mutex.hpp"
#include "leat/task/shield.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {

struct journal::impl {
    explicit impl(leat::path name) : file(std::move(name)) {}

    leat::path file;
    std::unique_ptr<journal_store> store;
    journal_contents read;  // by open
    journal_batch notes;
    mutex turns;

    /// Takes the notes; gives them back if they have not been written, less what has been noted about the same since.
    class taken_notes {
    public:
        explicit taken_notes(impl& from) : from_(from), batch_(std::exchange(from.notes, {})) {}
        ~taken_notes() {
            if (written) return;
            from_.notes.finished.insert(from_.notes.finished.begin(), batch_.finished.begin(), batch_.finished.end());
            from_.notes.partials.merge(batch_.partials);  // those that are there stay
        }
        const journal_batch& batch() const noexcept { return batch_; }
        bool written = false;  // set by the thread

    private:
        impl& from_;
        journal_batch batch_;
    };
};

namespace {

void write_batch(journal_store* store, const journal_batch* batch, bool* written) {
    store->write(*batch);
    *written = true;
}
void write_synced_batch(journal_store* store, const journal_batch* batch, const std::vector<int>* directories, bool* written) {
    store->write_synced(*batch, *directories);
    *written = true;
}
std::optional<journal_contents> open_store(journal_store* store) { return store->open(); }
void close_store(journal_store* store) { store->close(); }
void remove_store(journal_store* store) { store->remove(); }

}  // namespace

journal::journal(std::shared_ptr<impl> state) noexcept : impl_(std::move(state)) {}
journal::~journal() = default;

task<std::unique_ptr<journal>> journal::open(path file, std::string boot) {
    auto state = std::make_shared<impl>(std::move(file));
    if (boot.empty()) boot = boot_id();
    state->store = std::make_unique<journal_store>(state->file.string(), std::move(boot));
    auto read = co_await to_thread(open_store, state->store.get());
    if (read) state->read = std::move(*read);
    co_return std::unique_ptr<journal>{new journal{std::move(state)}};
}

const path& journal::file() const noexcept { return impl_->file; }

// The files of the next years are found by it: not to be changed.
std::uint64_t journal::key_of(std::string_view name, std::string_view url) noexcept {
    std::uint64_t key = 0xCBF29CE484222325u;
    const auto add = [&key](unsigned char byte) { key = (key ^ byte) * 0x100000001B3u; };
    for (char c : name) add(static_cast<unsigned char>(c));
    add(0);
    for (char c : url) add(static_cast<unsigned char>(c));
    key ^= key >> 32;
    key *= 0xD6E8FEB86659FD93u;
    return key ^ key >> 32;
}

bool journal::knows_finished() const noexcept { return !impl_->read.finished.empty(); }

std::optional<finished_record> journal::finished(std::uint64_t key) const noexcept {
    const auto& all = impl_->read.finished;
    const auto found = std::lower_bound(all.begin(), all.end(), key, [](const finished_record& each, std::uint64_t wanted) { return each.key < wanted; });
    if (found == all.end() || found->key != key) return std::nullopt;
    return *found;
}

const partial_record* journal::partial(std::string_view name) const noexcept {
    const auto found = impl_->read.partials.find(name);
    return found == impl_->read.partials.end() ? nullptr : &found->second;
}

const std::map<std::string, partial_record, std::less<>>& journal::partials() const noexcept { return impl_->read.partials; }

void journal::note_partial(partial_record state) {
    std::string name = state.name;
    impl_->notes.partials.insert_or_assign(std::move(name), std::move(state));
}

void journal::forget_partial(std::string_view name) { impl_->notes.partials.insert_or_assign(std::string{name}, std::nullopt); }

void journal::note_finished(finished_record file, std::string_view name) {
    impl_->notes.finished.push_back(file);
    if (!name.empty()) forget_partial(name);
}

bool journal::dirty() const noexcept { return !impl_->notes.empty(); }

namespace {
template <class State>
task<> write_notes(std::shared_ptr<State> state) {
    const auto turn = co_await state->turns.lock();
    if (state->notes.empty()) co_return;
    typename State::taken_notes notes{*state};
    co_await to_thread(write_batch, state->store.get(), &notes.batch(), &notes.written);
}
template <class State>
task<> write_notes_synced(std::shared_ptr<State> state, std::vector<int> directories) {
    const auto turn = co_await state->turns.lock();
    typename State::taken_notes notes{*state};
    const std::vector<int>* const where = &directories;
    co_await to_thread(write_synced_batch, state->store.get(), &notes.batch(), where, &notes.written);
}
template <class State>
task<> close_after_writing(std::shared_ptr<State> state) {
    co_await write_notes(state);
    const auto turn = co_await state->turns.lock();
    co_await to_thread(close_store, state->store.get());
}
template <class State>
task<> remove_all(std::shared_ptr<State> state) {
    const auto turn = co_await state->turns.lock();
    state->notes = {};
    co_await to_thread(remove_store, state->store.get());
}
}  // namespace

task<> journal::commit() {
    // The frame keeps what it works on, whatever becomes of the journal.
    const auto state = impl_;
    co_await shield(write_notes(state));
}

task<> journal::sync_files(std::vector<int> directories) {
    const auto state = impl_;
    co_await shield(write_notes_synced(state, std::move(directories)));
}

task<> journal::close() {
    const auto state = impl_;
    co_await shield(close_after_writing(state));
}

task<> journal::remove() {
    const auto state = impl_;
    co_await shield(remove_all(state));
}

}  // namespace leat::detail
