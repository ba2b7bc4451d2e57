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

/**
 * The version behind a change. QuestDB goes on writing a column structure version that has differed from the metadata version, also when they
 * are equal again.
 */
export function raiseStructureVersion(version: bigint, bump: VersionBump): bigint {
  if (bump === "none") return version;
  const { metadataVersion, columnStructureVersion } = decodeStructureVersion(version);
  const metadata = metadataVersion + (bump === "structureOnly" ? 0 : 1);
  const structure = columnStructureVersion + (bump === "metadata" ? 0 : 1);
  const isImplied = metadata === structure && version >> 32n === 0n;
  const high = isImplied ? 0 : structure === 0 ? INT32_MIN : structure;
  return (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(metadata));
}
