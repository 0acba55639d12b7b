# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from array import array

import cv2
import numpy as np
import pytest

from zoe_depth_ros.encoding import decode_compressed
from zoe_depth_ros.encoding import decode_image
from zoe_depth_ros.encoding import encode_depth_mm
from zoe_depth_ros.errors import ImageError

HEIGHT, WIDTH = 12, 20
CHANNEL_ORDERS = {
    'rgb': [0, 1, 2], 'bgr': [2, 1, 0], 'rgba': [0, 1, 2, 3], 'bgra': [2, 1, 0, 3],
}
EXACT = [f'{order}{bits}' for order in CHANNEL_ORDERS for bits in (8, 16)] + ['8UC3', '8UC4']
GREY = ['mono8', 'mono16', '8UC1', '16UC1']
BAYER = [f'bayer_{order}{bits}' for order in ('rggb', 'bggr', 'gbrg', 'grbg') for bits in (8, 16)]
YUV_422 = {'yuv422': 'UYVY', 'uyvy': 'UYVY', 'yuyv': 'YUYV', 'yuv422_yuy2': 'YUYV'}
YUV_420 = {'nv12': 'UV', 'nv21': 'VU'}
ALL = [*EXACT, *GREY, *BAYER, *YUV_422, *YUV_420]
RED, BLUE = (200, 60, 40), (30, 80, 220)


def noise_rgb():
    return np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def two_colours():
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, :8], picture[:, 8:] = RED, BLUE
    return picture


def grey():
    return np.repeat(noise_rgb()[..., :1], 3, axis=2)


def yuv_of(rgb):
    """BT.601, 16 to 235."""
    r, g, b = (rgb[..., i] / 255 for i in range(3))
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    planes = {'Y': 16 + 219 * luma, 'U': 128 + 112 * (b - luma) / 0.886,
              'V': 128 + 112 * (r - luma) / 0.701}
    return {name: np.rint(plane).astype(np.uint8) for name, plane in planes.items()}


def mosaic(rgb, order):
    values = np.empty(rgb.shape[:2], np.uint8)
    for place, letter in enumerate(order):
        rows, columns = slice(place // 2, None, 2), slice(place % 2, None, 2)
        values[rows, columns] = rgb[rows, columns, 'rgb'.index(letter)]
    return values


def stored_rows(encoding, rgb, is_bigendian=False):
    """Return the rows of bytes that a driver would send for that picture."""
    if encoding in YUV_422:
        yuv, rows = yuv_of(rgb), np.empty((HEIGHT, WIDTH * 2), np.uint8)
        u_at, v_at, y_at = (YUV_422[encoding].index(letter) for letter in 'UVY')
        rows[:, u_at::4], rows[:, v_at::4] = yuv['U'][:, ::2], yuv['V'][:, ::2]
        rows[:, y_at::2] = yuv['Y']
        return rows
    if encoding in YUV_420:
        yuv = yuv_of(rgb)
        chroma = np.stack([yuv[letter][::2, ::2] for letter in YUV_420[encoding]], axis=-1)
        return np.concatenate([yuv['Y'], chroma.reshape(HEIGHT // 2, WIDTH)])
    if encoding.startswith('bayer_'):
        values = mosaic(rgb, encoding[6:10])
    elif encoding in GREY:
        values = rgb[..., 0]
    else:
        name = {'8UC3': 'bgr', '8UC4': 'bgra'}.get(encoding, encoding.rstrip('0168'))
        rgba = np.dstack([rgb, np.full(rgb.shape[:2], 7, np.uint8)])
        values = rgba[..., CHANNEL_ORDERS[name]].reshape(HEIGHT, -1)
    if '16' in encoding:
        values = (values.astype(np.uint16) * 257).astype('>u2' if is_bigendian else '<u2')
    return np.ascontiguousarray(values).view(np.uint8)


def decode(encoding, rows, *, height=HEIGHT, width=WIDTH, is_bigendian=False):
    return decode_image(
        encoding=encoding, height=height, width=width, step=rows.shape[1],
        is_bigendian=is_bigendian, data=rows.tobytes())


def picture_for(encoding):
    if encoding in GREY:
        return grey(), 0
    return (noise_rgb(), 0) if encoding in EXACT else (two_colours(), 2)


def assert_same_picture(decoded, rgb, tolerance):
    assert decoded.shape == rgb.shape
    assert decoded.dtype == np.uint8
    difference = np.abs(decoded.astype(int) - rgb)
    if tolerance:  # colours of mosaics mix at the border between the two halves
        difference = difference[:, [column for column in range(WIDTH) if column not in (7, 8)]]
    assert difference.max() <= tolerance


@pytest.mark.parametrize('encoding', ALL)
def test_encoding_gives_the_picture_back(encoding):
    rgb, tolerance = picture_for(encoding)
    assert_same_picture(decode(encoding, stored_rows(encoding, rgb)), rgb, tolerance)


@pytest.mark.parametrize('padding', [1, 12])
@pytest.mark.parametrize('encoding', ALL)
def test_encoding_skips_the_padding_of_rows(encoding, padding):
    rgb, tolerance = picture_for(encoding)
    rows = np.pad(stored_rows(encoding, rgb), ((0, 0), (0, padding)), constant_values=255)
    assert_same_picture(decode(encoding, rows), rgb, tolerance)


@pytest.mark.parametrize('encoding', [name for name in ALL if '16' in name])
def test_encoding_reads_big_endian_values(encoding):
    rgb, tolerance = picture_for(encoding)
    rows = stored_rows(encoding, rgb, is_bigendian=True)
    assert_same_picture(decode(encoding, rows, is_bigendian=True), rgb, tolerance)


@pytest.mark.parametrize('encoding', ['mono16', 'rgb16'])
def test_encoding_rounds_sixteen_bits_to_the_nearest_of_eight(encoding):
    channels = 3 if encoding == 'rgb16' else 1
    values = np.array([[0, 128, 129, 385, 386, 65406, 65407, 65535]], '<u2')
    rows = np.repeat(values, channels, axis=1).view(np.uint8)
    decoded = decode(encoding, rows, height=1, width=8)
    assert decoded[0, :, 0].tolist() == [0, 0, 1, 1, 2, 254, 255, 255]


def test_encoding_rgb8_is_not_copied():
    message = np.zeros(HEIGHT * WIDTH * 3, np.uint8)
    decoded = decode_image(
        encoding='rgb8', height=HEIGHT, width=WIDTH, step=WIDTH * 3, is_bigendian=False,
        data=message)
    assert np.shares_memory(decoded, message)


@pytest.mark.parametrize('container', [bytes, bytearray, memoryview, lambda b: array('B', b)])
def test_encoding_reads_every_bytes_like_container(container):
    rgb = noise_rgb()
    decoded = decode_image(
        encoding='bgr8', height=HEIGHT, width=WIDTH, step=WIDTH * 3, is_bigendian=False,
        data=container(rgb[..., ::-1].tobytes()))
    assert np.array_equal(decoded, rgb)


def test_encoding_unknown_is_named_with_the_known_ones():
    with pytest.raises(ImageError) as caught:
        decode('yuv420', np.zeros((HEIGHT, WIDTH), np.uint8))
    assert "'yuv420'" in str(caught.value)
    assert all(name in str(caught.value) for name in ALL)


@pytest.mark.parametrize(('height', 'width'), [(0, WIDTH), (HEIGHT, 0), (-1, WIDTH)])
def test_encoding_of_no_pixels_is_refused(height, width):
    with pytest.raises(ImageError, match=f'{width}x{height}'):
        decode('rgb8', np.zeros((HEIGHT, WIDTH * 3), np.uint8), height=height, width=width)


def test_encoding_with_short_step_names_both_lengths():
    with pytest.raises(ImageError, match=r'step 59 .* 60 bytes'):
        decode('rgb8', np.zeros((HEIGHT, 59), np.uint8))


@pytest.mark.parametrize(('encoding', 'expected_bytes'), [('mono8', 240), ('nv12', 360)])
def test_encoding_with_truncated_data_names_both_sizes(encoding, expected_bytes):
    with pytest.raises(ImageError, match=f'has 239 bytes, expected {expected_bytes}'):
        decode_image(encoding=encoding, height=HEIGHT, width=WIDTH, step=WIDTH,
                     is_bigendian=False, data=bytes(239))


@pytest.mark.parametrize('encoding', [*YUV_422, *YUV_420])
def test_encoding_with_shared_colour_refuses_odd_width(encoding):
    with pytest.raises(ImageError, match='width 19 is odd'):
        decode(encoding, np.zeros((HEIGHT * 2, WIDTH * 2), np.uint8), width=19)


@pytest.mark.parametrize('encoding', [*YUV_420])
def test_encoding_with_colour_shared_between_rows_refuses_odd_height(encoding):
    with pytest.raises(ImageError, match='height 11 is odd'):
        decode(encoding, np.zeros((HEIGHT * 2, WIDTH), np.uint8), height=11)


def file_bytes(extension, pixels, *options):
    return cv2.imencode(extension, pixels, options)[1].tobytes()


def smooth_rgb():
    v, u = np.mgrid[0:48, 0:64]
    return np.stack([2 * u, 4 * v, 100 + u], axis=-1).astype(np.uint8)


def test_compressed_png_gives_rgb_back():
    rgb = noise_rgb()
    decoded = decode_compressed('bgr8; png compressed bgr8', file_bytes('.png', rgb[..., ::-1]))
    assert np.array_equal(decoded, rgb)


def test_compressed_png_with_transparency_gives_rgb_back():
    rgb = noise_rgb()
    bgra = np.dstack([rgb[..., ::-1], np.full((HEIGHT, WIDTH), 9, np.uint8)])
    assert np.array_equal(decode_compressed('png', file_bytes('.png', bgra)), rgb)


def test_compressed_jpeg_gives_rgb_nearly_back():
    rgb = smooth_rgb()
    decoded = decode_compressed('jpeg', file_bytes('.jpg', rgb[..., ::-1]))
    assert np.abs(decoded.astype(int) - rgb).mean() < 3


def test_compressed_grey_jpeg_becomes_three_equal_channels():
    values = smooth_rgb()[..., 0]
    decoded = decode_compressed('mono8; jpeg compressed ', file_bytes('.jpg', values))
    assert decoded.shape == (48, 64, 3)
    assert np.array_equal(decoded[..., 0], decoded[..., 2])
    assert np.abs(decoded[..., 0].astype(int) - values).mean() < 2


@pytest.mark.parametrize('channels', [1, 3])
def test_compressed_png_of_sixteen_bits_becomes_eight(channels):
    rgb = noise_rgb() if channels == 3 else grey()
    bgr16 = rgb[..., ::-1].astype(np.uint16) * 257
    file = file_bytes('.png', bgr16 if channels == 3 else bgr16[..., 0])
    assert np.array_equal(decode_compressed('png', file), rgb)


@pytest.mark.parametrize('order', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_compressed_mosaic_gets_its_colours_back(order):
    rgb = two_colours()
    file = file_bytes('.png', mosaic(rgb, order))
    decoded = decode_compressed(f'bayer_{order}8; png compressed ', file)
    assert_same_picture(decoded, rgb, 2)


def test_compressed_jpeg_is_not_turned_by_its_orientation_tag():
    upright = file_bytes('.jpg', smooth_rgb())
    tag = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
    turned = upright[:2] + b'\xff\xe1' + (len(tag) + 2).to_bytes(2, 'big') + tag + upright[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (64, 48, 3)
    assert decode_compressed('jpeg', turned).shape == (48, 64, 3)


def test_compressed_depth_is_refused_by_name():
    with pytest.raises(ImageError, match="'16UC1; compressedDepth png' holds depth"):
        decode_compressed('16UC1; compressedDepth png', b'\x89PNG')


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
@pytest.mark.parametrize('kept', [0.0, 0.01, 0.5, 0.99])
def test_compressed_data_that_was_cut_is_refused(extension, kept):
    file = file_bytes(extension, smooth_rgb())
    cut = file[:int(kept * len(file))]
    with pytest.raises(ImageError, match=f"{len(cut)} bytes .*'some'"):
        decode_compressed('some', cut)


def test_compressed_float_image_is_refused():
    file = file_bytes('.tiff', np.ones((4, 4), np.float32))
    with pytest.raises(ImageError, match='float32'):
        decode_compressed('tiff', file)


def test_depth_mm_rounds_and_has_zero_where_unknown():
    depth_m = np.array([
        [1.2344, 1.2346, 65.535, 65.536], [np.nan, np.inf, -np.inf, -1.0],
        [0.0, 0.0004, 0.0006, 80.0],
    ], np.float32)
    expected = [[1234, 1235, 65535, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    depth_mm = encode_depth_mm(depth_m)
    assert depth_mm.dtype == np.uint16
    assert depth_mm.tolist() == expected


def test_depth_mm_leaves_its_input_alone():
    depth_m = np.array([[np.nan, 2.0]], np.float32)
    encode_depth_mm(depth_m)
    assert np.isnan(depth_m[0, 0])
    assert depth_m[0, 1] == 2.0
