# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the viewer arranges a recording."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from zoe_depth_ros.view.sdk import rrb
from zoe_depth_ros.view.streams import DEPTH
from zoe_depth_ros.view.streams import POINTS
from zoe_depth_ros.view.streams import SCENE
from zoe_depth_ros.view.streams import STD_DEV
from zoe_depth_ros.view.streams import Stream

TIMELINE = 'stamp'


def layout(entities: Mapping[Stream, str], roots: Sequence[str]) -> Any:
    """
    Return a blueprint: pictures on the left, space on the right, domains below.

    :param entities: path of every stream.
    :param roots: paths of the spaces.
    """
    pictures = [
        rrb.Spatial2DView(origin=path, name=stream.topic)
        for stream, path in entities.items() if stream.is_picture]
    spaces = [_space(root, entities) for root in roots]
    rows = [rrb.Horizontal(
        *([rrb.Grid(*pictures)] if pictures else []), *([rrb.Tabs(*spaces)] if spaces else []))]
    scenes = [path for stream, path in entities.items() if stream.kind == SCENE]
    if scenes:
        rows.append(rrb.Horizontal(
            rrb.StateTimelineView(contents=scenes, name='domain'),
            rrb.TimeSeriesView(
                contents=[f'{path}/probability' for path in scenes], name='probability',
                axis_y=rrb.ScalarAxis(range=(0.0, 1.0)))))
    return rrb.Blueprint(
        rrb.Vertical(*rows, row_shares=[4, 1][:len(rows)]),
        rrb.TimePanel(timeline=TIMELINE, state='collapsed'),
        rrb.SelectionPanel(state='collapsed'), auto_views=False)


def _space(root: str, entities: Mapping[Stream, str]) -> Any:
    """Return the view of a space; depth is drawn in it where the bag has no cloud of it."""
    with_cloud = {stream.frame for stream in entities if stream.kind == POINTS}
    hidden = [
        f'- {path}/**' for stream, path in entities.items()
        if stream.kind == STD_DEV or (stream.kind == DEPTH and stream.frame in with_cloud)]
    return rrb.Spatial3DView(origin=root, contents=[f'{root}/**', *hidden], name=root)
