"""A small terminal: as much of a VT100 as a program that draws lines may use. Anything else is an error."""

import re
import unicodedata

SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


def width(character):
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.scrolled = []       # lines that left at the top
        self.wrapped = False     # a line was too long
        self.drawn = []          # the lines at the last "clear below", with which a drawing of bars ends
        self.pending = ""

    def lines(self):
        """What there is to see, without blanks at the ends and below."""
        text = ["".join(row).rstrip() for row in self.cells]
        while text and not text[-1]:
            text.pop()
        return text

    def resize(self, columns, rows):
        """Cuts and extends, as xterm does; the cursor's line stays."""
        while self.y >= rows:
            self.scrolled.append("".join(self.cells.pop(0)).rstrip())
            self.y -= 1
        self.cells = [(row + [" "] * columns)[:columns] for row in self.cells[:rows]]
        self.cells += [[" "] * columns for _ in range(rows - len(self.cells))]
        self.columns, self.rows, self.x = columns, rows, min(self.x, columns - 1)

    def line_feed(self):
        self.y += 1
        if self.y == self.rows:
            self.scrolled.append("".join(self.cells.pop(0)).rstrip())
            self.cells.append([" "] * self.columns)
            self.y -= 1

    def put(self, character):
        size = width(character)
        if size == 0:
            return
        if self.x + size > self.columns:
            self.wrapped = True
            self.x = 0
            self.line_feed()
        self.cells[self.y][self.x] = character
        if size == 2:
            self.cells[self.y][self.x + 1] = ""
        self.x += size

    def feed(self, text):
        text = self.pending + text
        self.pending = ""
        at = 0
        while at < len(text):
            character = text[at]
            if character == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at < 8:
                        self.pending = text[at:]
                        return
                    raise AssertionError(f"unknown sequence {text[at:at + 8]!r}")
                self.control(found.group(1), found.group(2))
                at = found.end()
                continue
            if character == "\r":
                self.x = 0
            elif character == "\n":
                self.line_feed()
            elif ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F:
                raise AssertionError(f"control character {character!r}")
            else:
                self.put(character)
            at += 1

    def control(self, parameters, command):
        if command == "A":
            self.y = max(0, self.y - int(parameters or "1"))
        elif command == "K" and parameters in ("", "0"):
            self.cells[self.y][self.x :] = [" "] * (self.columns - self.x)
        elif command == "J" and parameters in ("", "0"):
            self.cells[self.y][self.x :] = [" "] * (self.columns - self.x)
            for row in range(self.y + 1, self.rows):
                self.cells[row] = [" "] * self.columns
            self.drawn = self.lines()
        elif command == "m":
            pass
        else:
            raise AssertionError(f"unknown sequence ESC [ {parameters} {command}")
