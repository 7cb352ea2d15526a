# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One simulator for all tests of this folder, as new before each of them."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def running_world():
    """For tests that reset it themselves, between the examples that they generate."""
    pytest.importorskip("flask")
    pytest.importorskip("requests")
    from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support

    package = support.load_simulator()
    with package.Simulator(clock=package.Clock(frozen=True)) as simulator:
        yield support.World(simulator)


@pytest.fixture
def world(running_world):
    running_world.reset()
    return running_world
