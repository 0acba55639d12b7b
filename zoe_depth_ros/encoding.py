# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Pixels of camera messages, from their plain fields.

The live node and the bag tool both decode here, so the fields of sensor_msgs/Image and
CompressedImage come in one by one and no message class is needed. One table names every encoding
and its OpenCV colour conversion. `rosbags.image` is not used: its fields-to-pixels half ignores
padded rows and truncates 16 bits, and its other half is this same table. Conversions follow
cv_bridge: 8UC3 and 8UC4 are BGR, 16 bits become 8 as round(value * 255 / 65535).
"""

from __future__ import annotations

import struct
from typing import Any
from typing import NamedTuple
from typing import TYPE_CHECKING
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.errors import ImageError

if TYPE_CHECKING:
    from array import array

    from cv2.typing import MatLike

BytesLike: TypeAlias = 'bytes | bytearray | memoryview | array[int] | NDArray[np.uint8]'
JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
# REP 118: metres, or millimetres with 0 where unknown.
DEPTH_FORMATS = {'32FC1': 'f4', '16UC1': 'u2'}
COMPRESSED_DEPTH_FORMATS = {name: f'{name}; compressedDepth png' for name in DEPTH_FORMATS}
# What compressed_image_transport makes of depth in millimetres: a PNG and nothing else.
PLAIN_DEPTH_FORMAT = '16UC1; png compressed'
_DEPTH_HEADER = struct.Struct('<iff')
_INVERSE_DEPTH = 0
# At level 9 a file takes 25 times as long and is still two thirds as large.
_PNG_OPTIONS = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class _Layout(NamedTuple):
    item_bytes: int
    channels: int
    to_rgb: int | None
    is_planar: bool = False


# ROS names a Bayer pattern by its 2x2 pixels at (0, 0), OpenCV by those at (1, 1).
_LAYOUTS = {
    'rgb8': _Layout(1, 3, None),
    'bgr8': _Layout(1, 3, cv2.COLOR_BGR2RGB),
    'rgba8': _Layout(1, 4, cv2.COLOR_RGBA2RGB),
    'bgra8': _Layout(1, 4, cv2.COLOR_BGRA2RGB),
    'rgb16': _Layout(2, 3, None),
    'bgr16': _Layout(2, 3, cv2.COLOR_BGR2RGB),
    'rgba16': _Layout(2, 4, cv2.COLOR_RGBA2RGB),
    'bgra16': _Layout(2, 4, cv2.COLOR_BGRA2RGB),
    'mono8': _Layout(1, 1, cv2.COLOR_GRAY2RGB),
    'mono16': _Layout(2, 1, cv2.COLOR_GRAY2RGB),
    '8UC1': _Layout(1, 1, cv2.COLOR_GRAY2RGB),
    '8UC3': _Layout(1, 3, cv2.COLOR_BGR2RGB),
    '8UC4': _Layout(1, 4, cv2.COLOR_BGRA2RGB),
    '16UC1': _Layout(2, 1, cv2.COLOR_GRAY2RGB),
    'bayer_rggb8': _Layout(1, 1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': _Layout(1, 1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': _Layout(1, 1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': _Layout(1, 1, cv2.COLOR_BayerGB2RGB),
    'bayer_rggb16': _Layout(2, 1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr16': _Layout(2, 1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg16': _Layout(2, 1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg16': _Layout(2, 1, cv2.COLOR_BayerGB2RGB),
    'yuv422': _Layout(1, 2, cv2.COLOR_YUV2RGB_UYVY),
    'uyvy': _Layout(1, 2, cv2.COLOR_YUV2RGB_UYVY),
    'yuyv': _Layout(1, 2, cv2.COLOR_YUV2RGB_YUY2),
    'yuv422_yuy2': _Layout(1, 2, cv2.COLOR_YUV2RGB_YUY2),
    'nv12': _Layout(1, 1, cv2.COLOR_YUV2RGB_NV12, is_planar=True),
    'nv21': _Layout(1, 1, cv2.COLOR_YUV2RGB_NV21, is_planar=True),
}
_CHANNELS_OF_FILE = {1: 'mono8', 3: 'bgr8', 4: 'bgra8'}


def decode_image(
    *, encoding: str, height: int, width: int, step: int, is_bigendian: bool, data: BytesLike,
) -> NDArray[np.uint8]:
    """
    Decode the fields of a sensor_msgs/Image.

    :param encoding: name from sensor_msgs/image_encodings.
    :param height: rows of the image; nv12 and nv21 store half as many rows of colour below them.
    :param width: columns of the image.
    :param step: bytes from one row to the next, padding included.
    :param is_bigendian: byte order of 16-bit values.
    :param data: the message's bytes.
    :return: (H, W, 3) uint8 RGB; for rgb8 a view of `data`, read-only where `data` is.
    :raises ImageError: unknown encoding, impossible size or step, too few bytes.
    """
    layout = _layout(encoding)
    _check_size(encoding, layout, height, width)
    stored_rows = height * 3 // 2 if layout.is_planar else height
    rows = _rows(data, stored_rows, step, width * layout.channels * layout.item_bytes)
    if layout.item_bytes == 2:
        # OpenCV misreads rows of 16-bit values that start at odd addresses: align them.
        rows = np.require(rows.view('>u2' if is_bigendian else '<u2'), np.uint16, 'A')
    pixels = rows if layout.channels == 1 else rows.reshape(height, width, layout.channels)
    return _to_rgb8(pixels, layout)


def decode_compressed(format: str, data: BytesLike) -> NDArray[np.uint8]:
    """
    Decode the fields of a sensor_msgs/CompressedImage that holds a picture.

    The bytes tell the file type. Orientation tags are ignored: camera_info speaks of the pixels
    as stored.

    :param format: the message's format, such as 'jpeg' or 'bayer_rggb8; jpeg compressed'.
    :param data: the bytes of a JPEG, PNG or other file, 8 or 16 bits, grey or colour.
    :return: (H, W, 3) uint8 RGB.
    :raises ImageError: a depth format, or bytes that do not decode.
    """
    if 'compressedDepth' in format:
        raise ImageError(f'compressed image format {format!r} holds depth, not a picture')
    pixels = _read_file(format, np.frombuffer(data, np.uint8))
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    source = format.partition(';')[0].strip()
    is_mosaic = channels == 1 and source.startswith('bayer_')
    return _to_rgb8(pixels, _layout(source if is_mosaic else _CHANNELS_OF_FILE[channels]))


def decode_depth(
    *, encoding: str, height: int, width: int, step: int, is_bigendian: bool, data: BytesLike,
) -> NDArray[np.float32]:
    """
    Decode the fields of a sensor_msgs/Image that holds depth (REP 118).

    :param encoding: '32FC1', metres, or '16UC1', millimetres.
    :param height: rows of the image.
    :param width: columns of the image.
    :param step: bytes from one row to the next, padding included.
    :param is_bigendian: byte order of the values.
    :param data: the message's bytes.
    :return: (H, W) float32, metres along the optical axis, NaN where unknown.
    :raises ImageError: the encoding holds no depth, impossible size or step, too few bytes.
    """
    if encoding not in DEPTH_FORMATS:
        known = ', '.join(DEPTH_FORMATS)
        raise ImageError(f'depth encoding {encoding!r} is not supported (known: {known})')
    if height < 1 or width < 1:
        raise ImageError(f'depth image size {width}x{height} is not positive')
    dtype = np.dtype(('>' if is_bigendian else '<') + DEPTH_FORMATS[encoding])
    values = _rows(data, height, step, width * dtype.itemsize).view(dtype)
    return _depth_m(values, encoding)


def is_depth_format(format: str) -> bool:
    """Return whether a sensor_msgs/CompressedImage of this format holds depth."""
    return 'compressedDepth' in format or format.strip() == PLAIN_DEPTH_FORMAT


def decode_compressed_depth(format: str, data: BytesLike) -> NDArray[np.float32]:
    """
    Decode the fields of a sensor_msgs/CompressedImage that holds depth.

    compressed_depth_image_transport puts three little-endian numbers, an int32 that says nothing
    and two float32 A and B, before a PNG of 16 bits. Of 16UC1 it holds the millimetres, of 32FC1
    A / depth_m + B with 0 where unknown. Of millimetres compressed_image_transport makes a PNG
    without those numbers.

    :param format: the message's format, such as '16UC1; compressedDepth png'.
    :param data: the message's bytes.
    :return: (H, W) float32, metres along the optical axis, NaN where unknown.
    :raises ImageError: another format, or bytes that do not decode.
    """
    if format.strip() == PLAIN_DEPTH_FORMAT:
        return _depth_m(_read_depth_file(format, np.frombuffer(data, np.uint8)), '16UC1')
    encoding, _, kind = format.partition(';')
    if encoding not in DEPTH_FORMATS or kind.split() not in (
            ['compressedDepth'], ['compressedDepth', 'png']):
        raise ImageError(
            f'compressed depth format {format!r} is not supported (known: '
            f'{", ".join([*COMPRESSED_DEPTH_FORMATS.values(), PLAIN_DEPTH_FORMAT])})')
    stored = np.frombuffer(data, np.uint8)
    if stored.size <= _DEPTH_HEADER.size:
        raise ImageError(f'compressed depth has {stored.size} bytes, no more than its header')
    _, a, b = _DEPTH_HEADER.unpack_from(stored.data)
    values = _read_depth_file(format, stored[_DEPTH_HEADER.size:])
    if encoding == '16UC1':
        return _depth_m(values, encoding)
    inverse = values.astype(np.float32) - np.float32(b)
    inverse[values == 0] = np.nan
    with np.errstate(divide='ignore'):
        return _depth_m(np.float32(a) / inverse, encoding)


def encode_compressed_depth(
    pixels: NDArray[np.float32] | NDArray[np.uint16], *, depth_max_m: float = 100.0,
    quantisation: float = 100.0,
) -> bytes:
    """
    Encode the data of a sensor_msgs/CompressedImage that holds depth.

    What `decode_compressed_depth` and image_transport decode, with the format that
    `COMPRESSED_DEPTH_FORMATS` has for the encoding of the pixels. Metres become steps of inverse
    depth, with the defaults 0.1 mm at 1 m, 1 cm at 10 m and 25 cm at 50 m; the nearest step, where
    compressed_depth_image_transport takes the nearer end. Millimetres stay as they are.

    :param pixels: (H, W) along the optical axis, float32 metres, NaN where unknown, or uint16
        millimetres, 0 where unknown.
    :param depth_max_m: from there on depth is unknown.
    :param quantisation: depth in metres at which a step is about 1 m; depth below a 65535th of its
        square does not fit and becomes unknown, with the defaults below 0.154 m.
    :raises ImageError: pixels of another kind.
    """
    if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype not in (np.float32, np.uint16):
        raise ImageError(f'depth of shape {pixels.shape} holds {pixels.dtype}, not metres as '
                         'float32 or millimetres as uint16')
    if pixels.dtype == np.uint16:
        a = b = np.float32(0)
        values = np.where(pixels <= depth_max_m * 1000, pixels, np.uint16(0))
    else:
        a = np.float32(quantisation) * (np.float32(quantisation) + 1)
        b = 1 - a / np.float32(depth_max_m)
        values = _inverse_depth(pixels, a, b, depth_max_m)
    _, file = cv2.imencode('.png', values, _PNG_OPTIONS)
    return _DEPTH_HEADER.pack(_INVERSE_DEPTH, a, b) + file.tobytes()


def encode_depth_mm(depth_m: NDArray[np.float32]) -> NDArray[np.uint16]:
    """
    Encode depth for a 16UC1 image.

    :param depth_m: (H, W) float32, metres along the optical axis, NaN where unknown.
    :return: (H, W) uint16, millimetres, 0 where unknown, not positive or beyond 65.535 m.
    """
    depth_mm: NDArray[np.float32] = np.rint(depth_m * np.float32(1000))
    depth_mm[~((depth_mm > 0) & (depth_mm <= 65535))] = 0
    return depth_mm.astype(np.uint16)


def _inverse_depth(
    depth_m: NDArray[Any], a: np.float32, b: np.float32, depth_max_m: float,
) -> NDArray[np.uint16]:
    """Return A / depth_m + B as whole numbers, 0 where that does not fit or depth is unknown."""
    with np.errstate(all='ignore'):
        steps = np.rint(a / depth_m + b)
    steps[~((depth_m > 0) & (depth_m < depth_max_m) & (steps <= 65535))] = 0
    return steps.astype(np.uint16)


def _depth_m(values: NDArray[Any], encoding: str) -> NDArray[np.float32]:
    depth_m = values.astype(np.float32)
    if encoding == '16UC1':
        depth_m /= 1000
    depth_m[~((depth_m > 0) & np.isfinite(depth_m))] = np.nan
    return depth_m


def _layout(encoding: str) -> _Layout:
    if encoding not in _LAYOUTS:
        known = ', '.join(sorted(_LAYOUTS))
        raise ImageError(f'image encoding {encoding!r} is not supported (known: {known})')
    return _LAYOUTS[encoding]


def _check_size(encoding: str, layout: _Layout, height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ImageError(f'image size {width}x{height} is not positive')
    if (layout.channels == 2 or layout.is_planar) and width % 2:
        raise ImageError(f'image width {width} is odd, which {encoding} cannot store')
    if layout.is_planar and height % 2:
        raise ImageError(f'image height {height} is odd, which {encoding} cannot store')


def _rows(data: BytesLike, count: int, step: int, row_bytes: int) -> NDArray[np.uint8]:
    if step < row_bytes:
        raise ImageError(f'image step {step} is shorter than a row of {row_bytes} bytes')
    stored = np.frombuffer(data, np.uint8)
    if stored.size < count * step:
        raise ImageError(f'image data has {stored.size} bytes, expected {count * step}')
    return stored[:count * step].reshape(count, step)[:, :row_bytes]


def _to_rgb8(pixels: MatLike, layout: _Layout) -> NDArray[np.uint8]:
    rgb = pixels if layout.to_rgb is None else cv2.cvtColor(pixels, layout.to_rgb)
    if rgb.dtype == np.uint16:
        rgb = cv2.convertScaleAbs(rgb, alpha=255 / 65535)
    return np.asarray(rgb, np.uint8)


def _read_depth_file(format: str, file: NDArray[np.uint8]) -> NDArray[np.uint16]:
    values = _read_file(format, file)
    if values.dtype != np.uint16 or values.ndim != 2:
        raise ImageError(f'compressed depth holds {values.dtype} of shape {values.shape}')
    return np.asarray(values, np.uint16)


def _read_file(format: str, file: NDArray[np.uint8]) -> MatLike:
    text = f'{file.size} bytes of compressed image with format {format!r}'
    content = file.tobytes()
    if content.startswith(JPEG_START) and JPEG_END not in content:  # OpenCV 4 invents the rest
        raise ImageError(f'{text} are a JPEG without its end')
    try:
        pixels = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f'{text} do not decode: {error}') from error
    if pixels is None:
        raise ImageError(f'{text} do not decode')
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(f'{text} hold {pixels.dtype} values, not 8 or 16 bits')
    return pixels
