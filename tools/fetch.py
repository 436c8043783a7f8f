#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fetch, verify and unpack what tools/sources.lock names.

    fetch.py                 everything
    fetch.py NAME...         these only (musl, lwip, linux, ...)
    fetch.py --print NAME    fetch NAME and print the directory that it was unpacked to

Downloads go through apt with a private configuration: its lists, cache and state lie in our cache
directory, its sources are derived from the machine's own (same servers, same keyring, other suites),
and the system's own apt state is neither read nor written. A file that is in the cache and verifies
is never fetched again; nothing is ever left half-downloaded or half-unpacked under its final name.

Cache: $BULKHEAD_CACHE, else $XDG_CACHE_HOME/bulkhead, else ~/.cache/bulkhead.
"""

import argparse
import contextlib
import fcntl
import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

LOCK_FILE = pathlib.Path(__file__).with_name("sources.lock")
GUEST_ARCHITECTURE = "arm64"  # of binary packages, unless they say another; sources have none


class FetchError(Exception):
    """What went wrong, in words for the person who ran the build."""


def cache_dir():
    if os.environ.get("BULKHEAD_CACHE"):
        return pathlib.Path(os.environ["BULKHEAD_CACHE"]).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base, "bulkhead")


def say(message):
    print(f"fetch: {message}", file=sys.stderr, flush=True)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path, expected):
    actual = sha256(path)
    if actual != expected:
        raise FetchError(f"checksum mismatch in {path}\n  expected sha256 {expected}\n"
                         f"  got      sha256 {actual}")


@contextlib.contextmanager
def exclusive(name):
    """Parallel builds share the cache: one of them at a time works on `name`."""
    directory = cache_dir() / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / name, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ---- the machine's apt sources ------------------------------------------------------------------

def deb822_stanzas(path):
    for block in re.split(r"\n\s*\n", pathlib.Path(path).read_text(encoding="utf-8")):
        stanza, key = {}, None
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and key:
                stanza[key] += "\n" + line
            elif ":" in line:
                key, value = line.split(":", 1)
                key = key.strip().lower()
                stanza[key] = value.strip()
        if stanza:
            yield stanza


def one_line_stanzas(path):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        match = re.match(r"\s*deb(?:-src)?\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)", line)
        if match:
            options, uri, suite, components = match.groups()
            stanza = {"uris": uri, "suites": suite, "components": components}
            for option in (options or "").split():
                key, _, value = option.partition("=")
                stanza[key.lower()] = value
            yield stanza


def system_stanzas():
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        yield from deb822_stanzas(path)
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*.list")):
        if os.path.exists(path):
            yield from one_line_stanzas(path)


def system_suites():
    """Names under which the machine's own sources may list Debian's main archive."""
    names = {"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid", "bookworm", "trixie"}
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
            if line.startswith("VERSION_CODENAME="):
                names.add(line.split("=", 1)[1].strip('"'))
    return names


def archive_stanza():
    """The machine's source of Debian's main archive: the one to derive ours from."""
    suites = system_suites()
    for stanza in system_stanzas():
        if stanza.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if suites.intersection(stanza.get("suites", "").split()) and \
                "main" in stanza.get("components", "").split():
            return stanza
    raise FetchError("found no source of Debian's main archive in /etc/apt/sources.list or "
                     "/etc/apt/sources.list.d: the build derives its own sources from it")


class Apt:
    """apt with a private configuration for one suite and one kind (source or binary)."""

    def __init__(self, kind, suite, architecture=GUEST_ARCHITECTURE):
        self.kind, self.suite, self.architecture = kind, suite, architecture
        other = "" if architecture == GUEST_ARCHITECTURE else f"-{architecture}"
        self.name = f"{suite}-{kind}{other}"
        self.root = cache_dir() / "apt" / self.name
        self.updated = False

    def prepare(self):
        stanza = archive_stanza()
        for directory in ("sources", "lists/partial", "cache/archives/partial", "preferences"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        (self.root / "status").write_text("")
        lines = [f"Types: {'deb-src' if self.kind == 'source' else 'deb'}",
                 f"URIs: {stanza['uris']}", f"Suites: {self.suite}", "Components: main"]
        if self.kind == "binary":
            lines.append(f"Architectures: {self.architecture}")
        if "signed-by" in stanza:
            lines.append(f"Signed-By: {stanza['signed-by']}")
        (self.root / "sources" / "bulkhead.sources").write_text("\n".join(lines) + "\n")

    def command(self, program, *arguments):
        root = self.root
        options = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": root / "sources",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": root / "preferences",
            "Dir::State": root,
            "Dir::State::lists": root / "lists",
            "Dir::State::status": root / "status",
            "Dir::Cache": root / "cache",
            "Debug::NoLocking": "1",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        if self.kind == "binary":
            options["APT::Architecture"] = self.architecture
            options["APT::Architectures"] = self.architecture
        if os.geteuid() == 0:
            options["APT::Sandbox::User"] = "root"  # the cache may lie where _apt cannot read
        command = [program]
        for key, value in options.items():
            command += ["-o", f"{key}={value}"]
        return command + list(arguments)

    def run(self, program, *arguments, cwd=None):
        result = subprocess.run(self.command(program, *arguments), cwd=cwd, text=True, check=False,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        if result.returncode:
            raise FetchError(f"{program} {' '.join(arguments)} ({self.suite}, {self.kind}) failed:\n"
                             + (result.stderr or result.stdout).strip())
        return result.stdout

    def update(self):
        if not self.updated:
            say(f"reading the package lists of {self.suite} ({self.kind})")
            self.prepare()
            output = self.run("apt-get", "update", "--error-on=any")
            self.updated = "Err:" not in output

    def download(self, directory, *arguments):
        self.update()
        self.run("apt-get", *arguments, cwd=directory)


# ---- fetching -----------------------------------------------------------------------------------

def fetch_source(name, entry, apt):
    """The verified tarball in the cache."""
    files = cache_dir() / "files"
    files.mkdir(parents=True, exist_ok=True)
    final = files / entry["file"]
    if final.exists():
        if sha256(final) == entry["sha256"]:
            return final
        say(f"{final} does not verify: fetching it again")
    with tempfile.TemporaryDirectory(dir=files, prefix=".partial-") as directory:
        say(f"{name}: {entry['file']}")
        apt.download(directory, "source", "--download-only", "--tar-only", "-q", entry["package"])
        arrived = pathlib.Path(directory, entry["file"])
        if not arrived.exists():
            raise FetchError(f"{name}: the archive's {apt.suite} offers {sorted(os.listdir(directory))}"
                             f", not {entry['file']}; tools/sources.lock must be updated")
        verify(arrived, entry["sha256"])
        arrived.rename(final)
    return final


def architecture(entry):
    return entry.get("architecture", GUEST_ARCHITECTURE)


def newest_binary(entry, apt):
    """Name and version of what replaces a package that has left the archive."""
    apt.update()
    package = entry["package"]
    if "meta" in entry:
        depends = apt.run("apt-cache", "show", "--no-all-versions", entry["meta"])
        match = re.search(r"^Depends:.*?\b(linux-image-[\w.+-]+)", depends, re.MULTILINE)
        if not match:
            raise FetchError(f"{entry['meta']} names no kernel package")
        package = match.group(1)
    show = apt.run("apt-cache", "show", "--no-all-versions", package)
    version = re.search(r"^Version: (\S+)", show, re.MULTILINE).group(1)
    digest = re.search(r"^SHA256: (\S+)", show, re.MULTILINE).group(1)
    return {**entry, "package": package, "version": version, "sha256": digest}


def binary_path(entry):
    version = entry["version"].replace(":", "%3a")
    return cache_dir() / "files" / f"{entry['package']}_{version}_{architecture(entry)}.deb"


def fetch_binary(name, entry, apt):
    replaced = cache_dir() / "files" / f"{name}-{entry['sha256'][:16]}.json"
    if replaced.exists():
        entry = json.loads(replaced.read_text(encoding="utf-8"))
    final = binary_path(entry)
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        if sha256(final) == entry["sha256"]:
            return final
        say(f"{final} does not verify: fetching it again")
    with tempfile.TemporaryDirectory(dir=final.parent, prefix=".partial-") as directory:
        say(f"{name}: {entry['package']} {entry['version']}")
        try:
            apt.download(directory, "download", "-q", f"{entry['package']}={entry['version']}")
        except FetchError:
            newest = newest_binary(entry, apt)
            if newest["version"] == entry["version"]:
                raise
            say(f"{name}: {entry['version']} has left the archive; taking {newest['version']}, "
                "which the archive's signature vouches for")
            final = fetch_binary(name, newest, apt)
            replaced.write_text(json.dumps(newest), encoding="utf-8")
            return final
        arrived = next(pathlib.Path(directory).glob("*.deb"))
        verify(arrived, entry["sha256"])
        arrived.rename(final)
    return final


def unpack_source(archive, directory):
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", directory,
                    "--strip-components=1", "--no-same-owner"], check=True)


def unpack_binary(archive, directory):
    subprocess.run(["dpkg-deb", "--extract", archive, directory], check=True)


def unpack(name, archive, unpacker):
    """The directory with the contents of `archive`, which exists only when it is complete."""
    final = cache_dir() / "unpacked" / f"{name}-{sha256(archive)[:16]}"
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{name}-"))
    try:
        unpacker(archive, temporary)
        temporary.chmod(0o755)
        temporary.rename(final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return final


class Fetcher:
    def __init__(self):
        self.lock = tomllib.loads(LOCK_FILE.read_text(encoding="utf-8"))
        self.apts = {}

    def names(self):
        return [*self.lock["source"], *self.lock["binary"]]

    def apt(self, kind, entry):
        apt = Apt(kind, entry["suite"], architecture(entry))
        return self.apts.setdefault(apt.name, apt)

    def get(self, name):
        """Fetch and unpack `name`; returns the directory."""
        with exclusive(name):
            for kind, fetch, unpacker in (("source", fetch_source, unpack_source),
                                          ("binary", fetch_binary, unpack_binary)):
                entry = self.lock[kind].get(name)
                if entry:
                    apt = self.apt(kind, entry)
                    with exclusive(f"apt-{apt.name}"):
                        archive = fetch(name, entry, apt)
                    return unpack(name, archive, unpacker)
        raise FetchError(f"{name} is not in {LOCK_FILE.name}; it has {', '.join(self.names())}")


def main():
    parser = argparse.ArgumentParser(description="Fetch what tools/sources.lock names.")
    parser.add_argument("--print", action="store_true", dest="show",
                        help="print the directory of each NAME")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    try:
        fetcher = Fetcher()
        for name in args.names or fetcher.names():
            directory = fetcher.get(name)
            if args.show:
                print(directory)
            else:
                say(f"{name} is in {directory}")
    except (FetchError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"fetch: {error}")


if __name__ == "__main__":
    main()
