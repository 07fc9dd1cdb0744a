"""A bill of materials of a version: the model, its files, the data it was trained on and the packages that load it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from stackcanvas.errors import Corrupt, MissingExtra
from stackcanvas.registry.versions import ModelVersion

try:
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL
except ModuleNotFoundError as missing:
    raise MissingExtra("a bill of materials", "bom") from missing


def bill(version: ModelVersion) -> str:
    """The bill of a version in CycloneDX 1.6, as JSON that its schema accepts.

    Raises:
        Corrupt: the schema does not accept it.
    """
    model = Component(
        name=version.name,
        version=version.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=str(version.ref),
        description=version.message or None,
        hashes=_hashes(version.digest),
        properties=_properties(version),
    )
    bom = Bom(serial_number=UUID(version.digest[:32])) if version.digest else Bom()
    bom.metadata.timestamp = version.created
    bom.metadata.component = model
    parts = [*_files(version), *_packages(version)]
    if version.training is not None:
        data = Component(
            name=version.training.name,
            version=version.training.selector,
            type=ComponentType.DATA,
            bom_ref=str(version.training),
        )
        parts.append(data)
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(model, parts)
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise Corrupt(f"the bill of materials is not valid: {str(problem)[:300]}", where=str(version.ref))
    return text


def _files(version: ModelVersion) -> Iterable[Component]:
    for path, digest in version.files.items():
        yield Component(name=path, type=ComponentType.FILE, bom_ref=f"{version.ref}/{path}", hashes=_hashes(digest))


def _packages(version: ModelVersion) -> Iterable[Component]:
    for line in version.environment.get("requirements", ()):
        name, _, pinned = str(line).partition("==")
        if name and all(letter.isalnum() or letter in "-_." for letter in name):
            address = PackageURL("pypi", name=name, version=pinned or None)
            yield Component(
                name=name, version=pinned or None, type=ComponentType.LIBRARY, bom_ref=str(address), purl=address
            )


def _hashes(digest: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.BLAKE3, content=digest)] if digest else []


def _properties(version: ModelVersion) -> list[Property]:
    facts = {
        "ref": str(version.ref),
        "number": str(version.number),
        "format": version.format,
        "run": None if version.run is None else str(version.run),
        "registered_by": version.actor,
        **{f"metric.{name}": f"{value:g}" for name, value in version.metrics.items()},
    }
    return [Property(name=f"stackcanvas:{name}", value=value) for name, value in facts.items() if value]
