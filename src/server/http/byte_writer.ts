/**
 * A growing byte buffer that response bodies are written into.
 *
 * @module
 */

const ENCODER = new TextEncoder();

/** Appends bytes, ASCII and UTF-8 text; {@linkcode take} hands over what was written. */
export class ByteBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }
  /** Bytes written since the last {@linkcode take}. */
  get length(): number {
    return this.#length;
  }
  /** Appends one byte. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }
  /** Appends text whose characters are all below 128. */
  ascii(text: string): void {
    if (this.#length + text.length > this.#bytes.length) this.#grow(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length + i] = text.charCodeAt(i);
    this.#length += text.length;
  }
  /** Appends any text as UTF-8. */
  text(text: string): void {
    if (this.#length + 3 * text.length > this.#bytes.length) this.#grow(3 * text.length);
    this.#length += ENCODER.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }
  /** Appends bytes. */
  bytes(source: Uint8Array): void {
    if (this.#length + source.length > this.#bytes.length) this.#grow(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }
  /** Returns a copy of what was written and starts again. */
  take(): Uint8Array<ArrayBuffer> {
    const result = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return result;
  }
  #grow(extra: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
