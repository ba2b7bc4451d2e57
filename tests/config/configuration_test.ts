import fc from "fast-check";
import { ConfigError } from "../../src/common/mod.ts";
import {
  LiveConfiguration,
  loadConfiguration,
  type LoadOptions,
  PROPERTIES,
  propertyTableMarkdown,
  serverConfTemplate,
  writeServerConf,
} from "../../src/config/mod.ts";
import { boolean, integer, text } from "../../src/config/property.ts";
import { type Log, SimulatedFileSystem } from "../../src/platform/mod.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";

const ROOT = "/data/root";
const SECRET = "s3cr3t-value";

interface Given {
  conf?: string;
  environment?: Record<string, string>;
  settings?: string[];
  files?: Record<string, string | Uint8Array>;
}

function write(fs: SimulatedFileSystem, path: string, content: string | Uint8Array): void {
  fs.mkdir(path.slice(0, path.lastIndexOf("/")));
  using file = fs.open(path, "create");
  file.truncate(0);
  file.write(typeof content === "string" ? new TextEncoder().encode(content) : content, 0);
}

function given(input: Given = {}): LoadOptions & { fs: SimulatedFileSystem } {
  const fs = new SimulatedFileSystem();
  fs.mkdir(ROOT);
  if (input.conf !== undefined) write(fs, `${ROOT}/conf/server.conf`, input.conf);
  for (const [path, content] of Object.entries(input.files ?? {})) write(fs, path, content);
  return {
    installRoot: ROOT,
    fs,
    environment: input.environment ?? {},
    settings: input.settings ?? [],
    cpuCount: 4,
  };
}

const load = (input: Given = {}) => loadConfiguration(PROPERTIES, given(input));

function refusal(input: Given): string {
  return assertThrows(() => load(input), ConfigError).message;
}

class RecordingLog implements Log {
  readonly lines: string[] = [];
  info(component: string, message: string, context?: Record<string, unknown>): void {
    this.lines.push(`${component} ${message} ${JSON.stringify(context ?? {})}`);
  }
  error = this.info;
  critical = this.info;
}

Deno.test("loadConfiguration without sources gives the defaults of a fresh root", () => {
  const { configuration, notes, hasConf } = load();
  assertEquals(configuration.http.bindTo, { hostname: "127.0.0.1", port: 9000 });
  assertEquals(configuration.backup.isEnabled, true);
  assertEquals(
    configuration.backup.objectStore,
    "fs::root=/data/root-backup/store;atomic_write_dir=/data/root-backup/tmp;",
  );
  assertEquals(configuration.wal.segmentRolloverRowCount, 200_000);
  assertEquals(configuration.wal.workerCount, 4);
  assertEquals([notes, hasConf], [[], false]);
});

Deno.test("loadConfiguration lets --set win over the environment over server.conf", () => {
  const conf = "cairo.max.uncommitted.rows=1\ncairo.default.symbol.capacity=2\n" +
    "cairo.index.value.block.size=4\n";
  const environment = {
    QDB_CAIRO_MAX_UNCOMMITTED_ROWS: "10",
    QDB_CAIRO_DEFAULT_SYMBOL_CAPACITY: "20",
  };
  const { configuration, resolved } = load({
    conf,
    environment,
    settings: ["cairo.max.uncommitted.rows=99", "cairo.max.uncommitted.rows=100"],
  });
  assertEquals(configuration.cairo.maxUncommittedRows, 100);
  assertEquals(configuration.cairo.defaultSymbolCapacity, 20);
  assertEquals(configuration.cairo.indexValueBlockSize, 4);
  assertEquals(
    ["cairo.max.uncommitted.rows", "cairo.default.symbol.capacity", "cairo.index.value.block.size"]
      .map((key) => resolved.get(key)!.source),
    ["cli", "env", "conf"],
  );
});

Deno.test("loadConfiguration takes an alias, and the main key over it", () => {
  assertEquals(load({ conf: "http.bind.to=1.2.3.4:5" }).configuration.http.bindTo.port, 5);
  const both = load({ conf: "http.net.bind.to=1.2.3.4:6\nhttp.bind.to=1.2.3.4:5" });
  assertEquals(both.configuration.http.bindTo.port, 6);
  const stronger = load({
    conf: "http.net.bind.to=1.2.3.4:6",
    environment: { QDB_HTTP_BIND_TO: "1.2.3.4:7" },
  });
  assertEquals(stronger.configuration.http.bindTo.port, 7);
});

Deno.test("loadConfiguration reads Java's properties format", () => {
  const { configuration } = load({
    conf: [
      "# comment",
      "! comment",
      "  cairo.root : my\\u0020db",
      "http.user=na\\",
      "   me",
      "http.password= p=w#!  ",
      "cairo.commit.mode   sync  ",
    ].join("\r\n"),
  });
  assertEquals(configuration.cairo.root, "my db");
  assertEquals(configuration.http.user, "name");
  assertEquals(configuration.http.password, "p=w#!  ");
  assertEquals(configuration.cairo.commitMode, "sync");
});

Deno.test("loadConfiguration refuses a bad value, naming file, line, key, value and expectation", () => {
  const message = refusal({ conf: "\n# x\nhttp.user=\\\n  a\ncairo.commit.mode=fast\n" });
  for (
    const part of [
      "[file=/data/root/conf/server.conf, line=5, key=cairo.commit.mode, value=fast]",
      "expected one of nosync, async, sync",
    ]
  ) assertStringIncludes(message, part);
  assertStringIncludes(
    refusal({ environment: { QDB_HTTP_NET_BIND_TO: "9000" } }),
    "[variable=QDB_HTTP_NET_BIND_TO, key=http.net.bind.to, value=9000]",
  );
  assertStringIncludes(
    refusal({ settings: ["cairo.wal.purge.interval=soon"] }),
    "[option=--set cairo.wal.purge.interval, key=cairo.wal.purge.interval, value=soon]",
  );
});

Deno.test("loadConfiguration explains a comment behind a value", () => {
  assertStringIncludes(
    refusal({ conf: "http.enabled=true   # on" }),
    "a comment needs a line of its own",
  );
});

Deno.test("loadConfiguration refuses a server.conf that is not UTF-8 or too long", () => {
  for (const content of [new Uint8Array([0x61, 0xff, 0x0a]), new Uint8Array(1_048_577)]) {
    const options = given({ files: { [`${ROOT}/conf/server.conf`]: content } });
    const error = assertThrows(() => loadConfiguration(PROPERTIES, options), ConfigError);
    assertEquals(error.context.file, `${ROOT}/conf/server.conf`);
  }
});

Deno.test("loadConfiguration refuses a bad Unicode escape, naming the line", () => {
  const message = refusal({ conf: "# \\u in a comment\nhttp.user=\\\\u\nhttp.password=a\\u12\n" });
  assertStringIncludes(message, "[file=/data/root/conf/server.conf, line=3]");
});

Deno.test("loadConfiguration refuses a setting without a key and does not repeat its text", () => {
  for (const setting of [`backup.object.store ${SECRET}`, `=${SECRET}`]) {
    const message = refusal({ settings: [setting] });
    assertStringIncludes(message, "--set KEY=VALUE");
    assert(!message.includes(SECRET));
  }
});

Deno.test("loadConfiguration names the key that an unknown one was probably meant to be", () => {
  const { notes } = load({
    conf: `backup.object.stor=${SECRET}\nsome.thing.else.entirely=1\n`,
    environment: { QDB_CAIRO_COMIT_MODE: "sync", QDB_LOG_W_STDOUT_LEVEL: "INFO", PATH: "/bin" },
  });
  const lines = notes.map(({ level, message, context }) => `${level} ${message} ${context.key}`);
  assertEquals(lines, [
    "advisory unknown configuration key, did you mean QDB_CAIRO_COMMIT_MODE? QDB_CAIRO_COMIT_MODE",
    "advisory unknown configuration key, did you mean backup.object.store? backup.object.stor",
    "advisory unknown configuration key some.thing.else.entirely",
  ]);
  assert(!JSON.stringify(notes).includes(SECRET));
});

Deno.test("loadConfiguration refuses an unknown key when strict", () => {
  assertStringIncludes(
    refusal({ conf: "config.validation.strict=true\nhttp.enabld=true\n" }),
    "did you mean http.enabled? [file=/data/root/conf/server.conf, line=2, key=http.enabld]",
  );
});

Deno.test("loadConfiguration accepts keys of QuestDB that it does not use and says so once", () => {
  const { notes } = load({
    conf: "pg.enabled=false\nline.tcp.enabled=false\nconfig.validation.strict=true\n",
    environment: { QDB_PG_PASSWORD_FILE: "/run/secrets/pg" },
  });
  assertEquals(notes.length, 1);
  assertEquals(notes[0].level, "info");
  assertEquals(notes[0].context.keys, "QDB_PG_PASSWORD_FILE, line.tcp.enabled, pg.enabled");
});

Deno.test("loadConfiguration reports a key that stands twice and takes the last line", () => {
  const { configuration, notes } = load({ conf: "http.user=a\nhttp.user=b\n" });
  assertEquals(configuration.http.user, "b");
  assertStringIncludes(JSON.stringify(notes), '"lines":"1, 2"');
});

Deno.test("loadConfiguration takes secrets from files over conf and environment, not over --set", () => {
  const files = { "/run/secrets/a": ` ${SECRET}\n`, "/run/secrets/b": "from b" };
  const named = { QDB_HTTP_PASSWORD_FILE: "/run/secrets/a" };
  const { configuration, resolved } = load({
    conf: "http.password=conf\nhttp.password.file=/run/secrets/b\n",
    environment: { ...named, QDB_HTTP_PASSWORD: "env" },
    files,
  });
  assertEquals(configuration.http.password, SECRET);
  assertEquals(resolved.get("http.password")!.source, "file");
  const conf = "http.password.file=/run/secrets/b\n";
  assertEquals(load({ conf, files }).configuration.http.password, "from b");
  const store = { QDB_BACKUP_OBJECT_STORE_FILE: "/run/secrets/store" };
  const storeFiles = { "/run/secrets/store": "gcs::bucket=b;token=t;\n" };
  const stored = load({ environment: store, files: storeFiles });
  assertEquals(stored.configuration.backup.objectStore, "gcs::bucket=b;token=t;");
  const settings = ["http.password=cli"];
  assertEquals(load({ environment: named, files, settings }).configuration.http.password, "cli");
});

Deno.test("loadConfiguration refuses secret files that cannot be trusted", () => {
  const files = {
    "/run/long": "x".repeat(65_537),
    "/run/binary": new Uint8Array([0xff, 0xfe]),
    "/run/dir/file": "",
  };
  for (
    const [path, reason] of [
      ["/run/missing", "there is no such file"],
      ["/run/dir", "it is a directory"],
      ["/run/long", "it is over 65536 bytes"],
      ["/run/binary", "it is not UTF-8"],
      ["/run/../etc/passwd", 'must not contain ".."'],
      ["/proc/self/environ", "below /dev, /proc or /sys"],
      ["/dev/stdin", "below /dev, /proc or /sys"],
      ["secret", "has to be absolute"],
    ]
  ) {
    const message = refusal({ conf: `http.password.file=${path}\n`, files });
    assertStringIncludes(message, reason);
    assertStringIncludes(message, "line=1");
  }
});

Deno.test("loadConfiguration only notes an empty secret file", () => {
  const { configuration, notes } = load({
    environment: { QDB_HTTP_PASSWORD_FILE: "/run/empty" },
    files: { "/run/empty": "\n" },
  });
  assertEquals(configuration.http.password, "");
  assertEquals(notes.map(({ message }) => message), ["secret file is empty"]);
});

Deno.test("loadConfiguration never shows a secret, whatever goes wrong", () => {
  const texts = [
    refusal({ conf: `backup.object.store=s3:bucket;${SECRET}\n` }),
    refusal({ environment: { QDB_BACKUP_OBJECT_STORE: `s3;${SECRET}` } }),
    refusal({ settings: [`backup.object.store=${SECRET}`] }),
    refusal({
      conf: "backup.object.store.file=/run/a\n",
      files: { "/run/a": SECRET },
    }),
  ];
  for (const message of texts) {
    assert(!message.includes(SECRET), message);
    assertStringIncludes(message, "key=backup.object.store");
  }
});

Deno.test("loadConfiguration takes any file: it loads, or throws a ConfigError", () => {
  const key = fc.constantFrom(
    "http.net.bind.to",
    "cairo.commit.mode",
    "wal.apply.worker.count",
    "x",
  );
  const part = fc.oneof(
    key,
    fc.constantFrom("=", ":", "\\", "\n", "\r", "#", "\\u00", "1"),
    fc.string(),
  );
  const conf = fc.oneof(
    fc.array(part, { maxLength: 20 }).map((parts) => new TextEncoder().encode(parts.join(""))),
    fc.uint8Array({ maxLength: 200 }),
  );
  fc.assert(
    fc.property(conf, (bytes) => {
      try {
        loadConfiguration(PROPERTIES, given({ files: { [`${ROOT}/conf/server.conf`]: bytes } }));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        assertEquals(error.context.file, `${ROOT}/conf/server.conf`);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("LiveConfiguration.parameters hides secrets and tells where values come from", () => {
  const options = given({
    conf: `http.password=${SECRET}\ncairo.wal.purge.interval=2m\n`,
    settings: [`backup.object.store=s3::bucket=b;secret_access_key=${SECRET};`],
  });
  const live = new LiveConfiguration(PROPERTIES, { ...options, log: new RecordingLog() });
  const rows = live.parameters();
  assert(!JSON.stringify(rows).includes(SECRET));
  const keys = rows.map(({ propertyPath }) => propertyPath);
  assertEquals(keys, keys.toSorted());
  const row = (key: string) => rows.find(({ propertyPath }) => propertyPath === key);
  assertEquals(row("cairo.wal.purge.interval"), {
    propertyPath: "cairo.wal.purge.interval",
    envVarName: "QDB_CAIRO_WAL_PURGE_INTERVAL",
    value: "120000",
    valueSource: "conf",
    isSensitive: false,
    isReloadable: false,
  });
  assertEquals(row("backup.object.store")!.value, "****");
  assertEquals(row("backup.object.store")!.valueSource, "cli");
  assertEquals(row("http.net.bind.to")!.value, "127.0.0.1:9000");
});

const TABLE = {
  config: { isReloadEnabled: boolean("config.reload.enabled", { default: true, doc: "" }) },
  a: {
    limit: integer("a.limit", { default: 1, min: 0, max: 9, isReloadable: true, doc: "" }),
    fixed: integer("a.fixed", { default: 1, min: 0, max: 9, doc: "" }),
    secret: text("a.secret", { default: "", isReloadable: true, isSecret: true, doc: "" }),
  },
};

Deno.test("LiveConfiguration.reload takes up reloadable values only, and only when something changed", async () => {
  const options = given({ conf: "a.limit=2\n" });
  const log = new RecordingLog();
  const live = new LiveConfiguration(TABLE, { ...options, log });
  const before = live.current;
  assertEquals(await live.reload(), false);
  write(options.fs, `${ROOT}/conf/server.conf`, `a.limit=3\na.fixed=4\na.secret=${SECRET}\n`);
  assertEquals(await live.reload(), true);
  assertEquals(live.current.a, { limit: 3, fixed: 1, secret: SECRET });
  assertEquals(before.a, { limit: 2, fixed: 1, secret: "" }, "a snapshot does not change");
  assertEquals(log.lines, [
    'config reloaded config option {"key":"a.limit","old":"2","new":"3"}',
    'config changed configuration option needs a restart {"key":"a.fixed"}',
    'config reloaded config option {"key":"a.secret","old":"****","new":"****"}',
  ]);
  assertEquals(await live.reload(), false);
  const rows = live.parameters().filter(({ propertyPath }) => propertyPath.startsWith("a."));
  assertEquals(rows.map(({ value }) => value), ["1", "3", "****"]);
});

Deno.test("LiveConfiguration.reload keeps the old values when a new one is bad", async () => {
  const options = given({ conf: "a.limit=2\n" });
  const log = new RecordingLog();
  const live = new LiveConfiguration(TABLE, { ...options, log });
  write(options.fs, `${ROOT}/conf/server.conf`, "a.secret=new\na.limit=ten\n");
  assertEquals(await live.reload(), false);
  assertEquals(live.current.a, { limit: 2, fixed: 1, secret: "" });
  assertStringIncludes(log.lines[0], "line=2, key=a.limit, value=ten");
});

Deno.test("LiveConfiguration.reload does nothing when it is switched off", async () => {
  const options = given({ conf: "config.reload.enabled=false\n" });
  const live = new LiveConfiguration(TABLE, { ...options, log: new RecordingLog() });
  write(options.fs, `${ROOT}/conf/server.conf`, "config.reload.enabled=false\na.limit=5\n");
  assertEquals(await live.reload(), false);
  assertEquals(live.current.a.limit, 1);
});

Deno.test("serverConfTemplate is all comments, and without the comment signs gives the defaults", () => {
  const template = serverConfTemplate(PROPERTIES);
  for (const line of template.split("\n")) {
    assert(line === "" || line.startsWith("#"), line);
  }
  const uncommented = template.split("\n")
    .filter((line) => /^#[a-z][\w.-]*=/.test(line))
    .map((line) => line.slice(1));
  assertEquals(
    uncommented.length,
    Object.values(PROPERTIES).flatMap((section) => Object.values(section)).length,
  );
  // Defaults that depend on the machine are described, not written down.
  const fixed = uncommented.filter((line) => !/number of processors|ROOT-backup/.test(line));
  assertEquals(load({ conf: fixed.join("\n") }).configuration, load().configuration);
});

Deno.test("writeServerConf writes a durable file once and never touches an existing one", () => {
  const { fs } = given();
  assertEquals(writeServerConf(fs, ROOT, PROPERTIES), true);
  assertEquals(writeServerConf(fs, ROOT, PROPERTIES), false);
  const other = given({ conf: "http.user=me\n" });
  assertEquals(writeServerConf(other.fs, ROOT, PROPERTIES), false);
  assertEquals(loadConfiguration(PROPERTIES, other).configuration.http.user, "me");
});

Deno.test("docs/configuration.md lists every property with its default", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/configuration.md", import.meta.url));
  const part = page.split("<!-- properties -->\n")[1]?.split("<!-- end -->")[0];
  assertEquals(part, propertyTableMarkdown(PROPERTIES), "run: deno run -A scripts/config_docs.ts");
});
