# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Comparison of estimated with true depth, by the rules of the paper (section 5)."""

from zoe_depth_ros.evaluation.calibrate import write_calibrated
from zoe_depth_ros.evaluation.options import EvaluationOptions
from zoe_depth_ros.evaluation.output import write_outputs
from zoe_depth_ros.evaluation.presets import find_preset
from zoe_depth_ros.evaluation.presets import Preset
from zoe_depth_ros.evaluation.report import format_table
from zoe_depth_ros.evaluation.run import evaluate
from zoe_depth_ros.evaluation.run import EvaluationReport
from zoe_depth_ros.evaluation.worlds import AlternatingWorlds

__all__ = [
    'AlternatingWorlds',
    'EvaluationOptions',
    'EvaluationReport',
    'Preset',
    'evaluate',
    'find_preset',
    'format_table',
    'write_calibrated',
    'write_outputs',
]
