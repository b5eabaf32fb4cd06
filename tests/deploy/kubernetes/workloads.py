"""Workloads of somebody who never heard of Onhook, and their kustomizations with its one line."""
import os
import pathlib

import yaml


def workload(kind, replicas=1, name="crm"):
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "initContainers": [{"name": "migrate", "image": "example/migrate:3"}],
                "containers": [{"name": "server", "image": "example/server:1.4.2",
                                "ports": [{"containerPort": 8000}],
                                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
                "securityContext": {"runAsUser": 1000},
                "volumes": [{"name": "data", "emptyDir": {}}],
            },
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def write(folder, component, documents, more=""):
    """A kustomization of the documents and the component; `more` are further lines of it."""
    place = pathlib.Path(folder).resolve()
    (place / "workload.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    (place / "kustomization.yaml").write_text(
        f"resources: [workload.yaml]\ncomponents: [{os.path.relpath(component, place)}]\n{more}", encoding="utf-8")


def write_around(folder, kustomization, more):
    """A kustomization around another one."""
    place = pathlib.Path(folder).resolve()
    (place / "kustomization.yaml").write_text(f"resources: [{os.path.relpath(kustomization, place)}]\n{more}",
                                              encoding="utf-8")


def scaler(most, labels=None):
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "crm", "labels": labels or {}},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "crm"},
                     "minReplicas": 1, "maxReplicas": most}}


def write_page(top, kubernetes, kustomizations):
    """Kustomizations as a page shows them, {folder: text}, beside a checkout called `onhook`, with the files that
    they name."""
    top = pathlib.Path(top).resolve()
    for folder, text in kustomizations.items():
        place = top / folder
        place.mkdir()
        ours = os.path.relpath(kubernetes, place)
        (place / "kustomization.yaml").write_text(text.replace("../onhook/deploy/kubernetes", ours), encoding="utf-8")
        replicas = 3 if "sidecar-fleet" in text else 1
        (place / "deployment.yaml").write_text(yaml.safe_dump(workload("Deployment", replicas)), encoding="utf-8")
        example = kubernetes / ("examples/production" if "standalone" in text else "examples/production-sidecar")
        (place / "onhook.yaml").write_text((example / "onhook.yaml").read_text(encoding="utf-8"), encoding="utf-8")
