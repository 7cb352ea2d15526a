# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compiles each file of a module once instead of twice. Importing this file from
the archive is enough; elsewhere it does nothing.

Ansible sends a module and its files as a zip archive of sources. Python's own importer of archives
compiles a file when it looks for it, to learn its name, and again when it executes it (CPython,
Lib/zipimport.py: ``get_filename`` and ``get_code``). "make benchmark" shows what a task as a module
costs.
"""

from __future__ import annotations

import sys
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Sequence
from zipimport import ZipImportError, zipimporter

#: Files of other packages are left to Python.
PREFIX = "ansible_collections.nhncloud.nks.plugins.module_utils."


class SourceLoader(ExecutionLoader):
    """Loads one file of an archive from its source.

    :param source: the text of the file.
    :param place: its path, for tracebacks.
    """

    def __init__(self, source: str, place: str) -> None:
        self._source = source
        self._place = place

    def is_package(self, fullname: str) -> bool:
        """False: packages are left to Python."""
        return False

    def get_filename(self, fullname: str) -> str:
        """The path of the file; nothing has to be compiled to know it."""
        return self._place

    def get_source(self, fullname: str) -> str:
        """The text of the file."""
        return self._source


class ArchiveFinder(MetaPathFinder):
    """Finds the collection's files in the archive of a module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`."""
        if not fullname.startswith(PREFIX):
            return None
        for entry in path or ():
            try:
                importer = zipimporter(entry)
                source = None if importer.is_package(fullname) else importer.get_source(fullname)
            except ZipImportError:
                # A directory, or an archive without this file.
                continue
            if source is not None:
                place = "%s/%s.py" % (entry, fullname.rpartition(".")[2])
                return spec_from_loader(fullname, SourceLoader(source, place))
        return None


if isinstance(globals().get("__loader__"), zipimporter):
    # This file comes from an archive itself, so the process belongs to one module and ends with it.
    sys.meta_path.insert(0, ArchiveFinder())
