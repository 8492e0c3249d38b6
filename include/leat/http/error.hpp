#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace leat::http {

/// The base of everything that an HTTP call throws, save its time-outs (leat::timeout_error).
///
/// The text of each error is safe to print: what came from a server has lost its control characters.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The text is no URL that this library can fetch; what() names it.
class url_error : public error {
public:
    using error::error;
};

/// The host's name does not resolve.
class name_error : public error {
public:
    using error::error;
};

/// No connection could be made, or it broke before the reply began.
class connect_error : public error {
public:
    using error::error;
};

/// The TLS handshake failed, the certificate is not trusted, or the encrypted connection broke.
class tls_error : public error {
public:
    using error::error;
};

/// The peer sent something that is not HTTP, or is ambiguous; what() says what.
class protocol_error : public error {
public:
    using error::error;
};

/// A limit was exceeded: the size of a head, its number of fields, or of a body read into memory.
class too_large_error : public error {
public:
    using error::error;
};

/// Too many redirects, a loop, or a redirect that leads nowhere.
class redirect_error : public error {
public:
    using error::error;
};

/// The connection ended before the message did.
class truncated_error : public error {
public:
    /// `expected` is the promised size of the body, where the message said it.
    truncated_error(std::optional<std::uint64_t> expected, std::uint64_t received);
    /// The same with a text of its own.
    truncated_error(const std::string& what, std::optional<std::uint64_t> expected, std::uint64_t received);

    /// The promised size in bytes, if there was a promise.
    std::optional<std::uint64_t> expected() const noexcept { return expected_; }
    /// The bytes that came.
    std::uint64_t received() const noexcept { return received_; }

private:
    std::optional<std::uint64_t> expected_;
    std::uint64_t received_;
};

/// The server answered with a status of 400 or above, and raise_for_status() was asked to mind.
class status_error : public error {
public:
    /// Of what the server answered.
    status_error(int status, std::string_view reason, std::string_view url);

    /// 404, and the like.
    int status() const noexcept { return status_; }
    /// The server's text for it.
    const std::string& reason() const noexcept { return reason_; }
    /// What was asked for, after redirects.
    const std::string& url() const noexcept { return url_; }

private:
    int status_;
    std::string reason_;
    std::string url_;
};

}  // namespace leat::http
