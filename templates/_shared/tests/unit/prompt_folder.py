"""A small prompt folder for tests."""

from pathlib import Path

FRONT = 'version: "{version}"\nauthor: me\ndate: 2026-01-31\nmodel: any\nvariables: [name]\n'
BODY = "Be kind.\n\n<!-- user -->\nHello {{ name }}"


def write(
    folder: Path, *, versions: str = "1", front: str = "", body: str = BODY, registry: str = 'stable: "1"'
) -> Path:
    """A prompt `greet` with these one-digit versions and its registry."""
    (folder / "greet").mkdir()
    for version in versions:
        head = front or FRONT.format(version=version)
        (folder / f"greet/v{version}.md").write_text(f"---\n{head}---\n{body}", encoding="utf-8")
    release(folder, registry)
    return folder


def release(folder: Path, registry: str) -> None:
    """Write what the registry says about `greet`."""
    (folder / "registry.yaml").write_text(f"prompts: {{greet: {{{registry}}}}}", encoding="utf-8")
