# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stateful simulator of NHN Cloud, as far as the NHN Kubernetes Service (NKS) and its clients are concerned.

Written from the NKS API guide and from what is known of the service's behaviour, independently of this
collection's own client, so that it can catch a wrong client. See README.md beside this file.
"""

from __future__ import annotations

from .server import Simulator
from .state import Clock, Settings

__all__ = ["Clock", "Settings", "Simulator"]
