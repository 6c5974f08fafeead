"""What compressed files hold, read from front to back."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from pushguide.errors import BadArchive
from pushguide.host.archive import unpack
from pushguide.inflate import CannotInflate, Gunzip, Unxz, decompressed
from pushguide.master.standards import reading
from tests.support.need import need

_CONTENT = random.Random(7).randbytes(300_000) + bytes(3_000_000) + b"the end"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, bytes])
def test_any_compression_is_read(pack: Callable[[bytes], bytes]) -> None:
    stream = decompressed(io.BytesIO(pack(_CONTENT)))
    assert stream.read() == _CONTENT
    assert stream.read(5) == b""


@pytest.mark.parametrize(("kind", "pack"), [(Gunzip, gzip.compress), (Unxz, lzma.compress)])
def test_members_and_padding_are_read_as_one(
    kind: type[Gunzip | Unxz], pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(b"one") + pack(b"") + pack(_CONTENT) + bytes(1024)
    stream = kind(io.BytesIO(packed))
    assert stream.read(3) == b"one"
    assert stream.seek(3 + 300_000) == stream.tell()
    assert stream.read(10) == bytes(10)
    assert stream.seek(0) == 0
    assert stream.read() == b"one" + _CONTENT


@pytest.mark.parametrize(("kind", "pack"), [(Gunzip, gzip.compress), (Unxz, lzma.compress)])
def test_what_is_cut_or_goes_on_is_no_end(
    kind: type[Gunzip | Unxz], pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(_CONTENT)
    with pytest.raises(EOFError, match="cut short"):
        kind(io.BytesIO(packed[:-9])).read()
    with pytest.raises(Exception, match=r"header|format") as err:
        kind(io.BytesIO(packed + b"surprise" * 4)).read()
    assert type(err.value).__module__ in ("zlib", "_lzma")


def test_a_real_tar_zst_is_refused_with_what_to_do(tmp_path: object) -> None:
    program = shutil.which("zstd")
    need("zip", program, "apt-get install zstd")
    assert program
    packed = subprocess.run([program, "-q"], input=_CONTENT, stdout=subprocess.PIPE, check=True)
    if sys.version_info >= (3, 14):
        assert decompressed(io.BytesIO(packed.stdout)).read() == _CONTENT
        return
    with pytest.raises(CannotInflate, match=r"from 3\.14 on: build it as tar\.gz"):
        decompressed(io.BytesIO(packed.stdout))


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads it")
def test_both_sides_tell_the_same_of_a_tar_zst(tmp_path: object) -> None:
    path = f"{tmp_path}/a.tar.zst"
    with open(path, "wb") as handle:
        handle.write(b"\x28\xb5\x2f\xfd" + bytes(100))
    with pytest.raises(BadArchive, match=r"is compressed with zstd, which Python reads from 3\.14"):
        unpack(path, f"{tmp_path}/site")
    with open(path, "rb") as handle:
        listing = reading.of_artifact(handle, "a.tar.zst", {}, [])
    assert "is compressed with zstd" in (listing.unreadable or "")
