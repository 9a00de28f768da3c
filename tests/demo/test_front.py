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
# Not the folder of `make demo`: somebody may have one open.
FOLDER = None
DEMO = pathlib.Path(__file__).resolve().parent / "demo"
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")


def kept_screen():
    return pathlib.Path(FOLDER, "hand/screen.txt").read_text("utf-8")


class Terminal:
    """A person's terminal: type a line, wait for words."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(DEMO, [str(DEMO), BUILD, "hand", FOLDER])
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

    def assert_time_goes_on(self):
        """Each line is said later than the one before."""
        for _ in range(2):
            self.terminal.type("time?")
            self.sees("time?")
            time.sleep(0.5)
        kept = kept_screen()
        times = re.findall(r"(\S+)  devops.oncall\n +time\?", kept)
        self.assertLess(times[0], times[1])

    def wait_for_posts(self, words):
        for _ in range(20):
            self.terminal.type(":posts")
            if self.terminal.wait(words, 1):
                return
        self.fail(f"{words} never came")

    def wait_until_it_takes_taps(self, title):
        self.wait_for_posts("takes taps " + title)

    def setUp(self):
        self.terminal = Terminal()
        self.sees("the bot listens")

    def tearDown(self):
        self.terminal.type(":quit")
        self.assertEqual(self.terminal.end(), 0)

    def says(self, line, answer):
        self.terminal.type(line)
        self.sees(answer)

    def plan(self):
        self.says("@devops.oncall !cutover plan", "Approve the plan?")
        self.wait_until_it_takes_taps("🚦 Approve the plan?")

    def test_a_person_speaks_for_everybody(self):
        self.says("?", "who is who")
        self.says("@cto +ok", "no post takes taps now")
        self.plan()
        self.says("@cto +white_check_mark", "cto taps")
        self.says(":faults kill", "the bot is gone")
        self.says(":faults kill", "it is dead already")
        self.assert_time_goes_on()
        self.says("@devops.lead ✅", "devops.lead taps")
        self.says(":faults start", "Plan approved")
        self.says("!help", "What you may do now")

    def test_a_slip_does_no_harm(self):
        self.says("\x03", "nothing was sent")
        self.says("@visitr hello", "@visitor perhaps?")
        self.says("@zzz hello", ":people lists who is")
        self.says(":pase", ":pace perhaps?")
        self.says(":pace 0", "time goes 5 times")
        self.says(":faults kil", "there is no fault kil")
        self.says("cutover start", "the bot heeds only")
        self.says("@here look", "@here look")
        self.says("@cto +ok #1", "there is no post #1")

    def test_a_veto_can_be_taken_back(self):
        self.plan()
        self.says("@cto +no", "time goes as on your watch")
        self.sees("It counts in 10 s")
        self.says("@cto -no", "❌ is gone")

    def test_a_tap_lands_where_it_was_meant(self):
        self.plan()
        self.says("@devops.oncall !cutover rehearse", "3.3.3 by hand")
        self.wait_until_it_takes_taps("⏳ 3.3.3")
        self.says("@asked +ok", "3.6.2 by hand")
        self.wait_until_it_takes_taps("⏳ 3.6.2")
        self.says("@asked +ok", "Then say what you saw")
        self.says("@asked +ok", "wants words: @devops.engineer !done 3.7")
        self.says("@asked +ok #1", "Plan approved")
        self.wait_for_posts("#1   over")
        self.sees("✅ cto, devops.lead")

    def test_a_second_demo_leaves_the_first_alone(self):
        second = Terminal()
        self.assertTrue(second.wait("another one is open in"))
        self.assertEqual(second.end(), 1)
        self.says("@visitor !cutover start", "Not started")

    def test_words_in_a_thread_and_a_file_with_them(self):
        self.says("@cto >card !note x", "there is no card")
        self.says(":attach /no/such/file", "No such file or directory")
        self.says(":file", "no file was attached yet")
        self.plan()
        self.says("@devops.oncall !cutover rehearse", "3.3.3 by hand")
        self.wait_until_it_takes_taps("⏳ 3.3.3")
        self.says("@devops.engineer >2 !done 3.3.3", "done · devops.engineer")
        self.says("@cto >card !cutover start", "cto in the thread")
        self.wait_until_it_takes_taps("⏳ 3.6.2")
        self.says("@asked +ok", "Then say what you saw")
        self.says(f":attach {__file__}", "goes with what is said next")
        self.says("@devops.engineer !done 3.7", "📎 test_front.py")
        self.sees("Rehearsal LB-1 passed")
        self.says(":file test_front.py", "The demo at a terminal")

    def test_the_stage_stack_can_be_taken_down(self):
        stage = pathlib.Path(FOLDER, "hand/world/state/stacks/stage")
        stage.parent.mkdir(exist_ok=True)
        stage.write_text("release 2025.09.2\n")
        self.says(":faults stage", "taken down by hand")
        self.says("@visitor !why", "No run is open")
        self.assertFalse(stage.exists())

    def test_the_screen_is_kept(self):
        self.says("@visitor !cutover start", "Not started")
        kept = kept_screen()
        self.assertIn("devops.oncall> @visitor !cutover start", kept)
        self.assertIn("Not started", kept)
        self.assertNotIn("\033", kept)


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    FOLDER = str(pathlib.Path(BUILD, "test-demo").resolve())
    unittest.main()
