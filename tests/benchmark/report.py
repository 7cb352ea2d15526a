# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's tables and plot, as they stand in docs/."""

from __future__ import annotations

import pathlib
import platform
import re
from typing import NamedTuple

#: The licence's lines, as every file has them.
LICENCE = "<!--\n%s\n-->\n" % "\n".join(line[2:] for line in pathlib.Path(__file__).read_text().splitlines()[:3])
HEAD = """
# Benchmark

This page shows the cost of tasks, fleets, waits and inventories. `make benchmark` measures everything in one run and writes this page and its plot.
Seconds differ between machines, so each figure is shown with a ratio. The cloud is the simulator. If the speed of the cloud matters, a server
replays the responses of the simulator after a fixed time.

![Tasks relative to ping, the inventory relative to sequential requests, and its growth](images/benchmark.svg)
"""


class Table(NamedTuple):
    """One table."""

    title: str
    about: str
    columns: tuple
    rows: list


def processor() -> str:
    """What the machine calls its processor."""
    try:
        found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def markdown(machine: dict[str, str], tables: list[Table]) -> str:
    """All tables, and the machine that they were measured on."""
    parts = []
    for table in tables:
        lines = [table.columns, ["---"] * len(table.columns), *table.rows]
        parts += ["## " + table.title, table.about, "\n".join("| %s |" % " | ".join(line) for line in lines)]
    parts += ["## Machine", "\n".join("- %s: %s" % item for item in machine.items())]
    return "\n\n".join(parts) + "\n"


def write(docs: pathlib.Path, machine: dict[str, str], tables: list[Table], facts: dict) -> None:
    """docs/benchmark.md and docs/images/benchmark.svg."""
    (docs / "benchmark.md").write_text(LICENCE + HEAD + "\n" + markdown(machine, tables))
    (docs / "images").mkdir(exist_ok=True)
    plot(docs / "images" / "benchmark.svg", facts)


def plot(path: pathlib.Path, facts: dict) -> None:
    """Three panels. The background is white, so that it is read in a dark page too."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    # Text stays text, and the same figures give the same file.
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "nhncloud.nks", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    bars(left, facts["tasks"], "A task with no changes, relative to ping", "%.2f")
    bars(middle, facts["inventory"], "Inventory: 5,000 hosts, 50 ms per request, seconds", "%.1f")
    hosts = [row[0] for row in facts["growth"]]
    right.plot(hosts, [row[1] for row in facts["growth"]], "o-", color="#0b6e99", label="seconds")
    right.plot(hosts, [row[2] for row in facts["growth"]], "s--", color="#b35900", label="MB")
    right.set(xscale="log", yscale="log", xlabel="hosts", title="Growth of the inventory")
    right.legend(frameon=False)
    right.grid(visible=True, alpha=0.3)
    figure.savefig(path, metadata={"Date": None, "Title": "Benchmark of nhncloud.nks"})
    # The licence behind the first line, which must stay the first; and no spaces at the ends of lines, which the format checks refuse.
    first, *others = [line.rstrip() for line in path.read_text().splitlines()]
    path.write_text("%s\n%s%s\n" % (first, LICENCE, "\n".join(others)))


def bars(axes, rows: list, title: str, form: str) -> None:
    """Horizontal bars with their figures; ours stand out."""
    names = [name for name, value in rows][::-1]
    values = [value for name, value in rows][::-1]
    colors = ["#0b6e99" if "nks" in name or "cache" in name else "#9aa5ab" for name in names]
    found = axes.barh(names, values, color=colors)
    axes.bar_label(found, fmt=form, padding=3)
    axes.set(title=title, xlim=(0, max(values) * 1.15))
    axes.tick_params(axis="y", length=0)
