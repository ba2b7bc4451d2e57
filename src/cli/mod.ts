/** The command line and the process. @module */
export { runStoreCheck, type StoreCheckArguments } from "./store_check.ts";
export { runBackupCommand } from "./backup_command.ts";
export { runCheckpointCommand } from "./checkpoint.ts";
export { runProgram } from "./program.ts";
export { runServer } from "./run_server.ts";
export { describeFailure } from "./startup_failure.ts";
