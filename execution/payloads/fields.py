"""The types of values in a payload: the Python type, and the form of the value on pages and in the API.

Pages and sockets get a payload unchanged. The API's answers are made from the same dictionaries. Their times are ISO
8601, an unknown text is null, and fields that only pages need are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import Field, GetPydanticSchema, SkipValidation
from pydantic_core import core_schema

from execution.core.states import OrderStatus
from execution.core.types import Side, Unit
from execution.payloads.encode import moment_of

T = TypeVar("T")


def about(text: str) -> Any:
    """Return an annotation that describes a field in the API's document."""
    return Field(description=text)


def _written(as_api: Callable[[Any], Any], **json_schema: Any) -> GetPydanticSchema:
    return GetPydanticSchema(
        lambda _source, _handler: core_schema.no_info_plain_validator_function(as_api),
        lambda _schema, _handler: dict(json_schema),
    )


#: An exact decimal number as text. The pattern is documented, but answers are not checked against it.
DecimalStr = Annotated[str, Field(json_schema_extra={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"})]
#: Milliseconds since 1970, UTC.
EpochMs = Annotated[
    int,
    _written(moment_of, type="string", format="date-time"),
]
#: A text that is unknown when it is empty. Pages get the empty text, the API null.
OptionalText = Annotated[
    str, _written(lambda value: value or None, anyOf=[{"type": "string"}, {"type": "null"}])
]
#: The members of an enumeration, as the text that is stored for them.
SideText = Annotated[str, GetPydanticSchema(lambda _source, handler: handler(Side))]
UnitText = Annotated[str, GetPydanticSchema(lambda _source, handler: handler(Unit))]
StatusText = Annotated[str, GetPydanticSchema(lambda _source, handler: handler(OrderStatus))]
#: A field that only pages and sockets get.
PageOnly = Annotated[T, SkipValidation, Field(exclude=True)]
