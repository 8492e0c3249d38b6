#pragma once
#include <memory>

#include "get/arguments.hpp"
#include "leat/task/task.hpp"
#include "queue/worker.hpp"

namespace tool {

/// `leat get --queue`: a worker of a queue. @return the exit status.
leat::task<int> get_from_queue(std::shared_ptr<const get_arguments> asked, std::shared_ptr<const worker_options> queue);

}  // namespace tool
