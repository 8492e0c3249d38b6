#pragma once
#include <optional>
#include <string>
#include <vector>

#include "leat/net/connection.hpp"
#include "leat/tls/error.hpp"
#include "leat/tls/options.hpp"

namespace leat::tls {

/// Connects to a host and secures the connection: `auto [reader, writer] = co_await leat::tls::open_connection({"example.org", 443});`
/// The reader and writer are those of a plain connection. `close()` and `write_eof()` send close_notify; a writer that is dropped sends
/// none, so that the peer can tell a broken stream from a finished one. Sessions are resumed where the host allows it.
/// Completes when: the handshake is done and the certificate was accepted.
/// Errors: as `leat::open_connection`; `certificate_error` and `handshake_error`; `tls::error` if `ca_file` cannot be used; `timeout_error` after the
/// connect or the handshake time-out. Later, each read: `truncated_error` at an end without close_notify, `tls::error` for a damaged record or
/// the peer's alert; both come after the bytes that arrived before. Limits: records of 16 KiB; the reader's limit holds for decrypted bytes.
/// Cancellation: at once; nothing stays open. Threads: the loop's own; the trust store is read in a thread of the pool, once.
/// Allocates: OpenSSL's state, about 10 KB a connection. Source: asyncio.open_connection(ssl=…).
task<connection> open_connection(endpoint to, client_options options = {}, connect_options connecting = {});

/// What was agreed on in a handshake. Text from the peer has lost its control characters.
struct session {
    std::string version;                  ///< "TLSv1.3"
    std::string cipher;                   ///< "TLS_AES_256_GCM_SHA384"
    std::string alpn;                     ///< "h2"; empty if none was agreed on
    bool resumed = false;                 ///< an earlier session was taken up again, without certificates being shown anew
    std::string server_name;              ///< the host name that the client asked for (SNI); empty if it asked for none
    std::string peer_subject;             ///< of the peer's certificate: "CN=alice,O=Example"; empty if it has none, or there is no certificate
    std::vector<std::string> peer_names;  ///< its alternative names: hosts, addresses, mail addresses, URIs; at most 100
    std::string peer_fingerprint;         ///< SHA-256, 64 hex digits; empty without a certificate
};

/// The session of a connection; nullopt for one that is not secured. Never waits.
std::optional<session> session_of(const stream_reader& reader);
/// The same.
std::optional<session> session_of(const stream_writer& writer);

}  // namespace leat::tls
