# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`python -m zoe_depth_ros.cli`, where the package is not installed."""

import sys

from zoe_depth_ros.cli import main

sys.exit(main())
