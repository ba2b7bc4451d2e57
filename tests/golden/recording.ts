/**
 * The recording of a real QuestDB 9.3.5: what was asked over HTTP, in order, and what it answered. One JSON object a line;
 * later cases depend on the state that earlier ones left.
 *
 * @module
 */

/** One request with its recorded answer. */
export interface RecordedCase {
  /** Position in the recording, from 1. */
  readonly number: number;
  readonly group: string;
  readonly method: string;
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Parts of a multipart body: name and content. */
  readonly parts?: readonly (readonly [string, string])[];
  /** 0 where the server broke the answer off. */
  readonly status: number;
  /** The answer's text as sent. */
  readonly response: string;
  /** It changes state, so every replay runs it. */
  readonly setup?: boolean;
  /** Two runs of the real server answer differently. */
  readonly unstable?: boolean;
}

/** All HTTP cases of the recording, in order. */
export function loadRecording(): RecordedCase[] {
  const text = Deno.readTextFileSync(new URL("./questdb_http.jsonl", import.meta.url));
  return text.trimEnd().split("\n").map((line, index) => ({
    number: index + 1,
    ...JSON.parse(line) as Omit<RecordedCase, "number">,
  }));
}

/** A request on one line, as people write it. */
export function describeRequest(request: RecordedCase): string {
  const { query, ...others } = request.params ?? {};
  const rest = Object.keys(others).length === 0 ? "" : ` ${JSON.stringify(others)}`;
  if (request.path === "/exec") return `${query}${rest}`;
  const parts = request.parts?.map(([name, content]) => ` ${name}=${JSON.stringify(content)}`);
  return `${request.method} ${request.path} ${query ?? ""}${rest}${request.body ?? ""}${
    parts?.join("") ?? ""
  }`;
}
