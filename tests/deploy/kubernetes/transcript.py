"""SIDECAR.md: a Deployment before and after the one line, as kustomize builds it."""
import difflib
import pathlib
import shutil
import tempfile

from manifests import build_text

LINE = "components: [../../components/sidecar]\n"
HEAD = """# Onhook beside an existing workload, in one line

Written by `tests/deploy/kubernetes_test.py --write-transcript`; a test holds it against what kustomize builds.

`deploy/kubernetes/examples/crm` is a Deployment that never heard of Onhook. Its kustomization gets one line:

```diff
%s```

`kustomize build`, before and after. All that was there stays:

```diff
%s```

The workload subscribes at `127.0.0.1:50051`, which is where clients look if they are told nothing. Callbacks go to
the Service `onhook`, port 8080. What has to be there beside it, and what to change: [KUBERNETES.md](../KUBERNETES.md).
"""


def difference(before, after, context):
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), n=context)
    # Without the two names of files, which are none.
    return "".join(line for line in list(lines)[2:] if not line.startswith("@@"))


def written(builders, place):
    with tempfile.TemporaryDirectory() as top:
        copy = pathlib.Path(top) / "kubernetes"
        shutil.copytree(place, copy)
        crm = copy / "examples/crm"
        kustomization = crm / "kustomization.yaml"
        lines_before, built_before = kustomization.read_text(encoding="utf-8"), build_text(builders, crm)
        kustomization.write_text(lines_before + LINE, encoding="utf-8")
        return HEAD % (difference(lines_before, lines_before + LINE, 1),
                       difference(built_before, build_text(builders, crm), 1000))
