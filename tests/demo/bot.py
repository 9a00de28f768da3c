"""The bot under test: start it, kill it, ask its command line."""
import json
import os
import signal
import subprocess


class Bot:
    def __init__(self, program, folder, world):
        self.program = str(program)
        self.config = folder / "config.ini"
        self.folder = folder
        self.env = {"PATH": world.path(), "HOME": str(folder),
                    "USER": "bridgekeeper", "LANG": "C.UTF-8"}
        self.log = open(folder / "bot.log", "a", encoding="utf-8")
        self.process = None
        self.kills = 0

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "run", "--config", str(self.config)],
            env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, start_new_session=True)

    def kill(self):
        """As a power cut would: nothing of it gets to say goodbye."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()

    def died(self):
        return self.process is not None and self.process.poll() is not None

    def ask(self, *words):
        """Run a subcommand; (exit status, standard output)."""
        done = subprocess.run(
            [self.program, *words], env=self.env, cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False)
        # What it says beside its output matters only where it fails.
        rest = done.stderr if done.returncode != 0 else ""
        return done.returncode, done.stdout + rest

    def plan(self):
        status, out = self.ask("plan", "launch-cutover.md", "--json")
        if status != 0:
            raise RuntimeError(f"bridgekeeper plan: {out}")
        return json.loads(out)

    def journal(self):
        """Everything in the journal, a dict a row."""
        status, out = self.ask("audit", "export", "--json",
                               "--config", str(self.config))
        if status != 0:
            raise RuntimeError(f"bridgekeeper audit export: {out}")
        return [json.loads(line) for line in out.splitlines() if line]

    def verify(self):
        return self.ask("audit", "verify", "--config", str(self.config))


def environment_is_clean():
    """A proxy of the surroundings must not come between."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)
