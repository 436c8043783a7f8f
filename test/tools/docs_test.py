#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Documents do not lie: what README.md and docs/ name exists - paths, functions, constants, types, options of
./bulkhead and of the tools, test labels, and the targets of links."""

import functools
import os
import pathlib
import re
import shlex
import subprocess
import sys
import types
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
SOURCE_FOLDERS = ("kernel", "ipc", "libs", "drivers", "domains", "test", "tools")
SOURCES = {".c", ".h", ".S", ".py", ".ld", ".dts", ".dtsi", ".cmake", ".txt"}
FOLDERS = {*SOURCE_FOLDERS, "docs"}

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}|\t)(.*)$", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
# A path of the repository, also in prose and in examples; glob patterns are fine.
PATH = re.compile(r"(?<![\w./~$-])(?:" + "|".join(sorted(FOLDERS)) + r")/[\w.*/-]*")
FILE_NAME = re.compile(r"[\w-]+\.(?:c|h|S|py|dts|dtsi|cmake|ld|md|yaml)")
FUNCTION = re.compile(r"\b([a-z_][a-z0-9_]*)\(\)")
PLACED_FUNCTION = re.compile(r"`([a-z_][a-z0-9_]*)\(\)`\s+in\s+`([\w./-]+)`")
CONSTANT = re.compile(r"\bBH_[A-Z0-9_]+\b")
TYPE = re.compile(r"`struct (\w+)`")
COMMAND = re.compile(r"\./bulkhead\b([^`|<>\n]*)")
TOOL = re.compile(r"\bpython3 -B ((?:tools|test)/[\w/]+\.py)([^`|>\n]*)")
LABEL = re.compile(r"-L (\w+)")


@functools.cache
def source_files():
    files = [path for folder in SOURCE_FOLDERS for path in (REPOSITORY / folder).rglob("*")
             if path.suffix in SOURCES and path.is_file()]
    return {path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8") for path in files}


@functools.cache
def words():
    """What the sources call something. What stands in this test does not count."""
    text = "\n".join(text for path, text in source_files().items() if not path.endswith("docs_test.py"))
    return types.SimpleNamespace(all=set(re.findall(r"\w+", text)),
                                 functions=set(re.findall(r"(\w+)\s*\(", text)),
                                 structs=set(re.findall(r"struct\s+(\w+)", text)))


@functools.cache
def help_of(*command):
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False,
                             env={**os.environ, "COLUMNS": "200"})
    return process.stdout + process.stderr


def options_in(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def examples(text):
    """What stands in fences and indented blocks, and in code spans."""
    blocks = FENCE.findall(text)
    rest = FENCE.sub("", text)
    return [*blocks, *INDENTED.findall(rest), *SPAN.findall(rest)]


def slugs(path):
    """Anchors of a document's headings, as GitHub makes them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


class Documents(unittest.TestCase):
    def each(self, find, check):
        """`check(document, what)` for everything that find(text) yields; returns problems all at once."""
        problems = []
        for document in DOCUMENTS:
            for what in find(document.read_text(encoding="utf-8")):
                problem = check(document, what)
                if problem:
                    problems.append(f"{document.relative_to(REPOSITORY)}: {problem}")
        self.assertEqual(sorted(set(problems)), [], "\n" + "\n".join(sorted(set(problems))))

    def test_paths_exist(self):
        def check(_, path):
            path = path.rstrip(".")
            pattern = path.rstrip("/")
            found = list(REPOSITORY.glob(pattern)) if "*" in pattern else [REPOSITORY / pattern]
            if not any(file.is_dir() if path.endswith("/") else file.exists() for file in found):
                return f"there is no {path}"
            return None

        self.each(lambda text: [path for part in examples(text) for path in PATH.findall(part)], check)

    def test_files_named_without_their_folder_exist(self):
        names = {path.name for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*") if path.is_file()}
        # Names that readers may give to files of their own.
        own = {"FILE.dts", "my.dts"}
        self.each(lambda text: [span for span in SPAN.findall(FENCE.sub("", text)) if FILE_NAME.fullmatch(span)],
                  lambda _, name: None if name in names | own else f"there is no file called {name}")

    def test_functions_exist(self):
        self.each(lambda text: [name for span in SPAN.findall(FENCE.sub("", text)) for name in FUNCTION.findall(span)],
                  lambda _, name: None if name in words().functions else f"there is no function {name}")

    def test_functions_are_where_they_are_said_to_be(self):
        def check(_, place):
            name, path = place
            if not re.search(rf"\b{name}\s*\(", source_files().get(path, "")):
                return f"{name} is not in {path}"
            return None

        self.each(PLACED_FUNCTION.findall, check)

    def test_constants_exist(self):
        self.each(CONSTANT.findall, lambda _, name: None if name in words().all or name.endswith("_") else
                  f"there is no constant {name}")

    def test_types_exist(self):
        self.each(TYPE.findall, lambda _, name: None if name in words().structs else f"there is no struct {name}")

    def test_commands_and_options_exist(self):
        commands = set(re.findall(r"^  (\w+) ", help_of("./bulkhead", "help"), re.MULTILINE))
        self.assertIn("run", commands)

        def check(_, line):
            line = line.split("#")[0]
            try:
                arguments = shlex.split(line)
            except ValueError:
                arguments = line.split()
            if not arguments or not arguments[0].isalpha():
                return None  # the script as such
            command = arguments[0]
            if command == "help" or command not in commands:
                return None if command == "help" else f"./bulkhead has no command {command}"
            known = options_in(help_of("./bulkhead", "help", command))
            if command == "debug":
                known |= options_in(help_of("./bulkhead", "help", "run"))
            if command in ("test", "bench"):
                known |= options_in(help_of("ctest", "--help"))
            unknown = options_in(line) - known
            return f"./bulkhead {command} has no option {', '.join(sorted(unknown))}" if unknown else None

        self.each(lambda text: [line for part in examples(text) for line in COMMAND.findall(part)], check)

    def test_options_in_prose_exist(self):
        """An option in a code span of its own belongs to one of the commands or tools."""
        known = set()
        for command in re.findall(r"^  (\w+) ", help_of("./bulkhead", "help"), re.MULTILINE):
            known |= options_in(help_of("./bulkhead", "help", command))
        known |= {"--help"}
        self.each(lambda text: [span.split()[0] for span in SPAN.findall(FENCE.sub("", text)) if span.startswith("--")],
                  lambda _, option: None if option in known else f"nothing has the option {option}")

    def test_tools_know_their_commands(self):
        def check(_, call):
            tool, arguments = call
            if not (REPOSITORY / tool).is_file():
                return f"there is no {tool}"
            text = (REPOSITORY / tool).read_text(encoding="utf-8")
            command = arguments.split("#")[0].split()
            if command and re.fullmatch(r"[a-z]+", command[0]) and not re.search(rf"\b{command[0]}\b", text):
                return f"{tool} knows no {command[0]}"
            missing = {option for option in options_in(arguments) if option not in text}
            return f"{tool} has no option {', '.join(sorted(missing))}" if missing else None

        self.each(TOOL.findall, check)

    def test_labels_have_tests(self):
        cmake = "\n".join(text for path, text in source_files().items() if path.endswith((".txt", ".cmake")))
        labels = set(re.findall(r"LABELS? (\w+)", cmake)) | {"unit"}
        self.each(LABEL.findall, lambda _, label: None if label in labels else f"no test has the label {label}")

    def test_links_resolve(self):
        def check(document, link):
            if re.match(r"[a-z]+:", link):
                return None
            target, _, anchor = link.partition("#")
            path = (document.parent / target).resolve() if target else document
            if not path.exists():
                return f"link to {link}: there is no such file"
            if anchor and anchor not in slugs(path):
                return f"link to {link}: there is no such heading"
            return None

        self.each(lambda text: LINK.findall(FENCE.sub("", text)), check)

    def test_the_tables_of_results_have_their_places(self):
        text = (REPOSITORY / "docs" / "performance.md").read_text(encoding="utf-8")
        for part in ("./bulkhead bench", "./bulkhead bench, missed"):
            markers = [f"<!-- begin: {part} -->", f"<!-- end: {part} -->"]
            self.assertEqual([text.count(marker) for marker in markers], [1, 1])
            self.assertLess(text.index(markers[0]), text.index(markers[1]))

    def test_decisions_are_numbered_without_gaps(self):
        names = sorted(path.name for path in (REPOSITORY / "docs" / "decisions").glob("*.md"))
        self.assertEqual([name[:4] for name in names], [f"{number:04}" for number in range(1, len(names) + 1)])
        for name in names:
            title = re.search(r"^# (\d+)\. ", (REPOSITORY / "docs" / "decisions" / name).read_text(), re.MULTILINE)
            self.assertEqual(int(title.group(1)) if title else None, int(name[:4]), name)


if __name__ == "__main__":
    if not (REPOSITORY / "docs").is_dir():
        sys.exit("there are no documents")
    unittest.main(verbosity=2)
