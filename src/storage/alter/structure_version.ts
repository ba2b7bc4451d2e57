/**
 * The structure version of `_txn`: two numbers in one int64.
 *
 * ```
 * low 32 bits: metadata version, that of `_meta`     high 32 bits: column structure version, that of the sequencer
 *                                                    (0: the same as the metadata version; INT32_MIN: 0)
 * ```
 * Changes that the sequencer must know raise both, settings raise the first, renaming the table raises the second.
 *
 * @module
 */
import type { VersionBump } from "./alter_context.ts";

const INT32_MIN = -0x80000000;

/** Splits a structure version. */
export function decodeStructureVersion(
  version: bigint,
): { metadataVersion: number; columnStructureVersion: number } {
  const metadataVersion = Number(BigInt.asIntN(32, version));
  const high = Number(BigInt.asIntN(32, version >> 32n));
  const columnStructureVersion = high === 0 ? metadataVersion : high === INT32_MIN ? 0 : high;
  return { metadataVersion, columnStructureVersion };
}

/** Joins the two versions. */
export function encodeStructureVersion(
  metadataVersion: number,
  columnStructureVersion: number,
): bigint {
  const high = columnStructureVersion === metadataVersion
    ? 0
    : columnStructureVersion === 0
    ? INT32_MIN
    : columnStructureVersion;
  return (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(metadataVersion));
}

/** The version behind a change. */
export function raiseStructureVersion(version: bigint, bump: VersionBump): bigint {
  if (bump === "none") return version;
  const { metadataVersion, columnStructureVersion } = decodeStructureVersion(version);
  return encodeStructureVersion(
    metadataVersion + (bump === "structureOnly" ? 0 : 1),
    columnStructureVersion + (bump === "metadata" ? 0 : 1),
  );
}
