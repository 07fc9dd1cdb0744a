"""Croissant: a version as JSON-LD that tools and search engines for data sets read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackcanvas.data.manifest import DataFile
from stackcanvas.data.parts import Parts
from stackcanvas.data.read import rows_of
from stackcanvas.data.versions import DataVersion
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_FORMATS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/x-parquet",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".txt": "text/plain",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(parts: Parts, version: DataVersion, about: Mapping[str, object]) -> dict[str, Any]:
    """A version in the form of Croissant 1.0; see `Data.croissant`.

    Args:
        about: what the canvas says of the data set: licence, ownership.
    """
    files = parts.listing(version)
    told: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": version.name,
        "description": version.message or f"Version {version.number} of the data set {version.name}.",
        "version": f"{version.number}.0.0",
        "datePublished": version.created.isoformat(),
        "identifier": f"blake3:{version.digest}",
        "url": f"urn:blake3:{version.digest}",
        "distribution": _distribution(parts, version, files),
    }
    if about.get("licence"):
        told["license"] = about["licence"]
    if version.columns:
        told["recordSet"] = [_records(parts, version, files)]
    return told


def _distribution(parts: Parts, version: DataVersion, files: Sequence[DataFile]) -> list[dict[str, Any]]:
    if len(files) == 1:
        return [_file(parts, files[0])]
    whole = {
        "@type": "cr:FileObject",
        "@id": "version",
        "name": "version",
        "description": "The folder that `stackcanvas data checkout` makes; the digest is that of its list of files.",
        "contentUrl": f"urn:blake3:{version.digest}",
        "encodingFormat": "application/x-directory",
        "contentSize": f"{version.size_bytes} B",
        "sha256": hashlib.sha256(parts.reader.whole(bytes.fromhex(version.listing))).hexdigest(),
    }
    suffixes = sorted({PurePosixPath(file.path).suffix.lower() for file in files})
    sets = [
        {
            "@type": "cr:FileSet",
            "@id": f"files{suffix}",
            "name": f"files{suffix}",
            "containedIn": {"@id": "version"},
            "encodingFormat": _format(suffix),
            "includes": f"**/*{suffix}",
        }
        for suffix in suffixes
    ]
    return [whole, *sets]


def _file(parts: Parts, file: DataFile) -> dict[str, Any]:
    sha = hashlib.sha256()
    for piece in parts.reader.content(bytes.fromhex(file.digest)):
        sha.update(piece)
    return {
        "@type": "cr:FileObject",
        "@id": "file",
        "name": PurePosixPath(file.path).name,
        "contentUrl": quote(file.path),
        "contentSize": f"{file.size_bytes} B",
        "encodingFormat": _format(PurePosixPath(file.path).suffix.lower()),
        "sha256": sha.hexdigest(),
    }


def _format(suffix: str) -> str:
    return _FORMATS.get(suffix, "application/octet-stream")


def _records(parts: Parts, version: DataVersion, files: Sequence[DataFile]) -> dict[str, Any]:
    schema = rows_of(parts, version).collect_schema()
    suffix = PurePosixPath(files[0].path).suffix.lower()
    source = {"fileObject": {"@id": "file"}} if len(files) == 1 else {"fileSet": {"@id": f"files{suffix}"}}
    profile = version.profile
    fields = []
    for number, (name, kind) in enumerate(schema.items()):
        if not name:
            continue  # Croissant finds columns by their names
        nulls = profile.columns[name].nulls if profile is not None and name in profile.columns else 0
        field: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"rows/{number}",
            "name": name,
            "description": f"{kind}; {nulls} of {version.rows} without a value",
            "dataType": _type(kind.inner if isinstance(kind, pl.List) else kind),
            "source": {**source, "extract": {"column": name}},
        }
        if isinstance(kind, pl.List):
            field["repeated"] = True
        fields.append(field)
    told: dict[str, Any] = {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}
    if version.key:
        names = list(schema)
        told["key"] = [{"@id": f"rows/{names.index(name)}"} for name in version.key if name]
    return told


def _type(kind: Any) -> str:
    if kind == pl.Boolean:
        return "sc:Boolean"
    if kind == pl.Date:
        return "sc:Date"
    if kind == pl.Datetime:
        return "sc:DateTime"
    if kind.is_integer():
        return "sc:Integer"
    return "sc:Float" if kind.is_numeric() else "sc:Text"
