"""Images as files: grids, PNG, and animations as GIF, WebP and APNG.

Images are uint8 arrays [H, W, C] with 1 (grey) or 3 (RGB) channels. Every file is encoded in memory and appears under
its name complete or not at all; missing folders on its way are made.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gan.errors import UserError
from gan.storage.files import write_with_folders

Frame = np.ndarray | str | Path

_ANIMATED = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}  # Pillow's names of what an animation can be
_OPTIONS = {"WEBP": {"lossless": True, "quality": 50, "method": 3}}  # where pixels stay, that is the effort: half
_LARGEST = {".gif": 65_535, ".webp": 16_383}  # pixels a side, by the format

BACKGROUND = 255
GRID_SCALE = 2  # pixels of a grid's file for one of an image
MAX_FRAMES = 200
LAST_FRAME_FACTOR = 10


def to_uint8(images) -> np.ndarray:
    """Images in [0, 1], any shape, as uint8: clipped, rounded to the nearest of the 256 levels (ties to even).

    Truncation would darken every image by half a level on average. NaN becomes 0.
    """
    levels = np.nan_to_num(np.asarray(images, np.float32), nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0)
    return np.rint(levels * np.float32(255)).astype(np.uint8)


def grid(images: np.ndarray, rows: int, columns: int, margin: int = 1) -> np.ndarray:
    """One image [H', W', C] from uint8 `images` [N, H, W, C], row by row, with white lines between and around them.

    `margin` is the width of the lines in pixels. Cells without an image stay white; raises ValueError if there are
    more images than cells.
    """
    count, height, width, channels = images.shape
    if count > rows * columns:
        raise ValueError(f"{count} images do not fit into {rows} x {columns} cells")
    cells = np.full((rows * columns, height + margin, width + margin, channels), BACKGROUND, np.uint8)
    cells[:count, margin:, margin:] = images
    cells = cells.reshape(rows, columns, *cells.shape[1:]).transpose(0, 2, 1, 3, 4)
    joined = cells.reshape(rows * (height + margin), columns * (width + margin), channels)
    return np.pad(joined, ((0, margin), (0, margin), (0, 0)), constant_values=BACKGROUND)


def png(image: np.ndarray, scale: int = 1) -> bytes:
    """A uint8 image [H, W, C] as the bytes of a PNG file, each pixel enlarged to `scale` x `scale`."""
    picture = _picture(image)
    if scale != 1:
        picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    return _encoded(picture, "PNG")


def write_png(path: str | Path, image: np.ndarray, scale: int = 1) -> None:
    """Writes a uint8 image [H, W, C] as PNG, each pixel enlarged to `scale` x `scale`; raises `StorageError`."""
    write_with_folders(path, png(image, scale))


def write_animation(
    path: str | Path,
    frames: Sequence[Frame],
    milliseconds: int = 120,
    max_frames: int = MAX_FRAMES,
    last_factor: int = LAST_FRAME_FACTOR,
) -> None:
    """Writes an endless animation of `frames`: uint8 arrays [H, W, C] or paths of PNG files; .gif, .webp or .apng.

    WebP and APNG keep every pixel, a GIF those of grey images; of others it has 256 colours a frame.

    Each is shown for so many milliseconds, the last `last_factor` times as long: 1 for a loop that closes. More than
    `max_frames` are thinned evenly, the first and the last stay. Files are opened one at a time. Frames of another size
    than the last one (the grid was changed when a run was continued) are scaled to fit; files that cannot be read are
    left out. Raises `UserError` if no frame is left or they are too large for the format, `StorageError`.
    """
    chosen = [frame for frame in thinned(frames, max_frames) if not _unreadable(frame)]
    if not chosen:
        raise UserError(f"{path} cannot be made: there are no pictures to animate")
    size = _opened(chosen[-1]).size
    pictures = _fitted(chosen, size)
    durations = [milliseconds] * (len(chosen) - 1) + [milliseconds * last_factor]
    check_animation(path, size)
    kind = _ANIMATED[Path(path).suffix.lower()]
    first, others = next(pictures), list(pictures) if kind == "PNG" else pictures  # of which Pillow sees all first
    options = {"save_all": True, "append_images": others, "duration": durations, "loop": 0}
    write_with_folders(path, _encoded(first, kind, **options, **_OPTIONS.get(kind, {})))


def check_animation(path: str | Path, size: tuple[int, int]) -> None:
    """Raises `UserError` if frames of this width and height are larger than the format of the path's end can hold."""
    kind = Path(path).suffix.lower()
    most = _LARGEST.get(kind, max(size))
    if max(size) > most:
        raise UserError(
            f"{path} would have frames of {size[0]:,} x {size[1]:,} pixels, and {kind} holds {most:,} a side at most; "
            "use .apng, or fewer rows and columns"
        )


def thinned(items: Sequence, count: int) -> list:
    """At most `count` of `items`, evenly spread, with the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, count).round().astype(int)]


def _picture(image: np.ndarray) -> Image.Image:
    """The PIL image of a uint8 array [H, W, 1 or 3]."""
    return Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)


def _opened(frame: Frame) -> Image.Image:
    """The PIL image of an array, or of a file, which is closed again."""
    if isinstance(frame, np.ndarray):
        return _picture(frame)
    with Image.open(frame) as picture:
        return picture.convert("L" if picture.mode == "L" else "RGB")


def _unreadable(frame: Frame) -> bool:
    """Whether `frame` is a file that is missing or no picture."""
    if isinstance(frame, np.ndarray):
        return False
    try:
        with Image.open(frame) as picture:
            picture.verify()
    except (OSError, SyntaxError, UnidentifiedImageError):  # PIL reports a broken PNG chunk as SyntaxError
        return True
    return False


def _fitted(frames: Sequence[Frame], size: tuple[int, int]) -> Iterator[Image.Image]:
    """The pictures of `frames`, each opened when its turn comes, scaled to fit into `size` where they differ."""
    for frame in frames:
        picture = _opened(frame)
        if picture.size != size:
            background = BACKGROUND if picture.mode == "L" else (BACKGROUND,) * 3
            picture = ImageOps.pad(picture, size, Image.Resampling.NEAREST, color=background)
        yield picture


def _encoded(picture: Image.Image, kind: str, **options) -> bytes:
    """The bytes of `picture` as a file of the format `kind`."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
