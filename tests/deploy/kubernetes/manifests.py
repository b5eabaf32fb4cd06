"""What kustomize built, as a thing that can be asked: which pods, which settings, which claims."""
import copy
import re
import subprocess

import yaml

GATEWAY = "onhook"
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


class BuildFailed(Exception):
    """Each builder refused; the message is what they said."""


def build_text(builders, folder):
    """What builders make of a kustomization, each a command that takes its folder: the same, whichever is at hand."""
    built, refused = set(), []
    for builder in builders:
        done = subprocess.run([*builder, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
        if done.returncode == 0:
            built.add(done.stdout)
        else:
            refused.append(f"{builder[0]}: {done.stderr}")
    if len(refused) == len(builders):
        raise BuildFailed("\n".join(refused))
    if refused or len(built) != 1:
        raise AssertionError(f"{len(built)} different results, and refused by: {refused}")
    return built.pop()


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text).groups()
    return int(number) * UNITS[unit]


def size(text):
    number, unit = re.fullmatch(r"(\d+)([KMGT]?iB|B|[KMG]i)", text).groups()
    return int(number) * SIZES[unit]


def selects(selector, labels):
    """Whether matchLabels, or a Service's selector, fits."""
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


class Pod:
    """The pods of one workload."""

    def __init__(self, workload):
        self.workload = workload
        self.name = workload["metadata"]["name"]
        template = workload["spec"]["template"]
        self.labels = template["metadata"].get("labels", {})
        self.spec = template["spec"]
        self.containers = self.spec.get("initContainers", []) + self.spec["containers"]
        self.gateway = next((one for one in self.containers if one["name"] == GATEWAY), None)
        self.is_sidecar = self.gateway in self.spec.get("initContainers", [])

    def volume(self, name):
        """Where a mount's content comes from: ("persistentVolumeClaim", {...}); ("", {}) of nowhere."""
        for template in self.workload["spec"].get("volumeClaimTemplates", []):
            if template["metadata"]["name"] == name:
                return "volumeClaimTemplate", template["spec"]
        for volume in self.spec.get("volumes", []):
            if volume["name"] == name:
                return next(((kind, source) for kind, source in volume.items() if kind != "name"), ("", {}))
        return "", {}

    def mount_of(self, path):
        """The gateway's mount on which a file or folder lies."""
        mounts = [one for one in self.gateway.get("volumeMounts", [])
                  if (path + "/").startswith(one["mountPath"].rstrip("/") + "/")]
        return max(mounts, key=lambda one: len(one["mountPath"]), default=None)


class Manifests:
    def __init__(self, documents):
        self.documents = documents

    @classmethod
    def build(cls, builders, folder):
        return cls([one for one in yaml.safe_load_all(build_text(builders, folder)) if one])

    def copy(self):
        return Manifests(copy.deepcopy(self.documents))

    def of_kind(self, *kinds):
        return [one for one in self.documents if one["kind"] in kinds]

    def pods(self):
        return [Pod(one) for one in self.documents if "template" in one.get("spec", {})]

    def gateways(self):
        return [pod for pod in self.pods() if pod.gateway is not None]

    def embedded(self):
        """Gateways that keep events on their own disk."""
        return [pod for pod in self.gateways() if self.settings(pod)["store"].get("engine", "sqlite") == "sqlite"]

    def of_fleets(self):
        """Gateways whose events lie with NATS servers."""
        return [pod for pod in self.gateways() if self.settings(pod)["store"].get("engine") == "jetstream"]

    def settings_text(self, pod):
        """The file that the gateway of this pod is started with."""
        file = pod.gateway["args"][pod.gateway["args"].index("--config") + 1]
        _, source = pod.volume(pod.mount_of(file)["name"])
        maps = {one["metadata"]["name"]: one["data"] for one in self.of_kind("ConfigMap")}
        return maps[source["name"]][file.rsplit("/", 1)[1]]

    def settings(self, pod):
        return yaml.safe_load(self.settings_text(pod))

    def claim(self, pod):
        """The claim under the gateway's store; None if its events lie on something else."""
        mount = pod.mount_of(self.settings(pod)["store"]["directory"])
        kind, source = pod.volume(mount["name"]) if mount else ("", {})
        if kind == "persistentVolumeClaim":
            return next((one["spec"] for one in self.of_kind("PersistentVolumeClaim")
                         if one["metadata"]["name"] == source["claimName"]), None)
        return source if kind == "volumeClaimTemplate" else None
