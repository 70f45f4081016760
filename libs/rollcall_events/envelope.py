"""The envelope every event travels in, and the base of what it carries."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar, cast
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from rollcall_events.fields import Identifier, Text

MAX_METADATA_ENTRIES = 64
Metadata = Annotated[
    dict[Identifier, Annotated[str, Text(min_chars=0, max_chars=4_096)]],
    Field(max_length=MAX_METADATA_ENTRIES),
]


class Contract(BaseModel):
    """Base of everything in an event: immutable, exact about types; unknown fields are dropped."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    @classmethod
    def of_known(cls, fields: dict[str, Any]) -> Self:
        """Build from values of every field that are known to be right; nothing is checked.

        What `model_construct` does, at a fifth of its price. `fields` becomes part of the result.
        """
        made = cls.__new__(cls)
        set_attribute = object.__setattr__
        set_attribute(made, "__dict__", fields)
        set_attribute(made, "__pydantic_fields_set__", _field_names(cls))
        set_attribute(made, "__pydantic_extra__", None)
        set_attribute(made, "__pydantic_private__", None)
        return made


@cache
def _field_names(model: type[Contract]) -> frozenset[str]:
    """The names of all fields, one set for all instances."""
    return frozenset(model.__pydantic_fields__)


class EventData(Contract):
    """What an event says. Each subclass names its type and the version of its schema."""

    event_type: ClassVar[str]
    schema_version: ClassVar[int] = 1

    @classmethod
    def envelope(cls) -> "type[Envelope[Self]]":
        """Give the envelope that takes this event's type and version alone. Built once."""
        return cast("type[Envelope[Self]]", _envelope_of(cls))

    def enveloped(
        self,
        *,
        event_id: UUID,
        event_timestamp: datetime,
        source_service: str,
        correlation_id: UUID,
        metadata: dict[str, str] | None = None,
    ) -> "Envelope[Self]":
        """Wrap this event for sending.

        Raises:
            pydantic.ValidationError: for example, when `event_timestamp` carries no time zone.
        """
        return self.envelope()(
            event_id=event_id,
            event_type=self.event_type,
            event_timestamp=event_timestamp,
            source_service=source_service,
            schema_version=type(self).schema_version,
            correlation_id=correlation_id,
            data=self,
            metadata=metadata or {},
        )


DataT = TypeVar("DataT", bound=EventData)


class Envelope(Contract, Generic[DataT]):
    """An event with its identity, origin and trace context.

    `Envelope[EssayContentProvisionedV1]` takes any type and version beside such data. A consumer
    decodes with `EssayContentProvisionedV1.envelope()`, which takes only the right ones.
    """

    event_id: UUID
    event_type: Identifier
    event_timestamp: AwareDatetime
    source_service: Identifier
    schema_version: Annotated[int, Field(ge=1)]
    correlation_id: UUID
    data: DataT
    metadata: Metadata = {}


class _Integer:
    """Annotation of a literal number: a literal alone would take `true` and `1.0` for 1."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.chain_schema([core_schema.int_schema(strict=True), handler(source)])

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        steps = cast("core_schema.ChainSchema", schema)["steps"]
        return handler(steps[-1])


@cache
def _envelope_of(model: type[EventData]) -> type[Envelope[Any]]:
    exactly: dict[str, Any] = {
        "event_type": (Literal[model.event_type], ...),
        "schema_version": (Annotated[Literal[model.schema_version], _Integer()], ...),
    }
    return create_model(
        f"{model.event_type}Envelope",
        __base__=Envelope[model],  # type: ignore[valid-type]
        __module__=model.__module__,
        **exactly,
    )
