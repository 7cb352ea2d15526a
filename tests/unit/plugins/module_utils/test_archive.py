# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in an archive, as Ansible sends modules, in a process of their own."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import zipfile

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[4] / "plugins"
PACKAGE = "ansible_collections/nhncloud/nks/plugins/module_utils/"
COMPILED = """
import sys
sys.path[:] = [sys.argv[1]] + [entry for entry in sys.path if "site-packages" not in entry]
names = []
sys.addaudithook(lambda event, args: names.append(str(args[1])) if event == "compile" else None)
import ansible_collections.nhncloud.nks.plugins.module_utils._common.archive
from ansible_collections.nhncloud.nks.plugins.module_utils._%s
print(sum(name.endswith("%s.py") for name in names), example.__file__)
example.fail()
"""


@pytest.fixture
def archive(tmp_path):
    """An archive of two packages, without bytecode."""
    path = tmp_path / "module.zip"
    with zipfile.ZipFile(path, "w") as content:
        parts = PACKAGE.rstrip("/").split("/")
        for folder in ["/".join(parts[: number + 1]) for number in range(len(parts))]:
            content.writestr(folder + "/__init__.py", "")
        content.writestr(PACKAGE + "_common/__init__.py", "")
        content.write(PLUGINS / "module_utils" / "_common" / "archive.py", PACKAGE + "_common/archive.py")
        content.writestr(PACKAGE + "_plan/__init__.py", "")
        content.writestr(PACKAGE + "_plan/example.py", "def fail():\n    raise ValueError('example')\n")
    return path


def run(archive, program):
    return subprocess.run([sys.executable, "-B", "-c", program, str(archive)], capture_output=True, text=True, check=False)


def test_file_of_an_archive_is_compiled_once(archive):
    done = run(archive, COMPILED % ("plan import example", "example"))
    assert done.stdout.split() == ["1", "%s/%s_plan/example.py" % (archive, PACKAGE)]
    # A traceback names the file and the line.
    assert 'module_utils/_plan/example.py", line 2, in fail' in done.stderr


def test_missing_file_is_reported_by_python(archive):
    done = run(archive, COMPILED % ("plan import missing as example", "missing"))
    assert "ImportError: cannot import name 'missing'" in done.stderr
