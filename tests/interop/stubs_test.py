"""The commands of clients/STUBS.md, run as they stand there; what they make is as its language wants it,
as far as that language's interpreter is here to say so."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = (TOP / "clients/STUBS.md").read_text(encoding="utf-8")
# Of each language: a file that must come, what it must hold, and who checks its syntax.
MADE = {
    "csharp": ("Onhook/V1/ReleaseEvent.cs", "public string EventId", None),
    "php": ("Onhook/V1/ReleaseEventServiceClient.php", "function Subscribe", ["php", "-l"]),
    "ruby": ("onhook/v1/release_event_service_services_pb.rb", "rpc :Subscribe", ["ruby", "-c"]),
}


class StubsTest(unittest.TestCase):
    """Each command in a folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "proto").symlink_to(TOP / "proto")
        for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
            done = subprocess.run(["bash", "-euc", block], cwd=self.folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""), block)

    def test_every_command_makes_what_its_language_takes(self):
        self.assertEqual({path.name for path in (self.folder / "stubs").iterdir()}, set(MADE))
        for language, (name, words, syntax) in MADE.items():
            with self.subTest(language=language):
                path = self.folder / "stubs" / language / name
                self.assertIn(words, path.read_text(encoding="utf-8"))
                if syntax and shutil.which(syntax[0]):
                    done = subprocess.run([*syntax, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                    self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
