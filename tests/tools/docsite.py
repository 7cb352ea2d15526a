# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site below ``.cache/site/html`` and checks every link in it.

The guides stay Markdown that reads well where the repository is browsed, and docs/README.md puts them in groups. Here they are copied,
their links are turned to the site's pages, and antsibull-docs writes the pages of modules, plugins and roles beside them; Sphinx makes
HTML of it all. A warning of either tool, a guide in no group, a module without a page and a link that leads nowhere are failures.

The last line is ``N pages, N links, N faults``.
"""

from __future__ import annotations

import html.parser
import os
import posixpath
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import envs
from envs import CACHE, ROOT, SetupError, say

SITE = CACHE / "site"
SETTINGS = Path(__file__).resolve().parent / "docsite"
REFERENCE = "reference"  # the directory of the pages that antsibull-docs writes
# Pages that lie elsewhere in the repository than on the site; all of docs/ is at the site's top.
PAGES = {"README.md": "collection.md", "CHANGELOG.md": "release-notes.md", "docs/README.md": "index.md", "plugins/modules": REFERENCE + "/index.md"}
# The name that antsibull-docs gives to the page of a file or directory of the collection.
WRITTEN = (
    (re.compile(r"plugins/modules/(\w+)\.py$"), r"%s/\1_module.rst" % REFERENCE),
    (re.compile(r"plugins/(\w+)/(\w+)\.py$"), r"%s/\2_\1.rst" % REFERENCE),
    (re.compile(r"roles/(\w+)(?:/README\.md)?$"), r"%s/\1_role.rst" % REFERENCE),
)
DOCUMENTED = ("inventory", "lookup", "filter", "test", "callback", "connection", "become", "cache", "strategy", "vars")  # in addition to modules
LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))")


class Faults(list):
    """All faults, each reported when it is found."""

    def add(self, text: str) -> None:
        """Add one."""
        say("FAULT: " + text)
        self.append(text)


def metadata(name: str) -> str:
    """Return a value of galaxy.yml."""
    return re.findall(r"^%s: (\S+)$" % name, (ROOT / "galaxy.yml").read_text(), re.MULTILINE)[0]


def page_of(path: str) -> str | None:
    """Return the source on the site of a file or directory of the repository, or None if it has no page there."""
    if path in PAGES:
        return PAGES[path]
    for pattern, page in WRITTEN:
        match = pattern.match(path)
        if match and (not path.startswith("plugins/") or match.group(1) in DOCUMENTED or path.startswith("plugins/modules/")):
            return match.expand(page)
    return path[len("docs/") :] if re.match(r"docs/(?:[\w-]+\.md|images/.*)$", path) else None


class Source:
    """The directory from which Sphinx builds."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.folder = SITE / "source"
        self.tree = set(envs.tree_files())
        self.folders = {str(parent) for name in self.tree for parent in Path(name).parents}

    def write(self, page: str, text: str) -> None:
        """Write one page."""
        target = self.folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def turned(self, path: str, text: str) -> str:
        """Return a Markdown file's text with its relative links changed to the site's pages, or to the repository if there is no page."""

        def turn(match: re.Match[str]) -> str:
            target, hash_sign, anchor = match.group().partition("#")
            if not target or re.match(r"[a-z]+:", target):
                return match.group()
            file = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if file not in self.tree | self.folders:
                self.faults.add("%s: the link %s leads nowhere" % (path, match.group()))
                return match.group()
            page = page_of(file)
            if page is None:
                return "%s/%s/main/%s" % (metadata("repository"), "tree" if file in self.folders else "blob", file) + hash_sign + anchor
            return posixpath.relpath(page, posixpath.dirname(page_of(path) or "") or ".") + hash_sign + anchor

        # Every second part is a code block or a piece of code, in which nothing is a link.
        parts = re.split(r"(^```.*?^```$|`[^`\n]+`)", text, flags=re.DOTALL | re.MULTILINE)
        parts[::2] = [LINK.sub(turn, part) for part in parts[::2]]
        return "".join(parts)

    def copy(self) -> list[str]:
        """Copy the guides and what belongs to them; return the pages made."""
        made = []
        for path in sorted(name for name in self.tree if page_of(name) and not name.startswith(("plugins/", "roles/"))):
            page = page_of(path) or ""
            if path.endswith(".md"):
                self.write(page, self.turned(path, (ROOT / path).read_text(encoding="utf-8")))
                made.append(page)
            else:
                (self.folder / page).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, self.folder / page)
        return made

    def group(self, pages: list[str]) -> None:
        """Add to the first page the tables of contents, one for each group of its list."""
        index = self.folder / PAGES["docs/README.md"]
        text = index.read_text(encoding="utf-8")
        listed: list[str] = []
        for title, content in re.findall(r"^## (.*?)$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE):
            entries = re.findall(r"^- \[(.*?)\]\(([\w/-]+)\.md\)", content, re.MULTILINE)
            listed += ["%s.md" % page for dummy_name, page in entries]
            text += "\n```{toctree}\n:hidden:\n:caption: %s\n\n%s\n```\n" % (title, "\n".join("%s <%s>" % entry for entry in entries))
        for page in pages:
            if page not in [*listed, index.name]:
                self.faults.add("%s is in no group of docs/README.md" % page)
            elif page not in PAGES.values() and "](docs/%s)" % page not in (ROOT / "README.md").read_text(encoding="utf-8"):
                self.faults.add("%s is not in README.md" % page)
        index.write_text(text, encoding="utf-8")

    def describe(self, bin_folder: Path, settings: Path) -> list[str]:
        """Let antsibull-docs write the pages of modules, plugins and roles, and an index of them by kind; return the pages that must exist."""
        tree = envs.copy_tree("site")
        target = self.folder / REFERENCE
        target.mkdir(mode=0o755)
        command = [bin_folder / "antsibull-docs", "--config-file", settings, "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
        env = envs.environment(bin_folder, ANSIBLE_COLLECTIONS_PATH=str(tree.parents[2]))
        envs.run([*command, "--dest-dir", target, "nhncloud.nks"], env=env, cwd=tree)
        # Its own index has everything in one list, and the release notes are a page already.
        for name in ("index.rst", "changelog.rst"):
            (target / name).unlink(missing_ok=True)
        for path in target.glob("*.rst"):
            # The theme has each page's contents at its side, and the guides are on the site.
            text = re.sub(r"^\.\. contents::\n(?:[ ]+:\w+:.*\n)+", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
            text = re.sub(r"<%s/blob/main/docs/([\w-]+)\.md>" % re.escape(metadata("repository")), r"<../\1.html>", text)
            path.write_text(text, encoding="utf-8")
        kinds: dict[str, list[tuple[str, str, str]]] = {}
        for path in sorted(target.glob("*.rst")):
            title = re.search(r"^nhncloud\.nks\.(\w+) (\w+) -- (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            if title:
                name, kind, what = title.groups()
                kind = "Information modules" if name.endswith("_info") else {"module": "Modules", "role": "Roles"}.get(kind, kind.capitalize() + " plugins")
                kinds.setdefault(kind, []).append((name, path.stem, what))
        text = "# Modules and plugins\n\nModules apply the differences from the desired state, and wait for the result. Information modules only read.\n"
        for kind in sorted(kinds, key=lambda name: (name != "Modules", name != "Information modules", name)):
            rows = "".join("| [`%s`](%s.rst) | %s |\n" % entry for entry in kinds[kind])
            text += "\n## %s\n\n| Name | What it does |\n|---|---|\n%s" % (kind, rows)
            text += "\n```{toctree}\n:hidden:\n\n%s\n```\n" % "\n".join("%s <%s>" % entry[:2] for entry in kinds[kind])
        if (target / "environment_variables.rst").exists():
            text += "\n## Environment\n\n[All environment variables](environment_variables.rst) that set an option.\n"
            text += "\n```{toctree}\n:hidden:\n\nEnvironment variables <environment_variables>\n```\n"
        self.write(REFERENCE + "/index.md", text)
        named = [name for name in self.tree if not name.endswith("/__init__.py")] + [name for name in self.folders if re.match(r"roles/\w+$", name)]
        wanted = sorted({page for name in named for page in [page_of(name)] if page and page.startswith(REFERENCE)})
        for page in wanted:
            if not any(Path(page).stem == stem for entries in kinds.values() for dummy_name, stem, dummy_what in entries):
                self.faults.add("%s is not in the index of modules and plugins" % page)
        return wanted


class Page(html.parser.HTMLParser):
    """The anchors and the links of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.headings = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the links and anchors of a tag."""
        self.headings += tag == "h1"
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")
            elif name in ("href", "src", "data") and value is not None:
                self.links.append(value)


def check(folder: Path, tree: set[str], faults: Faults) -> tuple[int, int]:
    """Check that every link has a target; return the number of pages and of links.

    Links to other sites are not followed, except for those into the repository, whose files are here.
    """
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    repository = re.compile(re.escape(metadata("repository")) + r"/(?:blob|tree|edit)/main/([^#?]+)")
    number = 0
    for path, page in pages.items():
        here = path.relative_to(folder)
        if page.headings != 1 and here.name != "search.html":
            faults.add("%s has %d titles" % (here, page.headings))
        for link in page.links:
            number += 1
            parts = urllib.parse.urlsplit(link)
            inside = repository.match(link)
            if inside and not any(name == inside.group(1) or name.startswith(inside.group(1).rstrip("/") + "/") for name in tree):
                faults.add("%s: %s is not in the repository" % (here, link))
            if parts.scheme or parts.netloc:
                continue
            target = Path(os.path.normpath(path.parent / urllib.parse.unquote(parts.path))) if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                faults.add("%s: %s leads nowhere" % (here, link))
            elif parts.fragment and target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].anchors:
                faults.add("%s: %s leads to no place on its page" % (here, link))
    return len(pages), number


def build(faults: Faults) -> tuple[int, int]:
    """Build and check; return the number of pages and of links."""
    bin_folder = envs.docs_env()
    shutil.rmtree(SITE, ignore_errors=True)
    source = Source(faults)
    pages = source.copy()
    wanted = source.describe(bin_folder, SETTINGS / "antsibull-docs.cfg")
    source.group(pages)
    output = SITE / "html"
    command: list[str | Path] = [bin_folder / "sphinx-build", "-b", "html", "-q", "-W", "--keep-going", "--nitpicky", "-c", SETTINGS, "-d", SITE / "doctrees"]
    env = envs.environment(bin_folder, DOCSITE_VERSION=metadata("version"), DOCSITE_REPOSITORY=metadata("repository"))
    done = subprocess.run([*command, source.folder, output], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    for line in done.stdout.splitlines():
        (faults.add if re.search(r"(WARNING|ERROR|CRITICAL): ", line) else say)(line.replace(str(ROOT) + "/", ""))
    if done.returncode and not faults:
        faults.add("sphinx-build ended with status %d" % done.returncode)
    for page in [*pages, *wanted]:
        if not (output / page).with_suffix(".html").is_file():
            faults.add("the page %s is missing" % Path(page).with_suffix(".html"))
    if not (output / "searchindex.js").is_file():
        faults.add("the search index is missing")
    return check(output, source.tree, faults)


def main() -> int:
    """Build the site and print its path."""
    faults = Faults()
    try:
        pages, links = build(faults)
    except SetupError as error:
        sys.exit(str(error))
    say("The site: %s" % os.path.relpath(SITE / "html" / "index.html", ROOT))
    say("%d pages, %d links, %d faults" % (pages, links, len(faults)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
