"""A REST and websocket client of its own, for test_wire.py.

Standard library only, and written without a look at the sandbox's code: it
speaks HTTP through http.client and RFC 6455 over a plain socket, so that what
is checked is what goes over the wire.
"""
import base64
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

SCENE = {
    "team": {"name": "launch", "display_name": "Launch"},
    "channels": [
        {"name": "launch-bridge"},
        {"name": "bench"},
        {"name": "secret", "type": "P"},
    ],
    "users": [
        {"username": "bot", "bot": True, "token": "t-bot",
         "channels": ["launch-bridge", "bench"]},
        {"username": "cto", "token": "t-cto",
         "channels": ["launch-bridge", "bench"]},
        {"username": "lead", "token": "t-lead",
         "channels": ["launch-bridge", "bench"]},
        {"username": "mallory", "token": "t-mallory", "channels": []},
        {"username": "outsider", "token": "t-outsider", "team": False,
         "channels": []},
        {"username": "admin", "token": "t-admin",
         "roles": "system_admin system_user"},
    ],
    "webhooks": [
        {"id": "hook1", "owner": "cto", "channel": "launch-bridge"},
    ],
}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()
        self.type = response.headers.get("Content-Type", "")
        self.json = None
        if self.type.startswith("application/json") or \
                self.raw.startswith(b"{"):
            self.json = json.loads(self.raw)

    @property
    def id(self):
        return self.json.get("id")


class Socket:
    """A websocket; frames are (opcode, bytes)."""

    def __init__(self, server, token=None, query="", headers=()):
        self.socket = socket.create_connection(("127.0.0.1", server.port), 10)
        self.buffer = b""
        self.seq = 0
        lines = [f"GET /api/v4/websocket{query} HTTP/1.1",
                 f"Host: 127.0.0.1:{server.port}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " +
                 base64.b64encode(os.urandom(16)).decode()]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        lines += headers
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                break
            self.buffer += piece
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.head = head.decode()
        self.status = int(self.head.split(" ", 2)[1])

    def fill(self, count, until):
        while len(self.buffer) < count:
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            piece = self.socket.recv(262144)
            if not piece:
                raise EOFError
            self.buffer += piece

    def frame(self, seconds=5):
        """The next frame; None: nothing came; raises EOFError, OSError."""
        until = time.monotonic() + seconds
        try:
            self.fill(2, until)
            length = self.buffer[1] & 127
            size = 2
            if length == 126:
                size = 4
                self.fill(4, until)
                length = struct.unpack(">H", self.buffer[2:4])[0]
            elif length == 127:
                size = 10
                self.fill(10, until)
                length = struct.unpack(">Q", self.buffer[2:10])[0]
            self.fill(size + length, until)
        except (socket.timeout, BlockingIOError):
            return None
        assert self.buffer[0] & 0x80, "events are never in fragments"
        opcode = self.buffer[0] & 15
        payload = self.buffer[size:size + length]
        self.buffer = self.buffer[size + length:]
        return opcode, payload

    def next(self, seconds=5):
        """The next text frame as JSON; None: nothing came."""
        frame = self.frame(seconds)
        if frame is None:
            return None
        if frame[0] == 9:
            return self.next(seconds)
        assert frame[0] == 1, f"a text frame, not {frame}"
        self.raw = frame[1]
        return json.loads(frame[1])

    def event(self, name=None, seconds=5):
        """The next event of that name (any but status_change)."""
        while True:
            event = self.next(seconds)
            if event is None:
                return None
            if event.get("event") == name or \
                    (name is None and event.get("event") != "status_change"):
                return event

    def send(self, payload, opcode=1):
        if isinstance(payload, (dict, list)):
            payload = json.dumps(payload)
        if isinstance(payload, str):
            payload = payload.encode()
        mask = os.urandom(4)
        head = bytes([0x80 | opcode])
        if len(payload) < 126:
            head += bytes([0x80 | len(payload)])
        else:
            head += bytes([0x80 | 126]) + struct.pack(">H", len(payload))
        body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(head + mask + body)

    def ask(self, action, **data):
        """Send an action and return its reply, events on the way dropped."""
        self.seq += 1
        message = {"action": action, "seq": self.seq}
        if data:
            message["data"] = data
        self.send(message)
        while True:
            reply = self.next()
            if reply is None or "status" in reply:
                return reply

    def ends(self, seconds=5):
        """How it ends: FIN, RST, the payload of a close frame, or None."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                frame = self.frame(until - time.monotonic())
                if frame is None:
                    return None
                if frame[0] == 8:
                    return frame[1]
        except EOFError:
            return "FIN"
        except ConnectionResetError:
            return "RST"
        return None

    def cut(self):
        """RST, as a network that breaks."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Server:
    """A sandbox that is running, and its scene."""

    def __init__(self, program, like, *arguments):
        self.like = like
        self.old = like == "5.37"
        self.folder = tempfile.mkdtemp(prefix="wire.")
        self.scene = os.path.join(self.folder, "scene.json")
        with open(self.scene, "w", encoding="utf-8") as file:
            json.dump(SCENE, file)
        self.process = subprocess.Popen(
            [program, "--port", "0", "--like", like, "--scene", self.scene,
             *(a.format(folder=self.folder) for a in arguments)],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.search(r":(\d+)$", line).group(1))
        info = self.side("GET", "info").json
        self.ids = {p["username"]: p["id"] for p in info["people"]}
        self.token_ids = {p["username"]: p["token_id"]
                          for p in info["people"]}
        self.channels = {c["name"]: c["id"] for c in info["channels"]}
        self.channel = self.channels["launch-bridge"]
        self.team_id = info["team_id"]
        self.sockets = []

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self.process.stdout.close()
        os.unlink(self.scene)
        os.rmdir(self.folder)
        return status

    def request(self, method, path, body=None, user=None, headers=None,
                raw=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=10)
        sent = dict(headers or {})
        if user:
            sent["Authorization"] = "Bearer t-" + user
        if raw is None and body is not None:
            raw = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, raw, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def rest(self, user, method, path, body=None, **more):
        return self.request(method, "/api/v4/" + path, body, user, **more)

    def side(self, method, path, body=None):
        return self.request(method, "/sandbox/" + path, body)

    def post(self, user, message, **more):
        more.setdefault("channel_id", self.channel)
        answer = self.rest(user, "POST", "posts", {"message": message, **more})
        assert answer.status == 201, answer.raw
        return answer.json

    def react(self, user, post, emoji):
        return self.rest(user, "POST", "reactions", {
            "user_id": self.ids[user], "post_id": post["id"],
            "emoji_name": emoji})

    def unreact(self, user, post, emoji):
        return self.rest(user, "DELETE", "users/%s/posts/%s/reactions/%s" % (
            self.ids[user], post["id"], emoji))

    def reactions(self, user, post):
        return self.rest(user, "GET", f"posts/{post['id']}/reactions").json

    def fault(self, **rule):
        answer = self.side("POST", "faults", rule)
        assert answer.status == 200, answer.raw
        return answer.json["id"]

    def connect(self, user="bot", query="", **more):
        """A websocket with its hello read."""
        link = Socket(self, "t-" + user, query, **more)
        self.sockets.append(link)
        return link

    def hello(self, user="bot"):
        """A new connection: (socket, its id)."""
        link = self.connect(user)
        hello = link.next()
        assert hello["event"] == "hello", hello
        return link, hello["data"]["connection_id"]

    def resume(self, connection_id, number, user="bot"):
        return self.connect(user, "?connection_id=%s&sequence_number=%s" % (
            connection_id, number))

    def settle(self):
        """After each case: everything as it was."""
        for link in self.sockets:
            link.close()
        self.sockets = []
        self.side("DELETE", "faults")
        until = time.monotonic() + 5
        while self.side("GET", "state").json["sockets"]:
            assert time.monotonic() < until, "sockets are left"
            time.sleep(0.005)
