"""The events of one batch as bytes: each is a template filled by one formatting."""

from uuid import UUID

import orjson

from rollcall_cluster.generator.essays import POOL_SIZE, Essay, essay_pool, file_name
from rollcall_events import ValidationErrorCode

_CODES = tuple(code.value.encode() for code in ValidationErrorCode)

_ENVELOPE = (
    b'{"event_id":"<EVENT>-%012x","event_type":"<TYPE>","event_timestamp":"%b",'
    b'"source_service":"<SERVICE>","schema_version":1,"correlation_id":"<CORRELATION>",'
    b'"data":{"batch_id":"<BATCH>",<DATA>},'
    b'"metadata":{"traceparent":"00-<TRACE>-%016x-01"}}'
)
_CONTENT = (
    b'"file_upload_id":"upload-<SHORT>-%05d","original_file_name":"%b",'
    b'"raw_file_storage_id":"raw-<SHORT>-%05d","text_storage_id":"text-<SHORT>-%05d",'
    b'"file_size_bytes":%d,"content_md5_hash":"%b"'
)
_FAILURE = (
    b'"file_upload_id":"upload-<SHORT>-%05d","original_file_name":"%b",'
    b'"raw_file_storage_id":"raw-<SHORT>-%05d","validation_error_code":"%b",'
    b'"validation_error_detail":"The file could not be used.","file_size_bytes":%d'
)


class BatchWire:
    """Encodes the events of one batch.

    `ordinal` tells the batch's files apart, `event` its events: a redelivered one has the same.
    """

    def __init__(self, batch_id: UUID, correlation_id: UUID, index: int, slots: int) -> None:
        self.batch_id = str(batch_id)
        self.key = self.batch_id.encode()
        self._short = self.batch_id[:8].encode()
        self._index = index
        self._slots = slots
        self._essays = essay_pool()
        self._correlation_id = correlation_id
        fill = self._filled
        self._content = fill(b"EssayContentProvisionedV1", b"file-service", _CONTENT)
        self._failure = fill(b"EssayValidationFailedV1", b"file-service", _FAILURE)

    def _filled(self, event_type: bytes, service: bytes, data: bytes) -> bytes:
        """Put in what all events of the batch share."""
        shared = {
            b"<DATA>": data,
            b"<EVENT>": self.key[:23],
            b"<TYPE>": event_type,
            b"<SERVICE>": service,
            b"<CORRELATION>": str(self._correlation_id).encode(),
            b"<BATCH>": self.key,
            b"<TRACE>": self._correlation_id.hex.encode(),
            b"<SHORT>": self._short,
        }
        template = _ENVELOPE
        for name, value in shared.items():
            template = template.replace(name, value)
        return template

    def file_key(self, ordinal: int) -> bytes:
        """Give the upload's id, for producers that use it as key."""
        return b"upload-%b-%05d" % (self._short, ordinal)

    def text_storage_id(self, ordinal: int) -> str:
        """Give the id under which the text of the essay is stored."""
        return f"text-{self._short.decode()}-{ordinal:05d}"

    def essay(self, ordinal: int) -> Essay:
        """Give the essay of that file."""
        return self._essays[(self._index * 31 + ordinal) % POOL_SIZE]

    def content(self, event: int, ordinal: int, stamp: bytes) -> bytes:
        """Encode an EssayContentProvisionedV1."""
        essay = self.essay(ordinal)
        return self._content % (
            event,
            stamp,
            ordinal,
            file_name(self._index + ordinal),
            ordinal,
            ordinal,
            essay.size_bytes,
            essay.md5_hash,
            event + 1,
        )

    def failure(self, event: int, ordinal: int, stamp: bytes) -> bytes:
        """Encode an EssayValidationFailedV1."""
        return self._failure % (
            event,
            stamp,
            ordinal,
            file_name(self._index + ordinal),
            ordinal,
            _CODES[ordinal % len(_CODES)],
            64 + ordinal % 1_000,
            event + 1,
        )

    def registration(self, event: int, stamp: bytes) -> bytes:
        """Encode the BatchEssaysRegisteredV1."""
        short = self._short.decode()
        data = {
            "expected_essay_count": self._slots,
            "essay_ids": [f"essay-{short}-{n:05d}" for n in range(self._slots)],
            "course_code": f"HIS-{101 + self._index % 7}",
            "essay_instructions": "Discuss one source critically. 800 to 1,200 words.",
            "user_id": f"teacher-{self._index % 40}",
        }
        body = orjson.dumps(data)[1:-1].replace(b"%", b"%%")
        template = self._filled(b"BatchEssaysRegisteredV1", b"batch-service", body)
        return template % (event, stamp, event + 1)
