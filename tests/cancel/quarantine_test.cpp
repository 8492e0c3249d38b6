#include "cancel/quarantine.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace leat::testing {
namespace {

TEST(Quarantine, ALateWriteOfTheKernelIsSeen) {
    EXPECT_EQ(quarantine::damage(), "");
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "late", 4), 4);
    // By its address as a number: what the program itself does to freed memory is the compiler's business, and AddressSanitizer's.
    auto* block = new char[4096];
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    delete[] block;
    ASSERT_EQ(::syscall(SYS_read, ends[0], address + 100, 4), 4);
    EXPECT_EQ(quarantine::damage().find("a freed block of "), 0u);
    EXPECT_EQ(quarantine::damage(), "") << "told once";
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(Quarantine, ALateWriteShowsAlsoWhenItsBlockIsGivenBack) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "late", 4), 4);
    auto* block = new char[100];
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    delete[] block;
    ASSERT_EQ(::syscall(SYS_read, ends[0], address + 1, 4), 4);
    for (int i = 0; i < 100; ++i) delete[] new char[1 << 20];
    EXPECT_LE(quarantine::size(), std::size_t{64} << 20);
    EXPECT_NE(quarantine::damage().find("at byte 1: 108 97 116 101 219"), std::string::npos);
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace
}  // namespace leat::testing
