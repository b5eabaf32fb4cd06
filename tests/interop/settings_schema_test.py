#!/usr/bin/env python3
"""The JSON Schema of the settings file beside the reader of that file: what the reader takes, the
schema takes; and what is wrong in one thing, both refuse.

usage: settings_schema_test.py --onhookd PROGRAM --tree TREE    exit code 77: a package is missing.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}; deploy/setup.sh --tests installs it")
    sys.exit(77)

# Each wrong in one thing, with what it is.
WRONG = {
    "an unknown group": "htpp: {}",
    "an unknown setting": "http: {lissten: '127.0.0.1:1'}",
    "a setting of another group": "http: {level: debug}",
    "a group that is no mapping": "http: 5",
    "a group without its members": "http:",
    "a name with a dot": "http.listen: '127.0.0.1:1'",
    "an address without a port": "http: {listen: localhost}",
    "a port that there is not": "http: {listen: 'localhost:65536'}",
    "a number in quotes": "http: {max_headers: '50'}",
    "a number below its bounds": "http: {max_headers: 9}",
    "a number above its bounds": "http: {max_headers: 1001}",
    "a truth value in quotes": "http: {allow_unauthenticated: 'true'}",
    "a truth value of YAML 1.1": "http: {allow_unauthenticated: yes}",
    "a duration without a unit": "http: {head_timeout: 5}",
    "a duration with an unknown unit": "http: {head_timeout: 5sec}",
    "a duration below its bounds": "http: {head_timeout: 99ms}",
    "a duration above its bounds": "http: {head_timeout: 301s}",
    "a size of SI": "http: {max_body_bytes: 64KB}",
    "a size above its bounds": "http: {max_body_bytes: 17MiB}",
    "a size of nothing": "store: {retention: {size: 0B}}",
    "an unknown word": "store: {retention: {age: forever}}",
    "another word": "http: {max_waiting_callbacks: half}",
    "an unknown level": "log: {level: loud}",
    "another engine": "store: {engine: memory}",
    "a server without its scheme": "store: {engine: jetstream, jetstream: {servers: ['localhost:4222']}}",
    "no server": "store: {engine: jetstream, jetstream: {servers: []}}",
    "a server with a password": "store: {engine: jetstream, jetstream: {servers: ['nats://a:b@localhost:4222']}}",
    "a stream with a dot": "store: {engine: jetstream, jetstream: {stream: a.b}}",
    "a subject with a wildcard": "store: {engine: jetstream, jetstream: {subject_prefix: 'a.*'}}",
    "an even number of replicas": "store: {engine: jetstream, jetstream: {replicas: 2}}",
    "replicas in quotes": "store: {engine: jetstream, jetstream: {replicas: '3'}}",
    "permissions without a zero": "grpc: {unix_socket_mode: '660'}",
    "a relative path of a socket": "grpc: {unix_socket: run/s}",
    "no source": "sources: []",
    "sources that are no sequence": "sources: {name: a, path: /a}",
    "a source without a name": "sources: [{path: /a}]",
    "a source without a path": "sources: [{name: a}]",
    "a name in capitals": "sources: [{name: A, path: /a}]",
    "a path without a slash": "sources: [{name: a, path: a}]",
    "a path that ends with one": "sources: [{name: a, path: /a/}]",
    "an unknown member of a source": "sources: [{name: a, path: /a, token: b}]",
    "an unknown authentication": "sources: [{name: a, path: /a, authentication: basic}]",
    "an authentication of nothing": "sources: [{name: a, path: /a, authentication: {}}]",
    "two authentications": "sources: [{name: a, path: /a, authentication: {bearer: {token_files: [a]}, "
                           "basic: {username: a, password_files: [b]}}}]",
    "a key without files": "sources: [{name: a, path: /a, authentication: {shared_key: {}}}]",
    "three files of a key": "sources: [{name: a, path: /a, authentication: {shared_key: {key_files: [a, b, c]}}}]",
    "no file of a token": "sources: [{name: a, path: /a, authentication: {bearer: {token_files: []}}}]",
    "a replay window above its bounds":
        "sources: [{name: a, path: /a, authentication: {shared_key: {key_files: [a], replay_window: 25h}}}]",
    "a network that is none": "sources: [{name: a, path: /a, allowed_networks: [everywhere]}]",
    "a zone that is a path": "sources: [{name: a, path: /a, time_zone: /etc/localtime}]",
    "acknowledging too soon": "sources: [{name: a, path: /a, acknowledge: {when: soon}}]",
    "a subscription without a name": "subscriptions: [{ack_deadline: 5s}]",
    "a deadline above its bounds": "subscriptions: [{name: a, ack_deadline: 11m}]",
    "attempts of none": "subscriptions: [{name: a, max_delivery_attempts: 0}]",
    "attempts of another word": "subscriptions: [{name: a, max_delivery_attempts: many}]",
    "an unknown position": "subscriptions: [{name: a, start_position: now}]",
    "a filter that is no sequence": "subscriptions: [{name: a, filter: {sources: a}}]",
    "an expiry": "subscriptions: [{name: a, expire_after_unused: 3d}]",
    "nobody in the list": "access: []",
    "an identity that nothing recognises": "access: [{name: a, watch: true}]",
    "an identity without a name": "access: [{unix_socket: true}]",
    "a permission that is no truth value": "access: [{name: a, unix_socket: true, watch: all}]",
    "a pattern in capitals": "access: [{name: a, unix_socket: true, subscribe: ['A*']}]",
    "a sequence of settings": "- http: {}",
}

# What the reader refuses and a schema cannot: to it these are the numbers and truth values that they
# are to YAML, or texts of the right form.
ONLY_THE_READER_REFUSES = [
    "{grpc: {max_outstanding_events: 1e3}}",
    "{grpc: {unix_socket_mode: 660}}",
    "{grpc: {allow_cleartext: TRUE}}",
    "{admin: {allowed_networks: 10.0.0.1/8}}",
]


class Yaml12(yaml.SafeLoader):
    """Scalars as editors read them: by the core schema of YAML 1.2, as yaml-language-server does."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in [
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
        ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
        ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789"))]:
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
Yaml12.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


class Judges:
    def __init__(self, onhookd, folder):
        self.onhookd = onhookd
        self.file = pathlib.Path(folder) / "o.yaml"
        said = subprocess.run([onhookd, "--print-schema"], check=True, capture_output=True, text=True)
        schema = json.loads(said.stdout)
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)

    def reader(self, text):
        """Whether the reader takes it; what it says."""
        self.file.write_bytes(text.encode())
        said = subprocess.run([self.onhookd, "--print-config", "--config", str(self.file)],
                              capture_output=True, text=True, errors="replace")
        return said.returncode == 0, said.stdout + said.stderr

    def is_at_fault_itself(self, said):
        """And not only beside other settings."""
        return any(line.startswith(f"{self.file}:") for line in said.splitlines())

    def schema(self, text):
        """What the schema refuses; None if an editor's parser cannot read it."""
        try:
            document = yaml.load(text, Yaml12)
        except (yaml.YAMLError, ValueError, RecursionError):
            return None
        document = {} if document is None else document  # an empty file
        return [f"{list(error.absolute_path)}: {error.message[:200]}"
                for error in self.validator.iter_errors(document)]


def unescaped(literal):
    return re.sub(r'\\(["\\n])', lambda match: {"n": "\n"}.get(match[1], match[1]), literal)


def texts_of_tests(tree):
    """Every literal of the tests of settings, most of which are files of settings."""
    for path in sorted((tree / "tests/unit/config").glob("*_test.cc")):
        source = path.read_text()
        yield from re.findall(r'R"\((.*?)\)"', source, re.S)
        joined = re.sub(r'"\s*\n\s*"', "", source)
        for literal in re.findall(r'"((?:[^"\\\n]|\\["\\n])*)"', joined):
            if ":" in literal:
                yield unescaped(literal)


def texts_of_documents(tree):
    readme = (tree / "README.md").read_text()
    yield from re.findall(r"```yaml\n(.*?)```", readme, re.S)
    reference = (tree / "gateway/config/SETTINGS.md").read_text()
    for block in re.findall(r"(?:^    .*\n)+", reference, re.M):
        yield re.sub(r"^    ", "", block, flags=re.M)


def texts_of_fuzzing(tree):
    for path in sorted((tree / "tests/fuzz/corpus/settings").iterdir()):
        text = path.read_bytes().decode(errors="ignore")
        if ":" in text:
            yield text


def values_of_table(tree):
    """(setting, value) of what the test of the table holds: each right and wrong."""
    source = (tree / "tests/unit/config/settings_table_test.cc").read_text()
    for name, right, wrong in re.findall(r'\{"([a-z_.]+)",\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"\}', source):
        yield name, unescaped(right)
        yield name, unescaped(wrong)


def as_file(name, value):
    plain = re.fullmatch(r"[A-Za-z0-9./_|-]+", value)
    text = value if plain else json.dumps(value)
    for part in reversed(name.split(".")):
        text = f"{{{part}: {text}}}"
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--onhookd", required=True)
    parser.add_argument("--tree", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        judges = Judges(arguments.onhookd, folder)

        def expect_taken(texts, least, what):
            taken = 0
            for text in dict.fromkeys(texts):
                if not judges.reader(text)[0]:
                    continue
                refused = judges.schema(text)
                if refused is None:
                    continue
                taken += 1
                if refused:
                    wrong.append(f"the reader takes, the schema does not: {text!r}: {refused}")
            print(f"{what}: {taken} files that the reader takes")
            if taken < least:
                wrong.append(f"{what}: {taken} files are fewer than {least}")

        expect_taken(texts_of_documents(arguments.tree), 4, "documents")
        expect_taken(texts_of_tests(arguments.tree), 15, "tests")
        expect_taken(texts_of_fuzzing(arguments.tree), 20, "inputs of fuzzing")
        expect_taken([judges.reader("")[1]], 1, "what --print-config prints")
        for what, text in WRONG.items():
            taken, said = judges.reader(text)
            if taken or not judges.is_at_fault_itself(said):
                wrong.append(f"the reader takes {what}: {text}: {said}")
            if not judges.schema(text):
                wrong.append(f"the schema takes {what}: {text}")
        values = list(values_of_table(arguments.tree))
        for name, value in values:
            text = as_file(name, value)
            taken, said = judges.reader(text)
            refused = judges.schema(text)
            is_right = taken or not judges.is_at_fault_itself(said)
            if is_right != (refused == []) and text not in ONLY_THE_READER_REFUSES:
                wrong.append(f"reader and schema differ about {text}: {said[:200]!r}, {refused}")
        print(f"values of single settings: {len(values)}")
        if len(values) < 100:
            wrong.append("the values of the table were not found")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
