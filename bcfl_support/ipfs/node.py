"""An IPFS node to keep records in: add bytes, get an address made from their hash, read them back checked.

One protocol, whichever program answers: Kubo's RPC through `ipfshttpclient`. The node is Kubo if `ipfs` is on PATH,
else the embedded one (`ipfs_node.mjs`), or any API that ``BCFL_IPFS_API`` names::

    with IpfsNode.start() as node:
        cid = node.add_json({"round": 1, "scores": [3, 1, 2]})
        node.get_json(cid)

The node is not trusted: what it returns is hashed here, block by block, and what it says it stored must have the
address computed here. See `bcfl_support.ipfs.cids` for how addresses are made.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from bcfl_support import services
from bcfl_support.errors import ContentCorrupted, ContentMissing, InvalidInput, RecordError, ServiceError, ToolMissing
from bcfl_support.ipfs.cids import CHUNK_SIZE, compute_cid, parse_cid, read_file
from bcfl_support.ipfs.records import canonical_json, check_bytes, parse_record

if TYPE_CHECKING:
    import ipfshttpclient

API_VARIABLE = "BCFL_IPFS_API"
"""Environment variable with the API of a running node: ``/ip4/127.0.0.1/tcp/5001/http`` or ``http://127.0.0.1:5001``."""

_LISTENING = r'(?:"api":|API server listening on /ip4/127\.0\.0\.1/tcp/)(\d+)'


class IpfsNode(contextlib.AbstractContextManager["IpfsNode"]):
    """A connection to an IPFS node, and the node itself if `start` made it. Use it in a ``with`` statement.

    Attributes:
        url: address of the API, e.g. ``http://127.0.0.1:40001``.
        program: ``"kubo"``, ``"embedded"``, or ``"remote"`` for a node this process did not start.
        client: the `ipfshttpclient.Client` underneath, for everything this class leaves out.
        child: the supervised program, None for a remote node.
    """

    def __init__(self, url: str, *, program: str, child: services.Child | None = None, timeout: float = 30.0) -> None:
        self.url = re.sub("//[^/@]*@", "//", url)  # without a password, for messages
        self.program, self.child, self.timeout = program, child, timeout
        if not isinstance(timeout, (int, float)) or not timeout > 0:
            raise InvalidInput(f"timeout is {timeout!r}: an answer takes seconds; choose a number above 0")
        self.client, self._session = _client(url, timeout)
        self._process = os.getpid()

    @classmethod
    def start(cls, *, repo: Path | str | None = None, program: str | None = None, timeout: float = 30.0) -> Self:
        """Start a node on 127.0.0.1 that has no network and ends with this process, whatever ends this process.

        Args:
            repo: folder for its blocks and pins, kept. None: a temporary one, removed at the end.
            program: ``"kubo"`` or ``"embedded"``. None: Kubo if `ipfs` is on PATH, else embedded.
            timeout: seconds to wait for each answer.

        Raises:
            InvalidInput: no such program, or a timeout that is not positive.
            ToolMissing: the program or its libraries are not installed.
            ServiceError: the node did not start, e.g. another one has the repository open.
        """
        program = program or ("kubo" if services.kubo() else "embedded")
        if program not in ("kubo", "embedded"):
            raise InvalidInput(f"program is {program!r}: choose 'kubo' or 'embedded'")
        folder = Path(tempfile.mkdtemp(prefix="bcfl-ipfs-")) if repo is None else Path(repo).resolve()
        remove = [folder] if repo is None else []
        with contextlib.ExitStack() as undo:
            for temporary in remove:
                undo.callback(shutil.rmtree, temporary, ignore_errors=True)
            command, env = _kubo(folder) if program == "kubo" else _embedded(folder)
            child = services.start_supervised(command, name=f"ipfs-{program}", env=env, remove=remove)
            undo.callback(child.stop)
            import ipfshttpclient  # noqa: F401  (a slow import, worth doing while the node starts)

            port = services.await_port(child, _LISTENING, seconds=30, what="its API")
            node = cls(f"http://{services.LOCALHOST}:{port}", program=program, child=child, timeout=timeout)
            undo.pop_all()  # all went well
        return node

    @classmethod
    def connect(cls, url: str | None = None, *, timeout: float = 30.0) -> Self:
        """Use a running node: `url`, else the one ``BCFL_IPFS_API`` names; without either, start one.

        Args:
            url: multiaddr ``/ip4/127.0.0.1/tcp/5001/http`` or URL ``http://127.0.0.1:5001`` of its API.
            timeout: seconds to wait for each answer. A node with a network searches it for a missing CID that long.

        Raises:
            ServiceError: nothing answers there, or what answers is no IPFS API.
        """
        url = url or os.environ.get(API_VARIABLE)
        if not url:
            return cls.start(timeout=timeout)
        node = cls(_to_url(url), program="remote", timeout=timeout)
        with node._asking("giving its version"):
            node.client.version()
        return node

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<IPFS node ({self.program}) at {self.url}>"

    def close(self) -> None:
        """End the connection, and the node if this object started it. Calling it again does nothing."""
        self.client.close()
        if self.child is not None:
            self.child.stop()

    # ------------------------------------------------------------ content
    def add(self, data: bytes) -> str:
        """Store and pin a file; return its CID, which is `compute_cid(data)`: chunks of 262,144 bytes, balanced tree.

        Args:
            data: content of the file.

        Raises:
            InvalidInput: `data` is no bytes.
            ServiceError: the node died or refused, or stored it under another CID.
        """
        check_bytes("data", data)
        data = bytes(memoryview(data))
        expected = compute_cid(data)
        options = {"cid-version": "1", "raw-leaves": "true", "chunker": f"size-{CHUNK_SIZE}", "pin": "true"}
        with self._asking(f"adding {len(data)} bytes"):
            found = self.client.add_bytes(data, opts=options)
        if found != expected:
            advice = "the node builds files in its own way: set its import options to Kubo's defaults"
            stored = f"the node at {self.url} stored the content as {found}, but its CID is {expected}"
            raise ServiceError(f"{stored}; {advice}")
        return expected

    def cat(self, cid: str) -> bytes:
        """The content of a file. Every block is fetched and hashed here; a wrong byte is an error, never a value.

        Args:
            cid: address of a file.

        Raises:
            InvalidCid: `cid` is no CID.
            ContentMissing: the node lacks the file or a block of it.
            ContentCorrupted: a block does not hash to its CID.
            RecordError: the CID names no file, or one larger than `cids.MAX_FILE_SIZE`.
        """
        parse_cid(cid)
        return read_file(cid, self.block)

    def block(self, cid: str) -> bytes:
        """One block as the node gives it, unchecked; `cat` is the checked way.

        Args:
            cid: address of the block.

        Raises:
            ContentMissing, ContentCorrupted: the node lacks it, or found it damaged.
            ServiceError: the node is gone or refused.
        """
        with self._asking(f"reading {cid}", cid):
            return bytes(self.client.block.get(cid))

    # ------------------------------------------------------------ records
    def add_json(self, record: Any) -> str:
        """Store a record as canonical JSON (RFC 8785), so that equal records have equal CIDs everywhere.

        Args:
            record: what `records.canonical_json` takes: dictionaries, lists, texts, numbers.

        Raises:
            RecordError: something in it has no canonical JSON.
        """
        return self.add(canonical_json(record))

    def get_json(self, cid: str) -> Any:
        """Read a record back. Whole numbers come back as integers: JSON does not tell 1.0 from 1.

        Args:
            cid: address of the record.

        Raises:
            RecordError: not JSON, cut short, or not canonical; and all that `cat` raises.
        """
        data = self.cat(cid)
        try:
            return parse_record(data)
        except RecordError as error:
            raise RecordError(f"{cid}: {error}") from None

    # ------------------------------------------------------------ what can go wrong
    @contextlib.contextmanager
    def _asking(self, action: str, cid: str | None = None) -> Iterator[None]:
        """Turn whatever the client raises into this package's exceptions."""
        import ipfshttpclient.exceptions as failures
        import requests

        if os.getpid() != self._process:  # a forked worker closes its copy of the connection and has one of its own
            self._process = os.getpid()
            self._session.close()
        try:
            yield
        except failures.ErrorResponse as error:
            raise self._refusal(str(error), action, cid) from None
        except failures.TimeoutError:
            raise ServiceError(f"{self.url} gave no answer in {self.timeout:g} s while {action}; try again") from None
        except (failures.StatusError, failures.EncoderError, TypeError, KeyError) as error:
            raise ServiceError(f"{self.url} answers, but not as an IPFS API does ({error}); is it one?") from None
        except (failures.CommunicationError, requests.RequestException, OSError) as error:
            raise self._silence(action, error) from None

    def _refusal(self, message: str, action: str, cid: str | None) -> Exception:
        """The exception for an error the node answered."""
        if "different hash" in message:
            found = f"a block that does not hash to its CID while {action} ({message})"
            return ContentCorrupted(f"the node at {self.url} found {found}; add the content again or ask another node")
        if "could not find" in message or "not found" in message:
            where = f"is not complete on the node at {self.url} ({message})"
            return ContentMissing(f"{cid} {where}; add it, or ask a node that has it")
        full = "; make room on its disk, or start one with a repo on another" if "no space left" in message else ""
        return ServiceError(f"the node at {self.url} refused {action}: {message}{full}")

    def _silence(self, action: str, error: Exception) -> ServiceError:
        """The exception for a node that is not there, or is no longer there."""
        if self.child is None:
            advice = f"start one there, correct {API_VARIABLE}, or unset it to have a local node started"
            return ServiceError(f"no IPFS node answers at {self.url} while {action} ({error}); {advice}")
        if self.child.wait(1.0):
            advice = "nothing of that was pinned: start a new node with IpfsNode.start() and do it again"
            last = f"Its last output:\n{self.child.log_tail() or '(none)'}"
            return ServiceError(f"the IPFS node ended while {action}; {advice}. {last}")
        return ServiceError(f"the IPFS node at {self.url} broke the connection while {action} ({error}); do it again")


# ---------------------------------------------------------------- programs and addresses
def _embedded(repo: Path) -> tuple[list[str | Path], None]:
    """Command of the embedded node, beside its libraries: Node.js looks for them nowhere else."""
    root = services.node_side()
    if not (modules := root / "node_modules" / "@helia" / "unixfs").is_dir():
        raise ToolMissing(f"the embedded IPFS node's libraries are not in {modules.parents[1]}; {services.advice()}")
    script = root / "bcfl_support" / "ipfs" / "ipfs_node.mjs"
    return [services.node(), script, "--repo", repo, "--port", "0"], None


def _kubo(repo: Path) -> tuple[list[str | Path], dict[str, str]]:
    """Command of Kubo without network. A new repository is configured; one that exists keeps its settings."""
    if (program := services.kubo()) is None:
        raise ToolMissing('Kubo\'s program "ipfs" is not on PATH; install it, or use program="embedded"')
    env = {**os.environ, "IPFS_PATH": str(repo), "IPFS_TELEMETRY": "off"}

    def run(*arguments: str) -> None:
        done = subprocess.run([program, *arguments], env=env, capture_output=True, encoding="utf-8", timeout=60)
        if done.returncode:
            raise ServiceError(f"ipfs {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")

    if not (repo / "config").is_file():
        run("init", "--profile=test", "--empty-repo")
        run("config", "--json", "Datastore.HashOnRead", "true")
    return [program, "daemon", "--offline"], env


def _to_url(address: str) -> str:
    """A multiaddr or URL as the base URL of an API."""
    if match := re.fullmatch(r"/(ip4|ip6|dns|dns4|dns6)/([^/]+)/tcp/(\d+)(?:/(https?))?/?", address):
        kind, host, port, scheme = match.groups()
        address = f"{scheme or 'http'}://{f'[{host}]' if kind == 'ip6' else host}:{port}"
    with contextlib.suppress(ValueError):  # a port beyond 65535
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and parts.path.rstrip("/") in ("", "/api/v0")
        if known and parts.hostname and parts.port != 0:
            return f"{parts.scheme}://{parts.netloc}"
    advice = "write /ip4/127.0.0.1/tcp/5001/http or http://127.0.0.1:5001"
    raise ServiceError(f"{address!r} is no address of an IPFS API; {advice}")


def _client(url: str, timeout: float) -> tuple[ipfshttpclient.Client, Any]:
    """A client of the API at `url`, and the session in which it keeps its connection.

    Two things ipfshttpclient 0.8.0a2 would print into a notebook are cured here: `connect()` warns about every Kubo
    since 0.9, so the client is made without it; and its connection pool passes `strict`, of which urllib3 2 warns.
    """
    import ipfshttpclient
    from ipfshttpclient import requests_wrapper

    def init_poolmanager(self: Any, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self._pool_connections, self._pool_maxsize, self._pool_block = connections, maxsize, block
        self.poolmanager = requests_wrapper.PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)

    requests_wrapper.HTTPAdapter.init_poolmanager = init_poolmanager
    parts = urlsplit(url)
    host = parts.hostname or ""
    kind = "ip6" if ":" in host else "ip4" if re.fullmatch(r"[\d.]+", host) else "dns"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    auth = (parts.username, parts.password or "") if parts.username else None
    address = f"/{kind}/{host}/tcp/{port}/{parts.scheme}"
    client = ipfshttpclient.Client(address, session=True, timeout=timeout, chunk_size=CHUNK_SIZE, auth=auth)
    session = client._client._session
    session.trust_env = host not in (services.LOCALHOST, "localhost")  # no proxy for what is on this machine
    return client, session
