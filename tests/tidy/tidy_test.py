#!/usr/bin/env python3
"""Shows that the tidy test can fail: each rule against a small tree that breaks it."""

import os
import tempfile
import unittest

import tidy


def header(path, *lines):
    guard = "ONHOOK_" + path.replace("/", "_").replace(".", "_").upper() + "_"
    return "\n".join([f"#ifndef {guard}", f"#define {guard}", *lines, f"#endif  // {guard}"])


def findings(files):
    """What tidy finds in a tree of these files, in which every C++ file is built."""
    with tempfile.TemporaryDirectory() as top:
        files.setdefault("CMakeLists.txt", " ".join(files))
        for path, text in files.items():
            place = os.path.join(top, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf-8") as file:
                file.write(text + "\n")
            os.chmod(place, 0o755 if path.endswith(".sh") else 0o644)
        return list(tidy.findings(top))


# (file, a line of it that breaks a rule, a part of what is said then)
BAD_LINES = [
    ("gateway/base/a.cc", '#include "gateway/config/b.h"', "must not include"),
    ("gateway/event/a.cc", '#include "gateway/store/event_log.h"', "must not include"),
    ("gateway/ingress/a.cc", '#include "gateway/delivery/b.h"', "must not include"),
    ("gateway/delivery/a.cc", '#include "gateway/ingress/b.h"', "must not include"),
    ("gateway/delivery/a.cc", '#include "gateway/http/b.h"', "must not include"),
    ("gateway/http/a.cc", '#include "onhook/v1/release_event.pb.h"', "must not include"),
    ("gateway/store/a.cc", '#include "onhook/v1/watch_service.grpc.pb.h"', "must not include"),
    ("gateway/ingress/a.cc", '#include "gateway/store/sqlite/b.h"', "may name the engine"),
    ("gateway/main.cc", '#include "gateway/store/event_log.h"', "must not include"),
    ("clients/cli/a.cc", '#include "gateway/base/log.h"', "must not include"),
    ("clients/cpp/a.cc", '#include "clients/cli/b.h"', "must not include"),
    ("clients/cli/a.cc", '#include "clients/cpp/b.h"', "must not include"),
    ("gateway/delivery/a.cc", '#include "onhook/client.h"', "must not include"),
    ("gateway/store/sqlite/a.cc", '#include "tests/support/b.h"', "must not include"),
    ("gateway/ingress/a.cc", '#include "httplib.h"', "belongs in"),
    ("gateway/http/a.cc", "#include <simdjson.h>", "belongs in"),
    ("gateway/store/a.cc", "#include <sqlite3.h>", "belongs in"),
    ("gateway/admin/a.cc", "#include <grpcpp/grpcpp.h>", "belongs in"),
    ("gateway/store/a.cc", "#include <openssl/sha.h>", "belongs in"),
    ("gateway/base/a.cc", "#include <gtest/gtest.h>", "belongs in"),
    ("gateway/base/a.cc", "#include <boost/any.hpp>", "does not know"),
    ("deploy/a.sh", "cd /wo" "rk/main", "somebody's machine"),
    ("deploy/a.sh", "cat /home/" "jane/notes", "somebody's machine"),
    ("deploy/a.sh", "curl http://deb.debian" ".org/debian", "registry"),
    ("gateway/base/a.cc", "// TODO" ": later", "open end"),
    ("gateway/base/a.cc", "// TODO" "(names): soon", "open end"),
    ("gateway/base/a.cc", "int a;  // NO" "LINT", "silenced"),
    ("gateway/base/a.cc", "int a;  // NO" "LINT(bugprone-branch-clone)", "silenced"),
    ("gateway/base/a.cc", "std::mutex mutex;", "absl::Mutex"),
    ("gateway/base/a.h", "void Take(std::string_view text);", "absl::string_view"),
    ("gateway/store/a.cc", "const auto now = absl::Now();", "Clock"),
    ("tests/unit/base/a_test.cc", "absl::SleepFor(absl::Seconds(1));", "sleeps"),
    ("gateway/base/a.cc", "condition.WaitWithTimeout(&mutex, second);", "put back"),
    ("gateway/base/a.cc", "mutex.AwaitWithDeadline(condition, when);", "put back"),
    ("gateway/base/a.h", "std::condition_variable_any condition;", "put back"),
    ("gateway/store/CMakeLists.txt", "DEPENDS gRPC::grpc++", "not gRPC"),
    ("gateway/base/a.cc", 'throw std::runtime_error("no");', "exception"),
]

GOOD_LINES = [
    ("gateway/base/a.cc", '#include "absl/time/time.h"'),
    ("gateway/base/a.cc", "#include <sys/socket.h>"),
    ("gateway/http/a.cc", "#include <httplib.h>"),
    ("gateway/store_opening.cc", '#include "gateway/store/sqlite/b.h"'),
    ("gateway/gateway.cc", '#include "gateway/delivery/b.h"'),
    ("gateway/main.cc", '#include "gateway/run_gateway.h"'),
    ("clients/cli/a.cc", '#include "onhook/client.h"'),
    ("clients/cli/a.cc", '#include "gateway/base/text.h"'),
    ("gateway/store/sqlite/a.cc", '#include "gateway/store/sqlite/b.h"'),
    ("gateway/delivery/a.cc", '#include "onhook/v1/release_event_service.grpc.pb.h"'),
    ("gateway/base/a.cc", "// TODO" "(names): the vendor has not said which form it sends"),
    ("gateway/base/a.cc", "int a;  // NO" "LINT(bugprone-branch-clone): they differ by type"),
    ("gateway/base/a.cc", "absl::string_view text;"),
    ("gateway/base/a.cc", "const auto now = absl::Now();"),
    ("deploy/a.sh", 'cd "$top/wo' 'rk/here"'),
]


class TidyTest(unittest.TestCase):

    def test_a_bad_line_is_found_with_its_place(self):
        for path, line, said in BAD_LINES:
            with self.subTest(path=path, line=line):
                text = header(path, line) if path.endswith(".h") else line
                found = findings({path: text})
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(path + ":"), found)
                self.assertIn(said, found[0])

    def test_a_good_line_is_left_alone(self):
        for path, line in GOOD_LINES:
            with self.subTest(path=path, line=line):
                self.assertEqual(findings({path: line}), [])

    def test_a_guard_has_to_be_the_path(self):
        self.assertEqual(findings({"gateway/base/a.h": header("gateway/base/a.h")}), [])
        found = findings({"gateway/base/a.h": header("gateway/base/b.h")})
        self.assertIn("ONHOOK_GATEWAY_BASE_A_H_", found[0])

    def test_a_long_file_is_found(self):
        self.assertEqual(findings({"gateway/base/a.cc": "int a;\n" * 499}), [])
        self.assertIn("501 lines", findings({"gateway/base/a.cc": "int a;\n" * 500})[0])
        self.assertIn("61 lines", findings({"gateway/main.cc": "int a;\n" * 60})[0])

    def test_a_test_that_is_not_built_is_found(self):
        tree = {"CMakeLists.txt": "",
                "tests/unit/CMakeLists.txt": "base/a_test.cc # base/b_test.cc",
                "tests/unit/base/a_test.cc": "", "tests/unit/base/b_test.cc": ""}
        found = findings(tree)
        self.assertEqual(found, ["tests/unit/base/b_test.cc:1: "
                                 "no CMakeLists.txt names it, so it is not built"])

    def test_a_command_and_a_link_of_a_page_have_to_exist(self):
        page = "```\n./deploy/start.sh --exit\n```\nSee [how](deploy/start.sh)."
        self.assertEqual(findings({"README.md": page, "deploy/start.sh": ""}), [])
        found = findings({"README.md": page})
        self.assertEqual([line.split(": ")[0] for line in found], ["README.md:2", "README.md:4"])


if __name__ == "__main__":
    unittest.main()
