"""Builds and reads a demo world: a folder with bin/, tree/, state/, ledger.

bin/ holds the stand-ins, tree/ is what the commands are run in, state/ is what
they keep, ledger is what they were called with.  See standin/world.h.
"""
import json
import os
import pathlib
import shutil

TOOLS = ("curl", "date", "docker", "helm", "kubectl", "mc", "mongodump",
         "mongorestore", "mongosh", "site", "stellaops-cli")
MONGO_URI = "mongodb://backup:correct-horse@mongo.prod.localhost/stellaops"
HERE = pathlib.Path(__file__).resolve().parent


class World:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.bin = self.root / "bin"
        self.tree = self.root / "tree"
        self.state = self.root / "state"

    def build(self, standin, prod_cluster):
        """Make it anew.  With @prod_cluster production is on Kubernetes, where
        an earlier release serves; without, it is an empty compose host."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.bin.mkdir(parents=True)
        for tool in TOOLS:
            shutil.copy2(standin, self.bin / tool)
        shutil.copytree(HERE / "tree", self.tree)
        self.put("pulled/stage", "2025.09.2\n")
        self.put("mongo/uri", MONGO_URI + "\n")
        self.put("mongo/data/tenants", "acme\n")
        self.put("mongo/data/runtime_events", "")
        self.put("objects/minio/stellaops/report-1", "first\n")
        self.seed_cluster("stage", 3, ())
        if prod_cluster:
            self.seed_cluster("prod", 7, ("stellaops-prod-core",))

    def seed_cluster(self, name, revision, secrets):
        space = f"kube/{name}/stellaops"
        self.put(f"{space}/history", f"{revision - 1} superseded 2025.08.0\n"
                                     f"{revision} deployed 2025.08.1\n")
        self.put(f"{space}/deployments", "stellaops-scanner-web\n")
        for secret in secrets:
            self.put(f"{space}/secrets/{secret}", "")

    def put(self, name, text):
        path = self.state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name):
        path = self.state / name
        return path.read_text() if path.is_file() else None

    def fail(self, name, count, pattern, message):
        """The next @count calls that match fail with @message (-1: all)."""
        self.put(f"fail/{name}", f"{count}\n{pattern}\n{message}\n")

    def slow(self, name, count, pattern, ms):
        """The next @count calls that match take @ms longer."""
        self.put(f"slow/{name}", f"{count}\n{pattern}\n{ms}\n")

    def take_stage_down(self):
        """As somebody at the host would, who is no part of the runbook."""
        (self.state / "stacks/stage").unlink(missing_ok=True)

    def path(self):
        return f"{self.bin}{os.pathsep}{os.defpath}"

    def ledger(self):
        path = self.root / "ledger"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]
