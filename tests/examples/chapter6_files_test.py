#!/usr/bin/env python3
"""The chapter's programs with files: 6.2.1, 6.2.2, 6.4.1, 6.4.2, 6.6.1, 6.6.4."""

import errno
import os

import example

TIME = r"Total reading time: \d+\.\d{3} seconds"


class TwoFiles(example.Case):
    """Named pipes stand for slow files: nothing of them can be read before the test writes it."""

    def setUp(self):
        super().setUp()
        for name in ("first", "second"):
            os.mkfifo(self.path(name))

    def begin_to_write(self, name):
        """Waits until the program has opened the pipe to read it."""
        return open(self.path(name), "wb", buffering=0)

    def nobody_reads(self, name):
        try:
            os.close(os.open(self.path(name), os.O_WRONLY | os.O_NONBLOCK))
        except OSError as e:
            return e.errno == errno.ENXIO
        return False

    def test_blocking_reads_come_one_after_the_other(self):
        with self.example("6_2_1_blocking_read", "first", "second") as running:
            with self.begin_to_write("first") as pipe:
                running.wait_for("Start reading file: first")
                self.assertTrue(self.nobody_reads("second"))
                pipe.write(b"one\n")
            running.wait_for("File first read.")
            running.wait_for("Start reading file: second")
            with self.begin_to_write("second") as pipe:
                pipe.write(b"two\n")
            running.wait_for("File second read.")
            running.wait_for(TIME)
            self.assertEqual(running.end(), 0)

    def test_non_blocking_reads_go_on_side_by_side(self):
        with self.example("6_2_2_non_blocking_read", "first", "second") as running:
            with self.begin_to_write("first"):
                with self.begin_to_write("second") as pipe:
                    running.wait_for("Start reading file: first")
                    running.wait_for("Start reading file: second")
                    pipe.write(b"two\n")
                running.wait_for("File second read.")  # while the first is still being read
            running.wait_for("File first read.")
            running.wait_for(TIME)
            self.assertEqual(running.end(), 0)

    def test_the_listings_own_output(self):
        self.write("example1.txt", b"one\n")
        self.write("example2.txt", b"two\n" * 100_000)
        status, lines, _ = self.run_example("6_2_1_blocking_read")
        self.assertEqual(status, 0)
        self.assertEqual(lines[:4], ["Start reading file: example1.txt", "File example1.txt read.",
                                     "Start reading file: example2.txt", "File example2.txt read."])
        self.assertRegex(lines[4], TIME)
        status, lines, _ = self.run_example("6_2_2_non_blocking_read")
        self.assertEqual(status, 0)
        self.assertEqual(lines[:2], ["Start reading file: example1.txt", "Start reading file: example2.txt"])
        self.assertEqual(set(lines[2:4]), {"File example1.txt read.", "File example2.txt read."})
        self.assertRegex(lines[4], TIME)

    def test_a_file_that_is_not_there(self):
        self.write("example2.txt", b"two\n")
        status, _, errors = self.run_example("6_2_2_non_blocking_read")
        self.assertEqual(status, 1)
        self.assertIn("open example1.txt: No such file or directory (errno 2)", errors)
        self.assertIn("in slurp at 6_2_2_non_blocking_read.cpp:", errors)  # the chain of awaiting tasks


class Lines(example.Case):
    def test_reading(self):
        self.write("example.txt", b"First line\n\nThird line\r\nno newline at the end")
        status, lines, _ = self.run_example("6_4_1_read_lines")
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["Reading line: First line", "Reading line: ", "Reading line: Third line",
                                 "Reading line: no newline at the end"])

    def test_reading_an_empty_file(self):
        self.write("empty", b"")
        self.assertEqual(self.run_example("6_4_1_read_lines", "empty")[:2], (0, []))

    def test_reading_what_is_not_there(self):
        status, lines, errors = self.run_example("6_4_1_read_lines")
        self.assertEqual((status, lines), (1, []))
        self.assertIn("leat: uncaught error: open example.txt: No such file or directory (errno 2)", errors)

    def test_writing(self):
        status, lines, _ = self.run_example("6_4_2_write_lines")
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["Written line: Line 1", "Written line: Line 2", "Written line: Line 3"])
        self.assertEqual(self.read("output.txt"), b"Line 1\nLine 2\nLine 3\n")

    def test_writing_to_a_full_disk(self):
        status, _, errors = self.run_example("6_4_2_write_lines", "/dev/full")
        self.assertEqual(status, 1)
        self.assertIn("write /dev/full: No space left on device (errno 28)", errors)

    def test_writing_where_there_is_no_directory(self):
        status, _, errors = self.run_example("6_4_2_write_lines", "nowhere/output.txt")
        self.assertEqual(status, 1)
        self.assertIn("open nowhere/output.txt: No such file or directory (errno 2)", errors)


class NothingBlocks(example.Case):
    def test_the_loop_ticks_while_a_call_blocks(self):
        with self.example("6_6_1_nothing_blocks") as running:
            for tick in (1, 2, 3):
                running.wait_for(f"Tick {tick}")
            running.say("a line\n")
            running.wait_for("Read: a line")
            self.assertEqual(running.end(), 0)


class Resources(example.Case):
    def test_nothing_stays_open_and_nothing_is_lost(self):
        status, lines, _ = self.run_example("6_6_4_resources")
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["Left early: something went wrong",
                                 "Closed: write /dev/full: No space left on device (errno 28)",
                                 "The file holds: written, though nobody closed the file",
                                 "Descriptors that were left open: 0"])


if __name__ == "__main__":
    example.main()
