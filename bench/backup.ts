/**
 * Backups of 2 GB beside restic, borg, rclone and `zstd -5` per file, in the same run on the same column files:
 *
 *     deno run -A bench/backup.ts [peer …]
 *
 * First backup, nothing changed, 5.5 % changed, restore; then what a backup costs those who insert. Peers that are not installed
 * are left out and named. Ours is the server as it runs, its verified restore includes its start.
 *
 * @module
 */
import { ServerProcess } from "../scripts/server_process.ts";
import { openEngine } from "../tests/support/engine_fixture.ts";
import { BackupDataset } from "./backup_dataset.ts";
import {
  type Cost,
  costOfCommand,
  cpuSecondsOf,
  resetPeak,
  residentMebibytes,
} from "./command_cost.ts";

const RESTORE_ROUNDS = 3;
const PULSE_MILLIS = 5;
const PULSES_BASELINE = 2000;
const PROCESSES = "2";

/** A way to back a directory up. */
interface Peer {
  readonly name: string;
  backup(): Promise<Cost>;
  /** Brings the newest backup back into a new directory. */
  restore(target: string): Promise<Cost>;
  /** The same, and reads it once more to compare; where that is another command. */
  restoreVerified?(target: string): Promise<Cost>;
  /** Directory in which everything stored lies. */
  readonly store: string;
}

async function bytesOf(dir: string): Promise<number> {
  const { stdout } = await new Deno.Command("du", { args: ["-sb", "--apparent-size", dir] })
    .output();
  return Number(new TextDecoder().decode(stdout).split("\t")[0]);
}

class Tidemark implements Peer {
  readonly name = "Tidemark";
  readonly store: string;
  readonly #root: string;
  #server: ServerProcess | null = null;

  constructor(root: string, store: string) {
    [this.#root, this.store] = [root, store];
  }

  /** Lines for `server.conf` and `_backup_restore`. */
  get config(): string {
    const { store } = this;
    return `backup.object.store=fs::root=${store};atomic_write_dir=${store}/atomic;`;
  }
  async start(): Promise<ServerProcess> {
    await Deno.mkdir(this.store, { recursive: true });
    return this.#server ??= await ServerProcess.start({
      root: this.#root,
      settings: ["backup.enabled=true", this.config],
    });
  }
  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = null;
  }
  async backup(): Promise<Cost> {
    const server = await this.start();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    resetPeak(server.pid);
    const memory = residentMebibytes(server.pid, "VmRSS"), cpu = cpuSecondsOf(server.pid);
    const started = performance.now();
    await server.backup();
    return {
      seconds: (performance.now() - started) / 1000,
      cpuSeconds: cpuSecondsOf(server.pid) - cpu,
      peakMebibytes: residentMebibytes(server.pid, "VmHWM") - memory,
    };
  }
  async restore(target: string): Promise<Cost> {
    await Deno.mkdir(target);
    await Deno.writeTextFile(`${target}/_backup_restore`, `${this.config}\n`);
    const started = performance.now();
    await using server = await ServerProcess.start({ root: target });
    return {
      seconds: (performance.now() - started) / 1000,
      cpuSeconds: cpuSecondsOf(server.pid),
      peakMebibytes: residentMebibytes(server.pid, "VmHWM"),
    };
  }
}

function restic(source: string, dir: string): Peer {
  const store = `${dir}/restic`;
  const env = {
    RESTIC_PASSWORD: "bench",
    RESTIC_REPOSITORY: store,
    RESTIC_CACHE_DIR: `${dir}/cache`,
  };
  let isNew = true;
  return {
    name: "restic",
    store,
    async backup() {
      if (isNew) await costOfCommand(["restic", "init"], { env });
      isNew = false;
      return await costOfCommand(["restic", "backup", "--quiet", "."], { env, cwd: source });
    },
    restore: (target) =>
      costOfCommand(["restic", "restore", "latest", "--target", target], { env }),
    restoreVerified: (target) =>
      costOfCommand(["restic", "restore", "latest", "--verify", "--target", target], { env }),
  };
}

function borg(source: string, dir: string): Peer {
  const store = `${dir}/borg`;
  const env = { BORG_BASE_DIR: `${dir}/borg-base` };
  let count = 0;
  return {
    name: "borg zstd,5",
    store,
    async backup() {
      if (count === 0) await costOfCommand(["borg", "init", "-e", "none", store], { env });
      const archive = `${store}::${++count}`;
      const command = ["borg", "create", "--compression", "zstd,5", archive, "."];
      return await costOfCommand(command, { env, cwd: source });
    },
    async restore(target) {
      await Deno.mkdir(target);
      return await costOfCommand(["borg", "extract", `${store}::${count}`], { env, cwd: target });
    },
  };
}

function rclone(source: string, dir: string): Peer {
  const store = `${dir}/rclone`;
  return {
    name: "rclone sync",
    store,
    backup: () => costOfCommand(["rclone", "sync", "--config", "", source, store]),
    restore: (target) => costOfCommand(["rclone", "sync", "--config", "", store, target]),
  };
}

/** The model of the reference: every file that changed is compressed again, whole. */
function zstdPerFile(source: string, dir: string): Peer {
  const store = `${dir}/zstd`;
  let newer = "";
  const each = (find: string, command: string) =>
    costOfCommand([
      "sh",
      "-c",
      `find . -type f ${find} -print0 | xargs -0 -r -n 4 -P ${PROCESSES} ${command}`,
    ], {
      cwd: find.includes(".zst") ? store : source,
    });
  return {
    name: "zstd -5 per file",
    store,
    async backup() {
      await Deno.mkdir(store, { recursive: true });
      const stamp = `${dir}/stamp${Date.now()}`;
      await Deno.writeTextFile(stamp, "");
      const cost = await each(
        newer && `-newer ${newer}`,
        `zstd -5 -q -f --output-dir-mirror ${store}`,
      );
      newer = stamp;
      return cost;
    },
    async restore(target) {
      await Deno.mkdir(target);
      return await each("-name '*.zst'", `zstd -d -q --output-dir-mirror ${target}`);
    },
  };
}

function isInstalled(command: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${command}`] }).outputSync().success;
}

function print([name, step]: [string, string], cost: Cost, storedBytes: number): void {
  console.log(
    `${name.padEnd(18)}${step.padEnd(16)}${cost.seconds.toFixed(2).padStart(8)} s` +
      `${cost.cpuSeconds.toFixed(2).padStart(9)} CPU s${
        cost.peakMebibytes.toFixed(0).padStart(7)
      } MiB` +
      `${(storedBytes / 1e6).toFixed(2).padStart(10)} MB stored`,
  );
}

async function step(peers: readonly Peer[], title: string): Promise<void> {
  for (const peer of peers) {
    const before = await Deno.stat(peer.store).then(() => bytesOf(peer.store), () => 0);
    await new Deno.Command("sync").output();
    const cost = await peer.backup();
    if (peer instanceof Tidemark) await peer.stop();
    print([peer.name, title], cost, await bytesOf(peer.store) - before);
  }
}

/** Restores with every peer in turn, several times; the fastest of each counts, since memory new to the machine is slow. */
async function compareRestores(peers: readonly Peer[], target: string): Promise<void> {
  const ways = peers.flatMap((peer) => [
    { name: peer.name, restore: () => peer.restore(target) },
    ...peer.restoreVerified === undefined
      ? []
      : [{ name: `${peer.name} --verify`, restore: () => peer.restoreVerified!(target) }],
  ]);
  const best = new Map<string, Cost>();
  for (let round = 0; round < RESTORE_ROUNDS; round++) {
    for (const { name, restore } of ways) {
      await new Deno.Command("sync").output();
      const cost = await restore();
      await Deno.remove(target, { recursive: true });
      if (cost.seconds < (best.get(name)?.seconds ?? Infinity)) best.set(name, cost);
    }
  }
  for (const [name, cost] of best) print([name, "restore"], cost, 0);
}

function percentile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];
}

/** Latencies of one-row inserts, one after the other, while some work goes on. */
async function insertLatencies(server: ServerProcess, isOn: () => boolean): Promise<number[]> {
  const latencies: number[] = [];
  while (isOn()) {
    const started = performance.now();
    await server.exec(`INSERT INTO pulse VALUES (now(), ${latencies.length})`);
    latencies.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, PULSE_MILLIS));
  }
  return latencies;
}

async function ingestDuringBackup(root: string, store: string): Promise<void> {
  const tidemark = new Tidemark(root, store);
  const server = await tidemark.start();
  await server.exec("CREATE TABLE pulse (ts TIMESTAMP, n LONG) TIMESTAMP(ts) PARTITION BY DAY WAL");
  let left = PULSES_BASELINE;
  await insertLatencies(server, () => left-- > PULSES_BASELINE / 2); // warm up
  left = PULSES_BASELINE;
  const alone = await insertLatencies(server, () => left-- > 0);
  let isRunning = true;
  const backup = tidemark.backup().finally(() => isRunning = false);
  const during = await insertLatencies(server, () => isRunning);
  await backup;
  await tidemark.stop();
  const figure = (values: number[]) =>
    `p50 ${percentile(values, 0.5).toFixed(2)} ms, p99 ${
      percentile(values, 0.99).toFixed(2)
    } ms, ` +
    `${values.length} inserts`;
  console.log(
    `inserts alone: ${figure(alone)}; during the first backup: ${figure(during)}; ` +
      `p99 ratio ${(percentile(during, 0.99) / percentile(alone, 0.99)).toFixed(2)}`,
  );
}

async function main(wanted: readonly string[]): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tidemark-backup-bench-" });
  const root = `${dir}/root`, source = `${root}/db`;
  try {
    const dataset = new BackupDataset();
    {
      await using engine = await openEngine(root);
      dataset.load(engine);
    }
    console.log(`source: ${((await bytesOf(source)) / 1e6).toFixed(0)} MB`);
    const all: Record<string, (source: string, dir: string) => Peer> = {
      restic,
      borg,
      rclone,
      zstd: zstdPerFile,
    };
    const peers: Peer[] = [new Tidemark(root, `${dir}/tidemark`)];
    for (const [command, make] of Object.entries(all)) {
      if (wanted.length > 0 && !wanted.includes(command)) continue;
      if (isInstalled(command)) peers.push(make(source, dir));
      else console.log(`${command}: not installed, left out`);
    }
    await step(peers, "first");
    await step(peers, "no change");
    {
      await using engine = await openEngine(root);
      dataset.change(engine);
    }
    await step(peers, "5.5 % changed");
    await compareRestores(peers, `${dir}/restored`);
    await ingestDuringBackup(root, `${dir}/again`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

await main(Deno.args);
