"""Who is on the demo's bridge, and the config and the scene made from that."""
import re

TEAM, CHANNEL, BOT = "platform", "launch-bridge", "bridgekeeper"

# username: what they are, for people
PEOPLE = {
    "devops.oncall": "DevOps Guild, on call: the cutover lead",
    "platform.ops": "Platform Ops lead",
    "devops.lead": "DevOps lead",
    "devops.engineer": "DevOps engineer",
    "cto": "CTO",
    "product.owner": "Product owner",
    "authority.rep": "Authority Core guild rep",
    "security.rep": "Security guild rep",
    "scanner.rep": "Scanner WebService guild rep",
    "runtime.rep": "Runtime guild rep",
    "storage.ops": "Mongo and MinIO operator",
    "backup.dba": "Backup DB admin",
    "telemetry.rep": "Telemetry guild rep",
    "sre.oncall": "SRE on call",
    "visitor": "holds no role",
}

def token(name):
    """A token of 26 letters, as the server's are."""
    letters = "".join(c for c in name if c.isalpha())
    return ("token" + letters + "0" * 26)[:26]


def scene():
    users = [{"username": BOT, "token": token(BOT), "bot": True}]
    users += [{"username": name, "token": token(name)} for name in PEOPLE]
    return {
        "team": {"name": TEAM, "display_name": "Platform"},
        "channels": [{"name": CHANNEL, "display_name": "Launch bridge",
                      "type": "O"}],
        "users": users,
    }


def config(example, url, site_port, tree):
    """The example's text, made true here: where the server, the platform and
    its files are.  Everything else is as the example says."""
    for pattern, here in (
            (r"^url = .*", f"url = {url}"),
            (r"^runbook = .*", "runbook = launch-cutover.md"),
            (r"^workdir = .*", f"workdir = {tree}"),
            (r"https://(\w+)\.(stage|prod)\.example\.org",
             rf"http://\1.\2.localhost:{site_port}")):
        example, count = re.subn(pattern, here, example, flags=re.MULTILINE)
        if count == 0:
            raise ValueError(f"config.example.ini has no {pattern}")
    return example + "\n[sandbox]\nclock = clock\n"
