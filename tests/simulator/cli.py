# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading

from . import seed
from .server import Simulator


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="simulator", description="A stateful simulator of NHN Cloud's NKS API and the services around it.")
    result.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    result.add_argument("--port", type=int, default=0, help="port to listen on (default: any that is free)")
    result.add_argument("--port-file", metavar="FILE", help="write the port to FILE once listening")
    result.add_argument("--task-seconds", type=float, default=2.0, metavar="SECONDS", help="how long every task takes (default: %(default)s)")
    result.add_argument("--regions", default=",".join(seed.DEFAULT_REGIONS), help="default: %(default)s")
    result.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="added to every request")
    result.add_argument("--password", default=seed.DEMO_PASSWORD, help="API password of the demo account (default: %(default)s)")
    result.add_argument("--log-file", metavar="FILE", help="append every request to FILE, one JSON object per line")
    result.add_argument("--parent-pid", type=int, metavar="PID", help="exit when this process is gone")
    result.add_argument("--quiet", action="store_true", help="do not print how to use it")
    return result


def _write_atomically(path: str, text: str) -> None:
    """Whoever waits for the file never sees half of it."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(temporary, path)


def _alive(pid: int) -> bool:
    """A dead process that nobody has waited for yet (a zombie) counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True


def main(arguments: list[str] | None = None) -> int:
    """Serves until it is told to stop."""
    options = parser().parse_args(arguments)
    stop = threading.Event()
    simulator = Simulator(
        host=options.host,
        port=options.port,
        password=options.password,
        regions=tuple(region.strip().lower() for region in options.regions.split(",") if region),
        log_file=options.log_file,
        on_stop=stop.set,
        task_seconds=options.task_seconds,
        latency=options.latency,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *dummy: stop.set())
    with simulator:
        if options.port_file:
            _write_atomically(options.port_file, f"{simulator.port}\n")
        if not options.quiet:
            print(f"Ready: {simulator.url}")
            for name, value in simulator.environment.items():
                print(f"export {name}={shlex.quote(value)}")
            sys.stdout.flush()
        while not stop.wait(1.0):
            if options.parent_pid and not _alive(options.parent_pid):
                break
        if stop.is_set():
            # An answer to `POST /_sim/shutdown` may still be on its way.
            threading.Event().wait(0.05)
    return 0
