// What is said to servers and to proxies, and what is told to the user.
#include <CLI/CLI.hpp>

#include "get/arguments.hpp"
#include "get/options.hpp"

namespace tool {

void add_http_options(CLI::App& to, get_arguments& asked) {
    const auto group = "HTTP";
    to.add_option("-H,--header", asked.headers, "Send this field with each request. May be given again")->option_text("NAME:VALUE")->allow_extra_args(false)->group(group);
    to.add_option("--referer", asked.referer, "Send this as the page that led here")->option_text("URL")->group(group);
    to.add_option("--user-agent", asked.user_agent, "What to call itself (default leat/" LEAT_VERSION ")")->option_text("TEXT")->group(group);
    to.add_option("--user", asked.user_and_password, "Who to be; never sent to a host that a redirect leads to. The password is not shown in lists of processes")
        ->option_text("USER:PASSWORD")
        ->group(group);
    to.add_option("--bearer", asked.bearer, "Show this token instead")->option_text("TOKEN")->group(group);
    to.add_option("--auth", asked.auth_text, "How the password is shown: basic at once, digest when the server asks, or what the server asks for (default auto)")
        ->option_text("auto|basic|digest")
        ->group(group);
    to.add_flag("--netrc{default}", asked.netrc, "Take users and passwords by host from a file in netrc's form (default: ~/.netrc)")->option_text("FILE")->group(group);
    to.add_option("--cookies", asked.cookies, "Send the cookies in this file (as browsers and curl keep them), and those that servers set")->option_text("FILE")->group(group);
    to.add_option("--save-cookies", asked.save_cookies, "Write the cookies to this file at the end")->option_text("FILE")->group(group);
    to.add_option("--hsts", asked.hsts, "Remember in this file which hosts have asked for TLS only, and do as they asked")->option_text("FILE")->group(group);
    to.add_flag("--http1", asked.http1, "Speak HTTP/1.1 only")->group(group);
    to.add_flag("--http2", asked.http2, "Speak HTTP/2 only, without TLS as well (usually: where a TLS server agrees)")->group(group);
}

void add_proxy_and_tls_options(CLI::App& to, get_arguments& asked) {
    const auto proxy = "Proxy";
    to.add_option("--proxy", asked.proxy, "Through this proxy: http://, https://, socks5:// or socks5h://, with USER:PASSWORD@ before the host (default: http_proxy, https_proxy and all_proxy in the environment)")
        ->option_text("URL")
        ->group(proxy);
    to.add_option("--no-proxy", asked.no_proxy, "Not for these hosts: names with their subdomains, addresses, networks, separated by commas; '*': no proxy at all")
        ->option_text("LIST")
        ->group(proxy);

    const auto tls = "TLS";
    to.add_option("--cacert", asked.ca_file, "Trust the authorities in this PEM file instead of the system's")->option_text("FILE")->check(CLI::ExistingFile)->group(tls);
    to.add_option("--cert", asked.certificate, "Show this certificate, a PEM file; with --key")->option_text("FILE")->check(CLI::ExistingFile)->group(tls);
    to.add_option("--key", asked.key, "Its key, a PEM file")->option_text("FILE")->check(CLI::ExistingFile)->group(tls);
    to.add_flag("--insecure", asked.insecure, "Do not verify who the server is")->group(tls);
}

void add_display_options(CLI::App& to, get_arguments& asked) {
    const auto group = "Output";
    to.add_flag("-q,--quiet", asked.quiet, "Print nothing but errors")->group(group);
    to.add_flag("--no-progress", asked.no_progress, "Print a line for each finished file rather than bars")->group(group);
    to.add_flag("--table", asked.table, "Print a table of all files at the end rather than a line for each")->group(group);
    to.add_option("--events", asked.events, "Write what happens as JSON lines, to an open descriptor (a number) or into a file; '-': standard output")
        ->option_text("FD|FILE")
        ->group(group);
    to.add_option("--report", asked.report, "Write how each file ended into this file, as JSON, at the end")->option_text("FILE")->group(group);
    to.add_option("--on-done", asked.on_done, "Run this program for each file that is there, with its name and its URL as arguments; at most four at once")
        ->option_text("PROGRAM")
        ->group(group);
    to.add_flag("--dry-run{plan}", asked.dry_run, "Print what would be fetched, and do nothing; --dry-run=ask asks the servers (HEAD) for sizes and types")
        ->option_text("ask")
        ->group(group);
}

}  // namespace tool
