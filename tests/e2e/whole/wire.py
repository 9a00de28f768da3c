"""A wire between a bot and its server that can be cut, frozen and made to lose
answers, without the server's help: what a network does, on any server."""
import contextlib
import socket
import threading
import urllib.parse

BLOCK = 65536


class Link:
    """One connection of the bot's, and ours to the server for it."""

    def __init__(self, wire, near):
        self.wire = wire
        self.near = near
        self.far = socket.create_connection(wire.server, timeout=30)
        self.far.settimeout(None)
        self.asked = b""
        self.websocket = False

    def run(self):
        back = threading.Thread(target=self.pump_back, daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while True:
                data = self.near.recv(BLOCK)
                if not data:
                    break
                self.websocket |= b"upgrade: websocket" in data.lower()
                if b" /api/v4/" in data:
                    self.asked = data.split(b"\r\n", 1)[0]
                self.wire.wait()
                self.far.sendall(data)
        self.close()

    def pump_back(self):
        with contextlib.suppress(OSError):
            while True:
                data = self.far.recv(BLOCK)
                if not data:
                    break
                self.wire.wait()
                if self.wire.loses(self.asked):
                    break
                self.near.sendall(data)
        self.close()

    def close(self):
        for end in (self.near, self.far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.wire.forget(self)


class Wire:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.server = (parts.hostname, parts.port or 80)
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{parts.path}"
        self.lock = threading.Lock()
        self.links = set()
        self.thaw = threading.Event()
        self.thaw.set()
        self.whole = True
        self.to_lose = []   # beginnings of requests whose answers are lost
        self.lost = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.whole:
                near.close()
                continue
            try:
                link = Link(self, near)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.links.add(link)
            threading.Thread(target=link.run, daemon=True).start()

    def wait(self):
        self.thaw.wait()

    def loses(self, asked):
        with self.lock:
            for start in self.to_lose:
                if asked.startswith(start):
                    self.to_lose.remove(start)
                    self.lost += 1
                    return True
        return False

    def forget(self, link):
        with self.lock:
            self.links.discard(link)

    # what a network does

    def cut(self, websockets_only=False):
        """Every connection ends now; new ones are taken."""
        with self.lock:
            links = list(self.links)
        for link in links:
            if link.websocket or not websockets_only:
                link.close()

    def part(self):
        """Cut, and take no new ones until mend()."""
        self.whole = False
        self.cut()

    def mend(self):
        self.whole = True

    @contextlib.contextmanager
    def frozen(self):
        """Nothing passes, nothing ends: a cable that was pulled."""
        self.thaw.clear()
        try:
            yield
        finally:
            self.thaw.set()

    def lose(self, start, times=1):
        """The answers to the next requests that begin so never come back;
        their connection ends instead."""
        with self.lock:
            self.to_lose += [start] * times

    def spare(self):
        """No more answers are lost."""
        with self.lock:
            self.to_lose.clear()

    def close(self):
        self.listener.close()
        self.part()
        self.thaw.set()
