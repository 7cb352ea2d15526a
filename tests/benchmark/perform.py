# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Performs one task in this process, without Ansible's own work, and prints what that took, as JSON.

python tests/benchmark/perform.py nks_fleet options.json --check
"""

from __future__ import annotations

import argparse
import json
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit"))


def megabytes() -> float:
    """The most memory that this process has had so far, in MB (Linux counts in KB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> int:
    """Perform the task."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("job")
    parser.add_argument("options", type=pathlib.Path, help="JSON file with the options of the task")
    parser.add_argument("--check", action="store_true", help="check mode")
    given = parser.parse_args()

    import conftest

    conftest.pytest_configure()
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine

    job = JOBS[given.job]
    checked = ArgumentSpecValidator(job.arguments, **job.constraints).validate(json.loads(given.options.read_text()))
    if checked.error_messages:
        raise SystemExit(checked.error_messages)
    before, started, used = megabytes(), time.perf_counter(), time.process_time()
    result = engine.perform(job, checked.validated_parameters, check_mode=given.check)
    found = {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - used,
        "megabytes": megabytes() - before,
        "changed": result["changed"],
        "bytes": len(json.dumps(result)),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
