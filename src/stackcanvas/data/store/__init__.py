"""Contents by their digest: cut into chunks, compressed, kept in packs in the object store."""

from stackcanvas.data.store.index import ChunkIndex
from stackcanvas.data.store.reader import Damage, Reader
from stackcanvas.data.store.writer import SourceFile, Writer

__all__ = ["ChunkIndex", "Damage", "Reader", "SourceFile", "Writer"]
