#!/usr/bin/env python3
"""The demo at a terminal: what is typed is said, tapped or broken.

Usage: test_front.py BUILD_FOLDER
"""
import os
import pathlib
import pty
import re
import select
import sys
import time
import unittest

BUILD = None
DEMO = pathlib.Path(__file__).resolve().parent / "demo"
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """A person's terminal: type a line, wait for words."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(DEMO, [str(DEMO), BUILD])
        self.text = b""

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def wait(self, words, seconds=20):
        """Until all that follows has @words; returns False if it never has."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            seen = CONTROL.sub(b"", self.text)
            if words.encode() in seen:
                self.text = seen.split(words.encode(), 1)[1]
                return True
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 65536)
                except OSError:  # the other side has closed
                    break
        return False

    def end(self):
        """Read to its end; its exit status."""
        self.wait("nothing says this", 10)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Front(unittest.TestCase):
    def sees(self, words):
        self.assertTrue(self.terminal.wait(words),
                        f"no {words!r} after {self.terminal.text[-2000:]!r}")

    def wait_until_it_takes_taps(self, title):
        for _ in range(20):
            self.terminal.type(":posts")
            if self.terminal.wait(title, 1):
                return
        self.fail(f"{title} never took taps")

    def test_a_person_speaks_for_everybody(self):
        self.terminal = terminal = Terminal()
        self.sees("the bot listens")
        terminal.type("?")
        self.sees("who is who")
        terminal.type("@cto +ok")
        self.sees("no post takes taps yet")
        terminal.type("@nobody hello")
        self.sees("nobody is called nobody")
        terminal.type("@devops.oncall !cutover plan")
        self.sees("Approve the plan?")
        self.sees("Tap")
        self.wait_until_it_takes_taps("Approve the plan?")
        terminal.type("@cto +white_check_mark")
        self.sees("cto taps")
        terminal.type(":faults kill")
        self.sees("the bot is gone")
        terminal.type("@devops.lead +ok")
        self.sees("devops.lead taps")
        terminal.type(":faults start")
        self.sees("Plan approved")
        terminal.type("!help")
        self.sees("What you may do now")
        terminal.type(":quit")
        self.assertEqual(terminal.end(), 0)


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
