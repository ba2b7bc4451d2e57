/**
 * A temporary directory that removes itself.
 *
 * @module
 */

/** A directory below the system's temporary directory; removed with everything in it on dispose. */
export class TempDir implements Disposable {
  readonly path: string;

  constructor(prefix = "tidemark-test-") {
    this.path = Deno.makeTempDirSync({ prefix });
  }
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
