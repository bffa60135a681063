/**
 * The embedded IPFS node: real IPFS blocks, CIDs and UnixFS files in a folder, offline, behind the part of Kubo's
 * RPC that ipfshttpclient and the lessons use.
 *
 *     node ipfs_node.mjs --repo FOLDER [--port N]      N = 0 or absent: any free port
 *
 * Prints one line, {"api": port}, once it answers. Settings, answers and error texts follow Kubo, and CIDs are equal
 * for equal settings, so that programs run against either.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { unixfs } from '@helia/unixfs'
import * as dagJson from '@ipld/dag-json'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

import { CODECS, Pins, RpcError, SHA2_256, VerifiedStore, decode, keyOf, sha256 } from './ipfs_store.mjs'

const RPC_VERSION = '0.8.0' // the newest that ipfshttpclient 0.8 knows; its connect() warns about any other
const BLOCK_LIMIT = 1024 * 1024
const HOLD = 64 * 1024 * 1024 // shorter answers leave only when complete, so that a late error is still an HTTP 500

// ------------------------------------------------------------------------------------------------ reading a request
const flag = (query, name, otherwise = false) =>
  query.has(name) ? ['1', 't', 'true'].includes(query.get(name).toLowerCase()) : otherwise

function integer (query, name, otherwise) {
  if (!query.has(name)) return otherwise
  const value = Number(query.get(name))
  if (!Number.isSafeInteger(value)) throw new RpcError(`${name}: "${query.get(name)}" is not an integer`, 400)
  if (value < 0) throw new RpcError(`cannot specify negative ${name}`)
  return value
}

/** The arguments as [{ cid, path }]; both CID and /ipfs/CID/path are understood. */
function targets (query, required = true) {
  const all = query.getAll('arg')
  if (required && all.length === 0) throw new RpcError('argument "ipfs-path" is required', 400)
  return all.map((text) => {
    const [head, ...rest] = text.replace(/^\/ipfs\//, '').split('/')
    try {
      return { cid: CID.parse(head), path: rest.filter(Boolean).join('/') }
    } catch (error) {
      const why = text.startsWith('/') ? `invalid cid: ${error.message}` : 'path does not have enough components'
      throw new RpcError(`invalid path ${JSON.stringify(text)}: ${why}`)
    }
  })
}

function cids (query) {
  return targets(query).map(({ cid, path }) => {
    if (path) throw new RpcError(`the embedded node resolves paths in cat only; give the CID of "${path}" itself`)
    return cid
  })
}

/** The parts of a multipart/form-data body as they arrive: { name, type, content }; read `content` before going on. */
async function * parts (request) {
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(request.headers['content-type'] ?? '') ?? []
  if (!quoted && !bare) throw new RpcError("file argument 'path' is required", 400)
  const delimiter = Buffer.from(`\r\n--${quoted ?? bare}`)
  const source = request[Symbol.asyncIterator]()
  let buffer = Buffer.from('\r\n') // so that the first delimiter looks like the others
  const more = async () => {
    const { done, value } = await source.next()
    if (done) throw new RpcError('multipart: NextPart: EOF', 400)
    buffer = Buffer.concat([buffer, value])
  }
  const take = (count, skip = 0) => {
    const head = buffer.subarray(0, count)
    buffer = buffer.subarray(count + skip)
    return head
  }
  async function * untilDelimiter () {
    for (;;) {
      const at = buffer.indexOf(delimiter)
      if (at >= 0) return yield take(at, delimiter.length)
      if (buffer.length >= delimiter.length) yield take(buffer.length - delimiter.length + 1)
      await more()
    }
  }
  const finish = async (content) => { for await (const _ of content); }

  await finish(untilDelimiter())
  for (;;) {
    while (buffer.length < 2) await more()
    if (buffer.toString('latin1', 0, 2) === '--') return
    while (!buffer.includes('\r\n\r\n')) await more()
    const head = take(buffer.indexOf('\r\n\r\n'), 4).toString()
    const name = /^content-disposition:.*?filename="([^"]*)"/im.exec(head)?.[1] ?? ''
    const content = untilDelimiter()
    yield { name: decodeURIComponent(name), type: /^content-type:\s*([^;\s]+)/im.exec(head)?.[1], content }
    await finish(content)
  }
}

/** Kubo's add options as importer options. What would change the CID and is not supported is refused, not ignored. */
function importOptions (query) {
  const refused = ['trickle', 'nocopy', 'inline', 'preserve-mode', 'preserve-mtime'].find((name) => flag(query, name))
  if (refused) throw new RpcError(`the embedded node does not support the option "${refused}" of add`)
  const cidVersion = integer(query, 'cid-version', 0)
  if (cidVersion > 1) throw new RpcError(`unknown CID version: ${cidVersion}`)
  const chunker = query.get('chunker') ?? 'size-262144'
  const chunkSize = Number(/^size-(\d+)$/.exec(chunker)?.[1])
  if (!(chunkSize >= 1 && chunkSize <= BLOCK_LIMIT)) throw new RpcError(`unrecognized chunker option: ${chunker}`)
  return {
    cidVersion,
    rawLeaves: flag(query, 'raw-leaves', cidVersion === 1),
    chunker: fixedSize({ chunkSize }),
    layout: balanced({ maxChildrenPerNode: 174 }),
    wrapWithDirectory: flag(query, 'wrap-with-directory'),
    fileImportConcurrency: 1 // the parts of the body arrive one after the other
  }
}

function requireSha256 (name) {
  if ((name ?? 'sha2-256') !== 'sha2-256') throw new RpcError(`unrecognized hash function: "${name}"`)
}

// ------------------------------------------------------------------------------------------------ the commands
/** Each yields objects, sent as one line of JSON each, or bytes, sent as they are. */
const commands = {
  async * version () {
    yield { Version: RPC_VERSION, Commit: '', Repo: '', System: `${process.arch}/${process.platform}`, Golang: '' }
  },

  async * id () { // no network, hence no peer identity and no addresses
    yield { ID: '', PublicKey: '', Addresses: [], AgentVersion: `bcfl-embedded-ipfs/${RPC_VERSION}`, Protocols: [] }
  },

  async * add (query, request) {
    requireSha256(query.get('hash'))
    const options = importOptions(query)
    const onlyHash = flag(query, 'only-hash')
    const files = async function * () {
      for await (const { name, type, content } of parts(request)) {
        yield { path: name, content: type === 'application/x-directory' ? undefined : content }
      }
    }
    yield * await store.protecting(async (need) => {
      const put = (cid, bytes) => {
        need(cid)
        return onlyHash ? cid : store.put(cid, bytes)
      }
      const lines = []
      const blockstore = { put, get: (cid) => store.get(cid) }
      for await (const { cid, path, size } of unixfs({ blockstore }).addAll(files(), options)) {
        const isRoot = options.wrapWithDirectory ? path === '' : !path.includes('/')
        if (isRoot && !onlyHash && flag(query, 'pin', true)) pins.add(cid)
        lines.push({ Name: path || cid.toString(), Hash: cid.toString(), Size: String(size) })
      }
      return lines
    })
  },

  async * cat (query) {
    const [offset, length] = [integer(query, 'offset', 0), integer(query, 'length')]
    for (const { cid, path } of targets(query)) {
      try {
        if (length !== 0) yield * unixfs({ blockstore: store }).cat(cid, { path, offset, length })
      } catch (error) {
        if (error.name === 'NotAFileError') throw new RpcError('this dag node is a directory')
        if (!/^Offset must be less/.test(error.message)) throw error // past the end: nothing, as in Kubo
      }
    }
  },

  async * 'block/get' (query) {
    yield await store.block(cids(query)[0])
  },

  async * 'block/stat' (query) {
    const [cid] = cids(query)
    yield { Key: cid.toString(), Size: (await store.block(cid)).length }
  },

  async * 'block/put' (query, request) {
    requireSha256(query.get('mhtype'))
    const format = query.get('format') ?? query.get('cid-codec') ?? 'raw'
    const codec = CODECS[{ v0: 'dag-pb', protobuf: 'dag-pb', cbor: 'dag-cbor' }[format] ?? format]
    if (!codec) throw new RpcError(`unrecognized format: ${format}`)
    for await (const { content } of parts(request)) {
      const chunks = []
      for await (const chunk of content) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (bytes.length > BLOCK_LIMIT && !flag(query, 'allow-big-block')) {
        throw new RpcError("produced block is over 1MiB: big blocks can't be exchanged with other peers")
      }
      const cid = CID.create(format === 'v0' ? 0 : 1, codec.code, Digest.create(SHA2_256, sha256(bytes)))
      await store.protecting(async (need) => {
        need(cid)
        await store.put(cid, bytes)
        if (flag(query, 'pin')) pins.add(cid)
      })
      yield { Key: cid.toString(), Size: bytes.length }
    }
  },

  async * 'dag/get' (query) {
    const [cid] = cids(query)
    yield JSON.parse(dagJson.stringify(decode(cid, await store.block(cid))))
  },

  async * 'pin/add' (query) {
    if (!flag(query, 'recursive', true)) throw new RpcError('the embedded node keeps recursive pins only')
    for (const root of cids(query)) {
      await store.protecting(async (need) => {
        for await (const cid of store.walk(root, true)) need(cid)
        pins.add(root)
      }).catch((error) => { throw new RpcError(`pin: ${error.message}`) })
    }
    yield { Pins: cids(query).map(String) }
  },

  async * 'pin/rm' (query) {
    for (const cid of cids(query)) pins.remove(cid)
    yield { Pins: cids(query).map(String) }
  },

  async * 'pin/ls' (query) {
    const asks = (kind) => ['all', kind].includes(query.get('type') ?? 'all')
    const reach = asks('indirect') ? await pins.reach() : new Map()
    const named = targets(query, false)
    const shown = named.length > 0 ? named : [...reach.values(), ...[...pins.roots.values()].map((cid) => ({ cid }))]
    const keys = {}
    for (const { cid } of shown) {
      const root = pins.has(cid) ? undefined : reach.get(keyOf(cid))?.root
      if (pins.has(cid) && asks('recursive')) keys[cid] = { Type: 'recursive', Name: '' }
      else if (root) keys[cid] = { Type: named.length > 0 ? `indirect through ${root}` : 'indirect', Name: '' }
      else if (named.length > 0) throw new RpcError(`path '/ipfs/${cid}' is not pinned`)
    }
    yield { Keys: keys }
  },

  async * 'repo/gc' () { // marking reads every pinned DAG; if one is damaged, nothing is deleted
    collecting = collecting.catch(() => {}).then(() => store.sweep(() => pins.reach()))
    const asRaw = ({ multihash }) => CID.createV1(CODECS.raw.code, multihash).toString() // codecs are not stored
    for (const cid of await collecting) yield { Key: { '/': asRaw(cid) } }
  },

  async * 'repo/stat' () {
    const sizes = []
    for await (const { cid } of store.getAll()) sizes.push((await stat(store.fileOf(cid))).size)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    yield { RepoSize: total, StorageMax: 0, NumObjects: sizes.length, RepoPath: repo, Version: 'blockstore-fs@4' }
  },

  async * shutdown () {
    setImmediate(stop)
  }
}

// ------------------------------------------------------------------------------------------------ the server
async function send (response, results) {
  const held = []
  let size = 0
  let type = 'octet-stream'
  const open = () => response.headersSent || response.writeHead(200, { 'Content-Type': `application/${type}` })
  for await (const item of results) {
    if (!(item instanceof Uint8Array)) type = 'json'
    held.push(item instanceof Uint8Array ? item : Buffer.from(JSON.stringify(item) + '\n'))
    size += held.at(-1).length
    if (size <= HOLD) continue
    open()
    const flowing = response.write(Buffer.concat(held.splice(0)))
    if (!flowing) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
    if (response.destroyed) return
  }
  open()
  response.end(Buffer.concat(held))
}

async function answer (request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1')
  const say = (status, text, type = 'text/plain') => response.writeHead(status, { 'Content-Type': type }).end(text)
  // A web page must not reach the node through its visitor's browser.
  const { origin, referer, 'user-agent': agent = '' } = request.headers
  if (origin || referer || agent.startsWith('Mozilla')) return say(403, '403 - Forbidden')
  const name = pathname.replace(/^\/api\/v0\//, '')
  if (name === pathname || !Object.hasOwn(commands, name)) return say(404, '404 page not found')
  if (request.method !== 'POST') return say(405, '405 - Method Not Allowed')
  try {
    await send(response, commands[name](searchParams, request))
  } catch (error) {
    if (!(error instanceof RpcError)) console.error(name, error)
    if (response.headersSent) response.destroy() // to every client a broken stream is an error, a short one is not
    else if (error.status === 400) say(400, error.message)
    else say(500, JSON.stringify({ Message: error.message, Code: 0, Type: 'error' }) + '\n', 'application/json')
    // what is still to come of a refused request would otherwise stand before the next one on this connection
    try { for await (const _ of request); } catch {} // eslint-disable-line no-empty
  }
}

/** One process a repository: two would collect each other's fresh blocks as garbage. */
function lock (file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    const owner = Number(readFileSync(file, 'utf8'))
    let alive = true
    try { process.kill(owner, 0) } catch ({ code }) { alive = code === 'EPERM' }
    if (alive) quit(1, `lock ${file}: someone else has the lock (process ${owner}); if that is no IPFS node, delete it`)
    rmSync(file) // the owner was killed
    lock(file)
  }
}

function quit (code, message) {
  console.error(message)
  process.exit(code)
}

function stop () {
  rmSync(join(repo, 'repo.lock'), { force: true })
  process.exit(0)
}

const { values } = parseArgs({ options: { repo: { type: 'string' }, port: { type: 'string', default: '0' } } })
if (!values.repo) quit(2, 'usage: node ipfs_node.mjs --repo FOLDER [--port N]')
const repo = resolve(values.repo)
mkdirSync(repo, { recursive: true })
lock(join(repo, 'repo.lock'))
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop)
const store = new VerifiedStore(join(repo, 'blocks'))
await store.open()
const pins = new Pins(join(repo, 'pins'), store)
let collecting = Promise.resolve()

const server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, answer)
server.on('error', (error) => {
  rmSync(join(repo, 'repo.lock'), { force: true })
  quit(1, `cannot listen on 127.0.0.1:${values.port}: ${error.code}`)
})
server.listen(Number(values.port), '127.0.0.1', () => console.log(JSON.stringify({ api: server.address().port })))
