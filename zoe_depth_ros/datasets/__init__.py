# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images with depth for training and evaluation: worlds, file lists, folders and bags."""
