/**
 * The command line.
 *
 * ```
 * tidemark start [-d ROOT] [--set KEY=VALUE]…
 * tidemark checkpoint create|release|status [-d ROOT] [--url URL] [--set KEY=VALUE]…
 * tidemark backup [-d ROOT] [--store STORE | --url URL] [--json] [--set KEY=VALUE]…
 * tidemark backups [--store STORE | -d ROOT] [--instance NAME] [--json]
 * tidemark validate [--store STORE | -d ROOT] [--instance NAME] [--timestamp TS] [--level LEVEL] [--json]
 * tidemark restore --to DIR [--store STORE | -d ROOT] [--instance NAME] [--timestamp TS] [--dry-run] [--json]
 * tidemark version, tidemark --version
 * tidemark help [COMMAND]
 * ```
 * Exit codes: 0 done · 1 the server could not start, refused or failed · 2 the command line makes no sense · 3 the answer is no:
 * there is no checkpoint, no backup, the backup is damaged, a restore would be refused.
 *
 * @module
 */
import { Argument, Command, CommanderError } from "commander";
import { resolve } from "node:path";
import { ConfigError } from "../common/mod.ts";
import type { BackupArguments, BackupCommand } from "./backup_session.ts";
import type { CheckpointAction, CheckpointArguments } from "./checkpoint.ts";
import type { StoreCheckArguments } from "./store_check.ts";
import { QUESTDB_VERSION, VERSION } from "./version.ts";

/** Exit code of a command line that makes no sense. */
export const EXIT_USAGE = 2;
const DEFAULT_ROOT_NAME = ".tidemark";
const SETTINGS_MAX = 1000;

/** What `tidemark start` was asked. */
export interface StartArguments {
  /** Absolute path of the install root. */
  readonly installRoot: string;
  /** `KEY=VALUE` texts, in order. */
  readonly settings: readonly string[];
}

/** What the command line needs of its process. */
export interface ProgramEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  readonly currentDirectory: string;
  writeOut(text: string): void;
  writeError(text: string): void;
  /** Runs the server until it is told to stop. @returns its exit code. */
  start(options: StartArguments): Promise<number>;
  /** Runs a checkpoint command against a running server. @returns its exit code. */
  checkpoint(options: CheckpointArguments): Promise<number>;
  /** Runs a command on backups. @returns the exit code. */
  backup(options: BackupArguments): Promise<number>;
  /** Finds out what an object store can do. @returns the exit code. */
  checkStore(options: StoreCheckArguments): Promise<number>;
}

/** Runs a command line. @param args arguments behind the program's name. @returns the exit code. */
export async function runProgram(
  args: readonly string[],
  environment: ProgramEnvironment,
): Promise<number> {
  let exitCode = 0;
  const program = new Command("tidemark")
    .description("A QuestDB-compatible time-series database that does not lose data.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => environment.writeOut(text),
      writeErr: (text) => environment.writeError(text),
    })
    .showHelpAfterError("(tidemark help shows how to call it)");
  program.command("start", { isDefault: false })
    .description("run the server until Ctrl-C or SIGTERM")
    .option("-d, --root <directory>", `install root (default: ~/${DEFAULT_ROOT_NAME})`)
    .option("--set <key=value>", "set a configuration key; repeatable", append, [])
    .action(async (options: { root?: string; set: string[] }) => {
      const installRoot = installRootOf(options.root, environment);
      exitCode = await environment.start({ installRoot, settings: options.set });
    });
  const setExitCode = (code: number) => {
    exitCode = code;
  };
  addCheckpointCommand(program, environment, setExitCode);
  addStoreCommand(program, environment, setExitCode);
  for (const command of BACKUP_COMMANDS) {
    addBackupCommand(program, command, { environment, setExitCode });
  }
  const versions = `tidemark ${VERSION}, compatible with QuestDB ${QUESTDB_VERSION}`;
  program.version(versions, "-V, --version", "show versions");
  program.command("version").description("show versions")
    .action(() => environment.writeOut(`${versions}\n`));
  try {
    await program.parseAsync(args.length === 0 ? ["help"] : [...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander throws after it has shown help, too; then its code is 0.
    return error.exitCode === 0 || error.code === "commander.help" ? 0 : EXIT_USAGE;
  }
  return exitCode;
}

function addCheckpointCommand(
  program: Command,
  environment: ProgramEnvironment,
  setExitCode: (code: number) => void,
): void {
  program.command("checkpoint")
    .description("hold the database still for a copy of its root, on a running server")
    .addArgument(new Argument("<action>", "what to do").choices(["create", "release", "status"]))
    .option(
      "-d, --root <directory>",
      "install root, whose configuration tells the server's address",
    )
    .option("--url <url>", "address of the server, http://HOST:PORT")
    .option("--set <key=value>", "set a configuration key; repeatable", append, [])
    .action(
      async (action: CheckpointAction, options: { root?: string; url?: string; set: string[] }) => {
        setExitCode(
          await environment.checkpoint({
            action,
            installRoot: installRootOf(options.root, environment),
            url: options.url ?? null,
            settings: options.set,
          }),
        );
      },
    );
}

function addStoreCommand(
  program: Command,
  environment: ProgramEnvironment,
  setExitCode: (code: number) => void,
): void {
  program.command("store")
    .description("find out whether an object store can hold backups")
    .addArgument(new Argument("<action>", "what to do").choices(["check"]))
    .argument("[connection]", "connection string (default: backup.object.store of the root)")
    .option("-d, --root <directory>", "install root, whose configuration names the store")
    .option("--set <key=value>", "set a configuration key; repeatable", append, [])
    .action(
      async (
        _action: string,
        connection: string | undefined,
        options: { root?: string; set: string[] },
      ) => {
        setExitCode(
          await environment.checkStore({
            connection: connection ?? null,
            installRoot: installRootOf(options.root, environment),
            settings: options.set,
          }),
        );
      },
    );
}

interface BackupCommandFacts {
  readonly name: BackupCommand;
  readonly description: string;
  /** Options that it has besides `--root`, `--store`, `--json` and `--set`. */
  readonly options: readonly (keyof typeof BACKUP_OPTIONS)[];
}

const BACKUP_OPTIONS = {
  instance: ["--instance <name>", "backups of this instance (default: the only one)"],
  timestamp: ["--timestamp <ts>", "the newest backup at or before it (default: the latest)"],
  level: ["--level <level>", "manifest, objects, hashes or decode (default: hashes)"],
  to: ["--to <directory>", "install root to restore into; must hold no database"],
  dryRun: ["--dry-run", "only tell what the restore would take"],
  url: ["--url <url>", "address of a running server, http://HOST:PORT"],
} as const;

const BACKUP_COMMANDS: readonly BackupCommandFacts[] = [
  {
    name: "backup",
    description: "make a backup, of a running server or of a stopped root",
    options: ["url"],
  },
  { name: "backups", description: "list the backups in a store", options: ["instance"] },
  {
    name: "validate",
    description: "find out whether a backup is whole",
    options: ["instance", "timestamp", "level"],
  },
  {
    name: "restore",
    description: "restore a backup into a directory; an interrupted one goes on",
    options: ["to", "instance", "timestamp", "dryRun"],
  },
];

interface BackupOptionValues {
  readonly root?: string;
  readonly store?: string;
  readonly instance?: string;
  readonly timestamp?: string;
  readonly level?: string;
  readonly to?: string;
  readonly url?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly set: string[];
}

function addBackupCommand(
  program: Command,
  facts: BackupCommandFacts,
  { environment, setExitCode }: {
    readonly environment: ProgramEnvironment;
    readonly setExitCode: (code: number) => void;
  },
): void {
  const command = program.command(facts.name)
    .description(facts.description)
    .option("-d, --root <directory>", "install root, whose configuration is used")
    .option("--store <connection>", "connection string (default: backup.object.store of the root)");
  for (const name of facts.options) {
    const [flags, description] = BACKUP_OPTIONS[name];
    command.option(flags, description);
  }
  command.option("--json", "answer in JSON")
    .option("--set <key=value>", "set a configuration key; repeatable", append, [])
    .action(async (options: BackupOptionValues) => {
      const to = options.to === undefined
        ? null
        : resolve(environment.currentDirectory, options.to);
      setExitCode(
        await environment.backup({
          command: facts.name,
          // A restore without -d goes by the configuration of the root it makes.
          installRoot: options.root === undefined && to !== null
            ? to
            : installRootOf(options.root, environment),
          store: options.store ?? null,
          instance: options.instance ?? null,
          timestamp: options.timestamp ?? null,
          level: options.level ?? null,
          to,
          url: options.url ?? null,
          isDryRun: options.dryRun ?? false,
          isJson: options.json ?? false,
          settings: options.set,
        }),
      );
    });
}

function installRootOf(root: string | undefined, environment: ProgramEnvironment): string {
  return resolve(environment.currentDirectory, root ?? defaultRoot(environment.variables));
}

function append(setting: string, earlier: string[]): string[] {
  if (earlier.length >= SETTINGS_MAX) {
    throw new ConfigError("Cannot take so many settings", { limit: SETTINGS_MAX });
  }
  return [...earlier, setting];
}

function defaultRoot(variables: Readonly<Record<string, string>>): string {
  const home = variables.HOME ?? variables.USERPROFILE;
  if (home === undefined || home === "") {
    throw new ConfigError("Cannot find the home directory for the default root: give one with -d");
  }
  return `${home}/${DEFAULT_ROOT_NAME}`;
}
