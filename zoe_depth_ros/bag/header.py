# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Headers of messages, without reading the rest."""

from __future__ import annotations

import struct

from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.errors import BagError


def header_of(cdr: bytes) -> Stamped:
    """
    Return the header of a message that begins with one.

    :raises BagError: there are too few bytes, or the frame is no text.
    """
    stamp_ns = header_stamp_ns(cdr)
    try:
        length, = struct.unpack_from('<I' if cdr[1] & 1 else '>I', cdr, 12)
        frame_id, = struct.unpack_from(f'{length}s', cdr, 16)
        return Stamped(stamp_ns, frame_id.rstrip(b'\0').decode())
    except (struct.error, UnicodeDecodeError) as error:
        raise BagError(f'message of {len(cdr)} bytes has no readable frame_id') from error
