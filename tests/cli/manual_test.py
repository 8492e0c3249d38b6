#!/usr/bin/env python3
"""leat manual, leat completions: made of the options that --help shows, so that nothing is missing, and fit for those who read them."""

import os
import re
import shutil
import subprocess
import unittest

import tool


def options_of(*command):
    """The spellings in --help: {"-i", "--input", …}."""
    shown = tool.run(*command, "--help").stdout
    found = set()
    for names in re.findall(r"(?m)^  (-\S+(?:,-\S+)*)", shown):
        found.update(re.sub(r"\[=.*", "", name) for name in names.split(","))
    return found


def plain(page):
    """A page's text without roff's escapes."""
    return re.sub(r"\\f.", "", page).replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")


def commands_of(*command):
    return re.findall(r"(?m)^  (\w+) ", tool.run(*command, "--help").stdout.partition("Subcommands:")[2].partition("\n\n")[0])


COMMANDS = commands_of()
PATHS = [(command,) for command in COMMANDS] + [(command, below) for command in COMMANDS for below in commands_of(command)]


class Manual(tool.Case):
    def test_every_option_and_command_is_on_its_page(self):
        self.assertLessEqual({"get", "serve", "echo"}, set(COMMANDS))
        whole = plain(tool.run("manual").stdout)
        for option in options_of():
            self.assertRegex(whole, rf"(?m)^{option}\b|, {option}\b")
        for command in COMMANDS:
            self.assertIn(f"leat-{command}(1)", whole)
            page = plain(tool.run("manual", command).stdout)
            for below in commands_of(command):
                self.assertIn(f"\n.SS leat {command} {below}\n", page)
            options = set().union(*(options_of(*path) for path in PATHS if path[0] == command))
            self.assertGreater(len(options), 2)
            for option in options:
                self.assertRegex(page, rf"(?m)^{option}\b|, {option}\b", command)
            for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"):
                self.assertIn(f".SH {section}\n", page)
        self.assertIn(".SH EXIT STATUS\n", tool.run("manual", "get").stdout)

    def test_the_pages_are_sound(self):
        if not shutil.which("groff"):
            raise unittest.SkipTest("groff looks at the pages")
        ended = tool.run("manual", "--write", self.directory)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(self.directory)), sorted(["leat.1", *(f"leat-{command}.1" for command in COMMANDS)]))
        for name in os.listdir(self.directory):
            for device in ("utf8", "ascii"):
                made = subprocess.run(["groff", "-man", "-ww", "-T" + device, self.path(name)], capture_output=True, encoding="utf-8", errors="replace")
                self.assertEqual((made.returncode, made.stderr), (0, ""), name)
        text = subprocess.run(["groff", "-man", "-Tutf8", "-P-cbou", self.path("leat-get.1")], capture_output=True, encoding="utf-8").stdout
        self.assertIn("--checksum ALGO:HEX", text)
        self.assertIn("grep -o 'https://[^\"]*\\.jpg' page.html | leat get -i - -d images", text)

    def test_wrong_usage(self):
        for arguments in (["manual", "nonsense"], ["manual", "manual"], ["completions"], ["completions", "tcsh"]):
            self.assertEqual(tool.run(*arguments).returncode, 2, arguments)
        self.assertEqual(tool.run("manual", "--write", self.path("no/such")).returncode, 1)


class Completions(tool.Case):
    def bash(self, line):
        """What bash offers behind this line."""
        script = ('source "$1"; COMP_LINE=$2; read -ra COMP_WORDS <<<"$2"; case $2 in *" ") COMP_WORDS+=("");; esac\n'
                  # bash takes '=' apart, as it does at the prompt.
                  'words=(); for w in "${COMP_WORDS[@]}"; do case $w in *=*) words+=("${w%%=*}" = "${w#*=}");; *) words+=("$w");; esac; done\n'
                  'COMP_WORDS=("${words[@]}"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); compopt() { :; }; _leat; printf "%s\\n" "${COMPREPLY[@]}"')
        ended = subprocess.run(["bash", "-euo", "pipefail", "-c", script, "bash", self.script, line], capture_output=True, encoding="utf-8", cwd=self.directory)
        self.assertEqual(ended.stderr, "")
        return [word for word in ended.stdout.splitlines() if word]

    @unittest.skipUnless(shutil.which("bash"), "bash reads its completions")
    def test_bash(self):
        self.script = self.write("completion", tool.run("completions", "bash").stdout)
        self.write("some file", "x")
        os.mkdir(self.path("some-directory"))
        self.assertEqual(set(self.bash("leat ")) & set(COMMANDS), set(COMMANDS))
        self.assertEqual(self.bash("leat ge"), ["get"])
        for path in PATHS:
            self.assertLessEqual(options_of(*path), set(self.bash(f"leat {' '.join(path)} -")) | {"--version"}, path)
            self.assertLessEqual(set(commands_of(*path)), set(self.bash(f"leat {' '.join(path)} ")), path)
        self.assertEqual(self.bash("leat get --exi"), ["--existing"])
        self.assertEqual(self.bash("leat get --existing "), ["overwrite", "skip", "if-newer", "fail"])
        self.assertEqual(self.bash("leat get --existing=s"), ["skip"])
        self.assertEqual(self.bash("leat get --dry-run=a"), ["ask"])
        self.assertCountEqual(self.bash("leat get -i so"), ["some-directory", "some file"])
        self.assertEqual(self.bash("leat get --directory some"), ["some-directory"])
        self.assertCountEqual(self.bash("leat --log-file so"), ["some-directory", "some file"])
        self.assertCountEqual(self.bash("leat get --log-file so"), ["some-directory", "some file"])
        self.assertEqual(self.bash("leat get --jobs "), [])

    def test_other_shells(self):
        for shell in ("zsh", "fish"):
            text = tool.run("completions", shell).stdout
            for path in PATHS:
                self.assertIn(path[-1], text)
                for option in options_of(*path):
                    name = option.lstrip("-")
                    self.assertRegex(text, rf"{option}\b" if shell == "zsh" else rf"-[ls] {name}\b")
            if shutil.which(shell):
                checked = subprocess.run([shell, "-n", self.write("completion." + shell, text)], capture_output=True, encoding="utf-8")
                self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_all_at_once(self):
        self.assertEqual(tool.run("completions", "--write", self.directory).returncode, 0)
        self.assertEqual(sorted(os.listdir(self.directory)), ["_leat", "leat", "leat.fish"])


if __name__ == "__main__":
    tool.main()
