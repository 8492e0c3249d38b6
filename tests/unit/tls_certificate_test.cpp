#include <gtest/gtest.h>

#include <openssl/pem.h>

#include "tls/certificate.hpp"
#include "tls_support.hpp"

namespace leat::tls_test {
namespace {

using detail::match_name;
using detail::name_match;

using certificate_pointer = std::unique_ptr<X509, detail::openssl_free<X509_free>>;

certificate_pointer read(const std::string& path) {
    std::unique_ptr<BIO, detail::openssl_free<BIO_free_all>> file{BIO_new_file(path.c_str(), "r")};
    return certificate_pointer{file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr};
}

/// One with this common name and these alternative names of hosts; unsigned.
certificate_pointer with_names(std::string_view common, const std::vector<std::string>& alternatives) {
    certificate_pointer made{X509_new()};
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.data()), static_cast<int>(common.size()), -1, 0);
    GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
    for (const std::string& each : alternatives) {
        ASN1_IA5STRING* text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, each.data(), static_cast<int>(each.size()));
        GENERAL_NAME* name = GENERAL_NAME_new();
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        sk_GENERAL_NAME_push(names, name);
    }
    if (!alternatives.empty()) X509_add1_ext_i2d(made.get(), NID_subject_alt_name, names, 0, 0);
    GENERAL_NAMES_free(names);
    return made;
}

TEST(TlsCertificate, IsForItsAlternativeNames) {
    EXPECT_EQ(detail::host_names(with_names("common.example", {"A.Example", "*.b.example."}).get()), (std::vector<std::string>{"a.example", "*.b.example"}));
}

TEST(TlsCertificate, IsForItsCommonNameOnlyWithoutAlternatives) {
    EXPECT_EQ(detail::host_names(with_names("Common.Example", {}).get()), std::vector<std::string>{"common.example"});
    EXPECT_EQ(detail::host_names(with_names("Not a host", {}).get()), std::vector<std::string>{});
}

TEST(TlsCertificate, NamesThatHideSomethingAreNoHosts) {
    EXPECT_EQ(detail::host_names(with_names("x", {std::string{"good.example\0.evil.example", 26}, "", "b\r\nc", std::string(300, 'a')}).get()),
              std::vector<std::string>{});
}

TEST(TlsCertificate, AStarIsOneWholeLabelInFront) {
    EXPECT_EQ(match_name("a.example.org", "a.example.org"), name_match::exact);
    EXPECT_EQ(match_name("*.example.org", "a.example.org"), name_match::wildcard);
    EXPECT_EQ(match_name("*.example.org", "a.b.example.org"), name_match::none);
    EXPECT_EQ(match_name("*.example.org", "example.org"), name_match::none);
    EXPECT_EQ(match_name("*.example.org", ".example.org"), name_match::none);
    EXPECT_EQ(match_name("*.org", "example.org"), name_match::none);
    EXPECT_EQ(match_name("a*.example.org", "ab.example.org"), name_match::none);
    EXPECT_EQ(match_name("b.*.org", "b.example.org"), name_match::none);
    EXPECT_EQ(match_name("*", "localhost"), name_match::none);
    EXPECT_EQ(match_name("", "localhost"), name_match::none);
}

TEST(TlsCertificate, IsDescribedInTextThatIsSafeToPrint) {
    const auto client = read(certificates::instance().mallory);
    ASSERT_TRUE(client);
    EXPECT_EQ(detail::subject_of(client.get()).find('\t'), std::string::npos) << detail::subject_of(client.get());
    EXPECT_TRUE(detail::subject_of(client.get()).starts_with("CN=mal"));
    EXPECT_EQ(detail::common_name(X509_get_subject_name(with_names("\x1b[31mred", {}).get())), "\xEF\xBF\xBD[31mred");
    EXPECT_EQ(detail::alternative_names(client.get()), std::vector<std::string>{"alice@example.org"});
    const auto server = read(certificates::instance().good);
    EXPECT_EQ(detail::alternative_names(server.get()), (std::vector<std::string>{"localhost", "127.0.0.1", "::1"}));
    EXPECT_EQ(detail::fingerprint_of(server.get()).size(), 64u);
    EXPECT_EQ(detail::fingerprint_of(server.get()).find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NE(detail::fingerprint_of(server.get()), detail::fingerprint_of(client.get()));
}

TEST(TlsCertificate, NamesInBriefAreAFewAndACount) {
    EXPECT_EQ(detail::names_in_brief(with_names("x", {"a.example", "b.example", "c.example", "d.example", "e.example"}).get()),
              "a.example, b.example, c.example and 2 more");
    EXPECT_EQ(detail::names_in_brief(with_names("common.example", {}).get()), "common.example");
    EXPECT_EQ(detail::names_in_brief(certificate_pointer{X509_new()}.get()), "");
}

TEST(TlsCertificate, ShowsNoMoreThanAHundredNames) {
    EXPECT_EQ(detail::alternative_names(with_names("x", std::vector<std::string>(500, "a.example")).get()).size(), 100u);
}

}  // namespace
}  // namespace leat::tls_test
