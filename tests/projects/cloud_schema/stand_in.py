"""Providers that know the real providers' schemas and nothing else: the real terraform core, no cloud.

Terraform talks to them as it talks to a provider, so `validate`, `plan`, `apply` and `test` check every block,
argument, type and reference against the schema. What they create is remembered in the state and nowhere else; a
computed value is a fixed fake. What the real provider or the cloud would refuse beyond the schema goes unseen.

    python -m tests.projects.cloud_schema.stand_in FOLDER_OF_SCHEMAS

serves every `NAME-VERSION.json` of the folder until its standard input closes, and first prints the value of
TF_REATTACH_PROVIDERS that makes terraform use them (no `init` download, no process for each run).
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import msgpack
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

Block = dict[str, Any]
UNKNOWN = msgpack.ExtType(0, b"\x00")
NESTING = pb.Schema.NestedBlock.NestingMode
# Fields of newer protocol revisions that the generated messages do not know, in wire format.
WRITE_ONLY = b"\x58\x01"  # Schema.Attribute.write_only = true (field 11)
EPHEMERAL_SCHEMAS, EPHEMERAL_RESULT = 8, 3


def attribute(name: str, described: dict[str, Any]) -> pb.Schema.Attribute:
    flags = {flag: described.get(flag, False) for flag in ("required", "optional", "computed")}
    made = pb.Schema.Attribute(name=name, type=json.dumps(described["type"]).encode(), **flags)
    if described.get("write_only"):
        made.MergeFromString(WRITE_ONLY)
    return made


def block(described: Block) -> pb.Schema.Block:
    nested = [
        pb.Schema.NestedBlock(
            type_name=name,
            block=block(below["block"]),
            nesting=NESTING.Value(below["nesting_mode"].upper()),
            min_items=below["min_items"],
            max_items=below["max_items"],
        )
        for name, below in sorted(described["block_types"].items())
    ]
    attributes = [attribute(name, a) for name, a in sorted(described["attributes"].items())]
    return pb.Schema.Block(attributes=attributes, block_types=nested)


def schema(described: Block) -> pb.Schema:
    return pb.Schema(version=0, block=block(described))


def allowed(described: Block, in_set: bool = False) -> bool:
    """Terraform refuses a value of dynamic type below a set; the few resources that need one are left out."""
    if in_set and any("dynamic" in json.dumps(a["type"]) for a in described["attributes"].values()):
        return False
    return all(allowed(b["block"], in_set or b["nesting_mode"] == "set") for b in described["block_types"].values())


def decode(value: pb.DynamicValue) -> Any:
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, ext_hook=lambda *_: UNKNOWN, strict_map_key=False)
    return json.loads(value.json or b"null")


def encode(value: Any) -> pb.DynamicValue:
    return pb.DynamicValue(msgpack=msgpack.packb(value, use_bin_type=True))


def fake(kind: Any, path: str) -> Any:
    """A value of a type, the same for the same path."""
    simple = {"number": 1, "bool": False, "dynamic": [b'"string"', "fake"]}
    if kind == "string":
        return f"fake-{hashlib.sha1(path.encode()).hexdigest()[:10]}"
    if isinstance(kind, str):
        return simple[kind]
    if kind[0] == "object":
        return {name: fake(below, f"{path}.{name}") for name, below in kind[1].items()}
    return {} if kind[0] == "map" else [fake(kind[1], f"{path}[0]")]


def fill(described: Block, value: Any, make: Callable[[Any, str], Any] | None, path: str) -> Any:
    """A block's value whose open computed attributes are made by `make(type, path)`; write-only ones are dropped."""
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, a in described["attributes"].items():
        if a.get("write_only"):
            filled[name] = None
        elif make and a.get("computed") and (filled.get(name) is None or filled[name] == UNKNOWN):
            filled[name] = make(a["type"], f"{path}.{name}")
    for name, below in described["block_types"].items():
        inner = filled.get(name)
        if isinstance(inner, list):
            filled[name] = [fill(below["block"], one, make, f"{path}.{name}[{i}]") for i, one in enumerate(inner)]
        else:
            filled[name] = fill(below["block"], inner, make, f"{path}.{name}")
    return filled


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    length, size = len(content), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def described_by(path: Path) -> dict[str, Any]:
    """The schema in a file, without what terraform would refuse."""
    described = json.loads(path.read_text("utf-8"))
    for group in ("resource_schemas", "data_source_schemas", "ephemeral_resource_schemas"):
        described[group] = {name: b for name, b in described[group].items() if allowed(b)}
    return described


def answer(described: dict[str, Any]) -> pb.GetProviderSchema.Response:
    """The answer to GetProviderSchema, which takes a second or two to make."""
    made = pb.GetProviderSchema.Response(
        provider=schema(described["provider"]),
        resource_schemas={name: schema(b) for name, b in described["resource_schemas"].items()},
        data_source_schemas={name: schema(b) for name, b in described["data_source_schemas"].items()},
    )
    for name, b in described["ephemeral_resource_schemas"].items():
        entry = field(1, name.encode()) + field(2, schema(b).SerializeToString())
        made.MergeFromString(field(EPHEMERAL_SCHEMAS, entry))
    return made


class StandIn(rpc.ProviderServicer):
    """Terraform's plugin protocol, version 6."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.schema_answer = answer(described)
        self.resources = described["resource_schemas"]
        self.data = described["data_source_schemas"]
        self.ephemeral = described["ephemeral_resource_schemas"]

    def GetMetadata(self, request: Any, _: Any) -> Any:
        return pb.GetMetadata.Response(
            resources=[pb.GetMetadata.ResourceMetadata(type_name=name) for name in self.resources],
            data_sources=[pb.GetMetadata.DataSourceMetadata(type_name=name) for name in self.data],
        )

    def GetProviderSchema(self, request: Any, _: Any) -> Any:
        return self.schema_answer

    def ValidateProviderConfig(self, request: Any, _: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, _: Any) -> Any:
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, _: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, _: Any) -> Any:
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request: Any, _: Any) -> Any:
        return pb.StopProvider.Response()

    def UpgradeResourceState(self, request: Any, _: Any) -> Any:
        return pb.UpgradeResourceState.Response(upgraded_state=pb.DynamicValue(json=request.raw_state.json))

    def ReadResource(self, request: Any, _: Any) -> Any:
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    def PlanResourceChange(self, request: Any, _: Any) -> Any:
        proposed, prior = decode(request.proposed_new_state), decode(request.prior_state)
        described = self.resources[request.type_name]
        if proposed is not None:
            # What exists keeps its computed values; of something new they are not known yet.
            proposed = fill(described, proposed, None if prior else lambda kind, path: UNKNOWN, request.type_name)
        return pb.PlanResourceChange.Response(planned_state=encode(proposed))

    def ApplyResourceChange(self, request: Any, _: Any) -> Any:
        described, planned = self.resources[request.type_name], decode(request.planned_state)
        return pb.ApplyResourceChange.Response(new_state=encode(fill(described, planned, fake, request.type_name)))

    def ReadDataSource(self, request: Any, _: Any) -> Any:
        config = decode(request.config)
        return pb.ReadDataSource.Response(
            state=encode(fill(self.data[request.type_name], config, fake, f"data.{request.type_name}"))
        )

    def open_ephemeral(self, request: Any, _: Any) -> bytes:
        config = decode(request.config)
        value = fill(self.ephemeral[request.type_name], config, fake, f"ephemeral.{request.type_name}")
        return field(EPHEMERAL_RESULT, encode(value).SerializeToString())


def newer_calls(provider: StandIn) -> grpc.GenericRpcHandler:
    """The calls for ephemeral resources, which the generated code does not know; an empty answer means success."""
    read = pb.ReadDataSource.Request.FromString  # the request has the same first two fields
    empty = grpc.unary_unary_rpc_method_handler(lambda request, context: b"")
    calls = {
        "ValidateEphemeralResourceConfig": empty,
        "OpenEphemeralResource": grpc.unary_unary_rpc_method_handler(
            provider.open_ephemeral, request_deserializer=read
        ),
        "CloseEphemeralResource": empty,
    }
    return grpc.method_handlers_generic_handler("tfplugin6.Provider", calls)


def start(schema_file: Path, socket: Path) -> grpc.Server:
    """A running server for one provider."""
    server, provider = grpc.server(ThreadPoolExecutor(max_workers=10)), StandIn(described_by(schema_file))
    server.add_generic_rpc_handlers((newer_calls(provider),))
    rpc.add_ProviderServicer_to_server(provider, server)
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    return server


def main(folder: Path) -> None:
    """Serve every schema of a folder until standard input closes."""
    with tempfile.TemporaryDirectory() as sockets:
        servers, attached = [], {}
        for schema_file in sorted(folder.glob("*.json")):
            name = schema_file.stem.split("-")[0]
            socket = Path(sockets, name)
            servers.append(start(schema_file, socket))
            attached[f"registry.terraform.io/hashicorp/{name}"] = {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                "Test": True,
                "Addr": {"Network": "unix", "String": str(socket)},
            }
        sys.stdout.write(f"{json.dumps(attached)}\n")
        sys.stdout.flush()
        sys.stdin.read()
        for server in servers:
            server.stop(grace=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
