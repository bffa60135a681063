/**
 * What the embedded IPFS node keeps: blocks, one file each, found by their hash, and pins, which say what stays.
 *
 * Every block is hashed when it is read (Kubo's Datastore.HashOnRead), so that a wrong byte on disk is an error and
 * never a value.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, parse } from 'node:path'

import * as dagCbor from '@ipld/dag-cbor'
import * as dagJson from '@ipld/dag-json'
import * as dagPb from '@ipld/dag-pb'
import { FsBlockstore } from 'blockstore-fs'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'

export const SHA2_256 = 0x12
export const CODECS = { raw, 'dag-pb': dagPb, 'dag-cbor': dagCbor, 'dag-json': dagJson }

/** An error that is Kubo's answer: status 500 when the command failed, 400 when the request itself is wrong. */
export class RpcError extends Error {
  constructor (message, status = 500) {
    super(message)
    this.status = status
  }
}

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest()
/** Blocks are kept by hash, so that CIDv0 and CIDv1 of one block share a file. */
export const keyOf = (cid) => Buffer.from(cid.multihash.bytes).toString('hex')

export function decode (cid, bytes) {
  const codec = Object.values(CODECS).find(({ code }) => code === cid.code)
  if (!codec) throw new RpcError(`no decoder registered for multicodec code ${cid.code} (0x${cid.code.toString(16)})`)
  return codec.decode(bytes)
}

/** CIDs that a decoded node links to, wherever they stand in it. */
function * linksIn (value) {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return
  const cid = CID.asCID(value)
  if (cid) yield cid
  else for (const child of Object.values(value)) yield * linksIn(child)
}

/** One file a block, in sharded folders. Reads verify the hash; one block is never written twice at the same time. */
export class VerifiedStore extends FsBlockstore {
  #writing = new Map()
  #inUse = new Set() // one set of keys for each unfinished command that needs blocks to stay
  #fresh = new Set() // keys that any command has needed at some time since the garbage collector began to mark

  fileOf (cid) {
    const { dir, file } = this.shardingStrategy.encode(cid)
    return join(this.path, dir, file)
  }

  async block (cid) {
    if (cid.multihash.code === 0) return cid.multihash.digest // an identity CID carries its block in itself
    if (cid.multihash.code !== SHA2_256) throw new RpcError(`this node knows sha2-256 only, not the hash of ${cid}`)
    const bytes = await readFile(this.fileOf(cid)).catch((error) => {
      if (error.code !== 'ENOENT') throw error
      throw new RpcError(`block was not found locally (offline): ipld: could not find ${cid}`)
    })
    if (!sha256(bytes).equals(cid.multihash.digest)) {
      throw new RpcError(`block in storage has different hash than requested: ${cid}`)
    }
    return bytes
  }

  async * get (cid) {
    yield await this.block(cid)
  }

  async put (cid, bytes) {
    // The library uses one temporary name per block; two writers at once would mix their bytes in that file.
    const key = keyOf(cid)
    if (!this.#writing.has(key)) {
      const { dir, base } = parse(this.fileOf(cid)) // of a write that fails, for want of room, its begun file goes
      const clean = (error) => { rmSync(join(dir, `.${base}.tmp`), { force: true }); throw error }
      this.#writing.set(key, super.put(cid, bytes).catch(clean).finally(() => this.#writing.delete(key)))
    }
    await this.#writing.get(key)
    return cid
  }

  /** All CIDs of the DAG under `root`, each once. `readLeaves` proves that raw leaves are there and intact as well. */
  async * walk (root, readLeaves = false) {
    const seen = new Set()
    const stack = [root]
    while (stack.length > 0) {
      const cid = stack.pop()
      if (seen.has(keyOf(cid))) continue
      seen.add(keyOf(cid))
      yield cid
      if (cid.code !== raw.code || readLeaves) stack.push(...linksIn(decode(cid, await this.block(cid))))
    }
  }

  /** Run `work(need)`; blocks it has called `need(cid)` for are safe from the garbage collector until it is done. */
  async protecting (work) {
    const keys = new Set()
    this.#inUse.add(keys)
    try {
      return await work((cid) => {
        keys.add(keyOf(cid))
        this.#fresh.add(keyOf(cid))
      })
    } finally {
      this.#inUse.delete(keys)
    }
  }

  /** Delete all blocks but those that `mark` collects and those that other commands need; returns the CIDs deleted. */
  async sweep (mark) {
    // A command may pin and end while the pins are being marked, so that its blocks are neither marked nor in use.
    this.#fresh = new Set([...this.#inUse].flatMap((keys) => [...keys]))
    const keep = await mark()
    const deleted = []
    for await (const { cid } of this.getAll()) {
      if (keep.has(keyOf(cid)) || this.#fresh.has(keyOf(cid))) continue
      unlinkSync(this.fileOf(cid)) // synchronous: nobody can begin to need the block between the check and this
      deleted.push(cid)
    }
    return deleted
  }
}

/** Recursive pins. A pin is an empty file named by its CID, so that making and removing one is atomic. */
export class Pins {
  constructor (folder, store) {
    mkdirSync(folder, { recursive: true })
    Object.assign(this, { folder, store, roots: new Map(readdirSync(folder).map((name) => [name, CID.parse(name)])) })
  }

  has (cid) { return this.roots.has(cid.toString()) }

  add (cid) {
    writeFileSync(join(this.folder, cid.toString()), '')
    this.roots.set(cid.toString(), cid)
  }

  remove (cid) {
    if (!this.has(cid)) throw new RpcError('not pinned or pinned indirectly')
    unlinkSync(join(this.folder, cid.toString()))
    this.roots.delete(cid.toString())
  }

  /** Block key → { cid, root } of all blocks under the pins, the roots' own included. */
  async reach () {
    const found = new Map()
    for (const root of this.roots.values()) {
      for await (const cid of this.store.walk(root)) found.set(keyOf(cid), { cid, root })
    }
    return found
  }
}
