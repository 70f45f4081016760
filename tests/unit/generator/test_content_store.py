"""The texts in the store are those that the events announce."""

import hashlib

import fsspec
import pytest

from rollcall_cluster.generator import (
    CannotProduceError,
    ContentStore,
    Kind,
    RecordStream,
    open_content_store,
    text_path,
)
from rollcall_cluster.generator.essays import essay_pool
from rollcall_events import EssayContentProvisionedV1
from tests.unit.generator.plans import plan


def test_every_announced_text_is_there_with_its_size_and_checksum() -> None:
    """A reader finds each content under its ids, excess contents too."""
    store = ContentStore("memory://essays")
    files = fsspec.filesystem("memory")
    found = 0
    for block in RecordStream(plan(excess=0.2)).blocks(10):
        assert sum(store.write(batch) for batch in block.opened) in {0, 60}
        for record in block.records:
            if record.kind is not Kind.CONTENT:
                continue
            data = (
                EssayContentProvisionedV1.envelope().model_validate_json(record.value or b"").data
            )
            text = files.cat_file(text_path("/essays", str(data.batch_id), data.text_storage_id))
            assert len(text) == data.file_size_bytes
            assert hashlib.md5(text).hexdigest() == data.content_md5_hash
            found += 1
    assert found == 60


def test_essays_are_text_and_differ() -> None:
    """Later stages have something to read."""
    texts = {essay.text.decode() for essay in essay_pool()}
    assert len(texts) == len(essay_pool())
    assert all(50 < len(text.split()) < 1_500 for text in texts)


def test_none_is_no_store() -> None:
    """Writing texts can be switched off."""
    assert open_content_store("none") is None


def test_unknown_file_system_is_an_error_with_a_remedy() -> None:
    """A URL that nothing here can open says so, and what would do."""
    with pytest.raises(CannotProduceError, match="cannot open content store 'carrier-pigeon://x'"):
        open_content_store("carrier-pigeon://x")
