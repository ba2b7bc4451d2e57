/**
 * What a server of objects is to the tests, whichever it is.
 *
 * @module
 */

/** A running server. */
export interface StoreServer extends AsyncDisposable {
  /** Name for test titles. */
  readonly name: string;
  /** Where it listens: host and port. */
  readonly port: number;
  /** Where the server itself listens, if `port` is that of something in front of it. */
  readonly directPort?: number;
  /** Process ids, for memory and CPU of benchmarks. */
  readonly pids: readonly number[];
  /** Makes a bucket, or a container. */
  makeBucket(name: string): Promise<void>;
  /**
   * The connection string of a bucket.
   *
   * @param options `port`: of a proxy in front of the server; `extra`: more keys.
   */
  connection(
    bucket: string,
    options?: { readonly port?: number; readonly root?: string; readonly extra?: string },
  ): string;
}

/** Starts a server, one for a file of tests. */
export type StartServer = () => Promise<StoreServer>;
