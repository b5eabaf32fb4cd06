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


def write_page(folder, kubernetes, kustomization):
    """A kustomization as a page shows it, beside a checkout called `onhook`, with the files that it names."""
    place = pathlib.Path(folder).resolve()
    ours = os.path.relpath(kubernetes, place)
    (place / "kustomization.yaml").write_text(kustomization.replace("../onhook/deploy/kubernetes", ours),
                                              encoding="utf-8")
    (place / "deployment.yaml").write_text(yaml.safe_dump(workload("Deployment")), encoding="utf-8")
    settings = (kubernetes / "overlays/standalone/onhook.yaml").read_text(encoding="utf-8")
    (place / "onhook.yaml").write_text(settings, encoding="utf-8")
