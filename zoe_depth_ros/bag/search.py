# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Finding bags in folders."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import re

from zoe_depth_ros.bag.merge import METADATA
from zoe_depth_ros.errors import BagError

FILE_SUFFIXES = ('.mcap', '.db3', '.bag')


@dataclass(frozen=True)
class FoundBag:
    """
    A bag and what to call it.

    :param path: a rosbag2 directory, a bare .mcap or .db3 file, or a ROS 1 .bag file.
    :param name: its path below the folder that was searched, without suffix.
    """

    path: Path
    name: str


def find_bags(paths: Sequence[Path], leave_out: Path) -> list[FoundBag]:
    """
    Find the bags at some paths and in the folders below them.

    :param paths: bags, or folders of bags.
    :param leave_out: a folder that is not searched.
    :raises BagError: there is nothing at a path, no bag below it, or two bags have one name.
    """
    found: dict[str, FoundBag] = {}
    for path in paths:
        if not path.exists():
            raise BagError(f'there is no bag {path}')
        try:
            bags = [FoundBag(bag, _name(bag, path)) for bag in _walk(path, leave_out.resolve())]
        except OSError as error:
            raise BagError(f'{path} cannot be searched: {error}') from error
        if not bags:
            raise BagError(f'there is no bag in {path}')
        for bag in bags:
            other = found.setdefault(bag.name, bag)
            if other.path.resolve() != bag.path.resolve():
                raise BagError(
                    f'bags {other.path} and {bag.path} would have one output: {bag.name}')
    return list(found.values())


def _name(bag: Path, searched: Path) -> str:
    inside = bag.relative_to(searched)
    name = inside if inside.parts else Path(bag.resolve().name)
    return str(name.with_suffix('') if bag.suffix in FILE_SUFFIXES else name)


def _walk(path: Path, leave_out: Path) -> Iterator[Path]:
    if path.resolve() == leave_out:
        return
    if path.is_file():
        if path.suffix in FILE_SUFFIXES:
            yield path
    elif _is_bag(path):
        yield path
    else:
        for inside in sorted(path.iterdir()):
            is_loop = inside.is_symlink() and inside.is_dir()
            if not (is_loop or inside.name.startswith('.')):
                yield from _walk(inside, leave_out)


def _is_bag(folder: Path) -> bool:
    """Return whether a folder is a rosbag2 bag, be it one that lost its metadata.yaml."""
    own = re.compile(rf'{re.escape(folder.resolve().name)}(_\d+)?\.(mcap|db3)(\.zstd)?')
    return (folder / METADATA).exists() or any(
        own.fullmatch(file.name) for file in folder.iterdir())
