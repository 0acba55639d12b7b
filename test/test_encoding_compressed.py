# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth as compressed_depth_image_transport has it, byte by byte."""

from __future__ import annotations

from io import BytesIO
import math
import struct

import numpy as np
from PIL import Image
import pytest

from zoe_depth_ros.encoding import COMPRESSED_DEPTH_FORMATS
from zoe_depth_ros.encoding import decode_compressed_depth
from zoe_depth_ros.encoding import encode_compressed_depth
from zoe_depth_ros.encoding import encode_depth_mm
from zoe_depth_ros.errors import ImageError

METRES, MILLIMETRES = COMPRESSED_DEPTH_FORMATS['32FC1'], COMPRESSED_DEPTH_FORMATS['16UC1']
# Of 100 m and quantisation 100: A = 100 * 101, B = 1 - A / 100, so A / depth - 100 is stored.
A, B = 10100.0, -100.0


def stored(data: bytes) -> list[list[int]]:
    """Return the numbers in the PNG behind the header, read by another library."""
    with Image.open(BytesIO(data[12:])) as image:
        assert (image.format, image.mode) == ('PNG', 'I;16')
        return np.asarray(image).tolist()


def image_transport_decoded(data: bytes) -> np.ndarray:
    """Decode 32FC1 with the arithmetic of decodeCompressedDepthImage in codec.cpp."""
    _, quant_a, quant_b = struct.unpack('<iff', data[:12])
    return np.array([
        [np.float32(quant_a) / (np.float32(value) - np.float32(quant_b)) if value
         else np.float32(np.nan) for value in row] for row in stored(data)], np.float32)


def of_metres(*depth_m: float, **options) -> bytes:
    return encode_compressed_depth(np.array([depth_m], np.float32), **options)


def test_compressed_depth_formats_are_image_transports():
    assert (METRES, MILLIMETRES) == ('32FC1; compressedDepth png', '16UC1; compressedDepth png')


def test_compressed_metres_begin_with_the_header_and_a_grey_png_of_16_bits():
    data = of_metres(1.0, 2.0, 3.0)
    assert data[:12] == bytes.fromhex('00000000' '00d01d46' '0000c8c2')
    assert data[:12] == struct.pack('<iff', 0, A, B)
    png_start, size_and_kind = b'\x89PNG\r\n\x1a\n', struct.pack('>IIBB', 3, 1, 16, 0)
    assert data[12:38] == png_start + bytes([0, 0, 0, 13]) + b'IHDR' + size_and_kind


def test_compressed_metres_are_the_nearest_steps_of_inverse_depth():
    depths_m = (1.0, 10.0, 50.0, 99.0, A / 1000.4, A / 1000.6)
    assert stored(of_metres(*depths_m)) == [[10000, 910, 102, 2, 900, 901]]


def test_compressed_metres_follow_the_range_and_quantisation_asked_for():
    data = of_metres(2.0, 9.9, 10.0, depth_max_m=10.0, quantisation=50.0)
    assert struct.unpack('<iff', data[:12]) == (0, 2550.0, -254.0)
    assert stored(data) == [[1021, round(2550 / 9.9 - 254), 0]]


def test_compressed_metres_that_do_not_fit_are_unknown():
    nearest_m = A / (65535 - B)
    data = of_metres(
        math.nan, math.inf, -math.inf, 0.0, -0.0, -3.0, 100.0, 1000.0, 1e-40,
        nearest_m * 0.999, nearest_m * 1.0001)
    assert stored(data)[0][:10] == [0] * 10
    assert 65500 < stored(data)[0][10] <= 65535
    decoded = decode_compressed_depth(METRES, data)
    assert np.isnan(decoded[0, :10]).all()
    assert decoded[0, 10] == pytest.approx(nearest_m, rel=1e-3)


def test_compressed_metres_come_back_within_half_a_step():
    depth_m = np.geomspace(0.1542, 99.9, 5000, dtype=np.float32).reshape(50, 100)
    data = encode_compressed_depth(depth_m)
    decoded = image_transport_decoded(data)
    error_m = np.abs(decoded - depth_m)
    half_step_m = depth_m.astype(np.float64) ** 2 / A / 2
    assert (error_m <= half_step_m * 1.01 + 2e-6).all()
    assert (error_m / depth_m).max() < 0.0051
    for metres, at_most_m in ((1.0, 0.5e-4), (10.0, 0.5e-2), (50.0, 0.125)):
        assert error_m[np.isclose(depth_m, metres, rtol=0.02)].max() < at_most_m * 1.06
    np.testing.assert_array_equal(decode_compressed_depth(METRES, data), decoded)


def test_compressed_millimetres_are_as_given():
    depth_mm = np.array([[0, 1, 255, 256], [1500, 40000, 65534, 65535]], np.uint16)
    data = encode_compressed_depth(depth_mm)
    assert data[:12] == bytes(12)
    assert stored(data) == depth_mm.tolist()
    np.testing.assert_array_equal(
        encode_depth_mm(decode_compressed_depth(MILLIMETRES, data)), depth_mm)


def test_compressed_millimetres_beyond_the_range_are_unknown():
    depth_mm = np.array([[1, 10000, 10001, 65535]], np.uint16)
    assert stored(encode_compressed_depth(depth_mm, depth_max_m=10.0)) == [[1, 10000, 0, 0]]


@pytest.mark.parametrize('pixels', [
    np.ones((2, 2), np.float64), np.ones((2, 2, 1), np.float32), np.ones((0, 2), np.uint16)])
def test_compressed_depth_of_other_pixels_is_refused(pixels):
    with pytest.raises(ImageError, match=rf'of shape .* holds {pixels.dtype}, not metres'):
        encode_compressed_depth(pixels)
