#!/usr/bin/env python3
"""The stand-ins keep their promises: what was not done first fails, what is
done twice shows, and every call is in the ledger.

Usage: test_world.py STANDIN
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from world import MONGO_URI, World  # noqa: E402

STANDIN = None
COMPOSE = ("docker compose --env-file {0}.env"
           " -f deploy/compose/docker-compose.{0}.yaml ")
HELM = ("helm upgrade stellaops deploy/helm/stellaops"
        " -f deploy/helm/stellaops/values-{0}.yaml --namespace {1}")


class WorldTest(unittest.TestCase):
    prod_cluster = False

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.world = World(self.folder.name)
        self.world.build(STANDIN, self.prod_cluster)

    def start(self, script, **env):
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.world.tree,
            env={"PATH": self.world.path(), **env}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def run_sh(self, script, **env):
        process = self.start(script, **env)
        out, err = process.communicate()
        return process.returncode, out, err

    def good(self, script, **env):
        status, out, err = self.run_sh(script, **env)
        self.assertEqual(status, 0, f"{script}\n{out}{err}")
        return out

    def bad(self, script, word, **env):
        status, out, err = self.run_sh(script, **env)
        self.assertNotEqual(status, 0, f"{script}\n{out}{err}")
        self.assertIn(word, out + err)


class Compose(WorldTest):
    def start_prod(self):
        self.good("docker network create stellaops_frontdoor")
        self.good(COMPOSE.format("prod") + "pull")
        self.good(COMPOSE.format("prod") + "up -d")

    def test_a_network_is_made_once(self):
        self.bad("docker network inspect stellaops_frontdoor", "not found")
        self.good("docker network create stellaops_frontdoor")
        self.good("docker network inspect stellaops_frontdoor")
        self.bad("docker network create stellaops_frontdoor", "exists")

    def test_nothing_comes_up_without_the_network(self):
        self.good(COMPOSE.format("prod") + "pull")
        self.bad(COMPOSE.format("prod") + "up -d", "stellaops_frontdoor")

    def test_nothing_comes_up_without_a_pull(self):
        self.good("docker network create stellaops_frontdoor")
        self.bad(COMPOSE.format("prod") + "up -d", "No such image")

    def test_a_pull_of_another_release_is_none(self):
        self.good("docker network create stellaops_frontdoor")
        self.good(COMPOSE.format("prod") + "pull")
        (self.world.tree / "prod.env").write_text("RELEASE=2025.09.3\n")
        self.bad(COMPOSE.format("prod") + "up -d", "No such image")

    def test_health_follows_what_is_up(self):
        url = "http://scanner.prod.localhost:1/healthz"
        self.bad(f"curl --fail --silent --show-error {url}", "(7)")
        self.assertEqual(self.good(COMPOSE.format("prod") + "ps --quiet"), "")
        self.bad("docker exec stellaops-scanner-web dotnet x health queue",
                 "No such container")
        self.start_prod()
        self.assertIn("Healthy", self.good(f"curl --fail {url}"))
        self.good("docker exec stellaops-scanner-web dotnet x health queue")
        self.assertEqual(self.good("docker inspect stellaops-scanner-web"),
                         "healthy\n")
        names = self.good(COMPOSE.format("prod") + "ps --quiet").split()
        self.assertIn("stellaops-authority", names)
        self.good(COMPOSE.format("prod") + "down")
        self.bad(f"curl --fail {url}", "(7)")
        self.bad("docker logs stellaops-scanner-web --tail 50",
                 "No such container")

    def test_the_stage_stack_waits_for_production_to_be_down(self):
        self.start_prod()
        self.bad(COMPOSE.format("stage") + "up -d", "Conflict")
        self.good(COMPOSE.format("prod") + "down")
        self.bad(COMPOSE.format("prod") + "down", "No resource found")
        self.good(COMPOSE.format("stage") + "up -d")

    def test_the_wrong_env_file_is_refused(self):
        self.bad("docker compose --env-file stage.env -f"
                 " deploy/compose/docker-compose.prod.yaml pull",
                 "not the env file")

    def test_a_scan_needs_the_platform_and_leaves_an_attestation(self):
        scan = ("stellaops-cli scan submit --profile prod"
                " --sbom samples/sbom/demo.json")
        self.bad(scan, "unreachable")
        self.start_prod()
        uuid = self.good(scan).split('"uuid":"')[1].split('"')[0]
        self.assertIn("ok=true",
                      self.good(f"stellaops-cli attestor verify --uuid {uuid}"))
        self.bad("stellaops-cli attestor verify --uuid 1-2-3", "ok=false")
        self.bad("stellaops-cli attestor verify --uuid ''", "ok=false")

    def test_a_signature_names_the_sum_of_what_was_signed(self):
        self.start_prod()
        self.good('signed=$(stellaops-cli signer sign --bundle demo.json);'
                  'sum=$(sha256sum demo.json);'
                  'grep -F "${sum%% *}" <<< "$signed"')

    def test_an_event_is_in_the_database_once_it_was_posted(self):
        count = f"mongosh --quiet {MONGO_URI} --eval 'db.runtime_events'"
        post = ("curl --silent --write-out 'http %{http_code}\\n'"
                " --data @samples/zastava/runtime-event.json"
                " http://scanner.prod.localhost:1/runtime/events")
        self.start_prod()
        self.assertEqual(self.good(count), "runtime_events: 0\n")
        self.assertIn("http 202\n", self.good(post))
        self.assertEqual(self.good(count), "runtime_events: 1\n")

    def test_all_profiles_template(self):
        out = self.good("deploy/tools/validate-profiles.sh")
        self.assertEqual(out.count(": ok"), 10)
        (self.world.tree / "mirror.env").unlink()
        self.bad("deploy/tools/validate-profiles.sh", "mirror.env")


class Cluster(WorldTest):
    prod_cluster = True
    stage = {"KUBECONFIG": "/x/stage.kubeconfig"}
    prod = {"KUBECONFIG": "/x/prod.kubeconfig"}

    def test_a_cluster_has_to_be_named(self):
        self.bad("helm history stellaops --namespace stellaops", "KUBECONFIG")

    def test_an_upgrade_needs_its_secrets(self):
        upgrade = HELM.format("stage", "stellaops")
        self.bad(upgrade, "stellaops-stage", **self.stage)
        self.good("kubectl apply -f 'secrets/stage/*.yaml'"
                  " --namespace stellaops", **self.stage)
        self.assertIn("REVISION: 4", self.good(upgrade, **self.stage))

    def test_helm_secrets_brings_them_along(self):
        self.good("helm secrets upgrade stellaops deploy/helm/stellaops"
                  " -f deploy/helm/stellaops/values-stage.yaml"
                  " -f secrets/stage-values.yaml --namespace stellaops",
                  **self.stage)

    def test_another_namespace_has_nothing_to_upgrade(self):
        self.bad(HELM.format("prod", "default"), "no deployed releases",
                 **self.prod)

    def test_only_the_true_earlier_revision_can_be_gone_back_to(self):
        back = "helm rollback stellaops {} --namespace stellaops"
        self.good(HELM.format("prod", "stellaops"), **self.prod)
        self.bad(back.format(6), "no 6 version", **self.prod)
        self.bad(back.format(8), "deployed already", **self.prod)
        self.bad(back.format("''"), "version", **self.prod)
        self.good(back.format(7), **self.prod)
        self.assertIn("9 deployed 2025.08.1",
                      self.world.read("kube/prod/stellaops/history"))
        self.assertIn("2025.08.1", self.good(
            "curl http://scanner.prod.localhost:1/healthz"))

    def test_rollouts_are_of_what_is_deployed(self):
        self.good(HELM.format("prod", "stellaops"), **self.prod)
        names = self.good("kubectl get deployments -n stellaops"
                          " --output name", **self.prod).split()
        self.assertIn("deployment.apps/stellaops-authority", names)
        for name in names:
            self.good(f"kubectl rollout status {name} -n stellaops"
                      " --timeout=10m", **self.prod)
        self.bad("kubectl rollout status deployment/other -n stellaops",
                 "NotFound", **self.prod)
        self.good("kubectl exec -n stellaops deployment/stellaops-scanner-web"
                  " -- dotnet x health queue", **self.prod)

    def test_a_watch_is_refused(self):
        self.bad("kubectl get pods -n stellaops --watch", "never ends",
                 **self.prod)


class Storage(WorldTest):
    dump = f"mongodump --uri {MONGO_URI} --out /backups/launch-1"
    restore = f"mongorestore --uri {MONGO_URI} --drop /backups/launch-1"

    def test_a_restore_needs_the_dump_of_that_name(self):
        self.bad(self.restore, "does not exist")
        self.good(self.dump)
        self.world.put("mongo/data/tenants", "damaged\n")
        self.bad(self.restore.replace("launch-1", "launch-2"),
                 "does not exist")
        self.good(self.restore)
        self.assertEqual(self.world.read("mongo/data/tenants"), "acme\n")

    def test_a_dump_is_made_once(self):
        self.good(self.dump)
        self.bad(self.dump, "never overwritten")

    def test_the_database_wants_its_credentials(self):
        self.bad(self.dump.replace("horse", "house"), "Authentication")

    def test_a_mirror_comes_back_only_from_where_it_went(self):
        back = "mc mirror --overwrite minio-backup/stellaops-1 minio/stellaops"
        self.bad(back, "does not exist")
        self.good("mc mirror --overwrite minio/stellaops"
                  " minio-backup/stellaops-1")
        self.world.put("objects/minio/stellaops/report-1", "changed\n")
        self.good(back.replace("--overwrite ", ""))
        self.assertEqual(self.world.read("objects/minio/stellaops/report-1"),
                         "changed\n")
        self.good(back)
        self.assertEqual(self.world.read("objects/minio/stellaops/report-1"),
                         "first\n")


class Ledger(WorldTest):
    def test_each_call_leaves_its_words_status_and_caller(self):
        self.run_sh("docker network inspect 'a \"b\"'",
                    BRIDGE_STEP="4.1.2", BRIDGE_RUN="LB-7")
        self.good("docker network create n")
        calls = self.world.ledger()
        self.assertEqual([call["exit"] for call in calls], [1, 0])
        self.assertEqual(calls[0]["argv"],
                         ["docker", "network", "inspect", 'a "b"'])
        self.assertEqual(calls[0]["caller"],
                         {"BRIDGE_STEP": "4.1.2", "BRIDGE_RUN": "LB-7"})
        self.assertEqual(calls[1]["caller"], {})
        self.assertEqual(calls[0]["cwd"], str(self.world.tree))

    def test_the_date_is_the_run_clocks(self):
        page = (0x4c4b434c43524b42).to_bytes(8, "little") + bytes(8)
        page += (1_700_000_000_000).to_bytes(8, "little")
        (self.world.root / "clock").write_bytes(page)
        self.assertEqual(self.good("date -Iseconds"),
                         "2023-11-14T22:13:20+00:00\n")
        self.assertEqual(self.good("date +%Y%m%d%H%M"), "202311142213\n")
        self.bad("date", "only")

    def test_a_fault_fails_so_many_calls_and_no_more(self):
        self.world.fail("pull", 2, "docker compose*pull", "registry: 503")
        pull = COMPOSE.format("prod") + "pull"
        self.bad(pull, "registry: 503")
        self.bad(pull, "registry: 503")
        self.good(pull)

    def test_a_fault_of_a_site_is_an_answer(self):
        self.good("docker network create stellaops_frontdoor; " +
                  COMPOSE.format("prod") + "pull; " +
                  COMPOSE.format("prod") + "up -d")
        self.world.fail("health", -1, "*/healthz", "queue is down")
        url = "http://scanner.prod.localhost:1/healthz"
        self.assertIn("queue is down", self.good(f"curl {url}"))
        self.bad(f"curl --fail {url}", "503")
        self.assertEqual(self.good(f"site GET {url}").split("\n")[0], "503")

    def test_a_slow_call_that_is_told_to_end_changes_nothing(self):
        self.world.slow("net", 1, "docker network create*", 20000)
        process = subprocess.Popen(
            ["docker", "network", "create", "n"], cwd=self.world.tree,
            executable=str(self.world.bin / "docker"),
            stdout=subprocess.DEVNULL)
        while "\n0\n" not in "\n" + (self.world.read("slow/net") or ""):
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 128 + signal.SIGTERM)
        self.assertIsNone(self.world.read("networks/n"))
        self.assertEqual(self.world.ledger()[0]["exit"], 128 + signal.SIGTERM)


if __name__ == "__main__":
    STANDIN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
