#!/usr/bin/env python3
"""Makes the constant tables of one service model.

  tools/model_tables.py IN.json OUT.cc

OUT.cc defines `stepmill::models::kNAME`, a ServiceModel of src/gate/model.h, from the model cut
down by tools/cut_model.py.
"""
import json
import pathlib
import re
import sys

LOCATIONS = {"uri": "kUri", "querystring": "kQuery", "header": "kHeader", "headers": "kHeaders",
             "statusCode": "kStatusCode"}
PROTOCOLS = {"json": "kJson", "query": "kQuery", "rest-xml": "kRestXml", "rest-json": "kRestJson",
             "smithy-rpc-v2-cbor": "kCbor"}


def text(value):
    """A C++ string literal; \\x escapes end with a new literal, so that no digit follows them."""
    out = ['"']
    for byte in value.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif char == "?":
            out.append("\\?")
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return "".join(out) + '"'


def constant(service):
    """sagemaker-runtime -> kSagemakerRuntime."""
    return "k" + "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]", service))


def member(name, ref, model, required=False, refused=False):
    shape = model["shapes"][ref["shape"]]
    fields = [f".name = {text(name)}", f".shape = &kShape_{ref['shape']}"]
    if ref.get("locationName"):
        fields.append(f".location_name = {text(ref['locationName'])}")
    if ref.get("location"):
        fields.append(f".location = ShapeMember::Location::{LOCATIONS[ref['location']]}")
    if required:
        fields.append(".is_required = true")
    if ref.get("flattened") or shape.get("flattened"):
        fields.append(".is_flattened = true")
    if ref.get("streaming") or shape.get("streaming"):
        fields.append(".is_streaming = true")
    if refused:
        fields.append(".is_refused = true")
    if ref.get("xmlAttribute"):
        fields.append(".is_attribute = true")
    stamp = ref.get("timestampFormat") or shape.get("timestampFormat")
    if stamp:
        fields.append(f".timestamp_format = {text(stamp)}")
    if ref.get("xmlNamespace"):
        space = ref["xmlNamespace"]
        fields.append(f".xml_namespace = {text(space if isinstance(space, str) else space['uri'])}")
    return "{" + ", ".join(fields) + "}"


def is_secret(name, model, seen):
    """Whether a value of this shape may hold something that the model calls sensitive."""
    if name in seen:
        return False
    seen.add(name)
    shape = model["shapes"][name]
    parts = [*shape.get("members", {}).values(),
             *(shape[part] for part in ("member", "key", "value") if part in shape)]
    return bool(shape.get("sensitive")) or any(is_secret(p["shape"], model, seen) for p in parts)


def number(value):
    return repr(float(value))


def shape_lines(name, shape, model):
    lines = []
    fields = [f".name = {text(name)}",
              f".type = Shape::Type::k{shape['type'].capitalize()}"]
    if shape["type"] == "structure" and shape.get("members"):
        required = set(shape.get("required", []))
        refused = model.get("refused", {}).get(name, [])
        lines.append(f"constexpr ShapeMember kMembers_{name}[] = {{")
        for key, ref in shape["members"].items():
            lines.append(f"    {member(key, ref, model, key in required, key in refused)},")
        lines.append("};")
        fields.append(f".members = kMembers_{name}")
    if shape["type"] == "list":
        fields.append(f".item = {member('member', shape['member'], model)}")
    if shape["type"] == "map":
        fields.append(f".item = {member('value', shape['value'], model)}")
        fields.append(f".key = {member('key', shape['key'], model)}")
    for key in ("min", "max"):
        if key in shape:
            fields.append(f".{key} = {number(shape[key])}")
    if shape.get("pattern"):
        fields.append(f".pattern = {text(shape['pattern'])}")
    if shape.get("enum"):
        values = ", ".join(text(v) for v in shape["enum"])
        lines.append(f"constexpr std::string_view kEnum_{name}[] = {{{values}}};")
        fields.append(f".enums = kEnum_{name}")
    for flag, field in (("flattened", "is_flattened"), ("union", "is_union"),
                        ("sensitive", "is_sensitive"), ("eventstream", "is_event_stream")):
        if shape.get(flag):
            fields.append(f".{field} = true")
    if shape.get("payload"):
        fields.append(f".payload = {text(shape['payload'])}")
    if shape.get("locationName"):
        fields.append(f".location_name = {text(shape['locationName'])}")
    if shape.get("xmlNamespace"):
        space = shape["xmlNamespace"]
        fields.append(f".xml_namespace = {text(space if isinstance(space, str) else space['uri'])}")
    if shape.get("timestampFormat"):
        fields.append(f".timestamp_format = {text(shape['timestampFormat'])}")
    if name in model.get("nonFinite", []):
        fields.append(".takes_non_finite = true")
    if shape.get("exception"):
        fields.append(".is_error = true")
        error = shape.get("error", {})
        if error.get("code"):
            fields.append(f".error_code = {text(error['code'])}")
        if error.get("httpStatusCode"):
            fields.append(f".http_status = {error['httpStatusCode']}")
        elif shape.get("fault"):
            fields.append(".http_status = 500")
    lines.append(f"extern constexpr Shape kShape_{name} = {{{', '.join(fields)}}};")
    return lines


def main():
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    model = json.loads(source.read_text())
    meta = model["metadata"]
    service = source.stem
    space = meta.get("xmlNamespace", "")
    out = [f"// Made by tools/model_tables.py from models/{source.name}.", '#include "gate/model.h"', "",
           "namespace stepmill::models {", f"namespace {service.replace('-', '_')}_tables {{", ""]
    out += [f"extern const Shape kShape_{name};" for name in model["shapes"]]
    for name, shape in model["shapes"].items():
        out += shape_lines(name, shape, model)
    for name, refused in model.get("refused", {}).items():
        unknown = set(refused) - set(model["shapes"][name].get("members", {}))
        if unknown:
            sys.exit(f"{source}: refused: {name} has no member {', '.join(sorted(unknown))}")
    errors = [name for name, shape in model["shapes"].items() if shape.get("exception")]
    operations = []
    for name, operation in sorted(model["operations"].items()):
        http = operation.get("http", {})
        fields = [f".name = {text(name)}", f".http_method = {text(http.get('method', 'POST'))}",
                  f".uri = {text(http.get('requestUri', '/'))}"]
        if http.get("responseCode"):
            fields.append(f".response_code = {http['responseCode']}")
        for part in ("input", "output"):
            if part in operation:
                fields.append(f".{part} = &kShape_{operation[part]['shape']}")
        wrapper = operation.get("output", {}).get("resultWrapper")
        if wrapper:
            fields.append(f".result_wrapper = {text(wrapper)}")
        own = [e["shape"] for e in operation.get("errors", [])]
        if own:
            refs = ", ".join(f"&kShape_{e}" for e in own)
            out.append(f"constexpr const Shape* kErrors_{name}[] = {{{refs}}};")
            fields.append(f".errors = kErrors_{name}")
        if operation.get("unsignedPayload"):
            fields.append(".is_unsigned_payload = true")
        if "output" in operation and is_secret(operation["output"]["shape"], model, set()):
            fields.append(".has_secret_output = true")
        operations.append("    {" + ", ".join(fields) + "},")
    out += ["constexpr ModelOperation kOperations[] = {", *operations, "};"]
    if errors:
        refs = ", ".join(f"&kShape_{e}" for e in errors)
        out.append(f"constexpr const Shape* kAllErrors[] = {{{refs}}};")
    protocol = PROTOCOLS[meta["protocol"]]
    protocols = [PROTOCOLS[p] for p in meta.get("protocols", [meta["protocol"]])]
    refs = ", ".join(f"ServiceModel::Protocol::{p}" for p in protocols)
    out.append(f"constexpr ServiceModel::Protocol kProtocols[] = {{{refs}}};")
    fields = [f".service = {text(service)}", f".protocol = ServiceModel::Protocol::{protocol}",
              ".protocols = kProtocols",
              f".is_query_compatible = {'true' if 'awsQueryCompatible' in meta else 'false'}",
              f".json_version = {text(meta.get('jsonVersion', '1.1'))}",
              f".endpoint_prefix = {text(meta['endpointPrefix'])}",
              f".signing_name = {text(meta.get('signingName') or meta['endpointPrefix'])}",
              f".target_prefix = {text(meta.get('targetPrefix', ''))}",
              f".api_version = {text(meta['apiVersion'])}",
              f".xml_namespace = {text(space if isinstance(space, str) else space['uri'])}",
              f".service_id = {text(meta.get('serviceId', service))}",
              ".operations = kOperations", f".errors = {'kAllErrors' if errors else '{}'}"]
    out += ["", f"}}  // namespace {service.replace('-', '_')}_tables", "",
            f"using namespace {service.replace('-', '_')}_tables;",
            f"extern constexpr ServiceModel {constant(service)} = {{", "    " + ",\n    ".join(fields),
            "};", "", "}  // namespace stepmill::models", ""]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(out))


if __name__ == "__main__":
    main()
