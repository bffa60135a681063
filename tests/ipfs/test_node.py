"""The IPFS node: its CIDs against Kubo's, what happens when it is broken, and the RPC of the embedded one."""

from __future__ import annotations

import hashlib
import http.server
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from ipfshttpclient.exceptions import ErrorResponse
from processes import in_forks

from bcfl_support import services
from bcfl_support.errors import ContentCorrupted, ContentMissing, InvalidCid, InvalidInput, RecordError, ServiceError
from bcfl_support.ipfs import cids
from bcfl_support.ipfs.cids import CHUNK_SIZE, MAX_LINKS, cid_digest, compute_cid, digest_to_cid
from bcfl_support.ipfs.node import API_VARIABLE, IpfsNode
from tools.look import free_port

C = CHUNK_SIZE
EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
ABSENT = digest_to_cid(hashlib.sha256(b"nobody added this").digest())

# Size of the byte stream below, its CIDv0 and its CIDv1. The CIDv0 are Kubo's own.
VECTORS = [
    (0, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", EMPTY),
    (
        1,
        "QmboLZtGz8oLt5vaHpWCoFAbYbTueVmE48GEwBFUvrJS9g",
        "bafkreic2nz5eovfprz7up7eusmca3bj6pma6hhktpsy52nj4so324whlhu",
    ),
    (
        C,
        "Qma8iYabJuw8DhVJ6yV14tKDQBhb6sApmYy8pVqEvxz2H4",
        "bafkreigy5tcgloscldzhi2iadhemu2v7dj2u5wme7vgim2jlmnxindpsfi",
    ),
    (
        C + 1,
        "QmZRZYEtyYsJWDc4bCne5vmXzndMefW6W7Gx1zLmw67QuT",
        "bafybeiavfl3mrv5rig3iqfle6aheyo3crcdzseal3jfwykhuwtmc4vtyjy",
    ),
    (
        3 * C,
        "QmRjCFBGpY45W1x5iwxBs2m7ZYKYFDDRLjk9jgD7xpAVvQ",
        "bafybeicwaiezcft6kmjfhmcqwewkomrcsn43cnbm5hr7frf543tx4m6y7y",
    ),
]


def stream(size: int) -> bytes:
    """sha256(0) ‖ sha256(1) ‖ … with 8-byte big-endian counters, cut to `size` bytes."""
    digests = (hashlib.sha256(counter.to_bytes(8, "big")).digest() for counter in range(-(-size // 32)))
    return b"".join(digests)[:size]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ipfs")


@pytest.fixture(scope="module")
def node(repo: Path) -> Iterator[IpfsNode]:
    with IpfsNode.start(repo=repo, program="embedded") as started:
        yield started


def post(node: IpfsNode, command: str, *arguments: str, **options: object) -> requests.Response:
    return requests.post(f"{node.url}/api/v0/{command}", params={"arg": arguments, **options}, timeout=10)


def add_loose(node: IpfsNode, data: bytes) -> str:
    """Add a file that garbage collection may take."""
    return node.client.add_bytes(data, opts={"cid-version": 1, "pin": "false"})


def holds(node: IpfsNode, cid: str) -> bool:
    """Whether the node itself holds the block of this CID (of a long file: the root of its tree)."""
    return post(node, "block/stat", cid, offline="true").status_code == 200


def pins(node: IpfsNode) -> list[str]:
    """CIDs of all recursive pins, sorted."""
    return sorted(node.client.pin.ls(type="recursive")["Keys"] or {})


def collect(node: IpfsNode) -> list[str]:
    """Delete every block that no pin reaches; their CIDs, sorted, all written as raw CIDv1."""
    return sorted(line["Key"]["/"] for line in node.client.repo.gc() if "Key" in line)


def as_version_1(text: str) -> str:
    """The CIDv1 of a CIDv0: the same dag-pb block."""
    import cid as py_cid

    return py_cid.make_cid(text).to_v1().encode("base32").decode()


def block_file(repo: Path, content: bytes) -> Path:
    """The file in which the embedded node keeps a block."""
    (found,) = (path for path in repo.rglob("*.data") if path.read_bytes() == content)
    return found


def flip_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


# ---------------------------------------------------------------- addresses
@pytest.mark.parametrize(("size", "version_0", "version_1"), VECTORS)
def test_cids_equal_kubo_s_in_python_and_on_the_node(node: IpfsNode, size: int, version_0: str, version_1: str) -> None:
    data = stream(size)
    assert post(node, "add").status_code == 400  # an add without a body is refused before anything is stored
    for version, expected in enumerate((version_0, version_1)):
        assert node.client.add_bytes(data, opts={"cid-version": version}) == expected
        assert node.client.cat(expected) == data
    assert compute_cid(data) == node.add(data) == version_1
    assert node.cat(version_1) == node.cat(as_version_1(version_0)) == data  # its links are of version 0


@pytest.mark.parametrize("leaves", [MAX_LINKS, MAX_LINKS + 1, MAX_LINKS**2 + 1])
def test_trees_of_two_and_three_levels_equal_the_node_s(
    node: IpfsNode, leaves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cids, "CHUNK_SIZE", 1)
    data = stream(leaves)
    options = {"cid-version": 1, "chunker": "size-1", "only-hash": "true"}
    assert compute_cid(data) == node.client.add_bytes(data, opts=options)


@pytest.mark.parametrize("version", [0, 1])
def test_a_tree_of_two_levels_is_read_back_through_verified_blocks(node: IpfsNode, version: int) -> None:
    data = stream(16 * 350 + 7)
    cid = node.client.add_bytes(data, opts={"cid-version": version, "chunker": "size-16"})
    assert len(node.client.dag.get(cid)["Links"]) == 3
    assert node.cat(cid if version else as_version_1(cid)) == data


@settings(max_examples=12)
@given(chunks=st.integers(0, 3), beside=st.integers(-3, 3))
def test_round_trip_around_chunk_borders(node: IpfsNode, chunks: int, beside: int) -> None:
    data = stream(max(0, chunks * C + beside))
    assert node.cat(node.add(data)) == data


@pytest.mark.parametrize("bad", ["", "hello", "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", EMPTY[:-1]])
def test_what_is_no_cid_is_refused(node: IpfsNode, bad: str) -> None:
    for function in (node.cat, node.get_json):
        with pytest.raises(InvalidCid, match="is not a CID this package reads"):
            function(bad)


# ---------------------------------------------------------------- damage and loss on the node
@pytest.mark.parametrize("part", ["only block", "leaf", "root"])
def test_a_corrupted_block_is_an_error_on_the_server_and_in_the_client(node: IpfsNode, repo: Path, part: str) -> None:
    data = part.encode() + stream(10 if part == "only block" else 2 * C)
    cid = node.add(data)
    target = {"only block": data, "leaf": data[C : 2 * C], "root": node.block(cid)}[part]
    flip_last_byte(block_file(repo, target))

    answer = post(node, "cat", cid)
    assert answer.status_code == 500
    assert answer.json()["Type"] == "error"
    assert answer.json()["Message"].startswith("block in storage has different hash than requested")
    with pytest.raises(ContentCorrupted, match="does not hash to its CID"):
        node.cat(cid)
    assert node.add(data) == cid  # adding it again repairs it
    assert node.cat(cid) == data


def test_a_missing_cid_is_said_to_be_missing(node: IpfsNode) -> None:
    message = f"block was not found locally (offline): ipld: could not find {ABSENT}"
    for command in ("cat", "block/get", "block/stat"):
        assert post(node, command, ABSENT).json() == {"Message": message, "Code": 0, "Type": "error"}
    assert not holds(node, ABSENT)
    for function in (node.cat, node.get_json):
        with pytest.raises(ContentMissing, match="is not complete on the node"):
            function(ABSENT)


def test_a_file_that_lost_a_block_is_missing_not_short(node: IpfsNode, repo: Path) -> None:
    data = b"to lose a block" + stream(3 * C)
    cid = add_loose(node, data)
    block_file(repo, data[C : 2 * C]).unlink()
    with pytest.raises(ContentMissing, match="could not find"):
        node.cat(cid)
    with pytest.raises(ErrorResponse, match="could not find"):
        node.client.pin.add(cid)
    assert holds(node, cid)  # the root is there


def test_a_node_that_lies_is_caught() -> None:
    answers = {
        "version": b'{"Version":"0.8.0"}',
        "block/get": b"something else",
        "add": b'{"Hash":"%s"}' % ABSENT.encode(),
    }
    with FakeApi(lambda command: (200, answers[command])) as url, IpfsNode.connect(url) as node:
        with pytest.raises(ContentCorrupted, match="do not use it"):
            node.cat(EMPTY)
        with pytest.raises(ServiceError, match=f"stored the content as {ABSENT}, but its CID is {EMPTY}"):
            node.add(b"")


# ---------------------------------------------------------------- pins and garbage
def test_garbage_collection_keeps_what_is_pinned() -> None:
    with IpfsNode.start(program="embedded") as node:
        long, short, shared = stream(3 * C), b"unpinned", stream(C)  # `shared` is the first block of `long`
        kept, dropped, under = node.add(long), add_loose(node, short), add_loose(node, shared)
        old = node.client.add_bytes(b"unpinned later")
        node.client.pin.rm(old)
        assert pins(node) == [kept]
        assert collect(node) == sorted([dropped, digest_to_cid(cid_digest(as_version_1(old)))])
        assert collect(node) == []
        assert node.cat(kept) == long
        assert node.cat(under) == shared
        assert [holds(node, dropped), holds(node, old)] == [False, False]
        listed = post(node, "pin/ls", under).json()["Keys"]
        assert listed == {under: {"Type": f"indirect through {kept}", "Name": ""}}
        assert len(node.client.pin.ls(type="all")["Keys"]) == 4
        node.client.pin.add(under)
        node.client.pin.rm(kept)
        collect(node)
        assert node.cat(under) == shared
        assert not holds(node, kept)


def test_garbage_collection_deletes_nothing_when_a_pinned_tree_is_damaged(tmp_path: Path) -> None:
    with IpfsNode.start(repo=tmp_path, program="embedded") as node:
        loose, root = add_loose(node, b"loose"), node.add(stream(2 * C))
        flip_last_byte(block_file(tmp_path, node.block(root)))
        with pytest.raises(ErrorResponse, match="different hash"):
            collect(node)
        assert holds(node, loose)


def test_collecting_garbage_during_adds_loses_nothing() -> None:
    files = [bytes([number]) * 4_000 for number in range(30)]
    options = {"cid-version": 1, "chunker": "size-250"}  # several blocks a file, so that collections fall into adds
    with IpfsNode.start(program="embedded") as node, ThreadPoolExecutor(4) as pool:
        adding = [pool.submit(node.client.add_bytes, data + stream(1_000), opts=dict(options)) for data in files]
        while not all(future.done() for future in adding):
            collect(node)
        assert [node.cat(future.result()) for future in adding] == [data + stream(1_000) for data in files]


def test_equal_content_added_at_the_same_time_is_stored_whole(node: IpfsNode) -> None:
    data = b"at once" + stream(4 * C)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: node.add(data), range(16)))
    assert found == {compute_cid(data)}
    assert node.cat(found.pop()) == data


# ---------------------------------------------------------------- the life of a node
def test_content_and_pins_persist_in_a_repository(tmp_path: Path) -> None:
    with IpfsNode.start(repo=tmp_path, program="embedded") as node:
        kept, loose = node.add(b"kept"), add_loose(node, b"loose")
        first = node.url
    with IpfsNode.start(repo=tmp_path, program="embedded") as node:
        assert pins(node) == [kept]
        assert [node.cat(kept), node.cat(loose)] == [b"kept", b"loose"]
        assert collect(node) == [loose]
    with pytest.raises(ServiceError, match="ended while reading"):
        node.cat(kept)
    with pytest.raises(ServiceError, match=first):
        IpfsNode.connect(first)


def test_a_temporary_repository_is_removed() -> None:
    node = IpfsNode.start(program="embedded")
    folder = Path(node.client.repo.stat()["RepoPath"])
    assert folder.is_dir()
    node.close()
    node.close()
    assert not folder.exists()


def test_a_repository_has_one_node_at_a_time_and_outlives_a_killed_one(tmp_path: Path) -> None:
    with IpfsNode.start(repo=tmp_path, program="embedded") as node:
        cid = node.add(b"before the crash")
        with pytest.raises(ServiceError, match="someone else has the lock"):
            IpfsNode.start(repo=tmp_path, program="embedded")
        assert node.child is not None
        os.kill(node.child.pid, signal.SIGKILL)
        assert node.child.wait(5)
    with IpfsNode.start(repo=tmp_path, program="embedded") as node:
        assert node.cat(cid) == b"before the crash"


def test_a_node_killed_while_adding_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with IpfsNode.start(repo=tmp_path, program="embedded") as node:
        assert node.child is not None
        os.kill(node.child.pid, signal.SIGSTOP)  # it takes what the socket holds and no more, so it dies in mid-add
        killer = threading.Timer(0.3, os.kill, (node.child.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(ServiceError, match=r"ended while adding 33554432 bytes; nothing .* IpfsNode.start\(\)"):
            node.add(bytes(32 * 1024 * 1024))
        killer.join()
    with IpfsNode.start(repo=tmp_path, program="embedded") as node:
        assert pins(node) == []
        assert node.cat(node.add(stream(3 * C))) == stream(3 * C)


def test_an_add_whose_sender_disappears_pins_nothing(node: IpfsNode) -> None:
    def half() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + stream(C)
        raise KeyboardInterrupt

    before = pins(node)
    with pytest.raises(KeyboardInterrupt):
        requests.post(
            f"{node.url}/api/v0/add",
            data=half(),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            timeout=10,
        )
    assert pins(node) == before
    assert node.cat(node.add(b"still alive")) == b"still alive"


@pytest.mark.parametrize("size", [100, 6_000_000])
def test_after_a_refusal_the_next_request_is_answered(tmp_path: Path, size: int) -> None:
    """As on a full disk: what the refused sender still sends must not stand before the next request."""
    with IpfsNode.start(repo=tmp_path, program="embedded", timeout=5) as node:
        kept, data = node.add(b"a"), os.urandom(size)
        node.add(data)
        place = block_file(tmp_path, data[:C])
        place.unlink()
        place.mkdir()  # where a folder stands, no block finds room
        for _ in range(3):
            with pytest.raises(ServiceError, match=f"refused adding {size} bytes"):
                node.add(data)
            started = time.monotonic()
            assert node.cat(kept) == b"a" and time.monotonic() - started < 2
        assert not list(tmp_path.rglob("*.tmp"))


def test_a_full_disk_is_called_that(node: IpfsNode) -> None:
    refused = node._refusal("Error: ENOSPC: no space left on device, write", "adding 3 bytes", None)
    assert "make room on its disk, or start one with a repo on another" in str(refused)


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTP_PROXY"])
def test_no_proxy_catches_traffic_to_the_own_node(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    with IpfsNode.start(program="embedded") as node:
        assert node.cat(node.add(b"hello")) == b"hello"
        with IpfsNode.connect(node.url.replace("127.0.0.1", "localhost")) as again:
            assert again.cat(compute_cid(b"hello")) == b"hello"


def test_forked_workers_do_not_share_a_connection(node: IpfsNode) -> None:
    cids = [node.add(bytes([k]) * 1_000) for k in range(4)]

    def work(k: int) -> bool:
        return all(node.cat(cids[k]) == bytes([k]) * 1_000 for _ in range(25))

    assert in_forks(work, 4) == [0] * 4 and work(0)


def test_two_nodes_side_by_side_are_two_nodes() -> None:
    with IpfsNode.start(program="embedded") as one, IpfsNode.start(program="embedded") as two:
        cid = one.add(b"only here")
        assert one.url != two.url
        assert [holds(one, cid), holds(two, cid)] == [True, False]


def test_no_node_and_no_file_is_left_when_the_parent_is_killed() -> None:
    script = (
        "import time; from bcfl_support.ipfs import IpfsNode; n = IpfsNode.start(program='embedded'); n.add(b'x');"
        "print(n.child.pid, n.client.repo.stat()['RepoPath'], flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    assert is_running(int(pid)) and Path(folder).is_dir()
    parent.kill()
    parent.communicate()
    assert wait_for(lambda: not is_running(int(pid)))
    assert wait_for(lambda: not Path(folder).exists())


def test_nothing_is_written_to_stderr_with_warnings_as_errors() -> None:
    script = (
        "from bcfl_support.ipfs import IpfsNode\n"
        "import ipfshttpclient\n"
        "with IpfsNode.start(program='embedded') as n:\n"
        "    c = n.add_json({'round': 1}); print(n.get_json(c), list(n.client.pin.ls()['Keys']) == [c])\n"
        "    with ipfshttpclient.connect(n.url.replace('http://127.0.0.1:', '/ip4/127.0.0.1/tcp/')) as client:\n"
        "        print(client.cat(c))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "{'round': 1} True\nb'{\"round\":1}'\n"


def test_an_unknown_program_is_refused() -> None:
    with pytest.raises(ValueError, match="program is 'go-ipfs': choose 'kubo' or 'embedded'"):
        IpfsNode.start(program="go-ipfs")


# ---------------------------------------------------------------- connecting to a running node
class FakeApi:
    """An HTTP server on a free port whose answers `reply(command)` gives as (status, body)."""

    def __init__(self, reply: Callable[[str], tuple[int, bytes]]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    while size := int(self.rfile.readline(), 16):
                        self.rfile.read(size + 2)
                    self.rfile.readline()
                status, body = reply(self.path.partition("?")[0].removeprefix("/api/v0/"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_a_running_node_is_reached_by_url_multiaddr_and_variable(
    node: IpfsNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    cid = node.add(b"shared")
    port = node.url.rsplit(":", 1)[1]
    for address in (node.url, node.url + "/", node.url + "/api/v0", f"/ip4/127.0.0.1/tcp/{port}/http"):
        with IpfsNode.connect(address) as other:
            assert (other.program, other.url, other.cat(cid)) == ("remote", node.url, b"shared")
        monkeypatch.setenv(API_VARIABLE, address)
        with IpfsNode.connect() as other:
            assert other.cat(cid) == b"shared"
    assert node.cat(cid) == b"shared"  # closing a connection does not end a node it did not start


def test_without_an_address_a_node_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(API_VARIABLE, raising=False)
    with IpfsNode.connect() as node:
        assert node.child is not None and node.child.alive()


PORTS = ("http://h:99999", "/ip4/127.0.0.1/tcp/99999")  # that there are not


def test_an_api_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceError, match=f"no IPFS node answers at {url}.*{API_VARIABLE}"):
        IpfsNode.connect(url)


@pytest.mark.parametrize(
    "bad", ["localhost", "ftp://127.0.0.1:5001", "/ip4/127.0.0.1", "http://127.0.0.1:1/other", *PORTS]
)
def test_an_address_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(ServiceError, match="is no address of an IPFS API"):
        IpfsNode.connect(bad)


@pytest.mark.parametrize("answer", [(404, b"no such page"), (200, b"<html>"), (500, b"oops")])
def test_a_server_that_is_no_ipfs_api_is_recognized(answer: tuple[int, bytes]) -> None:
    with FakeApi(lambda command: answer) as url, pytest.raises(ServiceError, match="not as an IPFS API does"):
        IpfsNode.connect(url)


def test_a_node_that_does_not_answer_is_given_up() -> None:
    release = threading.Event()

    def hang(command: str) -> tuple[int, bytes]:
        release.wait(10)
        return 200, b"{}"

    with FakeApi(hang) as url:
        with pytest.raises(ServiceError, match=r"no answer in 0\.2 s while giving its version"):
            IpfsNode.connect(url, timeout=0.2)
        release.set()


def test_a_password_in_the_address_stays_out_of_messages() -> None:
    with pytest.raises(ServiceError) as caught:
        IpfsNode.connect(f"http://user:secret@127.0.0.1:{free_port()}")
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- the embedded node's RPC
def test_version_and_id_through_the_client(node: IpfsNode) -> None:
    assert node.client.version()["Version"] == "0.8.0"
    assert node.client.id()["AgentVersion"].startswith("bcfl-embedded-ipfs/")


def test_cat_takes_offset_and_length(node: IpfsNode) -> None:
    data = stream(3 * C)
    cid = node.add(data)
    for offset, length in [(0, 5), (C - 3, 6), (2 * C, C), (3 * C - 1, 100), (3 * C, 5), (9 * C, 5), (7, 0)]:
        assert post(node, "cat", cid, offset=offset, length=length).content == data[offset : offset + length]
    assert node.client.cat(cid, offset=5, length=7) == data[5:12]
    assert post(node, "cat", cid, offset=-1).json()["Message"] == "cannot specify negative offset"
    assert post(node, "cat", cid, offset="x").status_code == 400


def test_only_posts_to_known_commands_from_programs_are_answered(node: IpfsNode) -> None:
    url = f"{node.url}/api/v0/"
    assert requests.get(url + "version", timeout=10).status_code == 405
    assert requests.post(url + "swarm/peers", timeout=10).status_code == 404
    assert requests.post(node.url, timeout=10).status_code == 404
    for header in (
        {"Origin": "https://example.org"},
        {"Referer": "https://example.org/x"},
        {"User-Agent": "Mozilla/5.0"},
    ):
        assert requests.post(url + "version", headers=header, timeout=10).status_code == 403


def test_arguments_are_checked_as_kubo_checks_them(node: IpfsNode) -> None:
    missing = post(node, "cat")
    assert (missing.status_code, missing.text) == (400, 'argument "ipfs-path" is required')
    assert post(node, "cat", "foo").json()["Message"] == 'invalid path "foo": path does not have enough components'
    assert post(node, "cat", "/ipfs/foo").json()["Message"].startswith('invalid path "/ipfs/foo": invalid cid')


def test_blocks_are_put_and_got(node: IpfsNode, tmp_path: Path) -> None:
    file = tmp_path / "block"
    file.write_bytes(b"hello")
    put = node.client.block.put(file)
    assert put.as_json() == {"Key": compute_cid(b"hello"), "Size": 5}
    assert node.client.block.get(put["Key"]) == b"hello"
    assert node.client.block.stat(put["Key"])["Size"] == 5
    old = node.client.block.put(file, opts={"format": "v0"})["Key"]
    assert old.startswith("Qm") and cid_digest(as_version_1(old)) == hashlib.sha256(b"hello").digest()
    file.write_bytes(bytes(1024 * 1024 + 1))
    with pytest.raises(Exception, match="produced block is over 1MiB"):
        node.client.block.put(file)


def test_a_folder_keeps_its_structure(node: IpfsNode, tmp_path: Path) -> None:
    (tmp_path / "round" / "1").mkdir(parents=True)
    (tmp_path / "round" / "a.json").write_bytes(b"{}")
    (tmp_path / "round" / "1" / "b.json").write_bytes(b"[]")
    added = {line["Name"]: line["Hash"] for line in node.client.add(tmp_path / "round", recursive=True)}
    assert set(added) == {"round", "round/a.json", "round/1", "round/1/b.json"}
    assert node.client.cat(added["round"] + "/1/b.json") == b"[]"
    assert post(node, "cat", added["round"]).json()["Message"] == "this dag node is a directory"
    assert added["round"] in pins(node) and added["round/a.json"] not in pins(node)
    with pytest.raises(RecordError, match="not a file"):
        node.cat(as_version_1(added["round"]))


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ({"trickle": "true"}, 'does not support the option "trickle"'),
        ({"chunker": "rabin"}, "unrecognized chunker option: rabin"),
        ({"chunker": "size-0"}, "unrecognized chunker option: size-0"),
        ({"hash": "blake3"}, 'unrecognized hash function: "blake3"'),
        ({"cid-version": "2"}, "unknown CID version: 2"),
    ],
)
def test_options_that_would_change_the_cid_are_refused_not_ignored(
    node: IpfsNode, option: dict[str, str], reason: str
) -> None:
    answer = requests.post(f"{node.url}/api/v0/add", params=option, files={"file": b"x"}, timeout=10)
    assert (answer.status_code, answer.json()["Message"]) == (500, answer.json()["Message"])
    assert reason in answer.json()["Message"]


def test_only_hash_stores_nothing(node: IpfsNode) -> None:
    data = b"never stored" + stream(2 * C)
    cid = node.client.add_bytes(data, opts={"only-hash": "true", "cid-version": 1})
    assert cid == compute_cid(data)
    assert not holds(node, cid)
    assert cid not in pins(node)


def test_content_that_looks_like_a_boundary_survives(node: IpfsNode) -> None:
    boundary = "x" * 20
    content = f"\r\n--{boundary[:-1]}\r\n--\r\n\r\n--".encode() * 3
    body = f"--{boundary}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    for step in (1, 7, len(body)):
        answer = requests.post(
            f"{node.url}/api/v0/add",
            params={"cid-version": 1},
            data=iter([body[start : start + step] for start in range(0, len(body), step)]),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
            timeout=10,
        )
        assert answer.json()["Hash"] == compute_cid(content)


def test_unpinning_what_is_not_pinned_is_an_error(node: IpfsNode) -> None:
    assert post(node, "pin/rm", ABSENT).json()["Message"] == "not pinned or pinned indirectly"
    assert post(node, "pin/ls", ABSENT).json()["Message"] == f"path '/ipfs/{ABSENT}' is not pinned"


# ---------------------------------------------------------------- Kubo
def test_kubo_is_initialized_once_and_run_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for `ipfs` that keeps a log of its calls and, as a daemon, runs the embedded node."""
    program, calls = tmp_path / "bin" / "ipfs", tmp_path / "calls"
    program.parent.mkdir()
    script = services.project_root() / "bcfl_support" / "ipfs" / "ipfs_node.mjs"
    (tmp_path / "ipfs.py").write_text(
        "import json, os, subprocess, sys\n"
        f"print(*sys.argv[1:], file=open({str(calls)!r}, 'a'))\n"
        "if sys.argv[1] == 'init':\n"
        "    open(os.environ['IPFS_PATH'] + '/config', 'w').close()\n"
        "if sys.argv[1] == 'daemon':\n"
        f"    command = [{str(services.node())!r}, {str(script)!r}, '--repo', os.environ['IPFS_PATH']]\n"
        "    node = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "    port = json.loads(node.stdout.readline())['api']\n"
        "    print(f'RPC API server listening on /ip4/127.0.0.1/tcp/{port}\\nDaemon is ready', flush=True)\n"
        "    node.wait()\n"
    )
    # A first line with the interpreter in it would end at a blank in its path.
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path / "ipfs.py"}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "repo"
    folder.mkdir()
    for _ in range(2):
        with IpfsNode.start(repo=folder) as node:
            assert node.program == "kubo"
            assert node.get_json(node.add_json([1])) == [1]
    assert calls.read_text().splitlines() == [
        "init --profile=test --empty-repo",
        "config --json Datastore.HashOnRead true",
        "daemon --offline",
        "daemon --offline",
    ]


# ---------------------------------------------------------------- records
def test_a_record_has_one_address_however_it_is_written(node: IpfsNode) -> None:
    cid = node.add_json({"scores": [0.5, 2.0], "round": 1})
    assert cid == node.add_json({"round": 1, "scores": [0.5, 2]})
    assert node.cat(cid) == b'{"round":1,"scores":[0.5,2]}'
    assert node.get_json(cid) == {"round": 1, "scores": [0.5, 2]}


def test_what_is_no_record_is_refused_with_its_cid(node: IpfsNode) -> None:
    for data in (b'{"round":1,"sco', b'{"b":1,"a":2}'):
        cid = node.add(data)
        with pytest.raises(RecordError, match=f"{cid}: the record"):
            node.get_json(cid)


@pytest.mark.parametrize("timeout", [0, -1, "5", None])
def test_a_timeout_is_a_number_of_seconds(timeout: object) -> None:
    with pytest.raises(InvalidInput, match=r"timeout is .*an answer takes seconds"):
        IpfsNode.connect("http://127.0.0.1:1", timeout=timeout)  # type: ignore[arg-type]
