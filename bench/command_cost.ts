/**
 * What a command, or a running process, costs: wall time, CPU, peak memory.
 *
 * @module
 */

/** Figures of some work. */
export interface Cost {
  readonly seconds: number;
  /** User and system, of the process and its children. */
  readonly cpuSeconds: number;
  /** Most memory that one process had resident, in MiB. */
  readonly peakMebibytes: number;
}

const MEASURE = `import json,resource,subprocess,sys,time
start=time.time()
code=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL).returncode
r=resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([time.time()-start,r.ru_utime+r.ru_stime,r.ru_maxrss/1024,code]))`;
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat behind the command's name: user and system time of all threads. */
const USER_TIME_FIELD = 11;

/** Runs a command to its end. @throws {Error} if it fails. */
export async function costOfCommand(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; okCodes?: readonly number[] } = {},
): Promise<Cost> {
  const { okCodes = [0], ...rest } = options;
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: ["-c", MEASURE, ...command],
    stdin: "null",
    ...rest,
  }).output();
  const text = new TextDecoder();
  const [seconds, cpuSeconds, peakMebibytes, code] = JSON.parse(text.decode(stdout));
  if (!okCodes.includes(code)) throw new Error(`${command.join(" ")}: ${text.decode(stderr)}`);
  return { seconds, cpuSeconds, peakMebibytes };
}

/** CPU seconds that a running process has used so far, all threads. */
export function cpuSecondsOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_TIME_FIELD]) + Number(fields[USER_TIME_FIELD + 1])) / TICKS_PER_SECOND;
}

/** Resident memory of a running process in MiB: now, or the most since {@linkcode resetPeak}. */
export function residentMebibytes(pid: number, kind: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`${kind}:\\s+(\\d+) kB`).exec(status)![1]) / 1024;
}

/** Begins the peak of a running process anew. */
export function resetPeak(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}
