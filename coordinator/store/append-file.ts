import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { writeFailed } from "./store-errors.ts";

interface Waiting {
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A file that only grows. What is appended while a write is under way goes out together with the next one, in order.
 *
 * An append resolves when the write to the operating system returned: the bytes then outlive this process, though not
 * a machine that loses power. A sync for every report would cost each second of an interval more than it protects.
 *
 * After one failed write all later ones fail: what follows a torn entry could not be read.
 */
export class AppendFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @throws LoadError LL_RUN_FOLDER_WRITE */
  static async open(path: string): Promise<AppendFile> {
    try {
      return new AppendFile(path, await open(path, "a"));
    } catch (error) {
      throw writeFailed(path, error);
    }
  }

  /** Rejects with LoadError LL_RUN_FOLDER_WRITE. */
  append(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    this.#failure ??= writeFailed(this.path, new Error("it was closed"));
    await this.#handle.close();
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const together = this.#waiting;
      this.#waiting = [];
      await this.#write(together);
    }
    this.#writing = undefined;
  }

  async #write(together: readonly Waiting[]): Promise<void> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      // appendFile goes on after a short write; write does not.
      await this.#handle.appendFile(Buffer.concat(together.map((each) => each.bytes)));
      for (const { resolve } of together) resolve();
    } catch (error) {
      const failure = this.#failure ?? writeFailed(this.path, error);
      this.#failure = failure;
      for (const { reject } of together) reject(failure);
    }
  }
}
