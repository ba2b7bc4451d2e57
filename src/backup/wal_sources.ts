/**
 * The part of a WAL table that is not in its partitions: the sequencer's files up to the last transaction of the backup, and
 * the segments that hold transactions not yet applied. After a restore they are applied as after a restart.
 *
 * The log and the open segment keep growing while they are read. Committed bytes never change, so a longer copy is harmless;
 * what publishes (the log's and the event file's last transaction, the event terminator) is replaced by the value as of the
 * pin.
 *
 * Formats: docs/internals/wal.md.
 *
 * @module
 */
import { BackupError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { fileSource, readExactly, snapshotSource, type SourceFile } from "./source_file.ts";

const SEQUENCER = "txn_seq";
const LOG = "_txnlog";
const METADATA = "_meta";
const PARTS = "_txn_parts";
const LOG_HEADER_BYTES = 76;
const MAX_TXN_POSITION = 4;
const PART_TXNS_POSITION = 20;
const RECORD_BYTES = { v1: 28, v2: 60 } as const;
/** Records read at a time. */
const RECORDS_PER_READ = 65_536;

/** A table's sequencer as of a moment. */
export interface SequencerPosition {
  /** Absolute table directory. */
  readonly tableDir: string;
  /** Applied transaction. */
  readonly seqTxn: number;
  /** Last committed transaction. */
  readonly lastTxn: number;
}

function int64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return bytes;
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

/**
 * The sequencer's metadata, to be read in the same moment as the pin: DROP TABLE marks it as dropped at once. The other files
 * of `txn_seq/` only grow, and what is behind `lastTxn` in them is not looked at.
 */
export function sequencerMetadata(fs: FileSystem, tableDir: string): SourceFile {
  const path = `${SEQUENCER}/${METADATA}`;
  return snapshotSource(fs, path, `${tableDir}/${path}`);
}

/** Files of `txn_seq/` besides the metadata. */
export function sequencerSources(fs: FileSystem, position: SequencerPosition): SourceFile[] {
  const directory = `${position.tableDir}/${SEQUENCER}`;
  const partTxns = readPartTxns(fs, `${directory}/${LOG}`);
  const sources: SourceFile[] = [];
  for (const entry of fs.readDir(directory)) {
    const path = `${SEQUENCER}/${entry.name}`, file = `${directory}/${entry.name}`;
    if (entry.isDirectory) {
      if (entry.name === PARTS) sources.push(...partSources(fs, position, partTxns));
      continue;
    }
    if (entry.name === METADATA) continue;
    if (entry.name !== LOG) {
      sources.push(snapshotSource(fs, path, file));
      continue;
    }
    const records = partTxns === 0 ? position.lastTxn * RECORD_BYTES.v1 : 0;
    sources.push(fileSource(path, { file, bytes: LOG_HEADER_BYTES + records }, {
      headerBytes: LOG_HEADER_BYTES,
      overlays: [{ position: MAX_TXN_POSITION, bytes: int64(position.lastTxn) }],
    }));
  }
  return sources;
}

/** Files of the segments that hold transactions after `seqTxn` up to `lastTxn`, and of their WALs. */
export function segmentSources(fs: FileSystem, position: SequencerPosition): SourceFile[] {
  const sources: SourceFile[] = [];
  const wals = new Set<number>();
  for (const segment of unappliedSegments(fs, position)) {
    const walDir = `wal${segment.walId}`;
    if (!wals.has(segment.walId)) {
      wals.add(segment.walId);
      for (const entry of fs.readDir(`${position.tableDir}/${walDir}`)) {
        if (entry.isDirectory) continue;
        const file = `${position.tableDir}/${walDir}/${entry.name}`;
        sources.push(wholeFile(fs, `${walDir}/${entry.name}`, file));
      }
    }
    sources.push(...oneSegment(fs, position.tableDir, segment));
  }
  return sources;
}

interface Segment {
  readonly walId: number;
  readonly segmentId: number;
  /** Last transaction of the segment that the sequencer knows. */
  lastSegmentTxn: number;
}

function oneSegment(fs: FileSystem, tableDir: string, segment: Segment): SourceFile[] {
  const directory = `wal${segment.walId}/${segment.segmentId}`;
  const absolute = `${tableDir}/${directory}`;
  const indexBytes = (segment.lastSegmentTxn + 2) * 8;
  const index = readExactly(fs, `${absolute}/_event.i`, { position: 0, bytes: indexBytes });
  const end = Number(new DataView(index.buffer).getBigInt64(indexBytes - 8, true));
  const size = fs.stat(`${absolute}/_event`)?.size ?? 0;
  if (!Number.isSafeInteger(end) || end < 8 || end > size) {
    throw new BackupError("WAL event index is corrupt", {
      file: `${absolute}/_event.i`,
      end,
      size,
    });
  }
  const sources: SourceFile[] = [];
  for (const entry of fs.readDir(absolute)) {
    if (entry.isDirectory) continue; // .pending markers belong to this machine
    const path = `${directory}/${entry.name}`, file = `${absolute}/${entry.name}`;
    if (entry.name === "_event.i") {
      sources.push(fileSource(path, { file, bytes: indexBytes }));
    } else if (entry.name === "_event") {
      sources.push(fileSource(path, { file, bytes: end + 4 }, {
        overlays: [
          { position: 0, bytes: int32(segment.lastSegmentTxn) },
          { position: end, bytes: int32(-1) },
        ],
      }));
    } else sources.push(wholeFile(fs, path, file));
  }
  return sources;
}

/** A file as long as it is now. */
function wholeFile(fs: FileSystem, path: string, file: string): SourceFile {
  return fileSource(path, { file, bytes: fs.stat(file)?.size ?? 0 });
}

function readPartTxns(fs: FileSystem, log: string): number {
  const header = readExactly(fs, log, { position: 0, bytes: LOG_HEADER_BYTES });
  return new DataView(header.buffer).getInt32(PART_TXNS_POSITION, true);
}

function partSources(
  fs: FileSystem,
  position: SequencerPosition,
  partTxns: number,
): SourceFile[] {
  const sources: SourceFile[] = [];
  const directory = `${SEQUENCER}/${PARTS}`;
  for (const entry of fs.readDir(`${position.tableDir}/${directory}`)) {
    const part = Number(entry.name);
    if (entry.isDirectory || !Number.isSafeInteger(part) || part * partTxns >= position.lastTxn) {
      continue;
    }
    const file = `${position.tableDir}/${directory}/${entry.name}`;
    const count = Math.min(partTxns, position.lastTxn - part * partTxns);
    sources.push(
      fileSource(`${directory}/${entry.name}`, { file, bytes: count * RECORD_BYTES.v2 }),
    );
  }
  return sources;
}

/** Segments of the un-applied transactions; structural changes and drops (negative wal id) live in the sequencer. */
function unappliedSegments(fs: FileSystem, position: SequencerPosition): Segment[] {
  const segments = new Map<string, Segment>();
  for (const { walId, segmentId, segmentTxn } of readRecords(fs, position)) {
    if (walId <= 0) continue;
    const key = `${walId}/${segmentId}`;
    const known = segments.get(key);
    if (known === undefined) segments.set(key, { walId, segmentId, lastSegmentTxn: segmentTxn });
    else known.lastSegmentTxn = Math.max(known.lastSegmentTxn, segmentTxn);
  }
  return [...segments.values()];
}

function* readRecords(
  fs: FileSystem,
  position: SequencerPosition,
): Generator<{ walId: number; segmentId: number; segmentTxn: number }> {
  const directory = `${position.tableDir}/${SEQUENCER}`;
  const partTxns = readPartTxns(fs, `${directory}/${LOG}`);
  const recordBytes = partTxns === 0 ? RECORD_BYTES.v1 : RECORD_BYTES.v2;
  for (let txn = position.seqTxn; txn < position.lastTxn;) { // record of transaction txn+1
    const part = partTxns === 0 ? 0 : Math.floor(txn / partTxns);
    const end = partTxns === 0
      ? position.lastTxn
      : Math.min(position.lastTxn, (part + 1) * partTxns);
    const count = Math.min(RECORDS_PER_READ, end - txn);
    const file = partTxns === 0 ? `${directory}/${LOG}` : `${directory}/${PARTS}/${part}`;
    const start = partTxns === 0
      ? LOG_HEADER_BYTES + txn * recordBytes
      : (txn - part * partTxns) * recordBytes;
    const bytes = readExactly(fs, file, { position: start, bytes: count * recordBytes });
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) {
      yield {
        walId: view.getInt32(i * recordBytes + 8, true),
        segmentId: view.getInt32(i * recordBytes + 12, true),
        segmentTxn: view.getInt32(i * recordBytes + 16, true),
      };
    }
    txn += count;
  }
}
