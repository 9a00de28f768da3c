"""A person's terminal: a line is typed at its foot while others scroll by
above, and all of it is kept in a file as it was seen."""
import atexit
import re
import readline
import shutil
import sys
import termios
import threading
import unicodedata

COLOUR = re.compile("\033\\[[\\d;]*m")
CTRL_C = ":ctrl-c"


class Screen:
    def __init__(self, record, words):
        """@record: the file that keeps it; @words: what Tab completes."""
        self.record, self.words = record, words
        self.prompt = ""
        self.typing = False
        self.lock = threading.Lock()
        self.terminal = sys.stdin.isatty()
        if self.terminal:
            self.take_keys()

    def take_keys(self):
        """Ctrl-C drops the line, no more: as a signal it would end what runs
        beside, `make` among them."""
        before = termios.tcgetattr(sys.stdin)
        atexit.register(termios.tcsetattr, sys.stdin, termios.TCSANOW, before)
        keys = termios.tcgetattr(sys.stdin)
        keys[6][termios.VINTR] = keys[6][termios.VQUIT] = b"\0"
        termios.tcsetattr(sys.stdin, termios.TCSANOW, keys)
        readline.parse_and_bind(f'"\\C-c": "\\C-a\\C-k{CTRL_C}\\C-m"')
        readline.parse_and_bind("tab: complete")
        readline.set_completer_delims(" ")
        readline.set_completer(self.complete)
        readline.set_pre_input_hook(self.begin_typing)

    def complete(self, start, nth):
        fits = [word + " " for word in self.words if word.startswith(start)]
        return fits[nth] if nth < len(fits) else None

    def begin_typing(self):
        """The prompt stands, and nothing is typed yet."""
        self.typing = True
        self.lock.release()

    def ask(self, prompt):
        """The next line, or None at the end of what is typed."""
        self.prompt = prompt
        if self.terminal:
            self.lock.acquire()  # nothing comes between the prompt's letters
        try:
            line = input(prompt).strip()
        except EOFError:
            print()
            return None
        finally:
            self.typing = False
        self.keep(prompt + line)
        return line

    def show(self, text):
        """Print above the line that is being typed."""
        with self.lock:
            self.keep(text)  # who sees it can read it there
            typed = ""
            if self.typing:
                typed = self.prompt + readline.get_line_buffer()
            up = width(typed) // shutil.get_terminal_size().columns
            if self.terminal:
                sys.stdout.write("\r" + "\033[A" * up + "\033[J")
            sys.stdout.write(text + "\n" + typed)
            sys.stdout.flush()

    def keep(self, text):
        self.record.write(COLOUR.sub("", text) + "\n")
        self.record.flush()


def width(text):
    """In columns."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)
