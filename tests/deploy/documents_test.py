"""What the documents say of the tree and of each other is so: links lead somewhere, versions agree."""

import argparse
import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents():
    """Every Markdown file of the project."""
    return sorted(path for path in TOP.rglob("*.md")
                  if not {"build", "node_modules", ".git"} & set(path.relative_to(TOP).parts))


def anchors(text):
    """The names by which a page's headings can be linked to."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


def broken_links(path, text):
    """The links of a document that lead nowhere."""
    broken = []
    for link in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        page = (path.parent / target).resolve() if target else path
        if not page.exists():
            broken.append(link)
        elif anchor and anchor not in anchors(page.read_text(encoding="utf-8")):
            broken.append(link)
    return broken


def project_version():
    """The version in CMakeLists.txt."""
    text = (TOP / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(onhook VERSION ([\d.]+)", text)[1]


class DocumentsTest(unittest.TestCase):
    """Each document as it stands."""

    def test_links_lead_somewhere(self):
        for path in documents():
            with self.subTest(path=str(path.relative_to(TOP))):
                self.assertEqual(broken_links(path, path.read_text(encoding="utf-8")), [])

    def test_a_link_that_leads_nowhere_is_found(self):
        text = "[a](README.md#no-such-heading) [b](none.md) [c](https://example.org) [d](README.md)"
        self.assertEqual(broken_links(TOP / "x.md", text), ["README.md#no-such-heading", "none.md"])

    def test_the_newest_change_is_of_this_version(self):
        text = (TOP / "deploy/CHANGELOG.md").read_text(encoding="utf-8")
        self.assertEqual(re.search(r"^## ([\d.]+)", text, re.MULTILINE)[1], project_version())

    def test_the_stores_format_is_told_of_this_version(self):
        schema = (TOP / "gateway/store/sqlite/sqlite_schema.cc").read_text(encoding="utf-8")
        now = re.search(r"kFormatVersion = (\d+);", schema)[1]
        oldest = re.search(r"kOldestFormatVersion = (\d+);", schema)[1]
        text = (TOP / "deploy/UPGRADING.md").read_text(encoding="utf-8")
        self.assertIn(f"| {project_version()} | {now} | {oldest} |", text)


    def test_what_the_readme_shows_of_the_sidecar_is_what_kustomize_builds(self):
        readme = (TOP / "README.md").read_text(encoding="utf-8")
        page = (TOP / "deploy/kubernetes/SIDECAR.md").read_text(encoding="utf-8").splitlines()
        blocks = re.findall(r"^```diff\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(blocks), 2)
        rest = iter(page)
        for line in "".join(blocks).splitlines():
            if line != "...":
                self.assertIn(line, rest)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.parse_args()
    unittest.main(argv=["documents_test"])
