#include "leat/http/hsts.hpp"

#include <utility>

#include "http/hsts_table.hpp"
#include "http/private_file.hpp"
#include "http/wall_clock.hpp"
#include "leat/fs/file.hpp"

namespace leat::http {
namespace {

constexpr bytes largest_file{std::size_t{16} * 1024 * 1024};

task<std::size_t> load_into(std::shared_ptr<detail::hsts_table> table, path name) {
    const std::string text = co_await read_file(std::move(name), largest_file);
    co_return table->take_file(text, detail::seconds_since_1970());
}

}  // namespace

hsts_store::hsts_store() : table_(std::make_shared<detail::hsts_table>()) {}

bool hsts_store::covers(std::string_view host) const { return table_->covers(host, detail::seconds_since_1970()); }
bool hsts_store::take(std::string_view host, std::string_view field) { return table_->take(host, field, detail::seconds_since_1970()); }
void hsts_store::set(hsts_host one) { table_->set(std::move(one)); }
bool hsts_store::remove(std::string_view host) { return table_->remove(host); }
std::vector<hsts_host> hsts_store::all() const { return table_->all(detail::seconds_since_1970()); }
std::size_t hsts_store::size() const noexcept { return table_->size(); }

task<std::size_t> hsts_store::load(path name) { return load_into(table_, std::move(name)); }
task<> hsts_store::save(path name) const {
    return detail::write_private_file(std::move(name), table_->as_file(detail::seconds_since_1970()));
}

}  // namespace leat::http
