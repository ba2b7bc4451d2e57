/**
 * One table of a backup: what changed since the previous one, its slices, its manifest.
 *
 * What is not read again:
 * - a file of a partition with the same name suffix, squash counter and row count: nothing;
 * - the same with more rows: every slice that ends at or before the old row count and is cut the same;
 * - anything else is read and hashed, and uploaded only if the previous manifest's file holds no slice with that hash.
 * A table that was truncated or re-created since is trusted in no part; its hashes still save uploads.
 *
 * @module
 */
import { yieldToEventLoop } from "../platform/mod.ts";
import { BLAKE3_PART_BYTES, joinBlake3, type TaskRunner, type WasmCore } from "../wasm/mod.ts";
import { toDigits } from "./content_hash.ts";
import type { InstanceKeys } from "./object_keys.ts";
import type { PackBuffers } from "./pack_buffer.ts";
import { OrderedTasks } from "./ordered_tasks.ts";
import { PackUploader, putImmutable, type UploadTarget } from "./pack_uploader.ts";
import type { FilePlan, PartitionFile } from "./partition_sources.ts";
import type { ManifestReference } from "./root_manifest.ts";
import {
  BackupTask,
  type EncodedSlice,
  type EncodeJob,
  type HashPartRequest,
} from "./slice_tasks.ts";
import { cutBytes, SLICE_BYTES_MAX } from "./slice_plan.ts";
import type { SourceFile } from "./source_file.ts";
import {
  FileKind,
  type StoredFile,
  type StoredPartition,
  type StoredSlice,
  type TableManifest,
  TableManifestBuilder,
  type TableManifestHeader,
} from "./table_manifest.ts";

/** Partitions planned ahead of the one being encoded. */
const PLAN_LOOKAHEAD = 4;
/** Slices in one task. */
const TASK_SLICES_MAX = 64;
/** Tasks in flight per worker: one runs, one waits. */
const TASKS_PER_WORKER = 2;
/** A slice of at least as many stored bytes takes about a millisecond to put into its pack. */
const LARGE_SLICE_BYTES = 262_144;

/** What every table of a backup shares. */
export interface BackupContext extends UploadTarget {
  readonly keys: InstanceKeys;
  readonly tasks: TaskRunner;
  readonly core: WasmCore;
  readonly compressionLevel: number;
  /** Slices encoded at a time. */
  readonly threadCount: number;
  readonly signal: AbortSignal;
  /** True if whole files of partitions are hashed: `backup.enable.partition.hashes`. */
  readonly hasFileHashes: boolean;
  /** Resolves when work may be handed out. */
  readonly giveWay: () => Promise<void>;
  readonly packBuffers: PackBuffers;
  /** Called with the weight of what is done. */
  readonly onProgress: (rows: number) => void;
}

/** A partition as of the pin. */
export interface PartitionSnapshot extends StoredPartition {
  /** Absolute directory. */
  readonly directory: string;
  readonly files: readonly PartitionFile[];
  /** File and type of the designated timestamp. */
  readonly timestampFile: { readonly path: string; readonly type: number } | null;
}

/** What there is to store of a table, or of the database itself. */
export interface TableSource {
  readonly header: TableManifestHeader;
  readonly partitionBy: number;
  readonly files: readonly SourceFile[];
  readonly partitions: readonly PartitionSnapshot[];
}

/** What became of a table. */
export interface TableResult {
  readonly manifest: ManifestReference;
  readonly rawBytes: number;
  readonly storedBytes: number;
}

/** A file being put together: each slot is a reused slice or waits for its task. */
interface FileAssembly {
  readonly path: string;
  readonly kind: number;
  readonly top: number;
  readonly bytes: number;
  readonly slots: (StoredSlice | null)[];
  /** Hash of the whole file, once it is known. */
  blake3: string | null;
}

interface Slot {
  readonly assembly: FileAssembly;
  readonly index: number;
  readonly rowLo: number;
  readonly rowHi: number;
  readonly job: EncodeJob;
  /** Stored slices that the result may turn out to equal. */
  readonly candidates: readonly StoredSlice[];
}

/** Stores a table; `previous` is its manifest in the last backup, or `null`. */
export async function backupTable(
  context: BackupContext,
  source: TableSource,
  previous: TableManifest | null,
): Promise<TableResult> {
  const backup = new TableBackup(context, source, previous);
  try {
    return await backup.run();
  } finally {
    await backup.settle();
  }
}

class TableBackup {
  readonly #context: BackupContext;
  readonly #source: TableSource;
  readonly #previous: TableManifest | null;
  readonly #isTrusted: boolean;
  readonly #builder: TableManifestBuilder;
  readonly #uploader: PackUploader;
  readonly #tasks: OrderedTasks;
  readonly #packBytes: Map<string, number>;
  readonly #plans: Promise<unknown>[] = [];

  constructor(context: BackupContext, source: TableSource, previous: TableManifest | null) {
    this.#context = context;
    this.#source = source;
    this.#previous = previous;
    this.#isTrusted = previous !== null &&
      previous.header.tableId === source.header.tableId &&
      previous.header.truncateVersion === source.header.truncateVersion;
    this.#builder = new TableManifestBuilder(source.header);
    this.#uploader = new PackUploader({ ...context, directory: source.header.directory });
    this.#tasks = new OrderedTasks(context.threadCount * TASKS_PER_WORKER);
    this.#packBytes = previous?.packBytes() ?? new Map();
  }

  async run(): Promise<TableResult> {
    const { keys, tasks } = this.#context;
    await this.#storeTableFiles();
    await this.#storePartitions();
    await this.#tasks.drain();
    await this.#uploader.finish();
    const json = this.#builder.encode();
    const { bytes, blake3 } = await tasks.run<{ bytes: Uint8Array; blake3: string }>(
      BackupTask.COMPRESS,
      { bytes: json },
    );
    const key = keys.tableManifest(this.#source.header.directory, blake3);
    await putImmutable(this.#context, { key, body: [bytes] });
    return {
      manifest: { key, blake3, bytes: bytes.byteLength },
      rawBytes: this.#builder.rawBytes,
      storedBytes: this.#builder.storedBytes,
    };
  }

  /** Waits for whatever is still under way; after a failure it has no other effect. */
  async settle(): Promise<void> {
    await this.#tasks.settle();
    await Promise.allSettled(this.#plans);
    await this.#uploader.settle();
  }

  async #storeTableFiles(): Promise<void> {
    const previous = new Map(this.#previous?.tableFiles().map((file) => [file.path, file]));
    const assemblies: FileAssembly[] = [];
    const slots: Slot[] = [];
    for (const source of this.#source.files) {
      const cuts = cutBytes(source.bytes, source.headerBytes);
      const assembly: FileAssembly = {
        path: source.path,
        kind: FileKind.RAW,
        top: 0,
        bytes: source.bytes,
        slots: new Array(cuts.length - 1).fill(null),
        blake3: null,
      };
      assemblies.push(assembly);
      const candidates = previous.get(source.path)?.slices ?? [];
      const known = candidates.map((slice) => slice.blake3);
      for (let index = 0; index + 1 < cuts.length; index++) {
        const [rowLo, rowHi] = [cuts[index], cuts[index + 1]];
        slots.push({
          assembly,
          index,
          rowLo,
          rowHi,
          candidates,
          job: sourceJob(source, [rowLo, rowHi], known),
        });
      }
    }
    await this.#submit(slots);
    await this.#tasks.add(0, () => Promise.resolve(), async () => {
      await this.#uploader.flush();
      this.#builder.addFiles(assemblies.map(finished), this.#allPackBytes());
      this.#context.onProgress(1);
    });
  }

  async #storePartitions(): Promise<void> {
    const known = new Map(
      this.#previous?.partitions.map((
        partition,
        index,
      ) => [partition.timestamp, { partition, index }]),
    );
    const ahead: (() => Promise<void>)[] = [];
    for (const partition of this.#source.partitions) {
      const old = known.get(partition.timestamp);
      const oldFiles = old === undefined ? [] : this.#previous!.partitionFiles(old.index);
      ahead.push(this.#preparePartition(partition, old?.partition ?? null, oldFiles));
      if (ahead.length > PLAN_LOOKAHEAD) await ahead.shift()!();
    }
    for (const store of ahead) await store();
  }

  /** Decides what must be read and starts planning it; the returned function does the rest. */
  #preparePartition(
    partition: PartitionSnapshot,
    old: StoredPartition | null,
    oldFiles: readonly StoredFile[],
  ): () => Promise<void> {
    const isSame = this.#isTrusted && old !== null && old.nameTxn === partition.nameTxn &&
      old.squashCount === partition.squashCount && old.format === partition.format;
    const oldByPath = new Map(oldFiles.map((file) => [file.path, file]));
    const trusted = (file: PartitionFile): StoredFile | null => {
      const stored = oldByPath.get(file.path);
      if (!isSame || stored?.kind !== file.kind || stored.top !== file.top) return null;
      if (file.kind !== FileKind.RAW) return stored;
      // Opaque bytes are not known to be append-only.
      return old.rows === partition.rows && stored.bytes === file.bytes ? stored : null;
    };
    const changed = partition.files.filter((file) =>
      trusted(file) === null || old!.rows !== partition.rows
    );
    const plans = changed.length === 0
      ? Promise.resolve<FilePlan[]>([])
      : this.#startPlan(partition, changed);
    return async () => {
      this.#context.signal.throwIfAborted();
      const planned = new Map((await plans).map((plan) => [plan.path, plan]));
      const slots: Slot[] = [];
      const assemblies = partition.files.map((file) => {
        const plan = planned.get(file.path);
        if (plan === undefined) return this.#reuse(trusted(file)!);
        return this.#assemble({ partition, file, plan, slots }, {
          old: oldByPath.get(file.path) ?? null,
          trustedRows: trusted(file) === null ? 0 : old!.rows,
        });
      });
      await this.#submit(slots);
      for (const assembly of assemblies) {
        if (planned.has(assembly.path)) await this.#hashFile(partition.directory, assembly);
      }
      await this.#tasks.add(0, () => Promise.resolve(), async () => {
        await this.#uploader.flush();
        this.#builder.addPartition(partition, assemblies.map(finished), this.#allPackBytes());
        this.#context.onProgress(partition.rows + 1);
      });
    };
  }

  #startPlan(partition: PartitionSnapshot, files: readonly PartitionFile[]): Promise<FilePlan[]> {
    const plans = this.#context.tasks.run<FilePlan[]>(BackupTask.PLAN, {
      directory: partition.directory,
      partitionBy: this.#source.partitionBy,
      timestamp: partition.timestamp,
      rows: partition.rows,
      timestampFile: partition.timestampFile,
      files,
    });
    this.#plans.push(plans);
    plans.then(() => this.#plans.splice(this.#plans.indexOf(plans), 1), () => undefined);
    return plans;
  }

  #assemble(
    target: {
      readonly partition: PartitionSnapshot;
      readonly file: PartitionFile;
      readonly plan: FilePlan;
      readonly slots: Slot[];
    },
    before: { readonly old: StoredFile | null; readonly trustedRows: number },
  ): FileAssembly {
    const { partition, file, plan, slots } = target;
    const count = plan.rows.length - 1;
    const assembly: FileAssembly = {
      path: file.path,
      kind: file.kind,
      top: file.top,
      bytes: plan.bytes,
      slots: new Array(count).fill(null),
      blake3: null,
    };
    const candidates = before.old?.slices ?? [];
    const known = candidates.map((slice) => slice.blake3); // one array for all jobs: it is cloned once a task
    const byStart = new Map(candidates.map((slice) => [slice.rowLo, slice]));
    for (let index = 0; index < count; index++) {
      const rowLo = plan.rows[index], rowHi = plan.rows[index + 1];
      const bytes = plan.positions[index + 1] - plan.positions[index];
      const old = byStart.get(rowLo);
      if (old?.rowHi === rowHi && rowHi <= before.trustedRows && old.raw === bytes) {
        assembly.slots[index] = old;
        this.#context.counters.bytesReused += old.stored;
        continue;
      }
      slots.push({
        assembly,
        index,
        rowLo,
        rowHi,
        candidates,
        job: {
          file: `${partition.directory}/${file.path}`,
          content: null,
          position: plan.positions[index],
          bytes,
          kind: file.kind,
          type: file.type,
          base: plan.bases[index] ?? 0,
          overlays: [],
          known,
        },
      });
    }
    return assembly;
  }

  /** Encodes slices in groups of a bounded size; fills their slots in order. */
  async #submit(slots: readonly Slot[]): Promise<void> {
    for (let start = 0; start < slots.length;) {
      let end = start, bytes = 0;
      while (
        end < slots.length && end - start < TASK_SLICES_MAX &&
        (end === start || bytes + slots[end].job.bytes <= SLICE_BYTES_MAX)
      ) bytes += slots[end++].job.bytes;
      await this.#encode(slots.slice(start, end), bytes);
      start = end;
    }
  }

  /** Hashes a file as it is restored, in parts that do not hold up others. */
  async #hashFile(directory: string, assembly: FileAssembly): Promise<void> {
    const { hasFileHashes, tasks, core, giveWay } = this.#context;
    if (!hasFileHashes || assembly.bytes === 0) return;
    const file = `${directory}/${assembly.path}`;
    const count = Math.ceil(assembly.bytes / BLAKE3_PART_BYTES);
    const parts: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const bytes = Math.min(BLAKE3_PART_BYTES, assembly.bytes - index * BLAKE3_PART_BYTES);
      const request: HashPartRequest = { file, index, bytes, isOnly: count === 1 };
      await giveWay();
      await this.#tasks.add(
        bytes,
        () => tasks.run<Uint8Array>(BackupTask.HASH, request),
        (part) => {
          if (parts.push(part) < count) return;
          assembly.blake3 = toDigits(count === 1 ? part : joinBlake3(core, parts));
        },
      );
    }
  }

  async #encode(group: readonly Slot[], bytes: number): Promise<void> {
    const { tasks, compressionLevel: level, signal, counters } = this.#context;
    await this.#context.giveWay();
    signal.throwIfAborted();
    const args = { jobs: group.map((slot) => slot.job), level };
    await this.#tasks.add(
      bytes,
      () => tasks.run<EncodedSlice[]>(BackupTask.ENCODE, args),
      async (results) => {
        counters.bytesRead += bytes;
        for (let i = 0; i < group.length; i++) await this.#fill(group[i], results[i]);
      },
    );
  }

  async #fill(slot: Slot, result: EncodedSlice): Promise<void> {
    const { assembly, index, rowLo, rowHi } = slot;
    if (result.stored === null) {
      const same = slot.candidates.find((slice) => slice.blake3 === result.blake3)!;
      assembly.slots[index] = { ...same, rowLo, rowHi };
      this.#context.counters.bytesReused += same.stored;
      return;
    }
    const { byteLength } = result.stored;
    assembly.slots[index] = await this.#uploader.add(result.stored, {
      path: assembly.path,
      row_lo: rowLo,
      row_hi: rowHi,
      raw: slot.job.bytes,
      codec: result.codec,
      blake3: result.blake3,
    });
    // Hashing and copying a large slice takes a millisecond: requests that came in the meantime go first.
    if (byteLength >= LARGE_SLICE_BYTES) await yieldToEventLoop();
  }

  #reuse(file: StoredFile): FileAssembly {
    for (const slice of file.slices) this.#context.counters.bytesReused += slice.stored;
    return reusedFile(file);
  }

  #allPackBytes(): ReadonlyMap<string, number> {
    for (const [hash, bytes] of this.#uploader.packBytes) this.#packBytes.set(hash, bytes);
    this.#uploader.packBytes.clear();
    return this.#packBytes;
  }
}

function sourceJob(
  source: SourceFile,
  [low, high]: [number, number],
  known: readonly string[],
): EncodeJob {
  return {
    file: source.file,
    content: source.content === null ? null : source.content.slice(low, high),
    position: source.content === null ? low : 0,
    bytes: high - low,
    kind: FileKind.RAW,
    type: 0,
    base: 0,
    overlays: source.content === null ? source.overlays : [],
    known,
  };
}

function reusedFile(file: StoredFile): FileAssembly {
  const { path, kind, top, bytes } = file;
  return { path, kind, top, bytes, slots: [...file.slices], blake3: file.blake3 ?? null };
}

function finished(assembly: FileAssembly): StoredFile {
  const { path, kind, top, bytes, blake3 } = assembly;
  const slices = assembly.slots as StoredSlice[];
  return { path, kind, top, bytes, slices, ...blake3 === null ? {} : { blake3 } };
}
