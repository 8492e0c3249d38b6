#include "http/private_file.hpp"

#include "leat/fs/temporary.hpp"

namespace leat::detail {

task<> write_private_file(path name, std::string content) {
    const std::string directory{name.parent()};
    temporary_options options;
    options.directory = directory;
    options.prefix = ".leat-";
    auto file = co_await open_temporary_file(options);
    co_await file.write(content);
    co_await file.sync();
    co_await file.persist(std::move(name));
    co_await file.close();
}

}  // namespace leat::detail
