"""Where the texts of essays are kept for the services that read them."""

import contextlib

import fsspec

from rollcall_cluster.generator.errors import CannotProduceError
from rollcall_cluster.generator.stream import OpenBatch

DEFAULT_URL = ".rollcall/content"


def text_path(root: str, batch_id: str, text_storage_id: str) -> str:
    """Give the path of an essay's text (UTF-8) in a store."""
    return f"{root.rstrip('/')}/{batch_id}/{text_storage_id}.txt"


class ContentStore:
    """A folder for each batch, a file for each content, on any file system that fsspec knows.

    Raises:
        CannotProduceError: the URL names a file system that is not installed or known.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise CannotProduceError(
                f"cannot open content store {url!r}: {error}. Give a directory, the URL of a file"
                " system that fsspec knows and whose package is installed, or none"
            ) from error

    def write(self, batch: OpenBatch) -> int:
        """Write the texts of a batch, over what is there; gives how many.

        Raises:
            CannotProduceError: the store refuses.
        """
        wire = batch.wire
        texts = {
            text_path(self._root, wire.batch_id, wire.text_storage_id(n)): wire.essay(n).text
            for n in range(batch.size.contents)
        }
        try:
            self._make_folder(f"{self._root}/{wire.batch_id}")
            self._files.pipe(texts)
        except OSError as error:
            raise CannotProduceError(
                f"cannot write to content store {self.url!r}: {error}. Make room or access, or"
                " give another with --content-store (none: write no texts)"
            ) from error
        return len(texts)

    def _make_folder(self, path: str) -> None:
        """Make a folder where there is such a thing."""
        with contextlib.suppress(NotImplementedError):
            self._files.makedirs(path, exist_ok=True)


def open_content_store(url: str) -> ContentStore | None:
    """Open a store; `none` is no store at all."""
    return None if url == "none" else ContentStore(url)
