"""People, and what they do to a Mattermost server over REST v4."""
import http.client
import json
import threading
import time
import urllib.parse


class Refused(Exception):
    """The server said no."""

    def __init__(self, status, method, path, body):
        super().__init__(f"{status} to {method} {path}: {body[:300]!r}")
        self.status = status
        try:
            self.error = json.loads(body).get("id", "")
        except (ValueError, AttributeError):
            self.error = ""


class Rest:
    """Requests to one server; a connection for each thread."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        parts = urllib.parse.urlsplit(self.url)
        self.address = (parts.hostname, parts.port or 80)
        self.prefix = parts.path
        self.local = threading.local()

    def send(self, method, path, body, headers):
        link = getattr(self.local, "link", None)
        if link is None:
            link = http.client.HTTPConnection(*self.address, timeout=30)
            self.local.link = link
        try:
            link.request(method, self.prefix + path, body, headers)
            answer = link.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            link.close()
            self.local.link = None
            raise

    def forget(self):
        """The server was restarted: this thread's connection is dead."""
        self.local.link = None

    def call(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        data = None if body is None else json.dumps(body).encode()
        try:
            status, text = self.send(method, path, data, headers)
        except (OSError, http.client.HTTPException):
            if method != "GET":
                raise
            status, text = self.send(method, path, data, headers)
        if status == 429:  # people wait a moment and do it again
            time.sleep(1)
            return self.call(method, path, body, token)
        if status >= 300:
            raise Refused(status, method, path, text)
        try:
            return json.loads(text)
        except ValueError:
            return text


class Person:
    """An account, with a token of its own."""

    def __init__(self, rest, name, user_id, token):
        self.rest = rest
        self.name = name
        self.id = user_id
        self.token = token

    def __repr__(self):
        return self.name

    def call(self, method, path, body=None):
        return self.rest.call(method, "/api/v4" + path, body, self.token)

    def say(self, channel_id, text, root="", props=None, files=()):
        """Post @text with @files, which were uploaded; returns the post."""
        return self.call("POST", "/posts", {
            "channel_id": channel_id, "message": text, "root_id": root,
            "props": props or {}, "file_ids": list(files)})

    def upload(self, channel_id, name, content):
        """The id of a new file."""
        path = (f"/api/v4/files?channel_id={channel_id}"
                f"&filename={urllib.parse.quote(name)}")
        status, text = self.rest.send("POST", path, content, {
            "Authorization": "Bearer " + self.token,
            "Content-Type": "application/octet-stream"})
        if status >= 300:
            raise Refused(status, "POST", path, text)
        return json.loads(text)["file_infos"][0]["id"]

    def edit(self, post_id, text):
        return self.call("PUT", f"/posts/{post_id}/patch", {"message": text})

    def delete(self, post_id):
        return self.call("DELETE", f"/posts/{post_id}")

    def tap(self, post_id, emoji="white_check_mark"):
        return self.call("POST", "/reactions", {
            "user_id": self.id, "post_id": post_id, "emoji_name": emoji})

    def untap(self, post_id, emoji="white_check_mark", whose=None):
        user = (whose or self).id
        return self.call(
            "DELETE", f"/users/{user}/posts/{post_id}/reactions/"
            + urllib.parse.quote(emoji))

    def taps(self, post_id):
        """(user id, emoji) of all who tapped, as the database has it."""
        answer = self.call("POST", "/posts/ids/reactions", [post_id])
        return {(tap["user_id"], tap["emoji_name"])
                for tap in answer.get(post_id) or []}

    def post(self, post_id):
        return self.call("GET", f"/posts/{post_id}")

    def posts(self, channel_id):
        """Every live post of the channel, oldest first."""
        found = {}
        page = 0
        while True:
            answer = self.call("GET", f"/channels/{channel_id}/posts"
                               f"?page={page}&per_page=199")
            found.update(answer["posts"])
            if len(answer["order"]) < 199:
                break
            page += 1
        return sorted(found.values(), key=lambda p: (p["create_at"], p["id"]))

    def pinned(self, channel_id):
        return self.call("GET", f"/channels/{channel_id}/pinned")["posts"]

    def file(self, file_id):
        return self.call("GET", f"/files/{file_id}")
