/**
 * The work of backup and restore that runs in workers: planning cuts, encoding slices of files, decoding slices into files,
 * compressing manifests. Each task handles at most a few MiB, so that queries and WAL apply wait only milliseconds.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { assert, BackupError, freeBytes, RestoreError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import {
  blake3,
  BLAKE3_PART_BYTES,
  blake3Part,
  type TaskContext,
  type TaskHandlers,
  Transferred,
  type WasmCore,
} from "../wasm/mod.ts";
import {
  buildPartitionIndex,
  type IndexedColumn,
  type PartitionIndexFiles,
  readSymbolSettings,
  rebuildSymbolFiles,
  type SymbolFiles,
} from "../storage/mod.ts";
import { hashDigits, hashHex } from "./content_hash.ts";
import { rebaseAux } from "./aux_rebase.ts";
import { type PartitionPlanRequest, planPartition } from "./partition_sources.ts";
import { decodeBytes, encodeBytes } from "./slice_codec.ts";
import type { Overlay } from "./source_file.ts";
import { FileKind } from "./table_manifest.ts";
import { frameByteSize } from "./zstd_frame.ts";

/** A slice to encode. */
export interface EncodeJob {
  /** Absolute path to read, or `null` if `content` holds the bytes. */
  readonly file: string | null;
  readonly content: Uint8Array | null;
  /** Position in the file. */
  readonly position: number;
  readonly bytes: number;
  /** A {@linkcode FileKind}. */
  readonly kind: number;
  /** Column type code; 0 for opaque bytes. */
  readonly type: number;
  /** Subtracted from the offsets of an aux file. */
  readonly base: number;
  readonly overlays: readonly Overlay[];
  /** Hashes that are stored already; such a slice is not encoded. */
  readonly known: readonly string[];
}

/** What became of an {@linkcode EncodeJob}. */
export interface EncodedSlice {
  readonly blake3: string;
  /** Encoded bytes; `null` if the hash was known. */
  readonly stored: Uint8Array<ArrayBuffer> | null;
  readonly codec: string;
}

/** A slice to decode. */
export interface DecodeJob {
  /** Absolute path to write; created if missing. */
  readonly file: string;
  /** Position in the file. */
  readonly position: number;
  /** Where the stored bytes lie in the task's buffer. */
  readonly offset: number;
  readonly stored: number;
  readonly raw: number;
  readonly codec: string;
  readonly blake3: string;
  readonly kind: number;
  /** Added to the offsets of an aux file. */
  readonly base: number;
}

/** Slices to decode, all of one object. */
export interface DecodeRequest {
  readonly jobs: readonly DecodeJob[];
  /** Part of the object; freed when the task is done. */
  readonly buffer: Uint8Array;
  /** Its key, for messages. */
  readonly object: string;
  /** Files are named in messages without this prefix of their paths. */
  readonly prefix: string;
}

/** A slice that an earlier attempt may have written already. */
export type PresenceJob = Pick<DecodeJob, "file" | "position" | "raw" | "blake3" | "kind" | "base">;

/** A symbol table whose `.o`, `.k` and `.v` are to be made from `.c`. */
export interface SymbolRebuildRequest {
  /** Absolute paths; `.o` holds its header, `.c` everything. */
  readonly files: SymbolFiles;
  /** Committed symbols. */
  readonly count: number;
}

/** Index of a SYMBOL column in a partition, to be made from the column. */
export interface IndexRebuildRequest {
  readonly files: PartitionIndexFiles;
  readonly column: IndexedColumn;
}

/** Part of a file to hash. */
export interface HashPartRequest {
  /** Absolute path. */
  readonly file: string;
  /** Which part of {@linkcode BLAKE3_PART_BYTES}. */
  readonly index: number;
  /** Bytes of the part. */
  readonly bytes: number;
  /** True if the file has no other part: the result is its hash. */
  readonly isOnly: boolean;
}

/** Names of the tasks. */
export const BackupTask = {
  PLAN: "backup.plan",
  ENCODE: "backup.encode",
  DECODE: "backup.decode",
  VERIFY: "backup.verify",
  READ: "backup.read",
  PRESENT: "backup.present",
  COMPRESS: "backup.compress",
  HASH: "backup.hash",
  SYMBOLS: "backup.symbols",
  INDEX: "backup.index",
} as const;

/** Handlers to register where tasks run. */
export const backupTasks: TaskHandlers = {
  [BackupTask.PLAN]: (context, request: PartitionPlanRequest) => planPartition(context.fs, request),
  [BackupTask.ENCODE]: encodeSlices,
  [BackupTask.DECODE]: decodeSlices,
  [BackupTask.VERIFY]: verifySlices,
  [BackupTask.READ]: readSlices,
  [BackupTask.PRESENT]: findPresent,
  [BackupTask.COMPRESS]: compressObject,
  [BackupTask.HASH]: hashPart,
  [BackupTask.SYMBOLS]: rebuildSymbols,
  [BackupTask.INDEX]: rebuildIndex,
};

function encodeSlices(
  context: TaskContext,
  args: { readonly jobs: readonly EncodeJob[]; readonly level: number },
): Transferred {
  using files = new OpenFiles(context.fs, "read");
  const slices = args.jobs.map((job) => encodeOne(context.core, files, { job, level: args.level }));
  return new Transferred(slices, slices.flatMap(({ stored }) => stored?.buffer ?? []));
}

function encodeOne(
  core: WasmCore,
  files: OpenFiles,
  { job, level }: { readonly job: EncodeJob; readonly level: number },
): EncodedSlice {
  const pointer = core.memory.alloc(job.bytes);
  try {
    const view = core.memory.bytes(pointer, job.bytes);
    readJob(view, files, job);
    if (job.kind !== FileKind.RAW) rebaseAux(view, job.kind, -job.base);
    const blake3 = hashDigits(core, pointer, job.bytes);
    if (job.known.includes(blake3)) return { blake3, stored: null, codec: "" };
    return {
      blake3,
      ...encodeBytes(core, { ...job, pointer, byteSize: job.bytes }, level),
    };
  } finally {
    core.memory.free(pointer);
  }
}

function readJob(view: Uint8Array, files: OpenFiles, job: EncodeJob): void {
  if (job.file === null) {
    view.set(job.content!.subarray(job.position, job.position + job.bytes));
  } else files.readExactly(job.file, view, job.position);
  for (const overlay of job.overlays) {
    // The part of the overlay that falls into this slice.
    const low = Math.max(overlay.position, job.position);
    const high = Math.min(overlay.position + overlay.bytes.length, job.position + job.bytes);
    if (low >= high) continue;
    const part = overlay.bytes.subarray(low - overlay.position, high - overlay.position);
    view.set(part, low - job.position);
  }
}

function hashPart(context: TaskContext, request: HashPartRequest): Uint8Array<ArrayBuffer> {
  const { core, fs } = context;
  const { file, index, bytes, isOnly } = request;
  using files = new OpenFiles(fs, "read");
  const pointer = core.memory.alloc(bytes);
  try {
    const view = core.memory.bytes(pointer, bytes);
    files.readExactly(file, view, index * BLAKE3_PART_BYTES);
    return isOnly
      ? blake3(core, pointer, bytes)
      : blake3Part(core, { pointer, byteSize: bytes, index });
  } finally {
    core.memory.free(pointer);
  }
}

function decodeSlices(context: TaskContext, request: DecodeRequest): number {
  using files = new OpenFiles(context.fs, "create");
  let bytes = 0;
  for (const job of request.jobs) {
    decodeOne(context.core, { ...request, job }, (view) => {
      if (job.kind !== FileKind.RAW) rebaseAux(view, job.kind, job.base);
      files.open(job.file).write(view, job.position);
    });
    bytes += job.raw;
  }
  freeBytes(request.buffer);
  return bytes;
}

/** Decodes slices to see that it can be done; nothing is written. */
function verifySlices(context: TaskContext, request: DecodeRequest): void {
  for (const job of request.jobs) {
    decodeOne(context.core, { ...request, job }, (view) => {
      if (job.kind !== FileKind.RAW) rebaseAux(view, job.kind, job.base);
    });
  }
  freeBytes(request.buffer);
}

/** Decodes slices and returns their bytes, for small files. */
function readSlices(context: TaskContext, request: DecodeRequest): Uint8Array<ArrayBuffer>[] {
  const slices: Uint8Array<ArrayBuffer>[] = [];
  for (const job of request.jobs) {
    // Out of the shared memory, which cannot be sent.
    decodeOne(context.core, { ...request, job }, (view) => slices.push(new Uint8Array(view)));
  }
  return slices;
}

/** Tells which slices their files hold already, by their hashes. */
function findPresent(
  context: TaskContext,
  args: { readonly jobs: readonly PresenceJob[] },
): boolean[] {
  using files = new OpenFiles(context.fs, "read");
  return args.jobs.map((job) => isPresent(context.core, files, job));
}

function isPresent(core: WasmCore, files: OpenFiles, job: PresenceJob): boolean {
  const pointer = core.memory.alloc(job.raw);
  try {
    const view = core.memory.bytes(pointer, job.raw);
    const count = files.open(job.file).read(view, job.position);
    if (count !== job.raw || !canRebase(view, job)) return false;
    return hashDigits(core, pointer, job.raw) === job.blake3;
  } finally {
    core.memory.free(pointer);
  }
}

/** Takes the base off the offsets again; `false` for bytes that were never written by a restore. */
function canRebase(view: Uint8Array, job: PresenceJob): boolean {
  if (job.kind === FileKind.RAW) return true;
  try {
    rebaseAux(view, job.kind, -job.base);
    return true;
  } catch {
    return false; // an offset below the base: a hole, or torn by a crash
  }
}

/** Decodes a slice, checks its hash and hands its bytes on. */
function decodeOne(
  core: WasmCore,
  { buffer, object, prefix, job }: DecodeRequest & { readonly job: DecodeJob },
  use: (view: Uint8Array) => void,
): void {
  const path = job.file.startsWith(prefix) ? job.file.slice(prefix.length) : job.file;
  const pointer = core.memory.alloc(job.raw);
  try {
    const view = core.memory.bytes(pointer, job.raw);
    const stored = buffer.subarray(job.offset, job.offset + job.stored);
    try {
      decodeBytes(core, stored, { pointer, byteSize: job.raw, codec: job.codec });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RestoreError("slice cannot be decoded", { path, reason, object }, { cause: error });
    }
    const actual = hashDigits(core, pointer, job.raw);
    if (actual !== job.blake3) {
      throw new RestoreError("hash mismatch", { path, expected: job.blake3, actual, object });
    }
    use(view);
  } finally {
    core.memory.free(pointer);
  }
}

/** Makes files durable. */
function syncFiles(context: TaskContext, args: { readonly files: readonly string[] }): void {
  for (const path of args.files) {
    using file = context.fs.open(path, "readWrite");
    file.sync();
  }
}

/** Rebuilds what is derived of a symbol table. */
function rebuildSymbols(context: TaskContext, request: SymbolRebuildRequest): void {
  const { fs } = context;
  const { files, count } = request;
  rebuildSymbolFiles(fs, files, { count, ...readSymbolSettings(fs, files) });
}

/** Builds the index of a column in a partition; durable on return but for the directory. */
function rebuildIndex(context: TaskContext, request: IndexRebuildRequest): void {
  const { fs } = context;
  const { files, column } = request;
  buildPartitionIndex(fs, files, column);
  syncFiles(context, { files: [files.values, files.keys] });
}

/** Compresses a manifest. Returns the object's bytes and their hash, which names it. */
function compressObject(
  context: TaskContext,
  args: { readonly bytes: Uint8Array },
): { bytes: Uint8Array<ArrayBuffer>; blake3: string } {
  const bytes = compressManifest(args.bytes);
  return { bytes, blake3: hashHex(context.core, bytes) };
}

const MANIFEST_LEVEL = 3;

/** Compresses a manifest into one zstd frame with a checksum, and makes sure that it can be read back. */
export function compressManifest(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frames = zstdCompressSync(bytes, {
    params: {
      [constants.ZSTD_c_compressionLevel]: MANIFEST_LEVEL,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  const frame = frames.subarray(0, frameByteSize(frames) ?? 0);
  const back = zstdDecompressSync(frame, { maxOutputLength: Math.max(1, bytes.byteLength) });
  assert(Buffer.compare(back, bytes) === 0, "a compressed manifest reads back as it was");
  return new Uint8Array(frame);
}

/** The files of one task. */
class OpenFiles implements Disposable {
  readonly #fs: FileSystem;
  readonly #mode: "read" | "create";
  readonly #handles = new Map<string, FileHandle>();

  constructor(fs: FileSystem, mode: "read" | "create") {
    this.#fs = fs;
    this.#mode = mode;
  }
  open(path: string): FileHandle {
    let handle = this.#handles.get(path);
    if (handle === undefined) this.#handles.set(path, handle = this.#fs.open(path, this.#mode));
    return handle;
  }
  readExactly(path: string, buffer: Uint8Array, position: number): void {
    const handle = this.open(path);
    const count = handle.read(buffer, position);
    if (count !== buffer.byteLength) throw shortFile(path, position + buffer.byteLength, handle);
  }
  [Symbol.dispose](): void {
    for (const handle of this.#handles.values()) handle.close();
  }
}

function shortFile(file: string, expected: number, handle: FileHandle): BackupError {
  return new BackupError("file is shorter than its committed length", {
    file,
    expected,
    actual: handle.size(),
  });
}
