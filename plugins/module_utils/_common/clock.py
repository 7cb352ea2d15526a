# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time, in one place, so that tests can replace it."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class Clock:
    """The machine's clock. A test's clock has the same three methods."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Block for this number of seconds."""
        time.sleep(max(0.0, seconds))
