# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The Foxglove layout shows what the bag tool and the live node write."""

from __future__ import annotations

import json
from pathlib import Path
import re
from typing import Any

import pytest

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.encode import scene_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.offline.cameras import CAMERA_INFO
from zoe_depth_ros.offline.cameras import DEPTH
from zoe_depth_ros.offline.cameras import NODE_NAME
from zoe_depth_ros.offline.cameras import POINTS

LAYOUT = json.loads((Path(__file__).parents[1] / 'config' / 'foxglove.json').read_text())
PANELS: dict[str, Any] = LAYOUT['configById']
SCENE = deserialized(scene_message(
    f'/{NODE_NAME}/scene', Scene('outdoor', 0.875), Stamped(0, 'eye')))


def panels_of(layout: Any) -> list[str]:
    if isinstance(layout, str):
        return [layout]
    return panels_of(layout['first']) + panels_of(layout['second'])


def found_by(path: str) -> Any:
    """Return what a Foxglove message path finds in a scene message."""
    topic, _, steps = path.partition('.')
    assert topic == f'/{NODE_NAME}/scene'
    value = SCENE
    for name, number in re.findall(r'(\w+)(?:\[(\d+)\])?', steps):
        value = getattr(value, name)
        value = value[int(number)] if number else value
    return value


# What the panels of Foxglove's layouts know, as far as it is used here.
POINTS_FIELDS = {'visible', 'colorMode', 'colorField', 'pointSize'}
CAMERA_FIELDS = {'visible', 'distance'}
GRID_FIELDS = {'layerId', 'instanceId', 'label', 'visible', 'size', 'divisions'}
IMAGE_FIELDS = {
    'imageTopic', 'calibrationTopic', 'colorMode', 'colorMap', 'minValue', 'maxValue'}
SERIES_FIELDS = {'value', 'label', 'enabled', 'timestampMethod'}
PANEL_FIELDS = {
    'Image': {'imageMode'}, '3D': {'topics', 'layers'}, 'StateTransitions': {'isSynced', 'paths'},
    'Plot': {'isSynced', 'minYValue', 'maxYValue', 'xAxisVal', 'paths'}}


def test_foxglove_layout_has_known_panels_and_fields_only():
    assert set(LAYOUT) == {
        'configById', 'globalVariables', 'userNodes', 'playbackConfig', 'layout'}
    for name, panel in PANELS.items():
        kind = name.partition('!')[0]
        assert set(panel) - {'foxglovePanelTitle'} <= PANEL_FIELDS[kind], name
        assert set(panel.get('imageMode', {})) <= IMAGE_FIELDS, name
        for path in panel.get('paths', []):
            assert set(path) <= SERIES_FIELDS, name
    cloud = PANELS['3D!cloud']
    assert set(cloud['topics'][f'/{NODE_NAME}/{POINTS}']) <= POINTS_FIELDS
    assert set(cloud['topics'][f'/{NODE_NAME}/{CAMERA_INFO}']) <= CAMERA_FIELDS
    assert set(cloud['layers']['grid']) == GRID_FIELDS
    assert cloud['layers']['grid']['layerId'] == 'foxglove.Grid'


def test_foxglove_places_every_panel_once():
    assert sorted(panels_of(LAYOUT['layout'])) == sorted(PANELS)


def test_foxglove_shows_image_depth_and_cloud_by_their_topics():
    assert PANELS['Image!image']['imageMode']['imageTopic'] == '/camera/image_raw'
    depth = PANELS['Image!depth']['imageMode']
    assert depth['imageTopic'] == f'/{NODE_NAME}/{DEPTH}'
    assert depth['calibrationTopic'] == f'/{NODE_NAME}/{CAMERA_INFO}'
    shown = {name for name, topic in PANELS['3D!cloud']['topics'].items() if topic['visible']}
    assert shown == {f'/{NODE_NAME}/{POINTS}', f'/{NODE_NAME}/{CAMERA_INFO}'}


@pytest.mark.parametrize(('panel', 'expected'), [
    ('StateTransitions!domain', 'outdoor'), ('Plot!probability', '0.875000')])
def test_foxglove_plots_the_scene(panel, expected):
    path, = PANELS[panel]['paths']
    assert found_by(path['value']) == expected
    assert path.get('enabled', True)
