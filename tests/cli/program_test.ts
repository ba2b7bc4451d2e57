import { ConfigError, RestoreError, StorageError } from "../../src/common/mod.ts";
import type { BackupArguments } from "../../src/cli/backup_session.ts";
import type { CheckpointArguments } from "../../src/cli/checkpoint.ts";
import { EXIT_USAGE, runProgram, type StartArguments } from "../../src/cli/program.ts";
import type { StoreCheckArguments } from "../../src/cli/store_check.ts";
import { describeFailure } from "../../src/cli/startup_failure.ts";
import { VERSION } from "../../src/cli/version.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../support/assert.ts";

async function run(args: string[], variables: Record<string, string> = { HOME: "/users/me" }) {
  let out = "", error = "";
  const started: StartArguments[] = [];
  const checkpoints: CheckpointArguments[] = [];
  const stores: StoreCheckArguments[] = [];
  const backups: BackupArguments[] = [];
  const code = await runProgram(args, {
    variables,
    currentDirectory: "/current",
    writeOut: (text) => out += text,
    writeError: (text) => error += text,
    start(options) {
      started.push(options);
      return Promise.resolve(7);
    },
    checkpoint(options) {
      checkpoints.push(options);
      return Promise.resolve(3);
    },
    backup(options) {
      backups.push(options);
      return Promise.resolve(5);
    },
    checkStore(options) {
      stores.push(options);
      return Promise.resolve(4);
    },
  });
  return { code, out, error, started, checkpoints, stores, backups };
}

Deno.test("runProgram start passes the root and the settings on, and its exit code back", async () => {
  const { code, started } = await run([
    "start",
    "-d",
    "data/../root",
    "--set",
    "a.b=c=d",
    "--set",
    "e=",
  ]);
  assertEquals(code, 7);
  assertEquals(started, [{ installRoot: "/current/root", settings: ["a.b=c=d", "e="] }]);
});

Deno.test("runProgram start without -d uses the home directory", async () => {
  const { started } = await run(["start"]);
  assertEquals(started, [{ installRoot: "/users/me/.tidemark", settings: [] }]);
  await assertRejects(() => run(["start"], {}), ConfigError, "give one with -d");
});

Deno.test("runProgram store check passes the connection, the root and settings on, and its exit code back", async () => {
  const { code, stores } = await run(["store", "check", "fs::root=/a;", "-d", "r", "--set", "a=b"]);
  assertEquals(code, 4);
  assertEquals(stores, [
    { connection: "fs::root=/a;", installRoot: "/current/r", settings: ["a=b"] },
  ]);
  assertEquals((await run(["store", "check"])).stores[0].connection, null);
  assertEquals((await run(["store", "erase"])).code, EXIT_USAGE);
});

Deno.test("runProgram passes the options of the commands on backups on, and their exit code back", async () => {
  const none = {
    installRoot: "/users/me/.tidemark",
    store: null,
    instance: null,
    timestamp: null,
    to: null,
    level: null,
    url: null,
    isDryRun: false,
    isJson: false,
    settings: [],
  };
  const cases: [string[], Partial<BackupArguments>][] = [
    [["backup", "-d", "r", "--url", "http://h:1"], {
      command: "backup",
      installRoot: "/current/r",
      url: "http://h:1",
    }],
    [["backups", "--store", "fs::root=/a;", "--json"], {
      command: "backups",
      store: "fs::root=/a;",
      isJson: true,
    }],
    [["validate", "--instance", "a-b-c", "--timestamp", "2024", "--level", "decode"], {
      command: "validate",
      instance: "a-b-c",
      timestamp: "2024",
      level: "decode",
    }],
    [["restore", "--to", "new", "--dry-run", "--set", "a=b"], {
      command: "restore",
      installRoot: "/current/new",
      to: "/current/new",
      isDryRun: true,
      settings: ["a=b"],
    }],
    [["restore", "--to", "new", "-d", "/old"], {
      command: "restore",
      installRoot: "/old",
      to: "/current/new",
    }],
  ];
  for (const [args, expected] of cases) {
    const { code, backups } = await run(args);
    assertEquals([code, backups], [5, [{ ...none, ...expected } as BackupArguments]]);
  }
  assertEquals((await run(["backups", "--to", "x"])).code, EXIT_USAGE);
  assertEquals((await run(["backup", "extra"])).code, EXIT_USAGE);
});

Deno.test("runProgram checkpoint passes action, root and address on, and its exit code back", async () => {
  const { code, checkpoints } = await run([
    "checkpoint",
    "status",
    "-d",
    "root",
    "--url",
    "http://h:1",
  ]);
  assertEquals(code, 3);
  assertEquals(checkpoints, [{
    action: "status",
    installRoot: "/current/root",
    url: "http://h:1",
    settings: [],
  }]);
  for (const args of [["checkpoint"], ["checkpoint", "begin"], ["checkpoint", "create", "extra"]]) {
    const refused = await run(args);
    assertEquals([refused.code, refused.checkpoints.length], [EXIT_USAGE, 0], args.join(" "));
  }
});

Deno.test("runProgram refuses what it does not know with a code of its own", async () => {
  for (
    const args of [
      ["strat"],
      ["start", "--sett", "a=b"],
      ["start", "-d"],
      ["start", "extra"],
      ["--nope"],
    ]
  ) {
    const { code, error, started } = await run(args);
    assertEquals([code, started.length], [EXIT_USAGE, 0], args.join(" "));
    assertStringIncludes(error, "error:");
  }
});

Deno.test("runProgram shows help and versions", async () => {
  for (const args of [[], ["help"], ["--help"], ["help", "start"], ["start", "--help"]]) {
    const { code, out, error } = await run(args);
    assertEquals([code, error], [0, ""], args.join(" "));
    assertStringIncludes(out, "Usage: tidemark");
  }
  for (const args of [["version"], ["--version"], ["-V"]]) {
    const { code, out } = await run(args);
    assertEquals(code, 0);
    assertEquals(out, `tidemark ${VERSION}, compatible with QuestDB 9.3.5\n`);
  }
});

Deno.test("VERSION is the version of the package", () => {
  const text = Deno.readTextFileSync(new URL("../../deno.json", import.meta.url));
  assertEquals(JSON.parse(text).version, VERSION);
});

Deno.test("describeFailure says what to do, and shows a stack only for what nobody expected", () => {
  const cases: [unknown, string][] = [
    [new ConfigError("bad", { key: "k" }), "Correct the configuration"],
    [new RestoreError("no such backup"), "remove _backup_restore"],
    [new StorageError("/r/.lock", "busy", { holder: "pid=1" }), "choose another root with -d"],
    [new Deno.errors.AddrInUse("in use"), "--set http.net.bind.to"],
    [new Deno.errors.PermissionDenied("no"), "permissions of the root"],
  ];
  for (const [error, expected] of cases) {
    const text = describeFailure(error);
    assert(text.startsWith(`tidemark: cannot start: ${(error as Error).message}\n`));
    assertStringIncludes(text, expected);
    assert(!text.includes("    at "), text);
  }
  assertStringIncludes(describeFailure(new TypeError("oops")), "    at ");
  const wrapped = new ConfigError("bad", {}, { cause: new Error("deeper") });
  assertStringIncludes(describeFailure(wrapped), "  because: deeper\n");
});
