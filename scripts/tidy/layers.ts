/**
 * Which folder of `src/` may import which.
 *
 * ```
 * common ← platform ← wasm ← storage ← wal ← engine ← sql ← server ← cli, main
 *             ▲ ▲                         ▲   │
 *             │ └ config ─────────────────┘   └ checkpoint ← backup → objectstore → platform
 * ```
 *
 * @module
 */

const BASE = ["common"];
const PLATFORM = [...BASE, "platform"];
const STORAGE = [...PLATFORM, "wasm", "storage"];
const ENGINE = [...STORAGE, "wal", "config"];
const CHECKPOINT = [...ENGINE, "engine"];
const EVERYTHING = [...CHECKPOINT, "sql", "checkpoint", "objectstore", "backup", "server"];

/** Folder of `src/` → folders it may import besides itself. Files directly in `src/` are the folder `main`. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  common: [],
  platform: BASE,
  wasm: PLATFORM,
  config: PLATFORM,
  objectstore: PLATFORM,
  storage: [...PLATFORM, "wasm"],
  wal: STORAGE,
  engine: ENGINE,
  sql: CHECKPOINT,
  checkpoint: CHECKPOINT,
  backup: [...CHECKPOINT, "checkpoint", "objectstore"],
  server: [...CHECKPOINT, "sql"],
  cli: EVERYTHING,
  main: [...EVERYTHING, "cli"],
};

/** The folder of `src/` that a file belongs to, or `null` if it is not below `src/`. */
export function layerOf(path: string): string | null {
  const parts = path.split("/");
  if (parts[0] !== "src") return null;
  return parts.length === 2 ? "main" : parts[1];
}
