#!/usr/bin/env python3
"""Commands and requests that tell secrets in every way that is promised to be
hidden, and a search for them in all that is kept, said and uploaded.

Usage: hushed.py SANDBOX BRIDGEKEEPER
"""
import base64
import http.server
import json
import pathlib
import sys
import threading
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage  # noqa: E402

PASSWORD = "Hunt's \"d\u00e9j\u00e0\" w+rd/%41$x\U0001f680end"
PLAIN = "Hunter2Hunter2"
# So long that what libcurl says of it is cut within.
HOST = ".".join(f"label{n}-of-a-long-and-secret-name" for n in range(8))

RUNBOOK = """# Loose tongues

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | c |

## 1 Go {.production env=prod}

1. In two writes

   ```sh
   printf %s "${PASSWORD:0:7}"
   sleep 0.3
   printf '%s\\n' "${PASSWORD:7}"
   ```

2. Across the pieces that are read and kept

   ```sh
   for at in 4096 8192 16384 32768 65536 131072; do
     for back in 40 31 21 11 7 3 1 0; do
       head -c $((at - back)) /dev/zero | tr '\\0' x
       printf '%s%s' "$PASSWORD" "$PLAIN"
       head -c 70000 /dev/zero | tr '\\0' y
       echo
     done
   done
   ```

3. Among other bytes

   ```sh
   printf '\u00e9%s\u20ac%s\U0001f680\\n' "$PASSWORD" "$PLAIN"
   printf '\\303%s\\251\\377%s\\200\\n' "$PASSWORD" "$PLAIN"
   printf 'a\\r%s\\tb\\v%s\\n' "$PASSWORD" "$PLAIN" >&2
   ```

4. In other spellings

   ```sh
   for before in '' u us use user; do
     printf '%s%s' "$before" "$PASSWORD" | base64 -w0; echo
     printf '%s%s' "$before" "$PASSWORD" | base64 -w0 | tr +/ -_; echo
   done
   python3 -c 'import json, os, urllib.parse as u
   word = os.environ["PASSWORD"]
   print(u.quote(word), u.quote(word, safe=""), u.quote_plus(word))
   print(json.dumps(word), json.dumps(word, ensure_ascii=False))
   digits = word.encode().hex()
   print(digits, digits.upper())
   print(*(digits[i:i + 60] for i in range(0, len(digits), 60)), sep="\\n")'
   printf '%q\\n' "$PASSWORD"
   set -x
   : "$PASSWORD" "$PLAIN"
   ```

5. At length

   ```sh
   for i in $(seq 3000); do
     echo "$i $PASSWORD $PLAIN"
   done
   ```

6. Badly

   ```sh
   echo "no access with $PASSWORD"
   echo "nor with $PLAIN" >&2
   exit 3
   ```

7. As a value for others

   ```sh sets=FOUND
   echo "FOUND=$PASSWORD" >>"$BRIDGE_OUTPUT"
   ```

8. By an echo

   ```http
   POST {{ECHO}}/echo?word={{PASSWORD}}
   X-Key: {{PLAIN}}
   Content-Type: application/json

   {"word": "{{PASSWORD}}", "other": "{{PLAIN}}"}
   ```

   ```expect
   json .word == "nothing"
   ```

9. To nobody

   ```http
   GET http://127.0.0.1:9/{{PLAIN}}?x={{PASSWORD}}
   ```

10. To a host of that name

    ```http
    GET http://{{PLAIN}}/x
    ```

11. To a host with a long name

    ```http
    GET http://{{HOST}}/x
    ```

## 2 Back {.rollback}

1. Take it back {owner="Storage"}
"""


class Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        word = json.loads(body)["word"]
        said = json.dumps({"word": word, "path": self.path,
                           "key": self.headers["X-Key"]}).encode()
        self.send_response(200)
        self.send_header("X-Echo", self.headers["X-Key"])
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def spellings():
    """Pieces by which the secrets would be known, as bytes."""
    yield HOST[:20].encode()
    for word in (PASSWORD, PLAIN):
        raw = word.encode()
        yield raw
        # A half is a leak too; so short that nothing else has it.
        yield raw[:12]
        yield raw[-12:]
        yield raw.hex()[:24].encode()
        yield raw.hex()[:24].upper().encode()
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + raw)
            middle = whole[4:-4]
            yield middle
            yield middle.replace(b"+", b"-").replace(b"/", b"_")
        if word != PLAIN:
            yield urllib.parse.quote(word).encode()
            yield urllib.parse.quote(word, safe="").encode()
            yield urllib.parse.quote_plus(word).encode()
            yield json.dumps(word).encode()[1:-1]
            yield json.dumps(word, ensure_ascii=False).encode()[1:-1]
            yield raw.replace(b"'", b"'\\''")


def all_that_is_there(there):
    """Name and bytes of everything that the bot keeps or has said."""
    for path in sorted((there.folder / "state").rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()
    yield "bot.log", (there.folder / "bot.log").read_bytes()
    yield "export", there.audit("export", "--json").encode()
    yield "tail", there.audit("tail", "-n", "1000").encode()
    state = there.ask("GET", "/sandbox/state?channel=launch-bridge")
    state["posts"] = [post for post in state["posts"]
                      if post["user"] != "lead"]
    yield "channel", json.dumps(state, ensure_ascii=False).encode()
    for post in state["posts"]:
        for file in post.get("files") or []:
            request = urllib.request.Request(
                f"{there.url}/api/v4/files/{file['id']}", headers={
                    "Authorization": "Bearer " + there.people["lead"]["token"]})
            with urllib.request.urlopen(request, timeout=30) as answer:
                yield "file " + file["name"], answer.read()


def search(there):
    found, seen = [], 0
    for name, held in all_that_is_there(there):
        seen += len(held)
        found += [f"{name} has {piece!r}: "
                  f"...{held[max(0, held.find(piece) - 30):][:80]!r}"
                  for piece in spellings() if piece in held]
    assert not found, "\n# ".join(found[:20])
    assert seen > 5_000_000, f"only {seen} bytes were looked at"


def failed(there, step, reason):
    post = there.wait(f"/step/{step}/", reason, 30)
    for word in ("!why", "!status", "!cutover decide"):
        there.say("lead", word)
    there.say("lead", f"!skip {step} never mind")
    return post


def play(there, url):
    there.write("secrets", f"PASSWORD={PASSWORD}\nPLAIN={PLAIN}\nHOST={HOST}\n",
                0o600)
    text = (there.folder / "config.ini").read_text()
    there.write("config.ini", text + "\n[env prod]\nsecrets_file = secrets\n"
                f"ECHO = {url}\n")
    there.start()
    there.say("lead", "!cutover plan")
    there.say("lead", "!cutover start")
    post = failed(there, "1.6", "exit 3")
    assert "***" in post["message"], post["message"]
    there.say("lead", f"!note {PASSWORD} is the password")
    there.say("lead", f"!dome 1.7 token={PLAIN}")
    there.wait("answer/", "token=***")
    failed(there, "1.7", "secret")
    failed(there, "1.8", "wanted")
    failed(there, "1.9", "")
    failed(there, "1.10", "")
    failed(there, "1.11", "")
    there.wait("/succeeded/", seconds=60)
    there.stop()


def tongues():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with stage.Stage(sys.argv[1], sys.argv[2], RUNBOOK) as there:
        try:
            play(there, f"http://127.0.0.1:{server.server_port}")
            search(there)
        except Exception:
            there.print()
            raise
    server.shutdown()


stage.run([("no secret is kept or said, however it is told", tongues)])
