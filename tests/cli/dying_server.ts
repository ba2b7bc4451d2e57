/** A server whose workers die: `dying_server.ts ROOT KEY=VALUE …`. */
import { runServer } from "../../src/cli/mod.ts";

const [installRoot, ...settings] = Deno.args;
const workerUrl = new URL("dying_worker.ts", import.meta.url).href;
Deno.exit(await runServer({ installRoot, settings, workerUrl }));
