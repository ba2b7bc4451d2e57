/**
 * Tells when a response body ends, whatever ends it, and ends it itself when the server closes.
 *
 * @module
 */

/**
 * Passes a body on.
 *
 * @param options `signal`: breaks the body off; `onEnd`: called once when the body has been read, fails, or is given up.
 */
export function endingBody(
  body: ReadableStream<Uint8Array>,
  options: { readonly signal: AbortSignal; readonly onEnd: () => void },
): ReadableStream<Uint8Array> {
  const { signal } = options;
  const reader = body.getReader();
  let breakOff = () => {};
  const end = () => {
    signal.removeEventListener("abort", breakOff);
    options.onEnd();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      breakOff = () => {
        end();
        controller.error(signal.reason);
        // Closes the cursor behind the body; a failure of that would tell the same reason again.
        void reader.cancel(signal.reason).then(undefined, () => undefined);
      };
      if (signal.aborted) breakOff();
      else signal.addEventListener("abort", breakOff, { once: true });
    },
    async pull(controller) {
      try {
        const { value, done } = await reader.read();
        if (signal.aborted) return;
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
