"""Cases that report themselves as TAP, from several threads at once."""
import contextlib
import sys
import threading
import time
import traceback


class Failed(Exception):
    """A claim did not hold; the rest of its scenario is not played."""


def claim(holds, what):
    """Fail the case, saying @what, unless @holds."""
    if not holds:
        raise Failed(what)


def until(ask, what, seconds=15.0):
    """What @ask answers as soon as it is true; the case fails if it stays
    untrue for so many @seconds."""
    end = time.monotonic() + seconds
    pause = 0.02
    while True:
        answer = ask()
        if answer:
            return answer
        claim(time.monotonic() < end, f"not within {seconds:g} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


class Report:
    """Counts the cases and prints a line for each."""

    def __init__(self):
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.passed = 0
        self.failed = 0
        self.skipped = 0    # of which the server lacks what they need
        self.left_out = 0   # for want of something else: that fails

    def tell(self, text):
        with self.lock:
            for line in text.rstrip("\n").split("\n"):
                print(f"# {line}")
            sys.stdout.flush()

    def skip(self, sentence, why, lacked):
        """A case that is not played.  @lacked: no server of this version
        could; else it is the caller's doing, and that is no success."""
        with self.lock:
            self.skipped += lacked
            self.left_out += not lacked
            print(f"ok {self.count()} - {sentence} # SKIP {why}")
            sys.stdout.flush()

    def count(self):
        return self.passed + self.failed + self.skipped + self.left_out

    def line(self, holds, sentence, took, detail=""):
        with self.lock:
            self.passed += holds
            self.failed += not holds
            print(f"{'' if holds else 'not '}ok {self.count()} - {sentence}")
            if not holds:
                for line in detail.rstrip("\n").split("\n"):
                    print(f"#   {line}")
            elif took > 5:
                print(f"#   took {took:.1f} s")
            sys.stdout.flush()

    def end(self):
        took = time.monotonic() - self.began
        print(f"1..{self.count()}")
        print(f"# {self.passed} passed, {self.failed} failed,"
              f" {self.skipped} skipped that this server lacks,"
              f" {self.left_out} left out, in {took:.1f} s")
        good = self.failed == 0 and self.left_out == 0 and self.passed > 0
        return 0 if good else 1


class Broken(Exception):
    """A case of this scenario failed and was reported."""


class Scenario:
    """One story with cases that build on each other."""

    def __init__(self, report, name, evidence, missing):
        self.report = report
        self.name = name
        self.evidence = evidence  # () -> text that helps whoever looks
        self.missing = missing    # what the server lacks -> why

    def lacks(self, what, sentence):
        """Whether the server lacks @what; then the case @sentence counts as
        skipped."""
        if what not in self.missing:
            return False
        self.report.skip(f"{self.name}: {sentence}", self.missing[what],
                         lacked=True)
        return True

    @contextlib.contextmanager
    def __call__(self, sentence):
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            detail = f"{type(error).__name__}: {error}\n"
            if not isinstance(error, Failed):
                detail += traceback.format_exc()
            took = time.monotonic() - began
            self.report.line(False, f"{self.name}: {sentence}", took,
                             detail + self.evidence())
            raise Broken() from error
        self.report.line(True, f"{self.name}: {sentence}",
                         time.monotonic() - began)
