# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The library that writes recordings: optional, and known only here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from zoe_depth_ros.errors import ConfigError

MISSING = (
    'zoe_depth view needs rerun-sdk 0.41 or newer, which needs Python 3.11 or newer: '
    "pip install 'rerun-sdk>=0.41'")

try:
    rr: Any = import_module('rerun')
    rrb: Any = import_module('rerun.blueprint')
except ImportError as error:
    raise ConfigError(MISSING) from error
if not hasattr(rr, 'StateChange'):
    raise ConfigError(f'{MISSING} (version {rr.__version__} is installed)')
