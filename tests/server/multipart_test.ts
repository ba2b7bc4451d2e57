import fc from "fast-check";
import { LimitError, QuestError } from "../../src/common/mod.ts";
import {
  multipartBoundary,
  PART_HEADER_BYTES_MAX,
  PARTS_MAX,
  readMultipart,
} from "../../src/server/http/multipart.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

function streamOf(bytes: Uint8Array, step: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at += step));
    },
  });
}

async function read(
  bytes: Uint8Array,
  step: number,
  boundary: string,
): Promise<[string, string][]> {
  const parts: [string, string][] = [];
  for await (const part of readMultipart(streamOf(bytes, step), boundary)) {
    let text = "";
    for await (const chunk of part.body) text += new TextDecoder("latin1").decode(chunk.slice());
    parts.push([part.name, text]);
  }
  return parts;
}

const body = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

Deno.test("readMultipart() reads what fetch writes, however the bytes are cut", async () => {
  const form = new FormData();
  form.append("schema", "[]");
  form.append("data", new Blob(["a,b\r\n1,2\r\n--x\r\n"]), "file.csv");
  const request = new Request("http://localhost/", { method: "POST", body: form });
  const boundary = multipartBoundary(request.headers.get("content-type"));
  const bytes = new Uint8Array(await request.arrayBuffer());
  for (const step of [1, 2, 5, 17, 10_000]) {
    assertEquals(await read(bytes, step, boundary!), [["schema", "[]"], [
      "data",
      "a,b\r\n1,2\r\n--x\r\n",
    ]], `step ${step}`);
  }
});

Deno.test("readMultipart() skips a part that is not read", async () => {
  const bytes = body(
    '--b\r\nContent-Disposition: form-data; name="one"\r\n\r\nxxx\r\n--b\r\nContent-Disposition: form-data; name="two"\r\n\r\nyyy\r\n--b--\r\n',
  );
  const names = [];
  for await (const part of readMultipart(streamOf(bytes, 4), "b")) names.push(part.name);
  assertEquals(names, ["one", "two"]);
});

Deno.test("readMultipart() refuses bodies that are cut off, malformed or too large", async () => {
  const head = '--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n';
  for (
    const text of [
      "",
      "--x\r\n",
      "--b",
      "--bXX",
      head,
      `${head}value`,
      `${head}value\r\n--b`,
      "--b\r\nname",
    ]
  ) {
    await assertRejects(() => read(body(text), 3, "b"), QuestError, "malformed multipart body");
  }
  await assertRejects(
    () => read(body("--b\r\n" + "h".repeat(PART_HEADER_BYTES_MAX + 5)), 999, "b"),
    LimitError,
    "header is too long",
  );
  await assertRejects(
    () => read(body(`${head}v\r\n`.repeat(PARTS_MAX + 1) + "--b--"), 999, "b"),
    LimitError,
    "too many parts",
  );
});

Deno.test("readMultipart() ends on any bytes, with parts or a QuestError", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 1, max: 50 }),
      async (bytes, step) => {
        const all = new Uint8Array([...body("--b\r\n"), ...bytes]);
        try {
          await read(all, step, "b");
        } catch (error) {
          if (!(error instanceof QuestError)) throw error;
        }
      },
    ),
  );
});

Deno.test("multipartBoundary() wants a multipart content type", () => {
  assertEquals(multipartBoundary('multipart/form-data; boundary="a b"'), "a b");
  assertEquals(multipartBoundary("multipart/form-data; charset=x; boundary=abc"), "abc");
  for (
    const type of [
      null,
      "text/csv",
      "multipart/form-data",
      `multipart/form-data; boundary=${"x".repeat(300)}`,
    ]
  ) {
    assertEquals(multipartBoundary(type), null);
  }
});
