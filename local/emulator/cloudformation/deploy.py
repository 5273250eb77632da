"""Deploys a SAM template as `sam deploy` does: zips to S3, the template to CloudFormation."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.emulator.cloudformation.templates import read_template

BUCKET = "artifacts"
# Property that names local files, per resource type.
LOCAL_FILES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
LEFT_OUT = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def zipped(source: Path, prefix: str = "") -> bytes:
    """Zip a folder or file; equal content gives equal bytes."""
    archive = io.BytesIO()
    files = [source] if source.is_file() else sorted(source.rglob("*"))
    root = source.parent if source.is_file() else source
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for file in files:
            inside = file.relative_to(root)
            if file.is_file() and not LEFT_OUT & set(inside.parts):
                # ZipInfo's own default date is fixed, a file's would differ in every clone.
                entry = zipfile.ZipInfo(prefix + inside.as_posix())
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, file.read_bytes())
    return archive.getvalue()


def _artifact(kind: str, resource: Mapping[str, Any], source: Path) -> tuple[bytes, str]:
    """Return what a resource's local files become in S3, and the ending of its key."""
    if not source.exists():
        raise FileNotFoundError(f"the template names {source}, which does not exist")
    if kind == "AWS::Serverless::StateMachine":
        return source.read_bytes(), source.suffix
    # A layer that `sam build` has to build is one of Python: its source belongs under python/.
    is_layer = kind == "AWS::Serverless::LayerVersion"
    is_built = is_layer and "BuildMethod" in resource.get("Metadata", {})
    return zipped(source, "python/" if is_built else ""), ".zip"


def package(template: Path, upload: Callable[[str, bytes], str]) -> dict[str, Any]:
    """Read a template and replace its local files by where `upload(key, content)` put them."""
    packaged = read_template(template)
    shared = packaged.get("Globals", {}).get("Function", {})
    default = shared.pop("CodeUri", None)
    sent: dict[tuple[str, str], str] = {}
    for resource in packaged.get("Resources", {}).values():
        kind, properties = resource["Type"], resource.setdefault("Properties", {})
        name = LOCAL_FILES.get(kind)
        if name is None:
            continue
        given = properties.get(name, default if kind == "AWS::Serverless::Function" else None)
        if not isinstance(given, str) or re.match(r"s3://", given):
            continue
        # What `sam build` makes a layer of may stand elsewhere (SAM CLI, `ProjectRootDirectory`).
        built_of = resource.get("Metadata", {}).get("ProjectRootDirectory", given)
        if (kind, given) not in sent:
            content, ending = _artifact(kind, resource, template.parent / built_of)
            key = hashlib.sha256(content).hexdigest() + ending
            sent[kind, given] = upload(key, content)
        properties[name] = sent[kind, given]
    return packaged


def deploy(
    client: Callable[[str], Any],
    template: Path,
    parameters: Mapping[str, str],
    stack: str,
    bucket: str = BUCKET,
) -> dict[str, str]:
    """Create the stack, or update the one that is there; return its outputs by name."""
    storage, formation = client("s3"), client("cloudformation")
    storage.create_bucket(Bucket=bucket)

    def upload(key: str, content: bytes) -> str:
        storage.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    packaged = package(template, upload)
    present = [one["StackName"] for one in formation.describe_stacks()["Stacks"]]
    change = formation.update_stack if stack in present else formation.create_stack
    change(
        StackName=stack,
        TemplateBody=json.dumps(packaged),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    made = formation.describe_stacks(StackName=stack)["Stacks"][0]
    if not made["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in made["StackStatus"]:
        told = formation.describe_stack_events(StackName=stack)["StackEvents"]
        reasons = [
            f"{one['LogicalResourceId']}: {one['ResourceStatusReason']}"
            for one in reversed(told)
            if one["ResourceStatus"].endswith("_FAILED")
        ]
        raise RuntimeError(f"{stack}: {made['StackStatus']}: {'; '.join(reasons)}")
    return {output["OutputKey"]: output["OutputValue"] for output in made.get("Outputs", [])}
