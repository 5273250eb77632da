"""AWS calls as data: who asked which service for what, and the errors a fault answers with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from botocore.model import OperationModel, ServiceModel
from moto.core.parse import QueryParser
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict

from local.emulator.rds.protocol.wire import write_answer

# A request is signed for the service's signing name; boto3's clients are named otherwise here.
CLIENTS = {
    "states": "stepfunctions", "monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi",
}  # fmt: skip
LATER_SES = re.compile("^/v2/email/")  # both SES APIs sign as "ses"


@dataclass
class Call:
    """One call to AWS; `service` is the name of boto3's client, `error` the code, "" when none."""

    time: float
    caller: str  # a function's logical id or name, "states", "events" or "outside"
    service: str
    operation: str
    parameters: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    region: str = ""
    account: str = ""
    # What it needed of its role's policies, action and resource each.
    grants: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call: an error as its answer, or what the functions below make."""

    code: str = ""
    message: str = ""
    status: int = 400
    carried_out: bool = False
    end: str = "answered"
    nothing: bool = False  # RDS's answer to a filter that fits nothing, in place of an error


def lost(*, carried_out: bool = True) -> Fault:
    """Make the fault of an answer that never arrives, after the call took effect or before."""
    return Fault(carried_out=carried_out, end="lost")


def killed(*, carried_out: bool) -> Fault:
    """Make the fault of a function whose process dies right after or right before its call."""
    return Fault(carried_out=carried_out, end="killed")


def hung() -> Fault:
    """Make the fault of a function that hangs right after its call, until Lambda's time-out."""
    return Fault(carried_out=True, end="hung")


@dataclass(frozen=True)
class Credential:
    """Who signed a request, for which service and region."""

    access_key: str = ""
    region: str = "us-east-1"
    service: str = ""


def credential(environ: Mapping[str, Any]) -> Credential:
    """Read the signature's scope out of a WSGI environment."""
    found = re.search(
        r"Credential=([^/,]+)/[^/]+/([^/]*)/([^/]+)/aws4_request",
        environ.get("HTTP_AUTHORIZATION", ""),
    )
    if not found:
        return Credential()
    access_key, region, service = found.groups()
    if service == "ses" and LATER_SES.search(environ.get("PATH_INFO", "")):
        service = "sesv2"
    return Credential(access_key, region, CLIENTS.get(service, service))


def read(environ: Mapping[str, Any], service: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """Tell the operation that a request asks for, and its parameters as far as they are known."""
    if not service:
        return "", {}
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rsplit(".", 1)[-1], _json(body)
    model = get_service_model(service)
    if model.metadata["protocol"] in {"query", "ec2"}:
        return _read_query(service, body)
    return _read_path(model, environ, body)


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


@lru_cache(4096)  # whoever waits asks the same again and again
def _read_query(service: str, body: bytes) -> tuple[str, dict[str, Any]]:
    model = get_service_model(service)
    values: MultiDict[str, str] = MultiDict(
        parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    )
    name = values.get("Action", "")
    if name not in model.operation_names:
        return name, {}
    request = {"values": values, "body": body, "headers": {}, "url_params": {}}
    return name, dict(QueryParser(model.operation_model(name)).parse(request))


@cache
def _paths(service: str) -> list[tuple[str, re.Pattern[str], frozenset[str], str]]:
    """List a REST service's operations: method, path pattern, required query keys, name."""
    model = get_service_model(service)
    paths = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        parts = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/"))
        pattern = re.escape(parts[0])
        for label, greedy, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            pattern += f"(?P<{label}>{'.+' if greedy else '[^/]+'})" + re.escape(rest)
        keys = frozenset(part.partition("=")[0] for part in query.split("&") if part)
        paths.append((http["method"], re.compile(pattern + "/?$"), keys, name))
    return sorted(paths, key=lambda path: -len(path[2]))


def _read_path(
    model: ServiceModel, environ: Mapping[str, Any], body: bytes
) -> tuple[str, dict[str, Any]]:
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    raw = environ.get("REQUEST_URI", environ.get("PATH_INFO", "")).partition("?")[0]
    for method, pattern, keys, name in _paths(model.service_name):
        if environ.get("REQUEST_METHOD") != method or not keys <= query.keys():
            continue
        # S3's CopyObject and PutObject differ in this header only.
        is_copy = name in {"CopyObject", "UploadPartCopy"}
        if is_copy and "HTTP_X_AMZ_COPY_SOURCE" not in environ:
            continue
        if found := pattern.match(raw):
            labels = {key: unquote(value) for key, value in found.groupdict().items()}
            return name, labels | _body(model.operation_model(name), body)
    return "", {}


def _body(operation: OperationModel, body: bytes) -> dict[str, Any]:
    if operation.service_model.metadata["protocol"] != "rest-json":
        return {}
    payload = operation.input_shape.serialization.get("payload") if operation.input_shape else None
    if payload:
        return {payload: _json(body) or body}
    return _json(body)


def error_answer(call: Call, fault: Fault) -> tuple[int, dict[str, str], bytes]:
    """Write a fault's error as the service would: status, headers, body."""
    if fault.nothing:
        shape = get_service_model(call.service).operation_model(call.operation).output_shape
        lists: dict[str, list[Any]] = {
            name: [] for name, one in shape.members.items() if one.type_name == "list"
        }
        return 200, {"Content-Type": "text/xml"}, write_answer(call.operation, lists, "fault")
    protocol = get_service_model(call.service).metadata["protocol"]
    code, message = fault.code, fault.message or f"{fault.code} (a fault)"
    if protocol in {"query", "ec2", "rest-xml"}:
        error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        if protocol != "rest-xml":
            error = f"<ErrorResponse>{error}<RequestId>fault</RequestId></ErrorResponse>"
        return fault.status, {"Content-Type": "text/xml"}, error.encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "x-amzn-errortype": code,
        "x-amzn-requestid": "fault",
    }
    return fault.status, headers, json.dumps({"__type": code, "message": message}).encode()


def error_code(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Read the error code out of an answer; "" when it is none."""
    if status < 400:
        return ""
    named = {name.lower(): value for name, value in headers.items()}.get("x-amzn-errortype")
    code = named or _json(body).get("__type")
    if not code:
        found = re.search(rb"<Code>([^<]+)</Code>", body)
        code = found.group(1).decode() if found else str(status)
    return str(code).partition(":")[0].rpartition("#")[2]
