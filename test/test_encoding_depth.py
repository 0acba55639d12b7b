# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
import pytest

from zoe_depth_ros.encoding import decode_compressed_depth
from zoe_depth_ros.encoding import decode_depth
from zoe_depth_ros.errors import ImageError

# What compressed_depth_image_transport derives from its defaults: 100 steps and 10 m.
A, B = 100 * 101, 1 - 100 * 101 / 10


def png(values, bits=16):
    """Return a grey PNG file, made by hand."""
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack(
            '>I', zlib.crc32(kind + content))
    header = struct.pack('>IIBBBBB', len(values[0]), len(values), bits, 0, 0, 0, 0)
    rows = b''.join(
        b'\0' + b''.join(value.to_bytes(bits // 8, 'big') for value in row) for row in values)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows))
            + chunk(b'IEND', b''))


def equal(found, expected):
    return found.dtype == np.float32 and np.array_equal(
        found, np.float32(expected), equal_nan=True)


@pytest.mark.parametrize('kind', ['compressedDepth', 'compressedDepth png'])
def test_compressed_millimetres_are_as_stored(kind):
    content = bytes(12) + png([[0, 1, 1500], [65535, 256, 2]])
    assert equal(
        decode_compressed_depth(f'16UC1; {kind}', content),
        [[math.nan, 0.001, 1.5], [65.535, 0.256, 0.002]])


def test_compressed_metres_are_inverse_depths():
    header = bytes.fromhex('00000000' + '00d01d46' + '00407cc4')
    assert header == struct.pack('<iff', 0, A, B)
    content = header + png([[4041, 1, 0], [9091, 41, 19191]])
    assert equal(
        decode_compressed_depth('32FC1; compressedDepth png', content),
        [[2.0, 10.0, math.nan], [1.0, A / 1050, 0.5]])


def test_depth_of_compressed_image_transport_is_a_png_of_millimetres():
    assert equal(
        decode_compressed_depth('16UC1; png compressed ', png([[0, 1500, 65535]])),
        [[math.nan, 1.5, 65.535]])


def test_compressed_depth_without_a_finite_answer_is_unknown():
    content = struct.pack('<iff', 0, A, 7) + png([[7, 6, 8]])
    assert equal(
        decode_compressed_depth('32FC1; compressedDepth', content), [[math.nan, math.nan, A]])


@pytest.mark.parametrize(('format', 'content', 'message'), [
    ('bgr8; compressedDepth png', bytes(12) + png([[1]]), "'bgr8; compressedDepth png' is not"),
    ('16UC1; compressedDepth rvl', bytes(40), "'16UC1; compressedDepth rvl' is not supported"),
    ('32FC1; png compressed', png([[1]]), "'32FC1; png compressed' is not supported"),
    ('16UC1; png compressed', png([[1, 2]], bits=8), 'holds uint8 of shape'),
    ('16UC1; compressedDepth', bytes(12), 'has 12 bytes, no more than its header'),
    ('16UC1; compressedDepth', bytes(12) + b'abc', '3 bytes .* do not decode'),
    ('16UC1; compressedDepth', bytes(12) + png([[1, 2]], bits=8), 'holds uint8 of shape')])
def test_compressed_depth_is_refused_with_the_reason(format, content, message):
    with pytest.raises(ImageError, match=message):
        decode_compressed_depth(format, content)


def test_depth_fields_are_read_with_padding_and_byte_order():
    rows = struct.pack('>HHxx', 1, 2000) + struct.pack('>HHxx', 0, 65535)
    found = decode_depth(
        encoding='16UC1', height=2, width=2, step=6, is_bigendian=True, data=rows)
    assert equal(found, [[0.001, 2.0], [math.nan, 65.535]])


def test_depth_without_rows_is_refused():
    with pytest.raises(ImageError, match='depth image size 3x0 is not positive'):
        decode_depth(
            encoding='32FC1', height=0, width=3, step=12, is_bigendian=False, data=b'')
