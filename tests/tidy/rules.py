"""What the tree has to look like: the tables that tidy.py holds every file against.

A new folder or library is a new row here, and so a decision that somebody sees.
"""

# Which folder may include which other. A file belongs to the longest row that its path starts with;
# a row is a folder ("gateway/http/") or one file. Every row may include itself.
DIRECTIONS = {
    "gateway/base/": [],
    "gateway/config/": ["gateway/base/", "proto/"],
    "gateway/event/": ["gateway/base/", "proto/"],
    "gateway/net/": ["gateway/base/"],
    "gateway/tls/": ["gateway/base/", "gateway/config/"],
    "gateway/access/": ["gateway/base/", "gateway/config/", "gateway/tls/"],
    "gateway/http/": ["gateway/base/", "gateway/config/", "gateway/net/", "gateway/tls/"],
    "gateway/store/": ["gateway/base/", "gateway/config/", "gateway/event/", "proto/"],
    "gateway/forwarding/": ["gateway/base/", "gateway/config/", "gateway/event/", "gateway/store/",
                            "proto/"],
    "gateway/ingress/": ["gateway/base/", "gateway/config/", "gateway/event/", "gateway/store/",
                         "gateway/forwarding/", "gateway/http/", "proto/"],
    "gateway/delivery/": ["gateway/base/", "gateway/config/", "gateway/net/", "gateway/tls/",
                          "gateway/access/", "gateway/event/", "gateway/store/",
                          "gateway/forwarding/", "proto/", "proto/ services"],
    "gateway/admin/": ["gateway/base/", "gateway/config/", "gateway/tls/", "gateway/access/",
                       "gateway/store/", "gateway/forwarding/", "gateway/http/", "proto/"],
    "gateway/main.cc": ["gateway/base/exit_code.h", "gateway/config/", "gateway/outside_faults.h",
                        "gateway/run_gateway.h", "gateway/store_actions.h"],
    "gateway/": ["gateway/", "proto/"],
    "clients/cpp/": ["proto/", "proto/ services"],
    # A terminal's text is escaped and masked as the log's is, durations and sizes are written as in
    # the settings, and defaults are told as they hold: by the same pure functions.
    "clients/cli/": ["clients/cpp/onhook/", "gateway/base/text.h", "gateway/config/setting_values.h",
                     "gateway/config/subscription_spec.h", "gateway/event/masking.h", "proto/"],
    "tests/": ["gateway/", "clients/", "tests/", "proto/", "proto/ services"],
}

# Headers that are included by a shorter name than their path.
INCLUDE_ROOTS = {"onhook/": "clients/cpp/onhook/"}

# Engines are known by their contracts. Beside itself, only who builds or tests one, or looks whether
# it could be built, may name it.
ENGINES = ["gateway/store/memory/", "gateway/store/sqlite/", "gateway/store/jetstream/"]
ENGINE_USERS = ["gateway/store_opening.cc", "gateway/outside_faults.cc", "gateway/store_actions.cc",
                "tests/"]

# Third-party headers, by how they begin, and the folders that may include them.
EVERYWHERE = ["gateway/", "clients/", "tests/"]
THIRD_PARTY = {
    "absl/": EVERYWHERE,
    "benchmark/": ["tests/bench/"],
    "google/protobuf/": ["gateway/config/", "gateway/event/", "gateway/store/",
                         "gateway/forwarding/", "gateway/ingress/", "gateway/delivery/",
                         "clients/", "tests/"],
    "grpc/": ["gateway/delivery/", "clients/cpp/", "tests/"],
    "grpcpp/": ["gateway/delivery/", "clients/cpp/", "tests/"],
    "gmock/": ["tests/"],
    "gtest/": ["tests/"],
    "httplib.h": ["gateway/http/", "clients/cli/", "tests/"],
    "prometheus/": ["gateway/base/"],
    "nats/": ["gateway/store/jetstream/"],
    "nlohmann/": ["tests/differential/"],
    "openssl/": ["gateway/tls/", "gateway/http/", "gateway/event/", "gateway/ingress/",
                 "gateway/access/", "clients/cpp/", "clients/cli/", "tests/"],
    "rapidjson/": ["tests/differential/"],
    "simdjson.h": ["gateway/ingress/", "gateway/store/jetstream/"],
    "sqlite3.h": ["gateway/store/sqlite/", "tests/"],
    "xxhash.h": ["gateway/store/sqlite/", "gateway/store/jetstream/"],
    "yaml-cpp/": ["gateway/config/"],
}
# Headers of the system, which anybody may include.
SYSTEM = ["arpa/", "linux/", "net/", "netinet/", "sys/"]

# Files may be this long; a row for one file goes before the rest.
LINES_MAX = {
    "gateway/main.cc": 60,
    # Looked up by heading and by the words of a log line, in one place, and never read through.
    "deploy/RUNBOOK.md": 800,
    # Written by programs.
    "clients/cli/COMMANDS.md": 2000,
    "gateway/config/onhook.schema.json": 5000,
}
LINES_MAX_ELSEWHERE = 500
# Of any length, since programs write them: clients/generate.sh, npm, cargo.
GENERATED = ["clients/go/onhookpb/", "clients/node/package-lock.json", "clients/node/src/generated/",
             "clients/python/src/onhook/v1/", "clients/rust/Cargo.lock", "clients/rust/src/generated/"]

# The C++ files that have to be named in a CMakeLists.txt, of their own folder or one above.
BUILT = r"^(gateway|clients)/.*\.(cc|h)$|^tests/.*\.cc$"

CPP = r"\.(cc|h)$"
ANY = r""

# (files by path, except those under, what must not be in a line, why). Patterns are written so that
# they do not match themselves.
WORDS = [
    (ANY, [], r"(?<![\w.}$*-])/(?:work|farm|root|home/\w+)/|/tmp/(?:bash)",
     "a path of somebody's machine"),
    (ANY, [], r"deb\.debian\.org|registry\.npm[j]s|pypi\.[o]rg|static\.crates\.[i]o"
     r"|proxy\.golang\.[o]rg|repo1?\.maven\.[o]rg",
     "the host of a package registry: each machine has its own mirror"),
    (ANY, [], r"\b(?:[T]ODO|[F]IXME|[X]XX)\b(?!\([^)]+\): \S+ \S+ \S+)",
     "an open end without what and why: TODO(what): why it is open"),
    (CPP, [], r"NOLINT(?:NEXTLINE|BEGIN)?\b(?!\([a-z][\w.,-]+\): \S+ \S+)",
     "a silenced lint without its name and reason: NOLINT(check): reason"),
    (r"^(gateway|clients)/.*" + CPP, [], r"\bstd::(?:recursive_|shared_|timed_)?mutex\b",
     "a lock that clang's thread-safety analysis does not see: absl::Mutex"),
    (r"^(gateway|clients)/.*\.h$", [], r"\bstd::string_view\b",
     "Debian's Abseil does not convert it: absl::string_view"),
    # But gRPC takes the deadline of its shutdown in wall time only.
    (r"^gateway/.*" + CPP, ["gateway/base/", "gateway/delivery/delivery_server.cc"],
     r"\babsl::Now\(|\b(?:system|steady|high_resolution)_clock::now\b|\bgettimeofday\("
     r"|\btime\((?:NULL|nullptr)\)",
     "time from elsewhere than the injected Clock"),
    (r"^gateway/.*" + CPP, ["gateway/base/steady_condition."],
     r"\b\w*(?:Await|Wait|When|Notification)With(?:Timeout|Deadline)\b|\bstd::condition_variable",
     "a wait that lasts a year when the clock is put back by one: SteadyCondition, SteadyNotification"),
    (r"^tests/.*" + CPP, ["tests/bench/", "tests/support/"],
     r"\b(?:absl::SleepFor|sleep_for|sleep_until|usleep|nanosleep)\(|(?<![\w.])sleep\(",
     "a test that sleeps is slow and fails on a slow machine: wait for what should happen"),
    (r"^gateway/(event|store)/(.*/)?CMakeLists\.txt$", [], r"onhook_services|gRPC::",
     "events and stores need the messages only, not gRPC"),
    (r"^(gateway|clients)/.*" + CPP, [], r"\bthrow\b(?=\s+[\w:]+[({]|\s*;)",
     "an exception of ours: absl::Status"),
]
