# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interpreters, environments and the tree, for everything that ``make`` does.

uv finds the interpreters and makes the environments; pip installs uv itself. This file uses only the standard library, because it
runs before anything is installed, with any ``python3``. Everything is written below ``.cache`` in the checkout.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
HOME = CACHE / "home"
REQUIREMENTS = ROOT / "tests" / "tools" / "requirements"

# Best first: 3.11 supports only the oldest ansible-core, and 3.14 all but that one.
CONTROLLERS = ("3.13", "3.12", "3.14", "3.11")
MANAGED = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# The series of ansible-core that are supported, oldest first, with the Pythons of their controllers; README.md and
# meta/runtime.yml list the same, which "make test" checks.
CORES = {"2.19": ("3.11", "3.12", "3.13"), "2.20": ("3.12", "3.13", "3.14"), "2.21": ("3.12", "3.13", "3.14")}
COMING = {"2.22": ("3.13", "3.14")}  # not released yet; for "make test-matrix PARTS=2.22"
OLDEST_CORE = next(iter(CORES))  # a Python of controllers can be too new for it, see oldest_core()
NEWEST_CORE = {version: core for core, versions in CORES.items() for version in versions if version in CONTROLLERS}
LONGEST_TEMP = 60  # characters of a temporary directory in which the path of a socket is not too long

# get-pip stand-in for ansible-test, which would download a program from the network each time it makes an environment.
GET_PIP = '''\
"""Stands in for get-pip: ansible-test calls it with pip's install arguments in an environment without pip."""
import ensurepip
import os
import runpy
import sys

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
os.environ.pop("GET_PIP", None)
before = dict(os.environ)
ensurepip.bootstrap(default_pip=True)
os.environ.clear()
os.environ.update(before)  # ensurepip has turned pip's settings off for the whole process
if any(not argument.startswith("-") for argument in arguments):
    sys.argv = ["pip", "install"] + arguments
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def listed(versions: Iterable[str]) -> str:
    """Return Pythons in the form of a sentence: ``"3.11, 3.12 or 3.13"``."""
    *first, last = sorted(versions, key=lambda version: int(version[2:]))
    return " or ".join([", ".join(first), last] if first else [last])


class SetupError(Exception):
    """Something that the user must provide; the text is one sentence that names it."""


def say(text: str) -> None:
    """Print what is being done, without delay."""
    print(text, flush=True)


# uv, which finds interpreters and makes environments


def run(command: list, *, env: dict[str, str], cwd: Path = ROOT) -> None:
    """Run a step of an installation; on failure show its output and stop."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise SetupError("%s\nThis command failed with status %d: %s" % (done.stdout, done.returncode, " ".join(map(str, command))))


def _can(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", "import " + module], stderr=subprocess.DEVNULL, check=False).returncode == 0


@functools.lru_cache(maxsize=None)
def uv() -> Path:
    """Return the program uv, installed by pip below ``.cache`` if this version is not there yet."""
    requirements = REQUIREMENTS / "uv.txt"
    version = re.findall(r"^uv==(\S+)$", requirements.read_text(), re.MULTILINE)[0]
    folder = CACHE / "envs" / ("uv-" + version)
    program = folder / "bin" / "uv"
    if program.exists():
        return program
    say("Installing uv %s" % version)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    # The user's own home directory: this is how pip finds its settings.
    variables = {name: value for name, value in os.environ.items() if not re.match(r"PYTHON|VIRTUAL_ENV", name)}
    variables.update(PIP_CACHE_DIR=str(CACHE / "pip"), PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONDONTWRITEBYTECODE="1")
    names = ["python" + name for name in CONTROLLERS] + ["python3"]
    candidates = [sys.executable, *filter(None, (shutil.which(name, path=_search_path()) for name in names))]
    capable = next((python for python in candidates if _can(python, "venv, ensurepip")), None)
    with_pip = next((python for python in candidates if _can(python, "pip")), None)
    if capable:
        run([capable, "-m", "venv", part], env=variables)
        run([part / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", requirements], env=variables)
    elif with_pip:
        run([with_pip, "-m", "pip", "install", "--quiet", "--target", part, "-r", requirements], env=variables)
    else:
        raise SetupError(
            "%s can install nothing because its modules ensurepip and pip are missing: install them (Debian: apt-get install python3-venv) "
            "or put a complete Python %s on PATH, and run this again." % (sys.executable, listed(CONTROLLERS))
        )
    # Complete, or not there at all. The program does not depend on its path.
    part.rename(folder)
    return program


@functools.lru_cache(maxsize=None)
def _pip_settings() -> dict[str, str]:
    """Return the machine's pip settings (files and environment) as pip's own names and values."""
    settings = {}
    for python in (str(uv().with_name("python")), sys.executable, *pythons().values()):
        if not os.path.exists(python):
            continue
        done = subprocess.run([python, "-m", "pip", "config", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        if done.returncode == 0:
            lines = done.stdout.splitlines()
            # The environment takes precedence over files, as in pip.
            for line in sorted(lines, key=lambda text: text.startswith(":env:")):
                match = re.match(r"(?:global|install|:env:)\.([a-z-]+)='(.*)'$", line)
                if match:
                    settings[match.group(1)] = match.group(2).replace("\\n", " ").strip()
            break
    return settings


def _uv_variables() -> dict[str, str]:
    """Return pip's settings as variables that uv reads; uv knows neither pip's files nor its variables."""
    settings = _pip_settings()
    more = {"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1"}
    for pip, names in {
        "index-url": ["UV_DEFAULT_INDEX"],
        "extra-index-url": ["UV_INDEX"],
        "find-links": ["UV_FIND_LINKS"],
        "trusted-host": ["UV_INSECURE_HOST"],
        "cert": ["SSL_CERT_FILE"],
        "proxy": ["HTTP_PROXY", "HTTPS_PROXY"],
        "default-timeout": ["UV_HTTP_TIMEOUT"],
        "timeout": ["UV_HTTP_TIMEOUT"],
    }.items():
        if settings.get(pip):
            more.update(dict.fromkeys(names, settings[pip]))
    if "index-url" in settings or "extra-index-url" in settings:
        more["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does: the best version of all indexes
    if "no-index" in settings:
        more["UV_NO_INDEX"] = "1"
    return {name: value for name, value in more.items() if name not in os.environ}


def installing(variables: dict[str, str]) -> dict[str, str]:
    """Return the environment for uv, and for programs that make environments: they find uv last on PATH."""
    return dict(variables, PATH=variables["PATH"] + os.pathsep + str(uv().parent), **_uv_variables())


# Interpreters


def _homes() -> list[Path]:
    """Return the directories in which pyenv keeps real interpreters (its shims on PATH can be broken)."""
    places = [os.environ.get("PYENV_ROOT"), os.path.join(os.environ.get("HOME", ""), ".pyenv")]
    try:
        import pwd

        places.append(os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".pyenv"))
    except (ImportError, KeyError):
        pass
    return [Path(place) for place in dict.fromkeys(places) if place]


def _search_path() -> str:
    """Return the PATH for finding interpreters: those of pyenv first, and without its shims."""
    real = [str(path) for home in _homes() for path in sorted(home.glob("versions/3.*/bin"))]
    others = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.basename(folder) != "shims"]
    return os.pathsep.join(dict.fromkeys([*real, *others, os.path.dirname(os.path.realpath(sys.executable))]))


def _installed() -> list[dict]:
    """Return the interpreters of this machine as uv lists them, newest first; uv leaves out those that do not work."""
    variables = dict(os.environ, PATH=_search_path(), UV_CACHE_DIR=str(CACHE / "uv"), UV_PYTHON_DOWNLOADS="never", UV_NO_CONFIG="1")
    command = [str(uv()), "python", "list", "--only-installed", "--no-managed-python", "--output-format", "json"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError("%s\nuv cannot list the interpreters of this machine." % done.stderr)
    return json.loads(done.stdout)


@functools.lru_cache(maxsize=None)
def pythons() -> dict[str, str]:
    """Return the real path of an interpreter for each version that ansible-core supports and that this machine has."""
    found: dict[str, str] = {}
    for entry in _installed():
        if entry["implementation"] == "cpython" and entry.get("variant", "default") == "default":
            found.setdefault("%(major)d.%(minor)d" % entry["version_parts"], os.path.realpath(entry["path"]))
    return {version: found[version] for version in MANAGED if version in found}


def controller() -> tuple[str, str]:
    """Return version and path of the best interpreter for the controller; ansible-test needs one that can make environments."""
    found = [(version, pythons()[version]) for version in CONTROLLERS if version in pythons()]
    if not found:
        raise SetupError(
            "Python %s is needed and none was found on PATH or below ~/.pyenv: install one (Debian: apt-get install "
            "python3 python3-venv) and run this again." % listed(CONTROLLERS)
        )
    for version, python in found:
        if _can(python, "venv, ensurepip"):
            return version, python
    return found[0]


def oldest_core() -> str:
    """Return the oldest ansible-core that supports the interpreter of controller()."""
    version = controller()[0]
    return next(core for core, versions in CORES.items() if version in versions)


def bin_folder() -> Path:
    """Return a directory with a link to every interpreter, to be first on PATH."""
    folder = CACHE / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {"python" + version: path for version, path in pythons().items()}
    for present in folder.iterdir():
        if wanted.get(present.name) != os.readlink(present):
            present.unlink()
    for name, path in wanted.items():
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(path)
    return folder


# Environments


@functools.lru_cache(maxsize=None)
def home() -> Path:
    """Return a directory that replaces the user's home directory, with the files that programs read there."""
    files = {
        # Empty, so that settings of the machine or of a parent directory do not change what is tested.
        HOME / "ansible.cfg": "",
        # The versions for ansible-core 2.19, and for 2.20 and later.
        HOME / ".ansible" / "test" / "cache" / "get_pip_24_2.py": GET_PIP,
        HOME / ".ansible" / "test" / "cache" / "get_pip_25_2.py": GET_PIP,
        HOME / ".config" / "pip" / "pip.conf": _pip_file(),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return HOME


def _pip_file() -> str:
    """Return the machine's pip settings as one file: ansible-test passes no variable on to pip."""
    settings = dict(_pip_settings())
    settings["cache-dir"] = str(CACHE / "pip")
    settings["disable-pip-version-check"] = "true"
    lines = ["[global]"]
    for name, value in sorted(settings.items()):
        lines.append("%s = %s" % (name, "\n    ".join(value.split()) if name.endswith(("links", "url", "host")) else value))
    return "\n".join(lines) + "\n"


def environment(*first: Path, **more: str) -> dict[str, str]:
    """Return the variables of a child process: the directories ``first`` on PATH, and all caches in the checkout.

    Variables that would change what is tested (Ansible's, Python's, git's, the collection's own) are left out.
    """
    forget = re.compile(r"ANSIBLE_|PYTHON|GIT_|NHNCLOUD_|NKS_|VIRTUAL_ENV|PYTEST_|COLUMNS$|MAKEFLAGS|MFLAGS|MAKELEVEL|K8S_|KUBE|JUNIT_")
    env = {name: value for name, value in os.environ.items() if not forget.match(name)}
    place = home()
    temp = CACHE / "tmp"
    temp.mkdir(parents=True, exist_ok=True)
    env.update(
        HOME=str(place),
        XDG_CACHE_HOME=str(CACHE / "xdg"),
        XDG_CONFIG_HOME=str(place / ".config"),
        XDG_DATA_HOME=str(place / ".local" / "share"),
        ANSIBLE_HOME=str(place / ".ansible"),
        # Connections other than local use the user's real home directory for these, regardless of HOME.
        ANSIBLE_ASYNC_DIR=str(place / ".ansible_async"),
        ANSIBLE_REMOTE_TMP=str(place / ".ansible" / "tmp"),
        ANSIBLE_CONFIG=str(place / "ansible.cfg"),
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
        ANSIBLE_NOCOLOR="true",
        ANSIBLE_NOCOWS="true",
        PIP_CACHE_DIR=str(CACHE / "pip"),
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        UV_CACHE_DIR=str(CACHE / "uv"),
        RUFF_CACHE_DIR=str(CACHE / "ruff"),
        HYPOTHESIS_STORAGE_DIRECTORY=str(CACHE / "hypothesis"),
        MYPY_CACHE_DIR=str(CACHE / "mypy"),
        PYTHONDONTWRITEBYTECODE="1",  # packages are compiled when they are installed; the interpreter's own directory must not change
        PYTHONUNBUFFERED="1",
        LC_ALL="C.UTF-8",
        LANG="C.UTF-8",
        NO_COLOR="1",
        PATH=os.pathsep.join([*map(str, first), str(bin_folder()), os.environ.get("PATH", os.defpath)]),
    )
    # Ansible opens a socket below it, whose path may have 107 characters; it cleans up after itself wherever that is.
    if len(str(temp)) <= LONGEST_TEMP:
        env["TMPDIR"] = str(temp)
    env.update(more)
    return env


_lock = threading.Lock()
_made: dict[str, Path] = {}


def _usable(folder: Path, python: str) -> bool:
    """Whether the environment is of this interpreter and still where it was made: its programs contain its path."""
    activate = folder / "bin" / "activate"
    return activate.exists() and str(folder) in activate.read_text() and os.path.realpath(folder / "bin" / "python") == python


def env(name: str, python: str, requirements: list[Path]) -> Path:
    """Return the bin directory of the environment, with everything in it that the files require."""
    with _lock:
        folder = CACHE / "envs" / name
        if name not in _made:
            variables = installing(environment())
            if not _usable(folder, python):
                say("Making the environment %s (%s)" % (folder.relative_to(ROOT), python))
                run([uv(), "venv", "--quiet", "--clear", "--seed", "--python", python, folder], env=variables)
            words = [word for path in requirements for word in ("-r", path)]
            # Byte code now, since the machine may forbid Python to write it later, and then each start compiles all of Ansible.
            run([uv(), "pip", "install", "--quiet", "--compile-bytecode", "--python", folder / "bin" / "python", *words], env=variables)
            _made[name] = folder / "bin"
        return _made[name]


def controller_env(core: str | None = None, version: str | None = None) -> tuple[Path, str, str]:
    """Return bin directory, Python version and ansible-core series of the environment that runs the collection."""
    best = controller()[0]
    version = version or best
    core = core or NEWEST_CORE[version]
    name = "ansible-%s" % core if version == best else "ansible-%s-python%s" % (core, version)
    folder = env(name, pythons()[version], [REQUIREMENTS / ("ansible-%s.txt" % core), REQUIREMENTS / "test.txt"])
    return folder, version, core


def benchmark_env() -> tuple[Path, str, str]:
    """Return the same as controller_env() for an environment that can also draw."""
    version, python = controller()
    core = NEWEST_CORE[version]
    names = ("ansible-%s.txt" % core, "test.txt", "benchmark.txt")
    return env("benchmark", python, [REQUIREMENTS / name for name in names]), version, core


def peers_env() -> Path:
    """Return the bin directory of the environment with the collections that the benchmark compares with."""
    return env("peers", controller()[1], [REQUIREMENTS / "peers.txt"])


def installed_env() -> tuple[Path, str, str]:
    """Return the same as controller_env() for an environment with the requirements of users only."""
    version, python = controller()
    core = NEWEST_CORE[version]
    return env("installed", python, [REQUIREMENTS / ("ansible-%s.txt" % core), REQUIREMENTS / "installed.txt"]), version, core


def matrix() -> list[tuple[str, str]]:
    """Return every pair of an ansible-core series and a controller's Python for which this machine has the Python, oldest first."""
    return [(core, version) for core, versions in {**CORES, **COMING}.items() for version in versions if version in pythons()]


def lint_requirements(version: str, sessions: bool = False) -> list[Path]:
    """Return the requirements files of the static checks on this Python, optionally with those of the sessions of nox."""
    names = ["ansible-%s.txt" % NEWEST_CORE.get(version, NEWEST_CORE[CONTROLLERS[0]]), "lint.txt", *(["sessions.txt"] if sessions else [])]
    return [REQUIREMENTS / name for name in names]


def lint_env() -> Path:
    """Return the bin directory of the environment with the linters."""
    version, python = controller()
    return env("lint", python, lint_requirements(version))


def docs_env() -> Path:
    """Return the bin directory of the environment that builds the documentation site."""
    version, python = controller()
    return env("docs", python, [REQUIREMENTS / ("ansible-%s.txt" % NEWEST_CORE[version]), REQUIREMENTS / "docs.txt"])


def awx_env() -> Path:
    """Return the bin directory of the environment with ansible-runner, which AWX uses, and ansible-builder."""
    version, python = controller()
    return env("awx", python, [REQUIREMENTS / name for name in ("ansible-%s.txt" % NEWEST_CORE[version], "test.txt", "awx.txt")])


def awx_collection() -> Path:
    """Return a directory of collections with awx.awx, extracted from its package."""
    requirements = REQUIREMENTS / "awx-collection.txt"
    folder = CACHE / "awx-collection"
    ready = folder / "ready"
    if ready.exists() and ready.read_text() == requirements.read_text():
        return folder
    python = awx_env() / "python"
    shutil.rmtree(folder, ignore_errors=True)
    run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder / "package", "-r", requirements], env=environment())
    (wheel,) = (folder / "package").glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder, [name for name in content.namelist() if name.startswith("ansible_collections/awx/awx/")])
    shutil.rmtree(folder / "package")
    ready.write_text(requirements.read_text())
    return folder


# The tree


def tree_files() -> list[str]:
    """Return the files that belong to the tree: tracked ones, and new ones that git would not ignore."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError("The files of the checkout cannot be listed (is this a git clone?): %s" % done.stderr.strip())
    return sorted({name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()})


def copy_tree(name: str) -> Path:
    """Copy the tree to where Ansible looks for a collection; return the copy.

    ansible-test works only there. In a directory that git ignores it finds no file and reports success, so the copy is a git
    repository of its own.
    """
    top = CACHE / "work" / name
    shutil.rmtree(top, ignore_errors=True)
    target = top / "ansible_collections" / "nhncloud" / "nks"
    for path in tree_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path, follow_symlinks=False)
    run(["git", "init", "-q"], env=environment(), cwd=target)
    return target


def collections() -> Path:
    """Return a directory of collections that contains a link to the checkout."""
    top = CACHE / "collections"
    link = top / "ansible_collections" / "nhncloud" / "nks"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and os.readlink(link) != str(ROOT):
        link.unlink()  # the checkout has been moved
    if not link.is_symlink():
        link.symlink_to(ROOT, target_is_directory=True)
    return top
