"""The AWS query protocol: a form in, XML out, and the check of parameters against the model."""

import pickle
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.core.parse import QueryParser

from local.emulator.rds.protocol.model import SERVICE, members, operation
from local.emulator.rds.protocol.rds_error import RdsError

XMLNS = SERVICE.metadata["xmlNamespace"]
PYTHON_TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "list": list | tuple}


@lru_cache(4096)  # whoever waits asks the same again and again
def read_request(body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and its parameters in a form-encoded request.

    [fact: request-is-checked-first] [fact: unknown-parameters]
    """
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    action = form.get("Action", "")
    model = known(action)
    try:
        request: Any = {"values": form}
        parsed = QueryParser(model).parse(request)
    except ValueError as error:
        raise RdsError("InvalidParameterValue", f"A number was expected: {error}") from error
    top_level = {key.partition(".")[0] for key in form} - {"Action", "Version"}
    # An empty list of lists is left out by the parser, and an unknown name too: say so.
    for name in sorted(top_level - set(members_of(model))):
        raise unknown_parameter(name)
    return action, {name: in_utc(value) for name, value in parsed.items()}


def in_utc(value: Any) -> Any:
    """A time as what RDS shows has it; moto's parser gives it without its zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def known(action: str) -> Any:
    """The model of an operation, or the error that AWS gives.

    [fact: unknown-operations]
    """
    try:
        return operation(action)
    except KeyError:
        raise RdsError(
            "InvalidAction", f"Could not find operation {action} for version 2014-10-31"
        ) from None


def members_of(model: Any) -> Mapping[str, Any]:
    """The input members of an operation."""
    return model.input_shape.members if model.input_shape else {}


def unknown_parameter(name: str) -> RdsError:
    """The answer to a parameter that the model does not have.

    [fact: unknown-parameters]
    """
    return RdsError("ValidationError", f"Unknown parameter: {name}")


def check(action: str, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that are unknown, missing, or of another type than in the model."""
    model = known(action)
    if model.input_shape:
        check_structure(model.input_shape, parameters, "")


def check_structure(shape: Any, given: Any, where: str) -> None:
    """Refuse what does not fit the shape, going into lists and structures.

    [fact: request-is-checked-first] [fact: unknown-parameters]
    """
    if shape.type_name == "structure":
        for name in given:
            if name not in shape.members:
                raise unknown_parameter(f"{where}{name}")
        for name in shape.required_members:
            if given.get(name) in (None, ""):
                raise RdsError(
                    "MissingParameter", f"The request must contain the parameter {where}{name}"
                )
        for name, value in given.items():
            check_structure(shape.members[name], value, f"{where}{name}.")
        return
    expected = PYTHON_TYPES.get(shape.type_name)
    if expected and (not isinstance(given, expected) or (expected is int and given is True)):
        raise RdsError("InvalidParameterValue", f"Invalid value for {where.rstrip('.')}: {given!r}")
    if shape.type_name == "list":
        for item in given:
            check_structure(shape.member, item, where)


def write_answer(action: str, answer: Mapping[str, Any], request_id: str) -> bytes:
    """The XML of a result, which moto's serializer takes ten times as long to write."""
    output = operation(action).output_shape
    result = ""
    if output:
        tag = output.serialization["resultWrapper"]
        result = f"<{tag}>{_structure(output.name, answer)}</{tag}>"
    return (
        f'<{action}Response xmlns="{XMLNS}">{result}<ResponseMetadata>'
        f"<RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    ).encode()


def pickle_answer(action: str, answer: Mapping[str, Any], request_id: str) -> bytes:
    """What botocore would read of the XML, for a function, whose process is on this machine."""
    output = operation(action).output_shape
    read = as_read(output, answer) if output else {}
    return pickle.dumps(read | {"ResponseMetadata": {"RequestId": request_id}})


def as_read(shape: Any, value: Any) -> Any:
    """What botocore reads of a value that was written along this shape: a copy of it."""
    if shape.type_name == "structure":
        known = members(shape.name)
        return {
            name: as_read(known[name], one)
            for name, one in value.items()
            if one is not None and name in known
        }
    if shape.type_name == "list":
        return [as_read(shape.member, one) for one in value]
    if shape.type_name == "timestamp":  # written with milliseconds
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value


def _written_time(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"


SCALARS: dict[str, Callable[[Any], str]] = {
    "string": lambda value: escape(str(value)),
    "boolean": lambda value: "true" if value else "false",
    "timestamp": _written_time,
}


def _writer(shape: Any) -> Callable[[Any], str]:
    """What writes the inside of an element of this shape."""
    if shape.type_name == "structure":
        return partial(_structure, shape.name)
    if shape.type_name == "list":
        write, tag = _writer(shape.member), shape.member.serialization.get("name", "member")
        return lambda given: "".join(f"<{tag}>{write(item)}</{tag}>" for item in given)
    return SCALARS.get(shape.type_name, str)


@cache
def _elements(name: str) -> dict[str, tuple[str, Callable[[Any], str]]]:
    """Of each member of a structure, its element's name and what writes the inside."""
    return {
        member: (shape.serialization.get("name", member), _writer(shape))
        for member, shape in members(name).items()
    }


def _structure(name: str, given: Mapping[str, Any]) -> str:
    """The members of a structure, but for those that the model does not have."""
    elements, parts = _elements(name), []
    for member, value in given.items():
        if value is not None and member in elements:
            tag, write = elements[member]
            parts.append(f"<{tag}>{write(value)}</{tag}>")
    return "".join(parts)


def write_error(error: RdsError, request_id: str) -> bytes:
    """The XML of an error, in the form that every AWS client reads."""
    side = "Sender" if error.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{XMLNS}"><Error><Type>{side}</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
