"""Fetch Debian packages without root, by a private apt beside the machine's own.

The mirror and the key that signs it are those of the machine's own apt sources; only the suite is ours. The machine's
apt is read, never written. Apt checks signatures as always: what would switch that off in a source is not copied.
"""

import os
import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tincall.errors import OperatorError

SUITE = "trixie"
# names a Debian archive gives its suites; a source of another distribution has none of them
DEBIAN_SUITES = {
    *("bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
    *("oldstable", "stable", "testing", "unstable"),
}
_TIMEOUT_S = 900
_OTHER_WAY = (
    "Set TINCALL_MICROPYTHON (64-bit words) and TINCALL_MICROPYTHON32 (32-bit words) to MicroPython >= 1.25 unix ports "
    "of your own, or go without: `--board cpython` runs the same firmware under CPython."
)

_CONFIGURATION = """\
#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; "i386"; }};
APT::Get::AllowUnauthenticated "false";
APT::Update::Error-Mode "any";
APT::Sandbox::User "{user}";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Dir::Cache "{folder}/cache";
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/etc";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""


@dataclass(frozen=True)
class Source:
    """One place of the machine's apt sources that holds Debian.

    Args:
        uris: as the machine has them.
        suites: the machine's own suites there.
        components: `main` among them.
        signed_by: path, fingerprint or key block; empty when the machine trusts by its common keys.
    """

    uris: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str

    def is_debian(self) -> bool:
        """Tell whether this looks like Debian's own archive or a mirror of it."""
        return "main" in self.components and not DEBIAN_SUITES.isdisjoint(self.suites)

    def rank(self) -> int:
        """Order candidates: Debian's own key before the machine's common keys before anybody else's."""
        if "debian-archive" in self.signed_by:
            return 0
        return 1 if not self.signed_by else 2

    def stanza(self) -> str:
        """Write this place down for the private apt, with our suite."""
        signed = f"Signed-By: {self.signed_by}\n" if self.signed_by else ""
        return f"Types: deb\nURIs: {self.uris}\nSuites: {SUITE}\nComponents: main\n{signed}Targets: Packages\n"


def parse_deb822(text: str) -> Iterator[Source]:
    """Read sources in the form of `*.sources` files, see sources.list(5)."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n[ \t]*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        last = ""
        for line in paragraph.splitlines():
            if line[:1] in (" ", "\t") and last:
                fields[last] += "\n" + line
            elif ":" in line:
                last, value = line.split(":", 1)
                last = last.strip().lower()
                fields[last] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            yield Source(
                fields.get("uris", ""),
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )


def parse_one_line(text: str) -> Iterator[Source]:
    """Read sources in the form of `*.list` files, see sources.list(5)."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line)
        if match:
            options, uri, suite, components = match.groups()
            signed = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
            yield Source(uri, (suite,), tuple(components.split()), signed.group(1) if signed else "")


def source_files() -> list[Path]:
    """List the files in which the machine keeps its apt sources."""
    question = ["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"]
    answer = subprocess.run(question, capture_output=True, text=True, check=True, timeout=60).stdout
    places = dict(part.split("=", 1) for part in shlex.split(answer))
    listed = Path(places.get("LIST", "/dev/null"))
    return [listed, *sorted(Path(places.get("PARTS", "/dev/null")).glob("*"))]


def debian_source(files: Iterable[Path]) -> Source:
    """Choose the place to fetch from among apt source files.

    Raises:
        OperatorError: none of them holds Debian.
    """
    candidates: list[Source] = []
    for file in files:
        if not file.is_file():
            continue
        if file.suffix == ".sources":
            candidates += parse_deb822(file.read_text())
        elif file.suffix == ".list":
            candidates += parse_one_line(file.read_text())
    found = sorted((source for source in candidates if source.is_debian()), key=Source.rank)
    if not found:
        raise OperatorError("the apt sources of this machine hold no Debian archive to fetch from", _OTHER_WAY)
    return found[0]


def require_debian_tools() -> None:
    """Refuse a machine on which Debian's amd64 packages cannot be fetched or run.

    Raises:
        OperatorError: not Linux on amd64, or no apt.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise OperatorError(
            f"Debian's amd64 packages do not run on {platform.system()} {platform.machine()}", _OTHER_WAY
        )
    for tool in ("apt-get", "apt-cache", "apt-config", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise OperatorError(f"this machine has no {tool}", _OTHER_WAY)


class PrivateApt:
    """An apt of our own in a folder of our own; it is made anew each time and holds nothing worth keeping.

    Args:
        folder: an absolute path; what is there is removed.
        source: where to fetch from.
    """

    def __init__(self, folder: Path, source: Source) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("lists/partial", "cache/archives/partial", "etc", "state"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        # the source may carry the machine's credentials for its mirror
        sources = folder / "etc/debian.sources"
        sources.touch(mode=0o600)
        sources.write_text(source.stanza())
        # root's apt hands downloads to the user _apt, who may not enter a checkout in somebody's home
        user = "root" if os.geteuid() == 0 else "_apt"
        (folder / "apt.conf").write_text(_CONFIGURATION.format(folder=folder, user=user))

    def _run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        command = [program, "-q", "-c", str(self._folder / "apt.conf"), *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=cwd or self._folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OperatorError(f"{program} {arguments[0]} did not end within {_TIMEOUT_S} s", _OTHER_WAY) from error
        if done.returncode:
            reasons = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()
            # the address of a mirror may carry a password
            said = re.sub(r"//[^/@\s]+@", "//", " ".join(reasons[:3]))
            raise OperatorError(
                f"{program} {arguments[0]} failed (status {done.returncode}): {said}",
                "Is there a network, and does `apt-get update` work on this machine? Then try again. " + _OTHER_WAY,
            )
        return done.stdout

    def update(self) -> None:
        """Fetch the suite's lists of packages and check their signature."""
        self._run("apt-get", "update")

    def show(self, package: str) -> dict[str, str]:
        """Give the fields of a package, names in lower case.

        Args:
            package: `name:architecture`.

        Raises:
            OperatorError: the suite has no such package.
        """
        text = self._run("apt-cache", "show", "--no-all-versions", package)
        pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith(" "))
        return {name.lower(): value.strip() for name, value in pairs}

    def download(self, packages: list[str], into: Path) -> None:
        """Fetch the files of packages into a folder, checked by apt against the signed lists."""
        self._run("apt-get", "download", *packages, cwd=into)


def dependencies(fields: dict[str, str]) -> list[str]:
    """Name the packages that a package depends on directly, first alternatives only."""
    names = (part.split("|")[0].split("(")[0].strip() for part in fields.get("depends", "").split(","))
    return [name.split(":")[0] for name in names if name]


def unpack(files: Iterable[Path], into: Path) -> None:
    """Unpack the files of packages into a folder, running none of their scripts.

    Raises:
        OperatorError: a file is not a sound package.
    """
    for file in files:
        done = subprocess.run(["dpkg-deb", "-x", str(file), str(into)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise OperatorError(f"{file.name} does not unpack: {done.stderr.strip()[:300]}", "Free disk space?")
