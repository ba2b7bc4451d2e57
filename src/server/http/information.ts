/**
 * What clients, consoles and people ask about the server itself: `/settings`, `/chk`, `/`.
 *
 * @module
 */
import type { Engine } from "../../engine/mod.ts";
import { textResponse } from "./responses.ts";

/** `X-Influxdb-Version` of /ping: `line.http.ping.version`'s default. */
export const INFLUX_VERSION = "v2.7.4";
const FILE_NAME_BYTES_MAX = 127;

/** What client libraries and consoles ask for first. */
export function settingsBody(
  options: { readonly version: string; readonly isReadonly: boolean; readonly user: string },
): Record<string, unknown> {
  return {
    config: {
      "release.type": "OSS",
      "release.version": options.version,
      "http.settings.readonly": true,
      ...(options.user === "" ? {} : { "acl.enabled": true }),
      "accepting.writes": options.isReadonly ? [] : ["http"],
      "posthog.enabled": false,
      "posthog.api.key": null,
      "cairo.max.file.name.length": FILE_NAME_BYTES_MAX,
    },
    "preferences.version": 0,
    preferences: {},
  };
}

/** Answers a /chk request: `j` names a table, `f=json` asks for JSON. */
export function tableStatus(engine: Engine, parameters: URLSearchParams): Response {
  const name = parameters.get("j") ?? "";
  if (name === "") return textResponse("table name missing\r\n");
  const status = engine.findTable(name) === null ? "Does not exist" : "Exists";
  if (parameters.get("f") !== "json") return textResponse(`${status}\r\n`);
  return new Response(JSON.stringify({ status }), {
    headers: { "content-type": "application/json" },
  });
}

/** The page at `/`. */
export function welcomePage(version: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tidemark</title>
<h1>Tidemark ${version}</h1>
<p>This is the HTTP interface of a Tidemark server.</p>
<ul>
<li><code>GET /exec?query=…</code> runs a statement and answers in JSON</li>
<li><code>GET /exp?query=…</code> runs a query and answers in CSV</li>
<li><code>POST /imp?name=…</code> imports CSV</li>
<li><code>GET /chk?j=…</code> tells whether a table exists</li>
<li><code>GET /ping</code>, <code>GET /settings</code>, <code>GET /warnings</code> tell about the server</li>
</ul>
</html>
`;
}
