"""The sandbox's process, and what people and the side door do over REST."""
import http.client
import json
import subprocess
import threading
import urllib.parse

import people


class RestError(Exception):
    pass


def in_words(data):
    """What the server says in the body of an error."""
    try:
        return json.loads(data)["message"]
    except (ValueError, KeyError, TypeError):
        return data[:300].decode(errors="replace")


class Sandbox:
    def __init__(self, program, folder, start, pace=None):
        scene, self.clock = folder / "scene.json", folder / "clock"
        scene.write_text(json.dumps(people.scene(), indent=1))
        command = [program, "--port", "0", "--scene", str(scene),
                   "--clock", str(self.clock), "--start", start]
        if pace:
            command += ["--pace", str(pace)]
        self.log = open(folder / "sandbox.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self.log, text=True, start_new_session=True)
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise RestError(f"the sandbox did not start: {line!r}")
        self.url = line.split()[-1]
        self.local = threading.local()
        info = self.side("GET", "info")
        self.people = {p["username"]: p["id"] for p in info["people"]}
        self.names = {i: name for name, i in self.people.items()}
        self.channel = next(c["id"] for c in info["channels"]
                            if c["name"] == people.CHANNEL)

    def call(self, method, path, body=None, token=None):
        """One request with a body of JSON; what its answer says."""
        data = self.exchange(method, path,
                             None if body is None else json.dumps(body), token)
        return json.loads(data) if data else {}

    def exchange(self, method, path, body=None, token=None):
        """One request; a connection a thread is kept."""
        for attempt in (1, 2):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                host = urllib.parse.urlsplit(self.url).netloc
                connection = http.client.HTTPConnection(host, timeout=90)
                self.local.connection = connection
            headers = {"Content-Type": "application/json"}
            if token:
                headers["Authorization"] = "Bearer " + token
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
                break
            except (ConnectionError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                if attempt == 2:
                    raise
        if answer.status >= 400:
            raise RestError(f"{method} {path}: {answer.status}"
                            f" {in_words(data)}")
        return data

    def side(self, method, path, body=None):
        return self.call(method, "/sandbox/" + path, body)

    # what people do, each with their own token

    def say(self, name, text, root="", files=()):
        return self.call("POST", "/api/v4/posts",
                         {"channel_id": self.channel, "message": text,
                          "root_id": root, "file_ids": list(files)},
                         people.token(name))

    def upload(self, name, file_name, data):
        """The id of a file that @name's next message can carry."""
        query = urllib.parse.urlencode({"channel_id": self.channel,
                                        "filename": file_name})
        answer = self.exchange("POST", "/api/v4/files?" + query, data,
                               people.token(name))
        return json.loads(answer)["file_infos"][0]["id"]

    def download(self, name, file_id):
        return self.exchange("GET", f"/api/v4/files/{file_id}", None,
                             people.token(name))

    def tap(self, name, post, emoji):
        return self.call("POST", "/api/v4/reactions",
                         {"user_id": self.people[name], "post_id": post,
                          "emoji_name": emoji}, people.token(name))

    def untap(self, name, post, emoji):
        user = self.people[name]
        return self.call("DELETE", f"/api/v4/users/{user}/posts/{post}"
                                   f"/reactions/{emoji}",
                         None, people.token(name))

    # the side door

    def wait(self, player, after, until_ms=None, real_ms=None):
        body = {"after": after}
        if player:
            body["player"] = player
        if until_ms is not None:
            body["until_ms"] = until_ms
        if real_ms is not None:
            body["real_ms"] = real_ms
        return self.side("POST", "wait", body)

    def bot_listens(self):
        return any(socket.get("user") == people.BOT
                   for socket in self.side("GET", "state")["sockets"])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
