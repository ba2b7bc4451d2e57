/**
 * What an operator reads when the server does not start: what went wrong, and what to do.
 *
 * @module
 */
import { RecoveryError } from "../checkpoint/mod.ts";
import { BackupError, ConfigError, QuestError, RestoreError, StorageError } from "../common/mod.ts";

/** Lines for stderr. Errors that nobody expected come with their stack. */
export function describeFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`tidemark: cannot start: ${message}`];
  for (let cause = causeOf(error); cause !== null; cause = causeOf(cause)) {
    if (!message.includes(cause.message)) lines.push(`  because: ${cause.message}`);
  }
  const hint = hintFor(error);
  if (hint !== null) lines.push(`  ${hint}`);
  else if (error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  return lines.join("\n") + "\n";
}

function causeOf(error: unknown): Error | null {
  return error instanceof Error && error.cause instanceof Error ? error.cause : null;
}

function hintFor(error: unknown): string | null {
  if (error instanceof ConfigError) return "Correct the configuration and start again.";
  if (error instanceof RestoreError) {
    return "The root was not opened. Correct the cause, or remove _backup_restore, and start again.";
  }
  if (error instanceof RecoveryError) {
    return "The root was not opened. Correct the cause and start again, or remove _restore to start without recovery.";
  }
  if (error instanceof StorageError && error.context.holder !== undefined) {
    return "Stop the other server, or choose another root with -d.";
  }
  if (error instanceof StorageError) return "The file was left as it is.";
  if (error instanceof BackupError) {
    return "Check backup.object.store, or set backup.enabled=false.";
  }
  if (error instanceof Deno.errors.AddrInUse) {
    return "Another program listens there. Choose another address: --set http.net.bind.to=HOST:PORT";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "Check the owner and permissions of the root.";
  }
  return error instanceof QuestError ? "Correct the cause and start again." : null;
}
