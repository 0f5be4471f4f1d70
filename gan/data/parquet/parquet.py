"""Images from Parquet files, as the Hugging Face hub has them: encoded images in one column, labels in another."""

import importlib.util
from pathlib import Path

import numpy as np

from gan import paths
from gan.data import fingerprint, headers
from gan.data import labels as labelling
from gan.data.decoding.fit import AS_IS, Fit, fitted_shape
from gan.data.encoded import EncodedReader
from gan.data.labels import Classes
from gan.data.parquet import files as parquet_files
from gan.data.parquet import rows as parquet_rows
from gan.data.parquet.columns import Columns, columns
from gan.data.parquet.rows import Rows
from gan.data.source import Source
from gan.data.workers import shared
from gan.errors import UserError


def open_parquet(path: str, fit: Fit = AS_IS, *, test: bool = False, labelled: bool = True) -> Source | None:
    """The images of a Parquet file or a folder of them, or of its files for tests, None if it has none.

    The encoded images are copied once into a file of the cache in which each can be found; their headers are checked
    then. Raises `UserError` naming the file that cannot be used.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise UserError("Parquet files need the package pyarrow: pip install pyarrow")
    root = Path(paths.given(path))
    found = parquet_files.found(root)
    files = found.test if test else found.train
    if not files:
        return None
    chosen = _columns(files)
    rows = parquet_rows.rows(files, chosen.image)
    total = len(rows)
    if not total:
        raise UserError(f"{files[0]} has no image in its column `{chosen.image}`; its bytes must be in the file")
    wanted = labelled and bool(chosen.label)
    classes = _classes(rows, files, chosen) if wanted else labelling.none_of(total)
    facts = (
        chosen.image,
        chosen.label,
        chosen.class_names,
        *(("unlabelled",) if chosen.label and not labelled else ()),
    )
    identity = fingerprint.of_files(root if root.is_dir() else root.parent, files, "parquet", *facts, *fit.facts)
    known = rows.headers()
    first = headers.checked(known, rows.where, fit)
    notes = (*found.notes, *(chosen.notes if labelled else ()), *classes.notes, *headers.notes(known, fit))
    fit = fit._replace(channels=fit.channels or first.channels)
    shape = fitted_shape(first.height, first.width, fit.channels, fit, rows.where(0))
    rows.labels = classes.labels
    reader, sizes = EncodedReader(rows, shape, fit), headers.sizes(known)
    moved = fit.has_places(sizes)
    return Source(
        f"parquet:{path}",
        total,
        shape,
        classes.names,
        identity,
        str(root.resolve()),
        reader,
        notes=notes,
        doubts=found.doubts,
        labels=classes.labels,
        passed_over={"rows without the bytes of an image": rows.passed_over} if rows.passed_over else {},
        sizes=sizes,
        has_places=moved,
        task=shared(reader) if rows.on_disk else None,
        whole=shared(reader.whole) if moved else None,
        cache_key=f"parquet-{identity[:20]}-{fingerprint.of_stamps(files)[:20]}",
    )


def _columns(files: list[Path]) -> Columns:
    """The columns of the files, which are those of the first; raises `UserError` for a file that cannot be read."""
    schemas = [parquet_rows.opened(file).schema_arrow for file in files]
    found = columns(schemas[0], str(files[0]))
    for file, schema in zip(files, schemas, strict=True):
        lacking = [name for name in (found.image, found.label) if name and name not in schema.names]
        if lacking:
            raise UserError(f"{file} has no column `{lacking[0]}`, which {files[0]} has; remove one of them")
    return found


def _classes(rows: Rows, files: list[Path], chosen: Columns) -> Classes:
    """The classes of the rows that are used."""
    given: list[object] = []
    for file in files:
        with parquet_rows.reading(file):
            given += parquet_rows.opened(file).read([chosen.label]).column(0).to_pylist()
    values = np.empty(len(given), object)
    values[:] = given
    values = values[rows.numbers]
    where = f"`{chosen.label}` of {files[0]}{' and its like' * (len(files) > 1)}"
    kinds = {type(value) for value in values.tolist()} - {type(None)}
    if kinds <= {int, float, bool}:
        values = np.array([-1 if value is None else value for value in values.tolist()])
    return labelling.classes_of(values, len(values), chosen.class_names, where)
