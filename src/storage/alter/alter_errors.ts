/**
 * Refusals of operations, in QuestDB's words.
 *
 * @module
 */
import {
  ColumnType,
  formatTimestampMicros,
  formatTimestampNanos,
  partitionByName,
  TableError,
} from "../../common/mod.ts";
import type { PartitionScheme } from "../column_files.ts";
import { AlterRefusedError } from "./validate_alter.ts";

/** What a partition operation is about. */
export interface PartitionRequest {
  readonly table: string;
  readonly scheme: PartitionScheme;
  /** In the unit of the designated timestamp. */
  readonly timestamp: bigint;
}

function describe(request: PartitionRequest): string {
  const { scheme, timestamp } = request;
  const text = scheme.timestampType === ColumnType.TIMESTAMP_NS
    ? formatTimestampNanos(timestamp)
    : formatTimestampMicros(timestamp);
  return `partitionTimestamp=${text}, partitionBy=${partitionByName(scheme.partitionBy)}]`;
}

/** DROP PARTITION names one that is not there. */
export function cannotRemove(request: PartitionRequest): AlterRefusedError {
  return new AlterRefusedError(
    `could not remove partition [table=${request.table}, ${describe(request)}`,
  );
}

/** DETACH PARTITION cannot be done; `status` as QuestDB calls it. */
export function cannotDetach(request: PartitionRequest, status: string): AlterRefusedError {
  return new AlterRefusedError(
    `could not detach partition [table=${request.table}, detachStatus=DETACH_ERR_${status}, ${
      describe(request)
    }`,
  );
}

/** ATTACH PARTITION cannot be done; `status` as QuestDB calls it. */
export function cannotAttach(request: PartitionRequest, status: string): AlterRefusedError {
  return new AlterRefusedError(
    `could not attach partition [table=${request.table}, detachStatus=ATTACH_ERR_${status}, ${
      describe(request)
    }`,
  );
}

/** Stored values cannot be converted to a column's new type. A WAL that carries such a statement stops at it. */
export class ConversionFailedError extends TableError {}

/** ALTER COLUMN TYPE meets a value that the new type does not take; `reason` is for the log. */
export function conversionFailed(
  column: { readonly tableDir: string; readonly name: string },
  reason: string,
): ConversionFailedError {
  const directory = column.tableDir.slice(column.tableDir.lastIndexOf("/") + 1);
  return new ConversionFailedError(
    "column conversion failed, see logs for details",
    { table: directory, tableDir: directory, column: column.name },
    { cause: new Error(reason) },
  );
}
