"""An archive is unpacked in memory, inside limits; what is dangerous is refused, what is not code is left out."""

import io
import stat
import zipfile

import pytest

from app.devtools.code import MAX_CODE_BYTES
from app.devtools.repository import MAX_ENTRIES, MAX_FILES, MAX_UNPACKED_BYTES, OTHER_PEOPLES, unpack
from app.errors import AppError, InvalidInput, UnreadableDocument
from tests.devtools.archives import archive

READABLE = (".py", ".md")


def names(data: bytes) -> list[str]:
    return [source.name for source in unpack("bank", data, READABLE).sources]


def test_files_are_named_after_the_repository() -> None:
    assert names(archive({"coins/box.py": b"x = 1", "README.md": b"# Bank"})) == ["bank/coins/box.py", "bank/README.md"]


def test_the_folder_around_a_commit_is_taken_off() -> None:
    assert names(archive({"bank-1f2e3d/a.py": b"x = 1", "bank-1f2e3d/b/c.py": b"y = 2"})) == [
        "bank/a.py",
        "bank/b/c.py",
    ]


def test_what_is_left_out_is_told() -> None:
    files = {
        "a.py": b"x = 1",
        "node_modules/left/pad.py": b"x",
        ".git/hook.py": b"x",
        "dist/a_pb2.py": b"x",
        "photo.png": b"\x89PNG",
        "inner.zip": archive({"a.py": b"x"}),
        "binary.py": b"\0\1",
        "empty.py": b" \n",
        "huge.py": b"x" * (MAX_CODE_BYTES + 1),
    }
    repository = unpack("bank", archive(files), READABLE)
    assert [source.name for source in repository.sources] == ["bank/a.py"]
    assert repository.left_out == {OTHER_PEOPLES: 3, "of an unknown type": 2, "empty, binary or too large": 3}


def test_a_link_is_not_followed() -> None:
    link = zipfile.ZipInfo("secrets.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(archive({"a.py": b"x = 1"}))
    with zipfile.ZipFile(buffer, "a") as opened:
        opened.writestr(link, "/etc/passwd")
    assert unpack("bank", buffer.getvalue(), READABLE).left_out == {"a link": 1}


@pytest.mark.parametrize("name", ["../up.py", "/etc/cron.py", "a/../../b.py", "C:\\x.py", "a\nb.py", "a//b.py"])
def test_a_name_that_leaves_the_repository_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="no document name"):
        unpack("bank", archive({name: b"x", "a.py": b"x"}), READABLE)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = archive({"a.py": b"\n" * (MAX_UNPACKED_BYTES + 1)})
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableDocument, match="would unpack to"):
        unpack("bank", bomb, READABLE)


def test_a_file_that_lies_about_its_size_is_not_unpacked_whole() -> None:
    data = bytearray(archive({"a.py": b"\n" * 20_000_000, "b.py": b"x = 1"}))
    real = (20_000_000).to_bytes(4, "little")
    while (place := data.find(real)) >= 0:
        data[place : place + 4] = (10).to_bytes(4, "little")
    try:
        sources = unpack("bank", bytes(data), READABLE).sources
    except UnreadableDocument:
        return
    assert sum(len(source.data) for source in sources) <= MAX_CODE_BYTES


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 nonsense", b"x" * 1000, archive({"a.py": b"x = 1" * 500})[:-40]],
    ids=["empty", "a beginning", "no zip", "cut off"],
)
def test_a_damaged_archive_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="damaged"):
        unpack("bank", data, READABLE)


def test_a_damaged_file_inside_is_refused() -> None:
    data = bytearray(archive({"a.py": bytes(range(32, 127)) * 50}))
    data[60:80] = bytes(20)
    with pytest.raises(AppError):
        unpack("bank", bytes(data), READABLE)


def test_an_encrypted_archive_is_refused() -> None:
    data = bytearray(archive({"a.py": b"x = 1"}))
    data[data.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableDocument, match="encrypted"):
        unpack("bank", bytes(data), READABLE)


@pytest.mark.parametrize(
    ("count", "reason"), [(MAX_FILES + 1, "readable files"), (MAX_ENTRIES + 1, "more than 20,000")]
)
def test_too_many_files_are_refused(count: int, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        unpack("bank", archive({f"{n}.py": b"x" for n in range(count)}, zipfile.ZIP_STORED), READABLE)


def test_an_archive_without_code_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no file that can be read"):
        unpack("bank", archive({"photo.png": b"\x89PNG"}), READABLE)
