# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of commands that do what the live node does."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoe_depth_ros.options import NodeConfig


def add_node_options(parser: ArgumentParser) -> None:
    """Add the model, the device and all other parameters of the node."""
    parser.add_argument('--model', default='zoed_nk', help='weights (default: %(default)s)')
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda:N')
    parser.add_argument(
        '--set', action='append', default=[], metavar='NAME=VALUE',
        help='any other parameter of the live node, such as points.stride=4')


def node_config_of(options: Namespace, **defaults: object) -> NodeConfig:
    """
    Return what the node would be told.

    :param defaults: other defaults than the node's, with __ for the dot in a name.
    :raises ConfigError: a parameter is unknown, or its value wrong.
    """
    import yaml

    from zoe_depth_ros.errors import ConfigError
    from zoe_depth_ros.offline.config import node_config
    values = {name.replace('__', '.'): value for name, value in defaults.items()}
    values |= {'model': options.model, 'device': options.device}
    for text in options.set:
        name, equals, value = text.partition('=')
        if not equals:
            raise ConfigError(f'--set {text} is not NAME=VALUE')
        values[name] = yaml.safe_load(value)
    return node_config(values)
