import { assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { StorageError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { decodeBlockFile } from "../../src/storage/mod.ts";
import {
  readMaterializedViewDefinition,
  readPreferences,
  readViewDefinition,
} from "../../src/engine/stored_definitions.ts";

/** `_view` that QuestDB 9.3.5 wrote for `CREATE VIEW btc AS (SELECT * FROM trades WHERE sym = 'BTC')`. */
const VIEW =
  "01000000000000000000000000000000900000000000000000000000000000000000000000000000a1ae88060100" +
  "0000880000000000000026000000530045004c0045004300540020002a002000460052004f004d00200074007200" +
  "61006400650073002000570048004500520045002000730079006d0020003d002000270042005400430027000000" +
  "00000000000001000000060000007400720061006400650073000200000003000000730079006d00010000002a00";

/** `_mv` that QuestDB 9.3.5 wrote for a view of trades, sampled by the hour. */
const MATERIALIZED_VIEW =
  "01000000000000000000000000000000f000000000000000000000000000000000000000000000003168ed180200" +
  "0000be00000000000000000000000600000074007200610064006500730001000000000000006800ffffffff0500" +
  "0000300030003a003000300041000000530045004c004500430054002000740073002c002000730079006d002c00" +
  "2000730075006d0028007100740079002900200071002c0020006100760067002800700072006900630065002900" +
  "200070002000460052004f004d0020007400720061006400650073002000530041004d0050004c00450020004200" +
  "59002000310068002a00000001000000000000000000000000000000000000000080ffffffff0000000000000000" +
  "00000000";

const fs = new RealFileSystem();

function unhex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(text.match(/../g)!.map((pair) => parseInt(pair, 16)));
}

Deno.test("readViewDefinition and readMaterializedViewDefinition read what QuestDB wrote", () => {
  using dir = new TempDir();
  Deno.writeFileSync(`${dir.path}/_view`, unhex(VIEW));
  Deno.writeFileSync(`${dir.path}/_mv`, unhex(MATERIALIZED_VIEW));
  assertEquals(readViewDefinition(fs, dir.path), {
    sql: "SELECT * FROM trades WHERE sym = 'BTC'",
    dependencies: [{ table: "trades", columns: ["sym", "*"] }],
  });
  const { baseTable, samplingInterval, samplingUnit, timeZone, sql } =
    readMaterializedViewDefinition(
      fs,
      dir.path,
    );
  assertEquals([baseTable, samplingInterval, samplingUnit, timeZone], ["trades", 1, "h", null]);
  assertEquals(sql.startsWith("SELECT"), true, sql);
});

Deno.test("readPreferences knows a root without any", () => {
  using dir = new TempDir();
  assertEquals(readPreferences(fs, dir.path), { version: 0, entries: new Map() });
  Deno.writeFileSync(`${dir.path}/_preferences~store`, new Uint8Array(40));
  assertEquals(readPreferences(fs, dir.path), { version: 0, entries: new Map() });
});

Deno.test("decodeBlockFile refuses any changed byte of a region, and files cut off", () => {
  const good = unhex(VIEW);
  assertEquals(decodeBlockFile("_view", good).blocks.length, 1);
  // Bytes 44 to 51 are the number of blocks and the first length, which the checksum leaves out.
  for (let at = 40; at < good.length; at++) {
    const bad = good.slice();
    bad[at] ^= 0x40;
    assertThrows(() => decodeBlockFile("_view", bad), StorageError, "_view");
  }
  for (let length = 0; length < good.length; length++) {
    assertThrows(() => decodeBlockFile("_view", good.subarray(0, length)), StorageError, "_view");
  }
});
