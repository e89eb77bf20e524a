"""A provider's schema, read from its prebuilt CDK bindings.

The bindings wheel of a provider (`cdktn-provider-azurerm`, …) holds one JavaScript class per resource, generated
from the real provider's schema. Comments name each attribute and whether it is required, optional or computed; the
code around them tells its type and nesting. From that we rebuild what `terraform providers schema -json` would say:

    python -m tests.projects.cloud_schema.bindings FOLDER_WITH_THE_INSTALLED_WHEEL azurerm.json

Known limits: validators of the provider itself (allowed values, conflicts between arguments) are not in the schema.
"""

import json
import re
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Type = str | list[Any]
Block = dict[str, Any]

CLASS = re.compile(r"^class (\w+) extends cdkt\w\.(\w+)", re.M)
ATTRIBUTE = re.compile(
    r"// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n"
    r"(.*?)(?=\n    // \w+ - computed|\n    // =+|\n}\n|\Z)",
    re.S,
)
FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{(.*?)^\}", re.M | re.S)
GETTER = re.compile(
    r"this\.get(String|Number|Boolean|List|NumberList|StringMap|NumberMap|BooleanMap|AnyMap)Attribute\("
)
PLAIN_MAP = re.compile(r"= new cdkt\w\.(String|Number|Boolean)(Map|MapList)\(")
STRUCT = re.compile(r"= new (?!cdkt)(?:\w+\.)?(\w+?)(OutputReference|List|Map)\(this, \"(\w+)\"(?:, (true|false))?")
PRIMITIVE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
GROUPS = {
    "TerraformResource": "resource_schemas",
    "TerraformDataSource": "data_source_schemas",
    "TerraformEphemeralResource": "ephemeral_resource_schemas",
}
DEEPEST = 10  # a few resources (web ACLs) contain themselves


def _entry(indent: int) -> re.Pattern[str]:
    pad = " " * indent
    return re.compile(
        rf"^{pad}(\w+): \{{\n\s+value: (.*?),\n\s+isBlock: (true|false),\n\s+"
        rf'type: "(\w+)",\n\s+storageClassType: "(\w+)"',
        re.M | re.S,
    )


OF_RESOURCE, OF_STRUCT = _entry(12), _entry(8)


@dataclass(frozen=True)
class Struct:
    """A nested structure: the class that describes it, how it is held, whether it is a set."""

    name: str
    holder: str
    is_set: bool


@dataclass
class Source:
    """The JavaScript of one resource; a large one keeps its structures in files of their own."""

    text: str
    classes: dict[str, tuple[str, str]] = field(init=False)
    entries: dict[str, dict[str, tuple[bool, str, str]]] = field(init=False)

    def __post_init__(self) -> None:
        heads = [(m.start(), m[1], m[2]) for m in CLASS.finditer(self.text)]
        ends = [*(start for start, _, _ in heads[1:]), len(self.text)]
        self.classes = {
            name: (base, self.text[start:end]) for (start, name, base), end in zip(heads, ends, strict=False)
        }
        self.entries = {m[1]: _entries(m[2], OF_STRUCT) for m in FUNCTION.finditer(self.text)}

    def block(self, body: str, entries: dict[str, tuple[bool, str, str]], depth: int = 0) -> Block:
        """The schema of the block that a class describes."""
        found: Block = {"attributes": {}, "block_types": {}}
        for m in ATTRIBUTE.finditer(body) if depth <= DEEPEST else ():
            name, required = m[1], m[4] == "true"
            is_block, kind, storage = entries.get(name, (False, "", ""))
            struct = _struct(m[5])
            if is_block and struct:
                found["block_types"][name] = self._nested(struct, kind, required, depth)
            elif name != "fqn":
                found["attributes"][name] = {
                    "type": self._type(m[5], kind, storage, struct),
                    "computed": m[2] == "true",
                    "optional": m[3] == "true",
                    "required": required,
                    # The bindings do not say it; both providers name such arguments this way.
                    "write_only": name.endswith("_wo"),
                }
        return found

    def _nested(self, struct: Struct, kind: str, required: bool, depth: int) -> Block:
        nesting = {"struct": "single", "map": "map"}.get(kind, kind)
        repeats = nesting in ("list", "set")
        body = self.classes.get(f"{struct.name}OutputReference", ("", ""))[1]
        return {
            "nesting_mode": nesting,
            "block": self.block(body, self.entries.get(_lower(struct.name), {}), depth + 1),
            "min_items": int(required and repeats),
            "max_items": int(struct.holder == "OutputReference" and repeats),
        }

    def _type(self, body: str, kind: str, storage: str, struct: Struct | None) -> Type:
        if struct:
            found = _held(self._object(struct.name), struct, single=kind in ("struct", "object"), as_set=kind == "set")
            return "dynamic" if _has_dynamic(found) else found
        declared = _declared(kind, storage)
        return _getter(body) or declared if declared == "dynamic" else declared

    def _object(self, name: str, above: tuple[str, ...] = ()) -> Type:
        types: dict[str, Type] = {}
        for m in ATTRIBUTE.finditer(self.classes.get(f"{name}OutputReference", ("", ""))[1]):
            struct = _struct(m[5])
            if struct and struct.name not in above:
                types[m[1]] = _held(self._object(struct.name, (*above, name)), struct, single=True, as_set=False)
            else:
                types[m[1]] = _getter(m[5]) or "dynamic"
        return ["object", types]

    def provider(self, body: str) -> Block:
        """The schema of the provider's own block, which has no comments to read."""
        functions = {m[1]: m[2] for m in FUNCTION.finditer(self.text)}

        def read(text: str, entry: re.Pattern[str]) -> Block:
            found: Block = {"attributes": {}, "block_types": {}}
            for m in entry.finditer(text):
                if m[3] == "true":
                    below = re.search(r"([a-z]\w+)ToHclTerraform", m[2])
                    nesting = "single" if m[4] == "struct" else m[4]
                    one = "listMapperHcl" not in m[2] and nesting != "single"
                    inner = read(functions.get(below[1], "") if below else "", OF_STRUCT)
                    found["block_types"][m[1]] = {
                        "nesting_mode": nesting,
                        "block": inner,
                        "min_items": 0,
                        "max_items": int(one),
                    }
                else:
                    found["attributes"][m[1]] = {"type": _declared(m[4], m[5]), "optional": True}
            return found

        return read(_arguments(body), OF_RESOURCE)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _entries(text: str, pattern: re.Pattern[str]) -> dict[str, tuple[bool, str, str]]:
    return {m[1]: (m[3] == "true", m[4], m[5]) for m in pattern.finditer(text)}


def _arguments(body: str) -> str:
    found = re.search(r"synthesizeHclAttributes\(\) \{(.*?)\n    \}", body, re.S)
    return found[1] if found else ""


def _struct(body: str) -> Struct | None:
    found = STRUCT.search(body)
    return Struct(found[1], found[2], found[4] == "true") if found else None


def _held(inner: Type, struct: Struct, *, single: bool, as_set: bool) -> Type:
    if struct.holder == "OutputReference" and single:
        return inner
    if struct.holder == "Map":
        return ["map", inner]
    return ["set" if struct.is_set or as_set else "list", inner]


def _declared(kind: str, storage: str) -> Type:
    if kind == "simple":
        return PRIMITIVE.get(storage, "dynamic")
    found = re.match(r"(string|number|boolean|any)(List|Map|Set)$", storage)
    return [kind, PRIMITIVE[found[1]]] if found and kind in ("list", "set", "map") else "dynamic"


def _getter(body: str) -> Type | None:
    plain = PLAIN_MAP.search(body)
    if plain:
        inner: Type = ["map", PRIMITIVE[plain[1].lower()]]
        return inner if plain[2] == "Map" else ["list", inner]
    found = GETTER.search(body)
    if not found:
        return None
    many = "set" if "Fn.tolist" in body else "list"
    types: dict[str, Type] = {
        "String": "string",
        "Number": "number",
        "Boolean": "bool",
        "List": [many, "string"],
        "NumberList": [many, "number"],
        "StringMap": ["map", "string"],
        "NumberMap": ["map", "number"],
        "BooleanMap": ["map", "bool"],
        "AnyMap": ["map", "string"],
    }
    return types[found[1]]


def _has_dynamic(found: Type) -> bool:
    return "dynamic" in json.dumps(found)


def read(text: str) -> Iterator[tuple[str, str, Block]]:
    """(base class, Terraform's name, schema) of every resource, data source and provider in a text."""
    source = Source(text)
    for base, body in source.classes.values():
        named = re.search(r"\btfResourceType = [\"'](\w+)[\"']", body)
        if named and base == "TerraformProvider":
            yield base, named[1], source.provider(body)
        elif named and base in GROUPS:
            yield base, named[1], source.block(body, _entries(_arguments(body), OF_RESOURCE))


def _sources(archive: Path) -> dict[str, str]:
    """The JavaScript of each resource in a bindings archive, its structures included."""
    texts: dict[str, str] = {}
    with tarfile.open(archive) as files:
        for member in files:
            found = re.search(r"/lib/([^/]+)/.*\.js$", member.name)
            content = files.extractfile(member) if found else None
            if found and content:
                texts[found[1]] = texts.get(found[1], "") + content.read().decode("utf-8")
    return texts


def extract(installed: Path) -> dict[str, Any]:
    """The schema of the provider whose bindings wheel is installed in a folder."""
    (archive,) = installed.glob("*/_jsii/*.jsii.tgz")
    schema: dict[str, Any] = {"version": "", "provider": {}, **{group: {} for group in GROUPS.values()}}
    for text in _sources(archive).values():
        version = re.search(r"providerVersion: '([^']+)'", text)
        schema["version"] = version[1] if version else schema["version"]
        for base, name, block in read(text):
            if base == "TerraformProvider":
                schema["provider"] = block
            else:
                schema[GROUPS[base]][name.removeprefix("data_")] = block
    return schema


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(extract(Path(sys.argv[1])), separators=(",", ":"), sort_keys=True), "utf-8")
