#pragma once
#include <cstdint>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/free_port.hpp"
#include "support/listening_program.hpp"
#include "support/temporary.hpp"

namespace leat::testing {

/// A server that is a program of its own and cannot be asked which port it has chosen: it gets a free one. Ended by its destructor.
class web_program {
public:
    /// In the words, "{port}" stands for the port.
    explicit web_program(const std::vector<std::string>& command) {
        for (int attempt = 0; attempt < 5; ++attempt)
            if (start(command)) return;
        throw std::runtime_error("cannot start " + command[0]);
    }

    /// nginx, of one process, that serves the folder. `listen`: what it listens for ("ssl http2"); `more`: for its server block.
    static std::vector<std::string> nginx(const std::string& folder, const std::string& listen, const std::string& more) {
        const std::string configuration = folder + "/nginx.conf.in";
        std::ofstream(configuration) << "worker_processes 1; daemon off; master_process off; error_log " << folder << "/error.log; pid " << folder << "/pid;\n"
                                     << "events { worker_connections 512; }\nhttp { access_log off; default_type application/octet-stream;\n"
                                     << "client_body_temp_path " << folder << "/t1; proxy_temp_path " << folder << "/t2; fastcgi_temp_path " << folder << "/t3; uwsgi_temp_path " << folder
                                     << "/t4; scgi_temp_path " << folder << "/t5;\nserver { listen 127.0.0.1:{port} " << listen << "; root " << folder << ";\n"
                                     << more << "\n} }\n";
        return {"sh", "-c", "sed s/{port}/$1/ " + configuration + " > " + folder + "/nginx.conf && exec nginx -p " + folder + " -e " + folder + "/error.log -c " + folder + "/nginx.conf", "sh",
                "{port}"};
    }

    std::uint16_t port() const noexcept { return port_; }

private:
    bool start(const std::vector<std::string>& command) {
        port_ = free_port();
        std::vector<std::string> filled = command;
        for (std::string& word : filled)
            if (word == "{port}") word = std::to_string(port_);
        program_.emplace(std::move(filled));
        return program_->listens();
    }

    std::optional<listening_program> program_;
    std::uint16_t port_ = 0;
};

}  // namespace leat::testing
