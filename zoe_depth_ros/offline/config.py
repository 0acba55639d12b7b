# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a user sets for the bag tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields
from typing import Any

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.offline.exports import load_openexr
from zoe_depth_ros.option_fields import check_options
from zoe_depth_ros.option_fields import option
from zoe_depth_ros.option_fields import with_options
from zoe_depth_ros.options import EstimatorConfig
from zoe_depth_ros.options import NodeConfig

EXPORTS = ('png', 'npz', 'exr', 'ply', 'mp4', 'dataset')
KEEP_ALL, KEEP_NONE = ('all',), ('none',)
NODE_DEFAULTS = NodeConfig()


@dataclass(frozen=True)
class OfflineConfig:
    """
    How bags become bags with depth.

    :param node: what the live node is told; what concerns topics does not apply, nor does
        scale.range_type.
    :param images: image topics; by default the only camera of a bag.
    :param keep: topics copied to the output: ('all',), ('none',) or their names.
    :param ranges: topic of the range sensor that scale.source = 'range' compares with; '' for the
        only one of a bag.
    :param exports: files to write besides: png, npz, exr, ply, mp4, dataset.
    """

    node: NodeConfig = NODE_DEFAULTS
    images: tuple[str, ...] = ()
    keep: tuple[str, ...] = KEEP_ALL
    exports: tuple[str, ...] = ()
    ranges: str = ''
    storage: str = option(
        'mcap', 'of the output: mcap in chunks compressed with zstd, or sqlite3',
        choices=('mcap', 'sqlite3'))
    batch: int = option(
        1, 'frames that go through the network together; with more than one the last digits of '
        'depth may differ from those of the live node', minimum=1, maximum=256)
    image_rect: str = option(
        'auto', 'write the image that depth belongs to: always, never, or auto: where it is not '
        'the recorded one', choices=('auto', 'always', 'never'))
    segment_s: float = option(
        60.0, 'seconds of recording in one file of the output; a run that was cut short goes on '
        'with the file it was writing', minimum=0.001)
    warm_up_s: float = option(
        5.0, 'seconds of recording before each part of the output in which domain and scale are '
        'followed already, so that they go on where the part before ends', minimum=0.0,
        maximum=600.0)

    def __post_init__(self) -> None:
        check_options(self)
        if self.node.estimator.domain == 'lock':
            raise ConfigError(
                "domain = 'lock' is for the live node: name the domain of the recording instead")
        if self.ranges and self.node.scale.source != 'range':
            raise ConfigError(
                f"ranges = {self.ranges!r} is used by scale.source = 'range' only, not by "
                f'{self.node.scale.source!r}')
        if self.node.scale.range_transform and len(self.images) > 1:
            raise ConfigError(
                f'scale.range_transform = {self.node.scale.range_transform!r} cannot be true of '
                f'{len(self.images)} cameras: leave it empty and let tf tell')
        for name in self.exports:
            if name not in EXPORTS:
                raise ConfigError(f'exports = {name!r} is not one of {", ".join(EXPORTS)}')
        if 'exr' in self.exports:
            load_openexr()  # before any work
        ranges = (self.ranges,) if self.ranges else ()
        for topic in (*self.images, *self.keep, *ranges):
            if not topic.startswith('/') and (topic,) not in (KEEP_ALL, KEEP_NONE):
                raise ConfigError(f'topic {topic!r} does not begin with /')
        if len(self.keep) > 1 and set(self.keep) & {*KEEP_ALL, *KEEP_NONE}:
            raise ConfigError(f'keep = {self.keep} mixes topics with all or none')

    def keeps(self, topic: str) -> bool:
        """Return whether the messages of a topic are copied to the output."""
        return self.keep == KEEP_ALL or topic in self.keep


def node_config(values: Mapping[str, Any]) -> NodeConfig:
    """
    Return the live node's options with some parameters set, by the names the node gives them.

    :raises ConfigError: a name is unknown, or a value wrong.
    """
    flattened = {item.name for item in fields(EstimatorConfig)}
    return with_options(NODE_DEFAULTS, {
        f'estimator.{name}' if name in flattened else name: value
        for name, value in values.items()})
