"""Hosts over ssh for tests: each an sshd of its own on loopback, with its own
port, host key, home and work folder, and a count of executions that the bot
cannot reach."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import stage

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"

SSHD_CONFIG = """ListenAddress {ip}
Port {port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
MaxSessions 50
MaxStartups 50
LogLevel ERROR
SetEnv HOME={folder}/home PATH={folder}/bin:{path}
ForceCommand . {folder}/login; cd {folder}/work && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""

# What a step calls to be counted: a line for each start, in a folder that no
# step and no bot is told of.
COUNT = """#!/bin/sh
echo "$@" >> "{folder}/count/ledger"
"""


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                    str(path)], check=True, stdin=subprocess.DEVNULL)


def keep_port(ip):
    """A port, kept by a socket that does not listen: nobody else gets it while
    its sshd is stopped, and an sshd may bind it too."""
    one = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((ip, 0))
    return one


def may_have_disks():
    """sshd in a namespace of users could take nobody's part."""
    return os.getuid() == 0 and subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        stderr=subprocess.DEVNULL, check=False).returncode == 0


def may_have_ipv6():
    try:
        keep_port("::1").close()
        return True
    except OSError:
        return False


class Host:
    """With @disk its home is a disk with these options of mount, which only
    the host sees; after stop() and start() it is empty again."""

    def __init__(self, folder, name, client_key, disk=None, ip="127.0.0.1"):
        self.name, self.folder, self.disk = name, folder / name, disk
        self.ip, self.kept_port, self.process = ip, keep_port(ip), None
        self.port = self.kept_port.getsockname()[1]
        for part in ("home", "work", "bin", "count"):
            (self.folder / part).mkdir(parents=True)
        make_key(self.folder / "host_key")
        (self.folder / "authorized_keys").write_text(
            "restrict " + pathlib.Path(f"{client_key}.pub").read_text())
        self.program("count", COUNT.format(folder=self.folder))
        self.login()
        (self.folder / "sshd_config").write_text(SSHD_CONFIG.format(
            ip=ip, port=self.port, folder=self.folder, path=os.environ["PATH"]))
        self.start()

    def program(self, name, text):
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def login(self, text="printf 'Welcome, '\n"):
        """What the shell of a connection does first."""
        (self.folder / "login").write_text(text)

    def fill(self, blocks=0):
        """No file of the next connections can be longer: a full disk."""
        self.login(f"trap '' XFSZ; ulimit -f {blocks}\n")

    @property
    def address(self):
        name = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{name}:{self.port}"

    def known(self):
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        return f"[{self.ip}]:{self.port} {kind} {key}\n"

    def start(self):
        assert os.access(SSHD, os.X_OK), "no sshd: packaging/install-deps.sh"
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen(
            self.own_disk() + [
                SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.folder / "sshd.log", "a"))
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((self.ip, self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end, "an sshd did not come up"
                time.sleep(0.02)

    def own_disk(self):
        if self.disk is None:
            return []
        return ["unshare", "-m", "sh", "-c",
                'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"',
                "sh", self.disk, str(self.folder / "home")]

    def home(self):
        """As the host sees it."""
        return pathlib.Path(
            f"/proc/{self.process.pid}/root{self.folder}/home")

    def occupy(self):
        """Leave no room on its disk."""
        with open(self.home() / "ballast", "ab", 0) as ballast:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError:
                    pass

    def connections(self):
        """Processes of sshd that serve one; what they started is not."""
        found, parents = [], [self.process.pid]
        table = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                stat = (entry / "stat").read_text()
                words = stat.rsplit(")", 1)[1].split()
                table[int(entry.name)] = (stat.split("(", 1)[1].rsplit(
                    ")", 1)[0], int(words[1]))
            except OSError:
                continue
        while parents:
            parent = parents.pop()
            for pid, (name, above) in table.items():
                if above == parent and name.startswith("sshd"):
                    found.append(pid)
                    parents.append(pid)
        return found

    def cut(self):
        """End every connection, as a network does."""
        for pid in self.connections():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self):
        """No connection any more, and no new one; commands go on."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGSTOP)  # it takes no new one
            self.cut()
            self.process.kill()
        self.process.wait()

    def ledger(self):
        path = self.folder / "count" / "ledger"
        return path.read_text().split("\n")[:-1] if path.exists() else []


HEAD = """# Hosts

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | c |

| Step | Required approvers | Record location |
|---|---|---|
| T0 | Storage | channel |

## 1 Go {.production gate="T0" on=web}
"""

BACK = """
## 2 Back {.rollback on=web}

1. Take it back

   ```sh
   count back
   ```
"""

# Begins, and goes on when let_go() says so.
LONG = """
count begin
while ! [ -e "$HOME/go" ]; do [ -d "$HOME" ]; sleep 0.1; done
echo went on
count end
"""


def runbook(*blocks, words=""):
    """A step for each block, on every host."""
    steps = "".join(
        f"\n{number}. Do it{words}\n\n   ```sh {keys}\n"
        + "".join(f"   {line}\n" for line in text.strip().split("\n"))
        + "   ```\n" for number, (keys, text) in enumerate(blocks, 1))
    return HEAD + steps + BACK


def let_go(*some):
    for host in some:
        (host.folder / "home" / "go").write_text("")


class SshStage(stage.Stage):
    """A stage with hosts, the target `web` of all of them.  They are one
    machine and have one workdir; where ssh begins is another folder on each,
    and that is where tracked files are looked for."""

    def __init__(self, sandbox, program, runbook, names=("a", "b", "c"),
                 extra="", **of_hosts):
        super().__init__(sandbox, program, runbook)
        self.hosts = []
        try:
            self.make_hosts(names, extra, of_hosts)
        except BaseException:
            self.__exit__()
            raise

    def make_hosts(self, names, extra, of_hosts):
        make_key(self.folder / "key")
        for name in names:
            self.hosts.append(
                Host(self.folder, name, self.folder / "key", **of_hosts))
        self.write_known_hosts()
        config = (self.folder / "config.ini").read_text()
        hosts = ", ".join(host.address for host in self.hosts)
        self.write("config.ini", config + f"""
[target web]
hosts = {hosts}
workdir = /proc/self/cwd
ssh_key = key
ssh_known_hosts = known_hosts
{extra}
""")

    def __exit__(self, *words):
        for host in self.hosts:
            host.stop()
        self.end_masters()
        super().__exit__(*words)

    def end_masters(self):
        """Connections that are kept for a minute hold nothing worth it."""
        for path in (self.folder / "state" / "ssh").glob("*"):
            subprocess.run(["ssh", "-F", "none", "-O", "exit", "-S", str(path),
                            "nobody"], check=False, stdin=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

    def write_known_hosts(self):
        self.write("known_hosts", "".join(h.known() for h in self.hosts))

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)

    def heard(self, words, seconds=40):
        """Wait for a post with these words, however its lines are broken."""
        self.until(words, lambda: any(
            words in " ".join(post["message"].split())
            for post in self.posts()), seconds)

    def counts(self, word):
        return {host.name: sum(line.split()[0] == word
                               for line in host.ledger())
                for host in self.hosts}

    def begun(self, *names):
        self.until(f"{names} to begin", lambda: all(
            self.host(name).ledger() for name in names), 40)

    def begin(self):
        """Start the bot and the run, and approve it."""
        self.start()
        self.say("lead", "!cutover start")
        gate = self.wait("/gate/")
        self.tap("rep", gate["id"])

    def events(self, kind):
        return [row.get("body") or row for row in self.journal()
                if row["type"] == kind]


class Cases(list):
    """What a file tests: functions of a stage, each with hosts of its own."""

    def add(self, *blocks, names=("a", "b", "c"), extra="", words="",
            files=None, **of_hosts):
        """Decorate one."""
        def wrap(play):
            def run():
                with SshStage(sys.argv[1], sys.argv[2],
                              runbook(*blocks, words=words), names,
                              extra, **of_hosts) as there:
                    for name, text in (files or {}).items():
                        for host in there.hosts:
                            (host.folder / "work" / name).write_text(text)
                    try:
                        play(there)
                        there.stop()  # under a sanitizer it tells of leaks
                    except BaseException:
                        there.print()
                        raise
            name = play.__name__.replace("_", " ")
            if "disk" in of_hosts and not may_have_disks():
                self.append((name + " # SKIP this is not root", lambda: None))
            elif ":" in of_hosts.get("ip", "") and not may_have_ipv6():
                self.append((name + " # SKIP there is no IPv6", lambda: None))
            else:
                self.append((name, run))
            return run
        return wrap
