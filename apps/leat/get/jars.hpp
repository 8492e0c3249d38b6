#pragma once
#include <memory>

#include "get/arguments.hpp"
#include "leat/http/client.hpp"
#include "leat/task/task.hpp"

namespace tool {

/// What servers have asked to be remembered, from the files that the user names, and back into them at the end.
class jars {
public:
    jars();
    jars(const jars&) = delete;
    jars& operator=(const jars&) = delete;
    ~jars();

    leat::task<> load(const get_arguments& asked);
    /// The jars have to live as long as the options are read.
    void put_into(leat::http::client_options& options) const;
    leat::task<> save(const get_arguments& asked);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace tool
