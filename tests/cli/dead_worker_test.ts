import { freePort } from "../../scripts/server_process.ts";
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROGRAM = new URL("dying_server.ts", import.meta.url).pathname;

Deno.test("the server ends with code 1 and says why when a worker dies", async () => {
  using directory = new TempDir();
  const { code, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      PROGRAM,
      `${directory.path}/root`,
      `http.net.bind.to=127.0.0.1:${freePort()}`,
      `http.min.net.bind.to=127.0.0.1:${freePort()}`,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 1, decoder.decode(stderr));
  assertStringIncludes(decoder.decode(stderr), "a worker thread died");
  assertStringIncludes(decoder.decode(stdout), "the server ends: a worker thread died");
});
