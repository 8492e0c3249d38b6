#include "tls_support.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace leat::tls_test {
namespace {

/// Runs a program to its end; what it says goes nowhere.
void run(const std::vector<std::string>& command) {
    const pid_t child = ::fork();
    if (child == 0) {
        const int nowhere = ::open("/dev/null", O_RDWR);
        for (int fd : {0, 1, 2}) ::dup2(nowhere, fd);
        std::vector<char*> words;
        for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        ::execvp(words[0], words.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) throw std::runtime_error("failed: " + command[0] + " " + command[1]);
}

// Serves one connection after the other; argv: what, certificate, key, host.
constexpr const char* python_peer = R"(
import socket, ssl, sys
what, certificate, key, host = sys.argv[1:5]
listener = socket.create_server((host, 0), family=socket.AF_INET6 if ':' in host else socket.AF_INET)
print(listener.getsockname()[1], flush=True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.set_alpn_protocols(['http/1.1'])
while True:
    connection, _ = listener.accept()
    try:
        if what == 'http':
            connection.recv(1)
            connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')
        elif what == 'silent':
            while connection.recv(65536): print('heard', flush=True)
            print('end', flush=True)
        else:
            secured = context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
            if what == 'truncate':
                secured.sendall(b'hello\nhalf a li')
                secured.shutdown(socket.SHUT_WR)
                while connection.recv(65536) if connection.fileno() >= 0 else False: pass
            else:
                try:
                    while piece := secured.recv(65536):
                        if what == 'echo': secured.sendall(piece)
                    print('closed', flush=True)
                    secured.unwrap()
                except ssl.SSLEOFError: print('broken off', flush=True)
            secured.close()
    except OSError as e: print('error', e, flush=True)
    connection.close()
)";

}  // namespace

const certificates& certificates::instance() {
    static const certificates all;
    return all;
}

certificates::certificates() {
    std::string name = (std::filesystem::temp_directory_path() / "leat-tls-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    folder_ = name;
    auto file = [&](const char* base) { return folder_ + "/" + base; };
    const std::string authority_key = file("authority.key");
    authority = file("authority.pem");
    key = file("server.key");
    good = file("good.pem");
    expired = file("expired.pem");
    elsewhere = file("elsewhere.pem");
    stranger = file("stranger.pem");
    const std::vector<std::string> new_key{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"};
    auto with_key = [&](std::vector<std::string> command, const std::string& into) {
        command.insert(command.end(), new_key.begin(), new_key.end());
        command.insert(command.end(), {"-keyout", into});
        return command;
    };
    run(with_key({"openssl", "req", "-x509", "-subj", "/CN=leat test authority", "-days", "2", "-out", authority}, authority_key));
    run(with_key({"openssl", "req", "-subj", "/CN=localhost", "-out", file("request.pem")}, key));
    std::ofstream(file("local")) << "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n";
    std::ofstream(file("other")) << "subjectAltName=DNS:elsewhere.example\n";
    auto sign = [&](const std::string& into, const std::string& extensions, const char* days) {
        run({"openssl", "x509", "-req", "-in", file("request.pem"), "-CA", authority, "-CAkey", authority_key, "-CAcreateserial",
             "-days", days, "-extfile", extensions, "-out", into});
    };
    sign(good, file("local"), "2");
    sign(expired, file("local"), "-1");
    sign(elsewhere, file("other"), "2");
    wildcard = file("wildcard.pem");
    exact = file("exact.pem");
    renewed = file("renewed.pem");
    std::ofstream(file("wild")) << "subjectAltName=DNS:*.example.org,DNS:Exact.Example.Org\n";
    std::ofstream(file("www")) << "subjectAltName=DNS:www.example.org\n";
    sign(wildcard, file("wild"), "2");
    sign(exact, file("www"), "2");
    sign(renewed, file("local"), "3");

    alice = file("alice.pem");
    mallory = file("mallory.pem");
    revoked = file("revoked.pem");
    revocations = file("revocations.pem");
    other_key = file("other.key");
    locked_key = file("locked.key");
    both = file("both.pem");
    std::ofstream(file("mail")) << "subjectAltName=email:alice@example.org\nextendedKeyUsage=clientAuth\n";
    const auto sign_client = [&](const std::string& into, const char* subject, const std::string& issuer, const std::string& issuer_key) {
        run({"openssl", "req", "-new", "-key", key, "-subj", subject, "-out", file("client.request")});
        run({"openssl", "x509", "-req", "-in", file("client.request"), "-CA", issuer, "-CAkey", issuer_key, "-CAcreateserial", "-days", "2",
             "-extfile", file("mail"), "-out", into});
    };
    const std::string unknown = file("unknown.pem"), unknown_key = file("unknown.key");
    run(with_key({"openssl", "req", "-x509", "-subj", "/CN=unknown authority", "-days", "2", "-out", unknown}, unknown_key));
    sign_client(alice, "/O=Example/CN=alice", authority, authority_key);
    sign_client(revoked, "/CN=bob", authority, authority_key);
    sign_client(mallory, "/CN=mal\tlory", unknown, unknown_key);
    run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", other_key});
    run({"openssl", "ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked_key});
    std::ofstream(file("index.txt"));
    std::ofstream(file("ca.cnf")) << "[ca]\ndefault_ca=c\n[c]\ndatabase=" << file("index.txt") << "\ndefault_md=sha256\ndefault_crl_days=2\n";
    const std::vector<std::string> ca{"openssl", "ca", "-config", file("ca.cnf"), "-cert", authority, "-keyfile", authority_key};
    const auto with = [](std::vector<std::string> command, const std::vector<std::string>& more) {
        command.insert(command.end(), more.begin(), more.end());
        return command;
    };
    run(with(ca, {"-revoke", revoked}));
    run(with(ca, {"-gencrl", "-out", revocations}));
    std::ofstream(both) << std::ifstream(good).rdbuf() << std::ifstream(key).rdbuf();
    run({"openssl", "req", "-x509", "-key", key, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2", "-out", stranger});
}

certificates::~certificates() { std::filesystem::remove_all(folder_); }

peer::peer(const std::vector<std::string>& command) {
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    pid_ = ::fork();
    if (pid_ == 0) {
        const int nowhere = ::open("/dev/null", O_RDWR);
        ::dup2(nowhere, 0);
        ::dup2(out[1], 1);
        ::dup2(nowhere, 2);
        std::vector<char*> words;
        for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        ::execvp(words[0], words.data());
        ::_exit(127);
    }
    ::close(out[1]);
    output_ = out[0];
    for (;;) {  // s_server says more before "ACCEPT [::]:36499"
        const std::string text = line();
        const auto digits = text.find_last_not_of("0123456789");
        if (text.empty()) throw std::runtime_error("a peer did not start: " + command[0]);
        if (text.starts_with("Using")) continue;
        port_ = static_cast<std::uint16_t>(std::stoi(text.substr(digits == std::string::npos ? 0 : digits + 1)));
        return;
    }
}

peer::~peer() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    if (output_ >= 0) ::close(output_);
}

std::string peer::line() {
    std::string text;
    for (char c; ::read(output_, &c, 1) == 1 && c != '\n';) text += c;
    return text;
}

peer peer::openssl(const std::string& certificate, const std::vector<std::string>& more) {
    std::vector<std::string> command{"openssl", "s_server", "-accept", "0", "-www", "-cert", certificate, "-key", certificates::instance().key};
    command.insert(command.end(), more.begin(), more.end());
    return peer{command};
}

peer peer::python(const std::string& what, const std::string& certificate, const std::string& host) {
    return peer{{"python3", "-u", "-c", python_peer, what, certificate, certificates::instance().key, host}};
}

std::string noise(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint64_t state = 0x9E3779B97F4A7C15;
    for (char& c : bytes) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        c = static_cast<char>(state);
    }
    return bytes;
}

}  // namespace leat::tls_test
