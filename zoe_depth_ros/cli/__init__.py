# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The command line: `zoe_depth COMMAND ...`.

A command's module adds its options and runs it; its work lies elsewhere and is imported when it
runs, so that `--help` answers at once.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
import logging
import sys

from zoe_depth_ros.cli import bag
from zoe_depth_ros.cli import demo
from zoe_depth_ros.cli import doctor
from zoe_depth_ros.cli import evaluate
from zoe_depth_ros.cli import infer
from zoe_depth_ros.cli import train
from zoe_depth_ros.cli import view
from zoe_depth_ros.cli import worlds
from zoe_depth_ros.errors import ZoeDepthError

COMMANDS = {
    'demo': demo, 'bag': bag, 'view': view, 'infer': infer, 'worlds': worlds, 'train': train,
    'evaluate': evaluate, 'doctor': doctor}


def main(args: Sequence[str] | None = None) -> int:
    """
    Run a command.

    :return: 0, what the command returns instead, or 2 after an error, which goes to stderr in one
        line.
    """
    logging.basicConfig(level=logging.WARNING)
    options = command_parser().parse_args(args)
    try:
        return options.run(options) or 0
    except ZoeDepthError as error:
        print(f'zoe_depth: {" ".join(str(error).split())}', file=sys.stderr)
        return 2


def command_parser() -> ArgumentParser:
    """Return the parser of all commands; what it parses has the command as `run`."""
    parser = ArgumentParser(prog='zoe_depth', description='Metric depth from one camera.')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.run.__doc__, description=module.run.__doc__)
        module.add_options(command)
        command.set_defaults(run=module.run)
    return parser
