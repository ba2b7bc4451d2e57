/**
 * What QuestDB does with rows that change nothing and rows that must not be written; as its 9.3.4 answered the same statements.
 */
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { readTableMetadata, readTxn, TxnWriter } from "../../src/storage/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { Machine } from "../crash/machine.ts";

const FLAG_READ_ONLY = 1n << 62n;

function newDisk(): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/data");
  disk.syncDir("/");
  return disk;
}

function start(disk: SimulatedFileSystem): Promise<Machine> {
  return Machine.start({ fs: disk, commitMode: "nosync", bootId: "boot", seed: 1 });
}

async function closed(machine: Machine): Promise<void> {
  await machine.engine.close();
}

Deno.test("PartitionWriter leaves a partition alone when deduplication changes nothing in it", async () => {
  const disk = newDisk();
  const machine = await start(disk);
  await machine.run(
    "CREATE TABLE d (ts TIMESTAMP, k SYMBOL, v DOUBLE, s STRING, vc VARCHAR, b BOOLEAN) " +
      "TIMESTAMP(ts) PARTITION BY DAY WAL DEDUP UPSERT KEYS(ts, k)",
  );
  await machine.run(
    "INSERT INTO d SELECT cast(1704067200000000 + x * 1000000 AS TIMESTAMP), 'k' || (x % 3), x / 2.0, " +
      "'s' || x, 'a longer text ' || x, x % 2 = 0 FROM long_sequence(1000)",
  );
  const partitions = async () => {
    await machine.drain();
    const token = machine.engine.findTable("d")!;
    using reader = machine.engine.acquireReader(token);
    return reader.txn.partitions.map(({ nameTxn, rowCount }) => [nameTxn, rowCount]);
  };
  const [[first]] = await partitions();
  const same = [
    "INSERT INTO d SELECT * FROM d",
    "INSERT INTO d SELECT * FROM d WHERE v > 100 AND v < 120",
    "INSERT INTO d SELECT * FROM d LIMIT -1",
  ];
  for (const sql of same) {
    await machine.run(sql);
    assertEquals(await partitions(), [[first, 1000]], sql);
  }
  let previous = first;
  for (const column of ["v + 1, s, vc, b", "v, 'x', vc, b", "v, s, 'y', b", "v, s, vc, NOT b"]) {
    await machine.run(
      `INSERT INTO d SELECT ts, k, ${column} FROM d WHERE ts = '2024-01-01T00:05:00'`,
    );
    const [[name, rows]] = await partitions();
    assertEquals([name > previous, rows], [true, 1000], column);
    previous = name;
  }
  await closed(machine);
});

for (const wal of ["WAL", "BYPASS WAL"]) {
  Deno.test(`rows of a read-only partition are given up, others of the transaction are written; ${wal}`, async () => {
    const disk = newDisk();
    const before = await start(disk);
    await before.run(`CREATE TABLE r (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY DAY ${wal}`);
    await before.run(
      "INSERT INTO r VALUES ('2024-01-01T10', 1), ('2024-01-02T10', 2), ('2024-01-03T10', 3)",
    );
    await before.drain();
    const tableDir = before.engine.tableDir(before.engine.findTable("r")!);
    await closed(before);
    {
      const { partitionBy } = readTableMetadata(disk, tableDir);
      const txn = readTxn(disk, tableDir, partitionBy);
      using writer = TxnWriter.open(disk, tableDir);
      const partitions = txn.partitions.map((partition, i) =>
        i === 1 ? { ...partition, flags: FLAG_READ_ONLY } : partition
      );
      writer.commit({ ...txn, txn: txn.txn + 1, partitions }, true);
    }
    const machine = await start(disk);
    await machine.run("INSERT INTO r VALUES ('2024-01-02T12', 22)");
    await machine.run("INSERT INTO r VALUES ('2024-01-02T01', 21)");
    await machine.run(
      "INSERT INTO r VALUES ('2024-01-02T13', 23), ('2024-01-03T13', 33), ('2024-01-01T13', 11)",
    );
    await machine.drain();
    const { rows } = await machine.read("r");
    assertEquals(rows.map((row) => row[1]), ["1", "11", "2", "3", "33"]);
    await closed(machine);
  });
}
