"""Field types of the events. All their checks run in Rust: decoding is the hot path."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic.json_schema import JsonSchemaValue
from pydantic.types import FailFast
from pydantic_core import CoreSchema, core_schema

MAX_ESSAYS_PER_BATCH = 10_000
"""Most essays (slots) one batch may expect."""

MAX_FILE_SIZE_BYTES = 2**63 - 1
"""Largest file size, in bytes, that a PostgreSQL bigint holds."""

MAX_IDENTIFIER_CHARS = 255
MAX_DETAIL_CHARS = 500
MAX_INSTRUCTIONS_CHARS = 100_000

MAX_DEADLINE_SECONDS = 366 * 24 * 3600
"""Longest time, in seconds, that a batch may be given to become complete."""

NO_NUL = r"^[^\u0000]*$"
"""What every string of an event matches: PostgreSQL text cannot hold the NUL character."""


@dataclass(frozen=True, slots=True)
class Text:
    """Annotation of a string of `min_chars` to `max_chars` characters without NUL."""

    min_chars: int = 1
    max_chars: int = MAX_IDENTIFIER_CHARS

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check type and length first, then NUL, each with an error of its own."""
        bounded = core_schema.str_schema(
            strict=True, min_length=self.min_chars, max_length=self.max_chars
        )
        without_nul = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=r"^[^\x00]*$"),
            custom_error_type="string_contains_nul",
            custom_error_message="String must not contain the NUL character (U+0000)",
        )
        return core_schema.chain_schema([bounded, without_nul])

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the string to others: length and pattern."""
        described: JsonSchemaValue = {"type": "string"}
        if self.min_chars:
            described["minLength"] = self.min_chars
        return described | {"maxLength": self.max_chars, "pattern": NO_NUL}


Identifier = Annotated[str, Text()]
"""An id given by another service: 1 to 255 characters, opaque to us."""

FileName = Annotated[str, Text()]
Checksum = Annotated[str, Text(max_chars=64)]
CourseCode = Annotated[str, Text()]
Instructions = Annotated[str, Text(min_chars=0, max_chars=MAX_INSTRUCTIONS_CHARS)]
Detail = Annotated[str, Text(min_chars=0, max_chars=MAX_DETAIL_CHARS)]

FileSize = Annotated[int, Field(ge=0, le=MAX_FILE_SIZE_BYTES, description="In bytes.")]
EssayCount = Annotated[int, Field(ge=0, le=MAX_ESSAYS_PER_BATCH)]
DeadlineSeconds = Annotated[int, Field(ge=0, le=MAX_DEADLINE_SECONDS)]
"""Time from a batch's registration to its deadline; 0 = it has none."""

SlotPosition = Annotated[int, Field(ge=0, lt=MAX_ESSAYS_PER_BATCH)]

ListOfEssays = (Strict(False), FailFast(), Field(max_length=MAX_ESSAYS_PER_BATCH))
"""Bounds of a tuple with one item for each essay. Python code may give a list as well."""
