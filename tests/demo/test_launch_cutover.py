#!/usr/bin/env python3
"""The launch cutover's document runs every command that people ran by hand.

Usage: test_launch_cutover.py RUNBOOK BRIDGEKEEPER
"""
import json
import re
import subprocess
import sys
import unittest

RUNBOOK = BRIDGEKEEPER = None

# What nobody ever had a command for.
MANUAL = {
    "3.3.3": "the credentials match the values",
    "3.6.2": "the report shows in the UI",
    "3.7": "the rehearsal log",
    "4.1.1": "keys in the secret store",
    "4.4.4": "Notify (legacy) can be reached",
    "5.6": "log in and look",
    "6.6": "tell stakeholders",
    "7.2": "Authority's tokens",
    "7.3": "Scanner's events",
    "7.4": "Attestor's submissions",
    "7.5": "gaps into the readiness page",
    "7.6": "the retrospective",
}

MODULE_REPS = ["Authority stack", "Scanner / Queue", "Storage",
               "Observability"]
GATES = {
    "Production deployment plan": ["CTO", "DevOps lead"],
    "Cutover start (T0)": ["DevOps lead"] + MODULE_REPS,
    "Post-smoke success": ["DevOps lead", "Product owner"],
    "Rollback": ["DevOps lead", "CTO"],
}

HOUR = 3600
MILESTONES = [-24 * HOUR, -12 * HOUR, -6 * HOUR, -2 * HOUR, -HOUR // 2, 0,
              45 * 60, 4 * HOUR]

# Each command of the page that was followed by hand, and where it runs now.
# What was a placeholder there (a host cut short, a <thing>) is a variable here.
COMMANDS = [
    ("3.1", "docker network create stellaops_frontdoor || true"),
    ("3.2", "deploy/tools/validate-profiles.sh"),
    ("3.3.1", "kubectl apply -f secrets/stage/*.yaml"),
    ("3.3.2", "helm secrets upgrade"),
    ("3.4", "helm upgrade stellaops deploy/helm/stellaops"
            " -f deploy/helm/stellaops/values-stage.yaml"),
    ("3.5", "curl $AUTHORITY_URL/healthz"),
    ("3.5", "curl $SCANNER_URL/healthz"),
    ("3.6.1", "stellaops-cli scan submit --profile staging"
              " --sbom samples/sbom/demo.json"),
    ("4.1.2", "docker network create stellaops_frontdoor || true"),
    ("4.1.3.1", "mongodump --uri $MONGO_BACKUP_URI --out $snapshot"),
    ("4.1.3.1", "snapshot=/backups/launch-$(date -Iseconds)"),
    ("4.1.3.2", "mc mirror --overwrite minio/stellaops $mirror"),
    ("4.1.3.2", "mirror=minio-backup/stellaops-$(date +%Y%m%d%H%M)"),
    ("4.2.1", "docker compose --env-file prod.env"
              " -f deploy/compose/docker-compose.prod.yaml pull"),
    ("4.2.2", "docker compose --env-file prod.env"
              " -f deploy/compose/docker-compose.prod.yaml up -d"),
    ("4.2.3", "docker compose --env-file prod.env"
              " -f deploy/compose/docker-compose.prod.yaml ps"),
    ("4.2.3", "docker logs $container --tail 50"),
    ("4.3.1", "helm upgrade stellaops deploy/helm/stellaops"
              " -f deploy/helm/stellaops/values-prod.yaml"
              " --atomic --timeout 15m"),
    ("4.3.2", "kubectl get pods -n $NAMESPACE"),
    ("4.3.2", "kubectl rollout status $deployment"),
    ("4.4.1", "curl $AUTHORITY_URL/.well-known/openid-configuration"),
    ("4.4.2", "stellaops-cli signer verify --base-url $SIGNER_URL"
              " --bundle samples/dsse/demo.json"),
    ("4.4.3.1", "docker exec stellaops-scanner-web dotnet"
                " StellaOps.Scanner.WebService.dll health queue"),
    ("5.1", "GET {{SCANNER_URL}}/healthz"),
    ("5.2", "stellaops-cli scan submit --profile prod"
            " --sbom samples/sbom/demo.json"),
    ("5.3", "curl --data @$RUNTIME_EVENT $SCANNER_URL/runtime/events"),
    ("5.4", "stellaops-cli signer sign --bundle demo.json"),
    ("5.5", "stellaops-cli attestor verify --uuid $ATTESTATION_UUID"),
    ("6.2", "docker compose --env-file prod.env"
            " -f deploy/compose/docker-compose.prod.yaml down"),
    ("6.2", "docker compose --env-file stage.env"
            " -f deploy/compose/docker-compose.stage.yaml up -d"),
    ("6.3", "helm rollback stellaops $HELM_REVISION --namespace $NAMESPACE"),
    ("6.4", "mongorestore --uri $MONGO_BACKUP_URI --drop $SNAPSHOT_DIR"),
    ("6.5", "mc mirror $MINIO_MIRROR minio/stellaops"),
]

HEADING = re.compile(r"^#+ (?:(\d+(?:\.\d+)*)\.? )?")
ITEM = re.compile(r"^( *)(\d+)\. ")
FENCE = re.compile(r"^ *```(.*)$")
TEST_ROW = re.compile(r"^\| (?!Test \|)(?!-).*\|$")


def normal(command):
    """Quotes and runs of blanks say nothing here."""
    return " ".join(re.sub(r"[\"']", "", command).split())


def read_commands(lines):
    """(step's number, its text) of every block and smoke cell that runs."""
    section, stack, row, smoke = "", [], 0, False
    block = None
    for line in lines:
        fence = FENCE.match(line)
        if block is not None:
            if fence:
                number, kind, text = block
                if kind in ("sh", "http"):
                    yield number, normal(" ".join(text))
                block = None
            else:
                block[2].append(line.strip())
        elif fence:
            number = ".".join([section] + [n for _, n in stack])
            block = (number, fence[1].split(" ")[0], [])
        elif line.startswith("#"):
            section, stack, row = HEADING.match(line)[1] or "", [], 0
            smoke = "{.smoke" in line
        elif ITEM.match(line):
            indent, number = ITEM.match(line).groups()
            stack = [s for s in stack if s[0] < len(indent)]
            stack.append((len(indent), number))
        elif smoke and TEST_ROW.match(line):
            row += 1
            cell = re.split(r"(?<!\\)\|", line)[2].strip()
            if cell.startswith("`") and cell.endswith("`"):
                yield f"{section}.{row}", normal(cell.strip("`"))


def words_in_order(wanted, text):
    """Whether the words of @wanted are in @text, in order, within one command:
    the document may add options between them (a limit, a namespace)."""
    first, *rest = wanted.split()
    starts = [m.start() for m in re.finditer(re.escape(first), text)]
    return any(follows(rest, text[start + len(first):]) for start in starts)


def follows(words, text):
    for word in words:
        found = re.search(rf"(?:^|(?<=[ /])){re.escape(word)}(?=$|[ /;)])",
                          text)
        if not found or " ; " in text[:found.start()]:
            return False
        text = text[found.end():]
    return True


class LaunchCutover(unittest.TestCase):
    def test_every_command_that_was_typed_is_run_by_a_step(self):
        with open(RUNBOOK, encoding="utf-8") as file:
            lines = file.read().split("\n")
        steps = {}
        for number, text in read_commands(lines):
            steps[number] = steps.get(number, "") + " ; " + text
        for number, command in COMMANDS:
            with self.subTest(step=number, command=command):
                self.assertIn(number, steps)
                self.assertTrue(words_in_order(command, steps[number]),
                                f"not in {number}: {steps[number]}")

    def test_only_what_has_no_command_is_done_by_hand(self):
        manual = [step["number"] for step in self.all_steps()
                  if step["kind"] == "manual"]
        self.assertEqual(manual, list(MANUAL))

    def test_each_gate_has_the_slots_of_the_approval_matrix(self):
        slots = {gate["name"]: [slot["roles"] for slot in gate["slots"]]
                 for gate in self.plan()["gates"]}
        self.assertEqual(slots, {name: [[role] for role in roles]
                                 for name, roles in GATES.items()})

    def test_the_timeline_is_the_users(self):
        offsets = [m["offset_s"] for m in self.plan()["milestones"]]
        self.assertEqual(offsets, MILESTONES)

    def test_there_are_six_smoke_tests(self):
        self.assertEqual([step["title"] for step in self.phase("smoke")],
                         ["API health", "Scan submit", "Runtime event ingest",
                          "Signing", "Attestor verify", "Web UI"])

    def test_both_platforms_can_be_rolled_back(self):
        when = {step["number"]: step["when"]
                for step in self.phase("rollback")}
        self.assertIn("compose", json.dumps(when["6.2"]))
        self.assertIn("helm", json.dumps(when["6.3"]))

    def test_nothing_is_wrong_but_the_stage_stack_after_a_rollback(self):
        found = [(w["severity"], w["rule"]) for w in self.plan()["warnings"]]
        self.assertEqual(set(found), {("warning", "stage-in-production")})

    def plan(self):
        done = subprocess.run([BRIDGEKEEPER, "plan", RUNBOOK, "--json"],
                              check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def phase(self, kind):
        return [step for phase in self.plan()["phases"]
                if phase["kind"] == kind for step in phase["steps"]]

    def all_steps(self):
        return [step for phase in self.plan()["phases"]
                for step in phase["steps"]]


if __name__ == "__main__":
    RUNBOOK, BRIDGEKEEPER = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
