#!/usr/bin/env python3
"""Provokes each failure that `bridgekeeper check --online` knows, once, and
reads its line.

Usage: check_online.py SANDBOX BRIDGEKEEPER NFS

NFS is the library by which a disk is another machine's.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import hosts  # noqa: E402
import stage  # noqa: E402

RUNBOOK = """# Hello

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | ~ops |

| Step | Required approvers | Record location |
|---|---|---|
| T0 | Lead + Storage | channel |

## 1 Go {.production gate="T0"}

1. Say hello

   ```sh
   for i in 1 2; do echo "$i"; done | sort
   ```

## 2 Back {.rollback}

1. Take it back

   ```sh
   rm -f ledger
   ```
"""


stage.SCENE["channels"].append({"name": "ops", "display_name": "Ops"})


def check(there, *words):
    before = list(there.before)
    if there.preload:
        before += ["env", f"LD_PRELOAD={there.preload}",
                   "ASAN_OPTIONS=" + ":".join(
                       [os.environ.get("ASAN_OPTIONS", ""),
                        "verify_asan_link_order=0"])]
    command = [*before, there.checker, "check", "--online", *words,
               "--config", str(there.folder / "config.ini")]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, done.stdout


def config(there, old, new):
    path = there.folder / "config.ini"
    text = path.read_text()
    assert old in text, old
    there.write("config.ini", text.replace(old, new))
    return lambda: there.write("config.ini", text)


def person(there, name, **change):
    there.ask("POST", f"/sandbox/users/{name}", change)


def nothing(there):
    return lambda: None


def runbook(there, old, new):
    there.write("runbook.md", RUNBOOK.replace(old, new))
    return lambda: there.write("runbook.md", RUNBOOK)


def away(there, name):
    person(there, name, channel="launch-bridge", member=False)
    return lambda: person(there, name, channel="launch-bridge", member=True)


def inactive(there, name):
    person(there, name, active=False)
    return lambda: person(there, name, active=True)


def token(there, text):
    there.write("token", text + "\n", 0o600)
    return lambda: there.write("token", "tokenofthebot0000000000000\n", 0o600)


def mode(there, bits):
    (there.folder / "token").chmod(bits)
    return lambda: (there.folder / "token").chmod(0o600)


def fault(there, path, what):
    there.ask("POST", "/sandbox/faults", {
        "on": "request", "path": path, "do": what, "times": 0})
    return lambda: there.ask("DELETE", "/sandbox/faults")


def archived(there, name="launch-bridge"):
    there.ask("POST", f"/sandbox/channels/{name}", {"archived": True})
    return lambda: there.ask("POST", f"/sandbox/channels/{name}",
                             {"archived": False})


def outside(there, channel):
    person(there, "bridgekeeper", channel=channel, member=False)
    return lambda: person(there, "bridgekeeper", channel=channel, member=True)


def server(there, **change):
    there.ask("POST", "/sandbox/server", change)
    return lambda: there.ask("POST", "/sandbox/server",
                             {"deny": "", "version": "11.6.0"})


def scene(there, who, **change):
    """Another server, on which @who is different."""
    for user in there.scene["users"]:
        if user["username"] == who:
            before = dict(user)
            user.update(change)
            there.restart_sandbox()
            user.clear()
            user.update(before)
    return there.restart_sandbox


def another_time(there):
    there.restart_sandbox("--clock", str(there.folder / "clock"),
                          "--start", "2026-03-07T22:00:00Z")
    return there.restart_sandbox


def no_websocket(there):
    there.ask("POST", "/sandbox/faults",
              {"on": "upgrade", "do": "503", "times": 0})
    return lambda: there.ask("DELETE", "/sandbox/faults")


def other_server(there):
    """Something that answers, and is no Mattermost."""
    page = subprocess.Popen(
        [sys.executable, "-c", "import http.server as h\n"
         "class H(h.BaseHTTPRequestHandler):\n"
         " def log_message(self, *a): pass\n"
         " def do_GET(self):\n"
         "  self.send_response(200); self.end_headers()\n"
         "  self.wfile.write(b'<html>hello</html>')\n"
         "s = h.HTTPServer(('127.0.0.1', 0), H)\n"
         "print(s.server_port, flush=True); s.serve_forever()"],
        stdout=subprocess.PIPE, text=True)
    mend = config(there, there.url,
                  "http://127.0.0.1:" + page.stdout.readline().strip())

    def undo():
        mend()
        page.kill()
        page.wait()
    return undo


def strange_certificate(there):
    """A server whose certificate is its own word."""
    key, paper = there.folder / "tls.key", there.folder / "tls.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         key, "-out", paper], check=True, stderr=subprocess.DEVNULL)
    page = subprocess.Popen(
        [sys.executable, "-c", "import http.server as h, ssl, sys\n"
         "s = h.HTTPServer(('127.0.0.1', 0), h.BaseHTTPRequestHandler)\n"
         "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
         "c.load_cert_chain(sys.argv[1], sys.argv[2])\n"
         "s.socket = c.wrap_socket(s.socket, server_side=True)\n"
         "print(s.server_port, flush=True); s.serve_forever()", paper, key],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    mend = config(there, there.url,
                  "https://127.0.0.1:" + page.stdout.readline().strip())

    def undo():
        mend()
        page.kill()
        page.wait()
    return undo


def without_roles(there):
    """A server that knows none of the roles that it gives."""
    relay = subprocess.Popen(
        [sys.executable, "-c", "import http.server as h, sys\n"
         "import urllib.request as u\n"
         "class H(h.BaseHTTPRequestHandler):\n"
         " def log_message(self, *a): pass\n"
         " def answer(self):\n"
         "  n = int(self.headers.get('Content-Length', 0))\n"
         "  ask = u.Request(sys.argv[1] + self.path, self.rfile.read(n) or None,\n"
         "   {'Authorization': self.headers['Authorization']},\n"
         "   method=self.command)\n"
         "  try:\n"
         "   got = u.urlopen(ask); status, body = got.status, got.read()\n"
         "  except u.HTTPError as bad: status, body = bad.code, bad.read()\n"
         "  if self.path.endswith('/roles/names'): body = b'[]'\n"
         "  self.send_response(status)\n"
         "  self.send_header('Content-Length', str(len(body)))\n"
         "  self.end_headers(); self.wfile.write(body)\n"
         " do_GET = do_POST = answer\n"
         "s = h.ThreadingHTTPServer(('127.0.0.1', 0), H)\n"
         "print(s.server_port, flush=True); s.serve_forever()", there.url],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    mend = config(there, there.url,
                  "http://127.0.0.1:" + relay.stdout.readline().strip())

    def undo():
        mend()
        relay.kill()
        relay.wait()
    return undo


def alone(there, steprun=None):
    """The program where no step runner, or another one, is beside it."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=there.folder))
    there.checker = shutil.copy(there.program, folder)
    if steprun is not None:
        (folder / "steprun").write_text(steprun)
        (folder / "steprun").chmod(0o755)

    def undo():
        there.checker = there.program
        shutil.rmtree(folder)
    return undo


def disk(there, options):
    """A disk of its own for the state folder, in a namespace."""
    (there.folder / "disk").mkdir()
    there.before = ["unshare", "-rm", "sh", "-c",
                    f"mount -t tmpfs -o {options} tmpfs {there.folder}/disk "
                    "&& exec \"$@\"", "sh"]
    mend = config(there, "state_dir = state", "state_dir = disk/state")

    def undo():
        there.before = []
        mend()
        (there.folder / "disk").rmdir()
    return undo


def small(there):
    return disk(there, "size=40m")


def middling(there):
    return disk(there, "size=400m")


def read_only(there):
    return disk(there, "ro")


def far_disk(there):
    """A state folder on NFS, as the kernel would say: there is none here."""
    there.preload = there.nfs
    return lambda: setattr(there, "preload", "")


def closed(there):
    """A state folder behind one that only root may look into."""
    (there.folder / "closed" / "in").mkdir(parents=True)
    (there.folder / "closed").chmod(0o700)
    there.before = ["setpriv", "--reuid=65534", "--clear-groups"]
    mend = config(there, "state_dir = state", "state_dir = closed/in/state")
    there.folder.chmod(0o755)

    def undo():
        there.before = []
        mend()
        shutil.rmtree(there.folder / "closed")
    return undo


def may_mount():
    return subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        stderr=subprocess.DEVNULL, check=False).returncode == 0


def below_a_file(there):
    return config(there, "state_dir = state", "state_dir = token")


def target(there, text):
    path = there.folder / "config.ini"
    before = path.read_text()
    there.write("config.ini", before + text)
    return lambda: there.write("config.ini", before)


def far(there, known=True, mode=0o600):
    """A host that nobody answers for."""
    key = there.folder / "key"
    hosts.make_key(key)
    key.chmod(mode)
    kind, text = pathlib.Path(f"{key}.pub").read_text().split()[:2]
    there.write("known_hosts",
                f"[127.0.0.1]:{9 if known else 8} {kind} {text}\n")
    mend = target(there, "[target far]\nhosts = 127.0.0.1:9\nworkdir = /\n"
                  "ssh_key = key\nssh_known_hosts = known_hosts\n")

    def undo():
        mend()
        for name in ("key", "key.pub", "known_hosts"):
            (there.folder / name).unlink()
    return undo


def elsewhere(there):
    """The unit brings credentials, and not this one."""
    there.before = ["env", f"CREDENTIALS_DIRECTORY={there.folder}/state"]
    mend = config(there, "token_file = token", "token_credential = token")

    def undo():
        there.before = []
        mend()
    return undo


def unknown_to_all(there):
    undo = far(there)
    (there.folder / "known_hosts").rename(there.folder / "elsewhere")

    def mend():
        (there.folder / "elsewhere").rename(there.folder / "known_hosts")
        undo()
    return mend


def without(one, tool):
    """@tool is not in PATH there, and all that the bot asks with is."""
    few = one.folder / "few"
    few.mkdir()
    for name in ("sh", "bash", "uname", "date", "df", "sha256sum", "rm", "git",
                 "head", "cat"):
        if name != tool and shutil.which(name):
            (few / name).symlink_to(shutil.which(name))
    one.login(f"PATH={few}\n")


def host(there, amiss=None, workdir="/proc/self/cwd", files=""):
    """A host that answers, where @amiss is a program that says something, or
    one that is no longer there."""
    key = there.folder / "key"
    hosts.make_key(key)
    one = hosts.Host(there.folder, "far", key,
                     disk="noexec" if amiss == "noexec" else None)
    there.write("known_hosts", one.known())
    mend = target(there, f"[target far]\nhosts = {one.address}\n"
                  f"workdir = {workdir}\nssh_key = key\n"
                  f"ssh_known_hosts = known_hosts\n{files}")
    back = runbook(there, "{.rollback}", "{.rollback on=far}")
    if amiss == "home":
        (one.folder / "home" / ".bridgekeeper").write_text("")
    elif amiss == "tool":
        runbook(there, "{.rollback}\n\n1. Take it back\n\n   ```sh\n",
                "{.rollback on=far}\n\n1. Take it back\n\n   ```sh\n"
                "   no-such-tool\n")
    elif amiss == "sha256sum":
        without(one, amiss)
    elif amiss and amiss != "noexec":
        name, says = amiss
        one.program(name, f"#!/bin/sh\necho '{says}'\n")

    def undo():
        one.stop()
        mend()
        back()
        shutil.rmtree(one.folder)
        for name in ("key", "key.pub", "known_hosts"):
            (there.folder / name).unlink()
    return undo


def two_names(there):
    undo = host(there)
    port = (there.folder / "known_hosts").read_text().split("]:")[1].split()[0]
    config(there, f"hosts = 127.0.0.1:{port}",
           f"hosts = 127.0.0.1:{port}, 127.1:{port}")
    known = (there.folder / "known_hosts").read_text()
    there.write("known_hosts", known + known.replace("127.0.0.1", "127.1"))
    return undo


def no_programs(there):
    return host(there, "noexec")


# What is done, the exit status, and what a line must say.
CASES = [
    ("all is well", nothing, 0, "0 errors"),
    ("a primary left the channel", lambda t: away(t, "rep"), 1,
     "rep, primary of Storage, is not in the channel: invite them [person]"),
    ("a primary is deactivated", lambda t: inactive(t, "rep"), 1,
     "rep, primary of Storage, is deactivated: name somebody else [person]"),
    ("a name that has no account",
     lambda t: config(t, "primary = rep", "primary = ghost"), 1,
     "ghost, primary of Storage, has no account on the server"),
    ("a bot for a primary",
     lambda t: config(t, "primary = rep", "primary = bridgekeeper"), 1,
     "is a bot, and bots do not approve: name a person [person]"),
    ("a guest for a primary",
     lambda t: scene(t, "rep", roles="system_guest"), 1,
     "config.ini:16:1: error: rep, primary of Storage, is a guest, and guests "
     "do not approve: name a member [person]"),
    ("a backup that is away",
     lambda t: config(t, "primary = rep", "primary = rep\nbackup = ghost"), 0,
     "warning: ghost, backup of Storage, has no account"),
    ("a tool that is not installed",
     lambda t: runbook(t, "rm -f ledger", "no-such-tool --now"), 1,
     "step 2.1 runs `no-such-tool`, which is not on local"),
    ("a token that is refused",
     lambda t: token(t, "tokenofnobody0000000000000"), 1,
     "config.ini:4:1: error: the server refuses the token: make a new one in "
     "the bot's account, or enable it [token]"),
    ("a token that is not there", lambda t: config(
        t, "token_file = token", "token_credential = token"), 1,
     "config.ini:4:1: error: the token: systemd brought no credential token"),
    ("a token that the unit does not bring", elsewhere, 1,
     "config.ini:4:1: error: the token: credential token: No such file or "
     "directory: name it in the unit's LoadCredential= [file]"),
    ("a token that others can read", lambda t: mode(t, 0o644), 1,
     "config.ini:4:1: error: the token: secret file"),
    ("a token that is another user's", closed, 1,
     "/token: Permission denied: give it to the user that runs this [file]"),
    ("a token of a person",
     lambda t: token(t, "tokenofthelead000000000000"), 0,
     "warning: the token is that of lead, who is no bot"),
    ("a bot that may do too much",
     lambda t: scene(t, "bridgekeeper", roles="system_admin system_user"), 0,
     "warning: bridgekeeper has the role system_admin, more than a bot needs"),
    ("a server that is too old", lambda t: server(t, version="5.36.2"), 1,
     "config.ini:2:1: error: the server is Mattermost 5.36, and 5.37 to 11.6 "
     "are meant: upgrade it [version]"),
    ("a server that is newer than any", lambda t: server(t, version="12.0.0"),
     0, "warning: the server is Mattermost 12.0, newer than any"),
    ("a server that does not say what it is",
     lambda t: server(t, version=""), 0,
     "warning: the server does not say its version: ask for it"),
    ("a server that is something else", other_server, 1,
     "none of Mattermost's answers, so `url` may lead elsewhere [server]"),
    ("a server that is unwell",
     lambda t: fault(t, "/teams/name/platform$", "500"), 1,
     "error: the server answers with status 500, ask who runs it: "),
    ("a team that is not there",
     lambda t: config(t, "team = platform", "team = nowhere"), 1,
     "config.ini:3:1: error: there is no team nowhere that the bot can see"),
    ("a bot that is not in the team",
     lambda t: scene(t, "bridgekeeper", team=False), 1, "[team]"),
    ("a channel that is not there",
     lambda t: config(t, "channel = launch-bridge", "channel = elsewhere"), 1,
     "config.ini:7:1: error: there is no channel elsewhere in team platform "
     "that the bot can see"),
    ("a channel that is archived", archived, 1,
     "channel launch-bridge is archived: restore it, or name another "
     "[channel]"),
    ("a bot that is not in the channel", lambda t: away(t, "bridgekeeper"), 1,
     "bridgekeeper is not in channel launch-bridge: say /invite @bridgekeeper "
     "there [channel]"),
] + [
    (f"a channel in which the bot may not {word}",
     lambda t, right=right: server(t, deny=right), 1,
     f"the bot may not {word} in launch-bridge: give its roles the "
     f"permission {right}")
    for right, word in (("create_post", "post"), ("add_reaction", "react"),
                        ("upload_file", "attach files"),
                        ("read_channel", "read and pin"),
                        ("edit_post", "edit its own posts (the card)"))
] + [
    ("a contact's channel that the bot is not in",
     lambda t: outside(t, "ops"), 0,
     "config.ini:16:1: warning: the silence of Storage will not be told in "
     "~ops, its contact: bridgekeeper is not in that channel; say /invite "
     "@bridgekeeper there [contact]"),
    ("a contact's channel that is not there",
     lambda t: runbook(t, "~ops", "~opps"), 0,
     "will not be told in ~opps, its contact: the bot can see no such "
     "channel; mend the name in the runbook"),
    ("a contact's channel that is archived",
     lambda t: archived(t, "ops"), 0, "it is archived; restore it, or name"),
    ("a contact's channel that cannot be asked about",
     lambda t: fault(t, "/name/ops", "500"), 0,
     "~ops, its contact: the server answers with status 500"),
    ("rights that cannot be told", lambda t: fault(t, "/roles/names", "500"),
     0, "warning: whether the bot may post and react in launch-bridge cannot "
     "be told"),
    ("roles that the server does not know", without_roles, 1,
     "warning: whether the bot may post and react in launch-bridge cannot be "
     "told (the server knows none of its roles): rehearse there [rights]"),
    ("a proxy that lets no websocket through", no_websocket, 1,
     "its websocket does not (let proxies pass Upgrade)"),
    ("clocks that differ", another_time, 0, "the server's: set them by one"),
    ("a target on other hosts, and no word on how",
     lambda t: target(t, "[target far]\nhosts = node1, node2\n"), 1,
     "[target far] has hosts over ssh and no ssh_key: name the file of a key"),
    ("a host whose key is not known", lambda t: far(t, known=False), 1,
     "127.0.0.1:9 of [target far] is not in"),
    ("a list of known hosts that is not there", unknown_to_all, 1,
     "the known_hosts file of [target far] cannot be read: "),
    ("a key that others may read", lambda t: far(t, mode=0o644), 1,
     "the key of [target far]: secret file"),
    ("a host that is not there", far, 1,
     "127.0.0.1:9 of [target far]: Connection refused: log in there with ssh"),
    ("a host where all is well", host, 0, "0 errors"),
    ("a host without a tool", lambda t: host(t, "tool"), 1,
     "has no `no-such-tool`, which step 2.1 runs: install it, or put it into "
     "PATH there [tool]"),
    ("a host that is another kind of machine",
     lambda t: host(t, ("uname", "Linux riscv64")), 1,
     "is Linux riscv64, and steprun is for"),
    ("a host by two names", two_names, 0,
     "are one machine with one home, and each step runs there twice: name it"),
    ("a host with a home that cannot be written", lambda t: host(t, "home"), 1,
     "has no home folder that its user can write in"),
    ("a host with a home that runs no programs", no_programs, 1,
     "runs no programs in the home folder (noexec)"),
    ("a host that is full", lambda t: host(t, ("df", "x\nx x x 9216 x /")), 1,
     "has 9 MB free in the home folder: make room"),
    ("a host that will soon be full",
     lambda t: host(t, ("df", "x\nx x x 512000 x /")), 0,
     "has 500 MB free in the home folder: make room"),
    ("a host without what every step needs",
     lambda t: host(t, "sha256sum"), 1,
     "has no `sha256sum`, which the bot needs there: install it [tool]"),
    ("a host that says what nobody asked",
     lambda t: host(t, ("uname", "Linux x86_64\nand more")), 1,
     "of [target far] cannot be looked at: what it says makes no sense: log in "
     "there"),
    ("a host without the target's folder",
     lambda t: host(t, workdir="/nowhere"), 1,
     ": its workdir is not there: make it, or mend `workdir` [host]"),
    ("a host without a target's file",
     lambda t: host(t, files="files = *.yaml\n"), 1,
     ": no file is there for *.yaml: put it there, or mend `files` [host]"),
    ("a host whose time runs ahead",
     lambda t: host(t, ("date", "4000000000")), 0,
     "s ahead of this machine's: set them by one time server"),
    ("a host with another time", lambda t: host(t, ("date", "1000")), 0,
     "s behind this machine's: set them by one time server"),
    ("a target whose folder is not there",
     lambda t: target(t, "[target near]\nworkdir = /nowhere\n"), 1,
     "the workdir /nowhere of [target near] is not there: make it"),
    ("files that are not there",
     lambda t: target(t, "[target near]\nworkdir = .\nfiles = *.yaml\n"), 1,
     ": put it there, or mend `files` [file]"),
    ("secrets that are not there",
     lambda t: target(t, "[env prod]\nsecrets_file = gone\n"), 1,
     "the secrets of [env prod]: secret file "),
    ("a token that nobody has written yet", lambda t: config(
        t, "token_file = token", "token_file = gone"), 1,
     "/gone: No such file or directory: write it, mode 0600 [file]"),
    ("no step runner", alone, 1, "no steprun beside the program"),
    ("a step runner that cannot run",
     lambda t: alone(t, "#!/nowhere/sh\n"), 1, "steprun cannot be run:"),
    ("a step runner of another version",
     lambda t: alone(t, "#!/bin/sh\necho steprun 0.0\n"), 1,
     "says it is `steprun 0.0`"),
    ("a state folder that cannot be made",
     lambda t: config(t, "state_dir = state", "state_dir = /proc/no/state"),
     1, "config.ini:9:1: error: the state folder needs /proc/no, which is not "
     "there: make it [state-folder]"),
    ("a state folder that is a file", below_a_file, 1,
     "which is no folder: name another [state-folder]"),
    ("a state folder that cannot be written", read_only, 1,
     "/disk, which cannot be written: give it to the user that runs this"),
    ("a disk that is full", small, 1, "error: only 40 MB are free in"),
    ("a disk that will soon be full", middling, 0,
     "warning: only 400 MB are free in"),
    ("a state folder on another machine's disk", far_disk, 1,
     " is on another machine's disk (NFS), where the journal cannot be kept "
     "safe: put it on a local disk [file-system]"),
    ("a state folder that cannot be looked into", closed, 1,
     "which cannot be looked into: mend its rights [state-folder]"),
    ("a state folder in memory", small, 1, "is in memory: a restart of"),
    ("a server that is not there",
     lambda t: config(t, t.url, "http://127.0.0.1:9"), 3,
     "config.ini:2:1: error: http://127.0.0.1:9 cannot be reached from here (is it "
     "up? is the address right?): "),
    ("a certificate that nobody vouches for", strange_certificate, 3,
     " does not prove who it is (is the address right? an authority of your "
     "own goes into `ca_file`): SSL certificate problem"),
    ("a server that says nothing", lambda t: fault(t, "/users/me", "timeout"),
     3, "): no answer in 5 s [server]"),
]


class Site(stage.Stage):
    """A stage whose server can be another one, at the same address."""

    def __init__(self, sandbox, program):
        self.scene = json.loads(json.dumps(stage.SCENE))
        self.checker, self.before = os.path.abspath(program), []
        self.nfs, self.preload = os.path.abspath(sys.argv[3]), ""
        super().__init__(sandbox, program, RUNBOOK)

    def restart_sandbox(self, *options):
        (self.folder / "scene.json").write_text(json.dumps(self.scene))
        self.sandbox.kill()
        self.sandbox.wait()
        port = self.url.rsplit(":", 1)[1]
        self.sandbox = subprocess.Popen(
            [self.sandbox_program, "--port", port, "--scene",
             str(self.folder / "scene.json"), *options],
            stdout=subprocess.PIPE, text=True)
        assert self.sandbox.stdout.readline()


def lines_as_data(there):
    undo = away(there, "rep")
    code, output = check(there, "--json")
    undo()
    found = json.loads(output)
    about = [f for f in found["findings"] if f["rule"] == "person"]
    return (code == 1 and found["errors"] == 1 and found["reached"] and
            len(about) == 1 and about[0]["severity"] == "error" and
            about[0]["line"] == 16 and
            about[0]["file"].endswith("config.ini")), output


def unreached_as_data(there):
    undo = config(there, there.url, "http://127.0.0.1:9")
    code, output = check(there, "--json")
    undo()
    found = json.loads(output)
    return (code == 3 and found["reached"] is False and
            [f["rule"] for f in found["findings"]].count("server") == 1 and
            found["config"]), output


def told(number, name, good, output, wanted):
    print(f"{'' if good else 'not '}ok {number} - {name}", flush=True)
    if not good:
        print(f"# wanted {wanted}")
        for text in output.splitlines():
            print("#   " + text)
    return not good


def main():
    sandbox, program = sys.argv[1:3]
    failed = 0
    print(f"1..{len(CASES) + 2}")
    with Site(sandbox, program) as there:
        for number, (name, provoke, status, line) in enumerate(CASES, 1):
            if provoke in (small, middling, read_only) and not may_mount():
                print(f"ok {number} - {name} # SKIP no disk can be mounted")
                continue
            if provoke is no_programs and not hosts.may_have_disks():
                print(f"ok {number} - {name} # SKIP not root, or no disk can be "
                      "mounted")
                continue
            if provoke is closed and os.getuid() != 0:
                print(f"ok {number} - {name} # SKIP this is not root")
                continue
            undo = provoke(there)
            code, output = check(there)
            undo()
            if os.environ.get("READ"):
                print("\n".join("#   " + text for text in output.splitlines()))
            failed += told(number, name, code == status and line in output,
                           output, f"{status}, not {code}, and: {line}")
        good, output = lines_as_data(there)
        failed += told(len(CASES) + 1, "findings as data", good, output,
                       "one document")
        good, output = unreached_as_data(there)
        failed += told(len(CASES) + 2, "a server out of reach as data", good,
                       output, "one document")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
