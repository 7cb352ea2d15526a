# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parses one inventory source in this process and prints what that took, as JSON.

What Ansible itself does before and afterwards (its start, merging variables, printing) is the same for every plugin and not in it.

    python tests/benchmark/parse.py nhncloud.nks.nks my.nks.yml
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time


def megabytes() -> float:
    """The most memory that this process has had so far, in MB (Linux counts in KB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> int:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, inventory_loader

    name, source = sys.argv[1:]
    init_plugin_loader()
    plugin, inventory = inventory_loader.get(name), InventoryData()
    before, started = megabytes(), time.perf_counter()
    plugin.parse(inventory, DataLoader(), source, cache=True)
    seconds = time.perf_counter() - started
    # As Ansible's inventory manager does after each source: only a plugin that read its cache's settings has one.
    with contextlib.suppress(AttributeError):
        plugin.update_cache_if_changed()
    result = {"seconds": seconds, "hosts": len(inventory.hosts), "megabytes": megabytes() - before, "requests_imported": "requests" in sys.modules}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
