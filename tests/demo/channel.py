"""The channel as people see it, as text that scrolls by."""
import datetime
import json
import re

import people

EMOJI = {"white_check_mark": "✅", "heavy_check_mark": "✔️", "+1": "👍",
         "x": "❌", "-1": "👎", "no_entry": "⛔", "memo": "📝",
         "eyes": "👀", "paperclip": "📎"}
INDENT = " " * 10
COLOUR = re.compile("\033\\[[\\d;]*m")


def utc(ms):
    return datetime.datetime.fromtimestamp(
        ms / 1000, datetime.timezone.utc).strftime("%H:%M:%S")


class Channel:
    """Keeps every post by id and prints what happens, event by event."""

    def __init__(self, out, names, colour=False, transcript=None):
        self.out, self.names, self.colour = out, names, colour
        self.transcript = transcript  # a file that gets it without colours
        self.posts = {}  # id: post, as last seen
        self.files = {}  # name: id, in the order in which they came
        self.taps = {}   # (post id, emoji): who taps it, in order
        self.lines = []  # of what is being printed

    # what came

    def take(self, event):
        """Fold one event in and print it.  Returns (kind, post, who, emoji)."""
        data, seen = event["data"], None
        if event["event"] == "posted":
            seen = self.posted(json.loads(data["post"]))
        elif event["event"] == "post_edited":
            seen = self.edited(json.loads(data["post"]), event["at_ms"])
        elif event["event"] in ("reaction_added", "reaction_removed"):
            seen = self.tapped(event["event"], json.loads(data["reaction"]),
                               event["at_ms"])
        self.flush()
        return seen

    def posted(self, post):
        self.posts[post["id"]] = post
        who = self.names.get(post["user_id"], "?")
        if post.get("type"):
            return None
        root = post.get("root_id")
        self.head(post["create_at"], who, " in the thread" if root else "")
        self.text(post["message"])
        for file in (post.get("metadata") or {}).get("files") or []:
            self.files[file["name"]] = file["id"]
            self.line(INDENT + self.dim(f"📎 {file['name']}"))
        return "posted", post, who, None

    def edited(self, post, at_ms):
        before = self.posts.get(post["id"], {})
        self.posts[post["id"]] = post
        who = self.names.get(post["user_id"], "?")
        same = before.get("message") == post["message"]
        if not same and not is_in_progress(post):
            self.head(at_ms, who, " edits to")
            self.text(post["message"])
        return None if same else ("edited", post, who, None)

    def tapped(self, kind, reaction, at_ms):
        who = self.names.get(reaction["user_id"], "?")
        post = self.posts.get(reaction["post_id"])
        emoji = reaction["emoji_name"]
        standing = self.taps.setdefault((reaction["post_id"], emoji), [])
        if kind == "reaction_added":
            standing.append(who)
        elif who in standing:
            standing.remove(who)
        if who != people.BOT or (post and not self.is_bots(post)):
            verb = "taps" if kind == "reaction_added" else "takes back"
            self.head(at_ms, who, f" {verb} {EMOJI.get(emoji, emoji)}"
                                  f" on “{self.title(post)}”")
        return kind, post, who, emoji

    def is_bots(self, post):
        return self.names.get(post["user_id"]) == people.BOT

    def taps_on(self, post_id):
        """People's taps that stand on a post, a line an emoji."""
        lines = []
        for (tapped, emoji), names in self.taps.items():
            who = [name for name in names if name != people.BOT]
            if tapped == post_id and who:
                lines.append(f"{EMOJI.get(emoji, emoji)} {', '.join(who)}")
        return lines

    # how it looks

    def title(self, post):
        first = plain((post or {}).get("message", "").split("\n")[0])
        first = re.sub(r"(?<=\S) @[\w.-]*\w", "", first)  # who is called
        return first if len(first) <= 48 else first[:47] + "…"

    def head(self, ms, who, rest):
        name = self.paint("1;36" if who == people.BOT else "1;33", who)
        self.line(f"{utc(ms)}  {name}{rest}")

    def text(self, message):
        for line in message.split("\n"):
            if not line.startswith("```"):
                self.line((INDENT + self.shape(line)).rstrip())

    def shape(self, line):
        heading = line.startswith("#")
        if not self.colour:
            return plain(line)
        line = re.sub(r"^#+ ", "", line)
        line = re.sub(r"\*\*(.+?)\*\*", "\033[1m\\1\033[22m", line)
        line = re.sub(r"(?<!\S)(@[\w.-]*\w)", "\033[1;35m\\1\033[0m", line)
        line = unescape(line)
        return self.paint("1", line) if heading else line

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def dim(self, text):
        return self.paint("2", text)

    def note(self, text):
        """A line of the demo itself, not of the channel."""
        self.line(self.dim(f"   ~~~    {text}"))
        self.flush()

    def line(self, text):
        self.lines.append(text)

    def flush(self):
        if self.lines:
            text = "\n".join(self.lines)
            self.out(text)
            if self.transcript:
                self.transcript.write(COLOUR.sub("", text) + "\n")
                self.transcript.flush()
        self.lines = []


def is_in_progress(post):
    """A board that is edited all the time: the card until its run is closed,
    the smoke tests until they have ended.  On a screen it changes in place;
    here only its last state is worth the lines."""
    key = (post.get("props") or {}).get("bridgekeeper") or ""
    if "/card" in key:
        return "📕" not in post["message"]
    return "/smoke" in key and re.search("[▶⬜⏳]", post["message"]) is not None


def plain(line):
    """Markdown's marks taken off, as the client shows it."""
    return unescape(re.sub(r"^#+ ", "", line).replace("**", ""))


def unescape(line):
    """Escapes mean something outside of code only."""
    parts = line.split("`")
    parts[::2] = [re.sub(r"\\([^\w\s])", r"\1", part) for part in parts[::2]]
    return "`".join(parts)
