#!/usr/bin/env python3
"""Prints what the image is made of as an SPDX document, for inventories and scanners.

usage: sbom.py ROOT VERSION DATE HTTPLIB_VERSION    ROOT is what deploy/image-root.sh made.
"""
import json
import pathlib
import re
import sys
import urllib.parse


def debian_packages(root):
    """An entry for each package that has a file in the image."""
    release = re.search(r'^VERSION_ID="?(\d+)', (root / "etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)[1]
    for path in sorted((root / "var/lib/dpkg/status.d").iterdir()):
        if path.suffix != ".md5sums":
            fields = dict(re.findall(r"^(\w[\w-]*): (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
            name, version = (urllib.parse.quote(fields[field], safe="") for field in ("Package", "Version"))
            purl = f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}&distro=debian-{release}"
            yield entry(fields["Package"], fields["Version"], purl)


def entry(name, version, purl):
    return {"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name.replace("+", "p")), "name": name,
            "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]}


def document(root, version, date, httplib_version):
    onhook = entry("onhook", version, f"pkg:generic/onhook@{version}")
    parts = [entry("cpp-httplib", httplib_version, f"pkg:github/yhirose/cpp-httplib@v{httplib_version}"),
             *debian_packages(root)]
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"onhook-{version}", "documentNamespace": f"urn:onhook:image:{version}:{date}",
            "creationInfo": {"created": date, "creators": ["Tool: onhook-deploy-image-sbom"]},
            "packages": [onhook, *parts],
            "relationships": [relation("SPDXRef-DOCUMENT", "DESCRIBES", onhook["SPDXID"])]
            + [relation(onhook["SPDXID"], "CONTAINS", part["SPDXID"]) for part in parts]}


def relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


if __name__ == "__main__":
    json.dump(document(pathlib.Path(sys.argv[1]), *sys.argv[2:5]), sys.stdout, indent=1)
    print()
